// SPDX-License-Identifier: Apache-2.0
// hob_inject: everything that the library asks of the system fails in turn.
// docs/explanation/failures.md.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/inject/runner.h"

namespace {

using namespace hob::inject;

constexpr const char* kUsage =
    "usage: hob_inject [OPTION…]\n"
    "  --full             every point, not a choice of them\n"
    "  --jobs N           processes at a time (2)\n"
    "  --scenario NAME    those alone whose names begin so\n"
    "  --list             the scenarios\n"
    "  --functions        also the points of each function of the interface\n"
    "one point of one scenario, in this process:\n"
    "  --scenario NAME --kind alloc|file|interrupt|map|thread|lock --at N --mode once|call|on\n"
    "  --scenario NAME --mode none\n"
    "  --trace            where it fails; where what leaks was allocated\n";

int Usage(const std::string& problem) {
  std::fprintf(stderr, "%s\n%s", problem.c_str(), kUsage);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  Plan plan;
  bool one = false, trace = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto is = [&](std::string_view option) { return name == option && i + 1 < argc; };
    if (name == "--full") {
      options.full = true;
    } else if (name == "--functions") {
      options.functions = true;
    } else if (name == "--trace") {
      trace = true;
    } else if (name == "--list") {
      for (const Scenario& scenario : AllScenarios()) std::printf("%s\n", scenario.name.c_str());
      return 0;
    } else if (is("--jobs")) {
      options.jobs = std::atoi(argv[++i]);
      if (options.jobs < 1) return Usage("--jobs takes a number from 1 on");
    } else if (is("--scenario")) {
      options.scenario = argv[++i];
    } else if (is("--at")) {
      plan.at = std::atoll(argv[++i]);
    } else if (is("--kind")) {
      const std::string_view text = argv[++i];
      bool found = false;
      for (const Kind kind : kAllKinds) {
        if (Name(kind) == text) plan.kind = kind, found = true;
      }
      if (!found) return Usage("there is no such kind");
    } else if (is("--mode")) {
      const std::string_view text = argv[++i];
      one = text == Name(Mode::kNone);
      for (const Mode mode : kAllModes) {
        if (Name(mode) == text) plan.mode = mode, one = true;
      }
      if (!one) return Usage("there is no such mode");
    } else {
      return Usage("what is " + std::string(name) + "?");
    }
  }
  if (!one) return RunAll(options);
  if (plan.mode != Mode::kNone && plan.at < 1) return Usage("--at takes a number from 1 on");
  for (const Scenario& scenario : AllScenarios()) {
    if (scenario.name == options.scenario) return RunOne(scenario, plan, trace);
  }
  return Usage("there is no scenario \"" + options.scenario + "\"");
}
