// SPDX-License-Identifier: Apache-2.0
// A client of a soak: asks, cancels, saves, restores, forks, opens damaged files, reloads models,
// and holds each answer against the right one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <hob/hob.hpp>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "tests/soak/answers.h"
#include "tests/soak/damage.h"

namespace hob::soak {

// What clients share.
struct Site {
  Site(Runtime& runtime_in_use, Answers& right_answers, std::string scratch_folder);

  // The model as it is now: another handle after a reload.
  std::shared_ptr<const Model> Current(size_t model);
  void Reload(size_t model);
  // Lets go of the models; no client may be running.
  void Close();
  // A wrong answer, or an error that should not be: ends the soak.
  void Fail(const std::string& what);

  Runtime& runtime;
  Answers& answers;
  const std::string folder;
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> tokens = 0, requests = 0, cancelled = 0, saves = 0, forks = 0, reloads = 0,
                        damaged = 0, checked = 0;
  std::array<std::atomic<uint64_t>, 17> errors = {};  // by status

  std::mutex mutex;  // of what follows
  std::vector<std::shared_ptr<const Model>> models;
  std::shared_ptr<const Model> draft;  // guesses for the first
  std::vector<std::string> failures;
};

class Client {
 public:
  Client(Site& site, uint32_t number) : site_(site), number_(number), random_(number) {}

  // Until the site stops.
  void Run();

 private:
  uint32_t Below(uint32_t limit) { return random_() % limit; }
  Question Draw();
  Session Begin(const Question& question);

  void Act();
  void Ask();
  void Cancel();
  void SaveAndRestore();
  void Fork();
  void OpenDamaged();
  void RestoreDamaged();
  void AskTooMuch();

  // Answers `tokens` more, in one of the ways that there are.
  void Generate(Session& session, int32_t tokens);
  // What the session answered is the right answer's beginning, of `tokens` (any if negative).
  void Check(const Session& session, const Question& question, int32_t tokens, const char* where);

  Site& site_;
  const uint32_t number_;
  std::mt19937 random_;
};

}  // namespace hob::soak
