// SPDX-License-Identifier: Apache-2.0
// Runs scenarios point by point, in processes of their own: what crashes or hangs is named, and the
// rest goes on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/inject/scenario.h"

namespace hob::inject {

struct Options {
  bool full = false;  // every point
  int jobs = 2;
  std::string scenario;  // whose name begins so; empty: all
  bool functions = false;
  double seconds = 60;  // without progress, until a point counts as a hang
};

// 0: all promises held.
int RunAll(const Options& options);
// One point, in this process; its backtrace and that of what leaks are printed.
int RunOne(const Scenario& scenario, const Plan& plan, bool trace);

}  // namespace hob::inject
