// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/policy.h"

#include <catch2/catch_test_macros.hpp>

using namespace hob::handoff;

TEST_CASE("what speaks for the endpoint") {
  const Policy limits{.max_prompt_tokens = 100, .max_queue_depth = 2, .min_battery_percent = 20};
  const Situation calm{
      .prompt_tokens = 100, .context_tokens = 256, .waiting = 2, .battery_percent = 20};
  struct Row {
    const char* what;
    Policy policy;
    Situation situation;
    Reason reason;
  };
  const auto with = [](auto base, auto change) {
    change(base);
    return base;
  };
  const Row rows[] = {
      {"all at its limit", limits, calm, Reason::kNone},
      {"prompt", limits, with(calm, [](auto& s) { s.prompt_tokens = 101; }), Reason::kPrompt},
      {"queue", limits, with(calm, [](auto& s) { s.waiting = 3; }), Reason::kQueue},
      {"battery", limits, with(calm, [](auto& s) { s.battery_percent = 19; }), Reason::kBattery},
      {"battery not known", limits, with(calm, [](auto& s) { s.battery_percent.reset(); }),
       Reason::kNone},
      {"the first of several", limits,
       with(calm,
            [](auto& s) {
              s.waiting = 3;
              s.battery_percent = 0;
            }),
       Reason::kQueue},
      {"no limits",
       {},
       with(calm,
            [](auto& s) {
              s.prompt_tokens = 256;
              s.waiting = 1000;
              s.battery_percent = 0;
            }),
       Reason::kNone},
      {"longer than the context",
       {},
       with(calm, [](auto& s) { s.prompt_tokens = 257; }),
       Reason::kPrompt},
      {"a context that rolls",
       {},
       with(calm,
            [](auto& s) {
              s.prompt_tokens = 9999;
              s.context_tokens = 0;
            }),
       Reason::kNone},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(Decide(row.policy, row.situation) == row.reason);
  }
}

TEST_CASE("the first tokens are judged by their mean entropy") {
  Judge judge({.max_mean_entropy = 1.0f, .judge_tokens = 3});
  CHECK(!judge.doubts());
  judge.Add(0.5);
  judge.Add(2.0);
  CHECK(judge.doubts());
  CHECK(!judge.done());
  judge.Add(0.5);
  CHECK(judge.done());
  CHECK(judge.mean() == 1.0);
  CHECK(!judge.doubts());  // at its limit
  judge.Add(1000);         // one too many
  CHECK(judge.mean() == 1.0);
  CHECK(judge.tokens() == 3);
}
