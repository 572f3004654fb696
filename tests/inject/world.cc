// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/inject/scenario.h"

namespace hob::inject {

Files::Files() {
  std::string name = (std::filesystem::temp_directory_path() / "hob-inject-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    std::fprintf(stderr, "cannot make a folder %s\n", name.c_str());
    std::exit(2);
  }
  folder_ = name;
}

Files::~Files() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Files::Fixture(const std::string& name) const {
  return std::string(HOB_SOURCE_DIR) + "/tests/fixtures/" + name;
}

std::string Files::List() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string& name : names) list += name + "\n";
  return list;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void Must(hob_status status, const char* what) {
  if (status == HOB_OK) return;
  std::fprintf(stderr, "preparing a scenario: %s gives %s\n", what, hob_status_name(status).data);
  std::exit(2);
}

World::World(const Files& files, const std::string& name, const hob_model_options* options) {
  hob_runtime_options given = HOB_RUNTIME_OPTIONS_INIT;
  given.threads = 2;
  Must(hob_runtime_create(&runtime, &given, nullptr), "hob_runtime_create");
  // Sessions of different runs share nothing: each does the same work.
  hob_model_options alone = HOB_MODEL_OPTIONS_INIT;
  alone.shared_cache_tokens = -1;
  const std::string path = name.front() == '/' ? name : files.Fixture(name);
  Must(hob_model_open(&model, runtime, path.data(), path.size(),
                      options == nullptr ? &alone : options, nullptr),
       "hob_model_open");
}

World::~World() {
  hob_model_destroy(model);
  hob_runtime_destroy(runtime);
}

bool AddMessage(Probe& probe, hob_session* session, std::string_view text) {
  return probe.Call("hob_session_add_message", [&](hob_error** e) {
    return hob_session_add_message(session, "user", 4, text.data(), text.size(), e);
  });
}

void SameTokens(Probe& probe, hob_session* session) {
  const int32_t* tokens = nullptr;
  size_t count = 0;
  if (!probe.Call("hob_session_get_tokens", [&](hob_error** e) {
        return hob_session_get_tokens(&tokens, &count, session, e);
      })) {
    return;
  }
  probe.Same("tokens", {reinterpret_cast<const char*>(tokens), count * sizeof(int32_t)});
}

bool Ask(Probe& probe, hob_session* session, const std::string& known) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 6;
  options.ignore_eos = 1;
  if (!AddMessage(probe, session, kMessage)) return false;
  if (!probe.Call("hob_session_generate", [&](hob_error** e) {
        return hob_session_generate(nullptr, session, &options, e);
      })) {
    return false;
  }
  hob_string reply = {nullptr, 0};
  if (!probe.Call("hob_session_get_reply",
                  [&](hob_error** e) { return hob_session_get_reply(&reply, session, e); })) {
    return false;
  }
  probe.Same(known, {reply.data, reply.size});
  return true;
}

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all;
  AddRuntimeScenarios(all);
  AddModelScenarios(all);
  AddTextScenarios(all);
  AddGrammarScenarios(all);
  AddEmbedScenarios(all);
  AddHandoffScenarios(all);
  AddToolScenarios(all);
  AddSessionScenarios(all);
  AddAnswerScenarios(all);
  AddFileScenarios(all);
  AddGraphScenarios(all);
  return all;
}

}  // namespace hob::inject
