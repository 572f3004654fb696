// SPDX-License-Identifier: Apache-2.0
// Sessions, but for their answers.
#include "tests/inject/scenario.h"

namespace hob::inject {
namespace {

bool Create(Probe& probe, SessionHandle& session, hob_model* model,
            const hob_session_options* options) {
  return probe.Call("hob_session_create", [&](hob_error** e) {
    return hob_session_create(session.out(), model, options, e);
  });
}

size_t Messages(hob_session* session) {
  size_t count = 1000;
  hob_session_message_count(&count, session, nullptr);
  return count;
}

void Messages(Probe& probe, hob_model* model) {
  SessionHandle session(probe);
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.temperature = 0.7f;
  if (!Create(probe, session, model, nullptr) ||
      !probe.Call("hob_session_set_sampler",
                  [&](hob_error** e) { return hob_session_set_sampler(session, &sampler, e); })) {
    return;
  }
  size_t want = 0;
  const std::string system = "You are a helpful assistant who answers in one line.";
  for (const std::string_view text : {std::string_view(system), kMessage}) {
    const bool added = probe.Call(
        "hob_session_add_message",
        [&](hob_error** e) {
          return hob_session_add_message(session, want == 0 ? "system" : "user", want == 0 ? 6 : 4,
                                         text.data(), text.size(), e);
        },
        [&] { probe.Check(Messages(session) == want, "a failed add leaves the messages"); });
    if (!added) return;
    ++want;
  }
  size_t count = 0;
  hob_string role = {nullptr, 0}, text = {nullptr, 0};
  if (!probe.Call("hob_session_message_count",
                  [&](hob_error** e) { return hob_session_message_count(&count, session, e); }) ||
      !probe.Call("hob_session_get_message", [&](hob_error** e) {
        return hob_session_get_message(&role, &text, session, 1, e);
      })) {
    return;
  }
  probe.Check(count == 2 && std::string_view(text.data, text.size) == kMessage,
              "the session holds what was added");
  if (!probe.Call("hob_session_keep_messages",
                  [&](hob_error** e) { return hob_session_keep_messages(session, 1, e); })) {
    return;
  }
  probe.Check(Messages(session) == 1, "one message is kept");
  probe.Call("hob_session_reset", [&](hob_error** e) { return hob_session_reset(session, e); });
}

void RawText(Probe& probe, hob_model* model) {
  SessionHandle session(probe);
  if (!Create(probe, session, model, nullptr)) return;
  const int32_t more[] = {1, 2, 3, 4, 5, 6, 7};
  const auto count = [&] {
    const int32_t* tokens = nullptr;
    size_t tokens_count = 1000;
    hob_session_get_tokens(&tokens, &tokens_count, session, nullptr);
    return tokens_count;
  };
  if (!probe.Call(
          "hob_session_add_text",
          [&](hob_error** e) {
            return hob_session_add_text(session, kMessage.data(), kMessage.size(), HOB_TEXT_PLAIN,
                                        e);
          },
          [&] { probe.Check(count() == 0, "a failed add leaves the text"); })) {
    return;
  }
  const size_t before = count();
  if (!probe.Call(
          "hob_session_add_tokens",
          [&](hob_error** e) { return hob_session_add_tokens(session, more, 7, e); },
          [&] { probe.Check(count() == before, "a failed add leaves the tokens"); })) {
    return;
  }
  SameTokens(probe, session);
}

void Fork(Probe& probe, hob_model* model) {
  SessionHandle session(probe), fork(probe), later(probe);
  if (!Create(probe, session, model, nullptr) || !Ask(probe, session, "first")) return;
  if (!probe.Call("hob_session_fork",
                  [&](hob_error** e) { return hob_session_fork(fork.out(), session, e); })) {
    return;
  }
  // Both write to the page that they share.
  if (!Ask(probe, fork, "second") || !Ask(probe, session, "second")) return;
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  if (!probe.Call("hob_session_get_stats",
                  [&](hob_error** e) { return hob_session_get_stats(&stats, session, e); }) ||
      !probe.Call("hob_session_get_result",
                  [&](hob_error** e) { return hob_session_get_result(&result, session, e); })) {
    return;
  }
  probe.Check(stats.generated_tokens == 6 && result.generated_tokens == 6, "six tokens were made");
}

void Evaluate(Probe& probe, hob_model* model) {
  SessionHandle session(probe);
  if (!Create(probe, session, model, nullptr)) return;
  std::vector<int32_t> tokens(150);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i * 37 % 280);
  double sum = 0;
  const bool ok = probe.Call(
      "hob_session_evaluate",
      [&](hob_error** e) {
        sum = 0;
        return hob_session_evaluate(
            session, tokens.data(), tokens.size(),
            [](void* user, size_t, size_t rows, const float* logits) -> int32_t {
              for (size_t i = 0; i < rows; ++i) *static_cast<double*>(user) += logits[i * 7];
              return 0;
            },
            &sum, e);
      },
      [&] {
        const int32_t* held = nullptr;
        size_t count = 1;
        hob_session_get_tokens(&held, &count, session, nullptr);
        probe.Check(count == 0, "a failed evaluation leaves the session empty");
      });
  if (ok) probe.Same("logits", {reinterpret_cast<const char*>(&sum), sizeof(sum)});
}

template <typename F>
Scenario WithModel(const std::string& name, F f, int64_t points = 60) {
  return {name,
          [f](const Files& files) -> Run {
            auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
            return [world, f](Probe& probe) { f(probe, world->model); };
          },
          points};
}

}  // namespace

void AddSessionScenarios(std::vector<Scenario>& out) {
  out.push_back(WithModel("messages", [](Probe& p, hob_model* m) { Messages(p, m); }, 200));
  out.push_back(WithModel("raw text", RawText, 200));
  out.push_back(WithModel("fork", Fork, 80));
  out.push_back(WithModel("evaluate", Evaluate, 200));
}

}  // namespace hob::inject
