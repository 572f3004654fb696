// SPDX-License-Identifier: Apache-2.0
// Answers that may be handed over and stay: what libcurl does without memory is its own.
#include <hob/handoff.h>

#include "tests/inject/scenario.h"

namespace hob::inject {
namespace {

int32_t Battery(void*) { return 80; }

void Stay(Probe& probe, World& world, const std::string& key_file) {
  HandoffHandle handoff(probe);
  hob_handoff_options options = HOB_HANDOFF_OPTIONS_INIT;
  options.consent = 1;
  options.url = {"https://example.org/v1", 22};
  options.model = {"big", 3};
  options.key_file = {key_file.data(), key_file.size()};
  options.max_mean_entropy = 100;
  options.judge_tokens = 3;
  options.min_battery_percent = 20;
  options.battery = Battery;
  if (!probe.Call("hob_handoff_create", [&](hob_error** e) {
        return hob_handoff_create(handoff.out(), world.runtime, &options, e);
      })) {
    return;
  }
  SessionHandle session(probe);
  if (!probe.Call("hob_session_create", [&](hob_error** e) {
        return hob_session_create(session.out(), world.model, nullptr, e);
      })) {
    return;
  }
  if (!AddMessage(probe, session, kMessage)) return;
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 6;
  hob_handoff_report report = HOB_HANDOFF_REPORT_INIT;
  if (!probe.Call("hob_handoff_answer", [&](hob_error** e) {
        return hob_handoff_answer(&report, handoff, session, HOB_HANDOFF_AUTO, &generate, e);
      })) {
    return;
  }
  probe.Check(report.source == HOB_SOURCE_LOCAL, "the answer is the local one");
  hob_string reply = {nullptr, 0};
  if (!probe.Call("hob_session_get_reply",
                  [&](hob_error** e) { return hob_session_get_reply(&reply, session, e); })) {
    return;
  }
  probe.Same("the judged answer", {reply.data, reply.size});
  probe.Call("hob_handoff_set_consent",
             [&](hob_error** e) { return hob_handoff_set_consent(handoff, 0, e); });
  hob_handoff_metrics metrics = HOB_HANDOFF_METRICS_INIT;
  probe.Call("hob_handoff_get_metrics",
             [&](hob_error** e) { return hob_handoff_get_metrics(&metrics, handoff, e); });
}

}  // namespace

void AddHandoffScenarios(std::vector<Scenario>& out) {
  out.push_back({"an answer that is not handed over", [](const Files& files) -> Run {
                   WriteFile(files / "key", "secret\n");
                   auto world = std::make_shared<World>(files, files.Fixture("smollm-q4_1.gguf"));
                   return [world, key = files / "key"](Probe& probe) { Stay(probe, *world, key); };
                 }});
}

}  // namespace hob::inject
