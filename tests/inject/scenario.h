// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/inject/probe.h"

namespace hob::inject {

// Where the scenarios of a process find and put files.
class Files {
 public:
  Files();
  ~Files();
  std::string Fixture(const std::string& name) const;
  std::string operator/(const std::string& name) const { return (folder_ / name).string(); }
  // Names of all files in the folder, sorted.
  std::string List() const;

 private:
  std::filesystem::path folder_;
};
std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, std::string_view bytes);

// One run, from nothing to nothing: all that it creates, it destroys.
using Run = std::function<void(Probe&)>;

struct Scenario {
  std::string name;
  // Made once in a process, without injection: what the runs share.
  std::function<Run(const Files&)> prepare;
  // A quarter of the points of a kind that the default run takes once, and half of those in the
  // other modes.
  int64_t points = 60;
  // Each point in a process of its own that has not run the scenario before.
  bool fresh = false;
};

std::vector<Scenario> AllScenarios();
void AddRuntimeScenarios(std::vector<Scenario>& out);
void AddModelScenarios(std::vector<Scenario>& out);
void AddTextScenarios(std::vector<Scenario>& out);
void AddGrammarScenarios(std::vector<Scenario>& out);
void AddToolScenarios(std::vector<Scenario>& out);
void AddHandoffScenarios(std::vector<Scenario>& out);
void AddEmbedScenarios(std::vector<Scenario>& out);
void AddSessionScenarios(std::vector<Scenario>& out);
void AddAnswerScenarios(std::vector<Scenario>& out);
void AddFileScenarios(std::vector<Scenario>& out);
void AddGraphScenarios(std::vector<Scenario>& out);

// Runtime and model that the runs of a scenario share; made without injection.
struct World {
  World(const Files& files, const std::string& model, const hob_model_options* options = nullptr);
  ~World();
  hob_runtime* runtime = nullptr;
  hob_model* model = nullptr;
};
// Ends the program with a message where a call that prepares something fails.
void Must(hob_status status, const char* what);

// Parts of scenarios.

// A conversation of one message is answered with 6 tokens; the answer is what it always was.
bool Ask(Probe& probe, hob_session* session, const std::string& known);
// The session's tokens are those of the run in which nothing failed.
void SameTokens(Probe& probe, hob_session* session);
bool AddMessage(Probe& probe, hob_session* session, std::string_view text);

inline constexpr std::string_view kMessage = "Please tell me a story of the old harbour town.";

}  // namespace hob::inject
