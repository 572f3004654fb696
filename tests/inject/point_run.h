// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "tests/inject/scenario.h"

namespace hob::inject {

// What the parent of a process that runs points reads.
struct Tally {
  int64_t injected = 0;
  int64_t absorbed = 0;   // and every call succeeded
  int64_t unreached = 0;  // this run had fewer points: threads differ
  int64_t faults = 0;
};

inline constexpr size_t kMaxFunctions = 256;
using FunctionTable = int64_t[kMaxFunctions][kKinds];

using Known = std::map<std::string, std::string>;

// Runs `run` with one plan and checks all promises, leaks included. Prints what does not hold, with
// the command that repeats it. `functions` (may be null) gets the points,
// `called` (may be null) is set where a function was called; of kMaxFunctions both.
void RunPoint(const std::string& scenario, const Run& run, const Plan& plan, Known& known,
              bool check_leaks, Tally* tally, FunctionTable* functions = nullptr,
              bool* called = nullptr);

std::string Command(const std::string& scenario, const Plan& plan);

}  // namespace hob::inject
