// SPDX-License-Identifier: Apache-2.0
#include "tests/inject/point_run.h"

#include <unistd.h>

#include <cstdio>
#include <exception>

#include "tests/inject/coverage.h"

namespace hob::inject {
namespace {

constexpr int kRepeats = 3;  // of a run that seems to leak: caches grow once

bool Same(const Live& a, const Live& b) {
  return a.blocks <= b.blocks && a.mappings <= b.mappings && a.descriptors <= b.descriptors &&
         a.threads <= b.threads;
}

// A thread that was joined may take a moment to leave the kernel's list.
Live Settled(const Live& wanted) {
  Live now = CountLive();
  for (int i = 0; i < 100 && now.threads > wanted.threads; ++i) {
    usleep(1000);
    now = CountLive();
  }
  return now;
}

void PrintFault(const std::string& scenario, const Plan& plan, const std::string& what) {
  std::fprintf(stderr, "FAULT %s\n  %s\n", what.c_str(), Command(scenario, plan).c_str());
}

struct Outcome {
  bool fired = false;
  bool failed = false;
  int64_t faults = 0;
};

Outcome RunOnce(const std::string& scenario, const Run& run, const Plan& plan, Known& known,
                FunctionTable* functions, bool* called) {
  Outcome outcome;
  Begin(plan);
  {
    Probe probe(plan, known);
    try {
      run(probe);
    } catch (const std::exception& e) {
      probe.Fault(std::string("an exception left the library: ") + e.what());
    }
    End();
    for (const std::string& fault : probe.faults()) PrintFault(scenario, plan, fault);
    outcome = {Fired() > 0, probe.failed_calls() > 0, static_cast<int64_t>(probe.faults().size())};
    if (functions != nullptr) {
      for (const auto& [name, counts] : probe.functions()) {
        const int index = FunctionIndex(name);
        if (index < 0) continue;
        if (called != nullptr) called[index] = true;
        for (size_t k = 0; k < counts.size(); ++k) {
          (*functions)[static_cast<size_t>(index)][k] += counts[k];
        }
      }
    }
  }
  return outcome;
}

std::string Lost(const Live& before, const Live& after) {
  return "leaks " + std::to_string(after.blocks - before.blocks) + " blocks, " +
         std::to_string(after.mappings - before.mappings) + " mappings, " +
         std::to_string(after.descriptors - before.descriptors) + " descriptors, " +
         std::to_string(after.threads - before.threads) + " threads";
}

}  // namespace

std::string Command(const std::string& scenario, const Plan& plan) {
  std::string command = "hob_inject --scenario '" + scenario + "'";
  if (plan.mode == Mode::kNone) return command + " --mode none";
  return command + " --kind " + std::string(Name(plan.kind)) + " --at " + std::to_string(plan.at) +
         " --mode " + std::string(Name(plan.mode));
}

void RunPoint(const std::string& scenario, const Run& run, const Plan& plan, Known& known,
              bool check_leaks, Tally* tally, FunctionTable* functions, bool* called) {
  const Live before = CountLive();
  const Outcome outcome = RunOnce(scenario, run, plan, known, functions, called);
  tally->injected += outcome.fired;
  tally->absorbed += outcome.fired && !outcome.failed;
  tally->unreached += plan.mode != Mode::kNone && !outcome.fired;
  tally->faults += outcome.faults;
  if (!check_leaks || outcome.faults > 0) return;
  Live after = Settled(before);
  if (Same(after, before)) return;
  Live last = before;
  for (int i = 0; i < kRepeats; ++i) {
    last = after;
    RunOnce(scenario, run, plan, known, nullptr, nullptr);
    after = Settled(last);
    if (Same(after, last)) return;
  }
  PrintFault(scenario, plan, Lost(last, after));
  ++tally->faults;
}

}  // namespace hob::inject
