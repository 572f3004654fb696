// SPDX-License-Identifier: Apache-2.0
// Answers: what fails on the library's own threads too.
#include "tests/inject/scenario.h"

namespace hob::inject {
namespace {

// A session that is created, filled and answers, as a unit that may be done again.
struct Answer {
  hob_session_options session = HOB_SESSION_OPTIONS_INIT;
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  size_t prompt = 40;  // tokens, which repeat themselves
};

std::vector<int32_t> Prompt(size_t count) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i) tokens[i] = static_cast<int32_t>(i % 13 * 17 + 5);
  return tokens;
}

bool Begin(Probe& probe, SessionHandle& session, hob_model* model, const Answer& answer) {
  const std::vector<int32_t> prompt = Prompt(answer.prompt);
  return probe.Call("hob_session_create", [&](hob_error** e) {
    return hob_session_create(session.out(), model, &answer.session, e);
  }) && probe.Call("hob_session_add_tokens", [&](hob_error** e) {
    return hob_session_add_tokens(session, prompt.data(), prompt.size(), e);
  });
}

size_t TokenCount(hob_session* session) {
  const int32_t* tokens = nullptr;
  size_t count = 0;
  hob_session_get_tokens(&tokens, &count, session, nullptr);
  return count;
}

void Generate(Probe& probe, hob_model* model, const Answer& answer) {
  SessionHandle session(probe);
  if (!Begin(probe, session, model, answer)) return;
  const bool ok = probe.Call(
      "hob_session_generate",
      [&](hob_error** e) { return hob_session_generate(nullptr, session, &answer.generate, e); },
      [&] {
        probe.Check(TokenCount(session) == answer.prompt, "a failed answer appends nothing");
      });
  if (ok) SameTokens(probe, session);
}

// Starts an answer and fetches it to its end.
bool StartAndPoll(Probe& probe, hob_session* session, const hob_generate_options& options) {
  return probe.Unit([&] {
    if (!probe.Call("hob_session_start",
                    [&](hob_error** e) { return hob_session_start(session, &options, e); })) {
      return false;
    }
    for (hob_poll poll = HOB_POLL_NOTHING; poll != HOB_POLL_END;) {
      hob_token token = HOB_TOKEN_INIT;
      if (!probe.Call("hob_session_poll", [&](hob_error** e) {
            return hob_session_poll(&poll, &token, session, 20, e);
          })) {
        return false;
      }
    }
    return true;
  });
}

void Poll(Probe& probe, hob_model* model) {
  Answer answer;
  answer.generate.max_tokens = 12;
  answer.generate.ignore_eos = 1;
  SessionHandle session(probe);
  if (!Begin(probe, session, model, answer)) return;
  if (StartAndPoll(probe, session, answer.generate)) SameTokens(probe, session);
}

// Three answers side by side, of which one is cancelled and one is destroyed on its way.
void SideBySide(Probe& probe, hob_model* model) {
  Answer answer;
  answer.generate.max_tokens = 10;
  answer.generate.ignore_eos = 1;
  SessionHandle kept(probe), cancelled(probe), destroyed(probe);
  if (!Begin(probe, kept, model, answer) || !Begin(probe, cancelled, model, answer) ||
      !Begin(probe, destroyed, model, answer)) {
    return;
  }
  hob_generate_options endless = answer.generate;
  endless.max_tokens = 0;
  for (hob_session* each : {cancelled.get(), destroyed.get()}) {
    if (!probe.Call("hob_session_start",
                    [&](hob_error** e) { return hob_session_start(each, &endless, e); })) {
      return;
    }
  }
  if (!StartAndPoll(probe, kept, answer.generate)) return;
  probe.Void("hob_session_cancel", [&] { hob_session_cancel(cancelled); });
  destroyed.reset();
  hob_poll poll = HOB_POLL_NOTHING;
  while (poll != HOB_POLL_END) {
    // It may have failed for want of memory before it was cancelled: then it is over, too.
    hob_status status = HOB_OK;
    probe.Void("hob_session_poll",
               [&] { status = hob_session_poll(&poll, nullptr, cancelled, -1, nullptr); });
    if (status == HOB_OK) continue;
    probe.Check(Fired() > 0, "an answer that is cancelled ends well");
    break;
  }
  SameTokens(probe, kept);
}

// Sessions of a model that shares what they have computed.
void SharedPrefix(Probe& probe, hob_runtime* runtime, const std::string& path) {
  ModelHandle model(probe);
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.max_batch_rows = 64;
  // The opening of a model is another scenario's.
  Must(hob_model_open(model.out(), runtime, path.data(), path.size(), &options, nullptr),
       "hob_model_open");
  Answer answer;
  answer.prompt = 100;
  answer.generate.max_tokens = 4;
  answer.generate.ignore_eos = 1;
  for (int i = 0; i < 2; ++i) Generate(probe, model, answer);
}

// Steps that a model of the same vocabulary guesses.
Scenario Draft() {
  return {"answer with a draft model", [](const Files& files) -> Run {
            auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
            const std::string path = files.Fixture("smollm-q4_1.gguf");
            hob_model* draft = nullptr;
            Must(hob_model_open(&draft, world->runtime, path.data(), path.size(), nullptr, nullptr),
                 "hob_model_open");
            const std::shared_ptr<hob_model> owner(draft, hob_model_destroy);
            return [world, owner](Probe& probe) {
              Answer answer;
              answer.generate.max_tokens = 12;
              answer.generate.ignore_eos = 1;
              answer.session.draft = owner.get();
              answer.session.draft_tokens = 4;
              Generate(probe, world->model, answer);
            };
          }};
}

Scenario One(const std::string& name, const Answer& answer, int64_t points = 60) {
  return {name,
          [answer](const Files& files) -> Run {
            auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
            return [world, answer](Probe& probe) { Generate(probe, world->model, answer); };
          },
          points};
}

int32_t OnToken(void*, const hob_token*) { return 0; }

}  // namespace

void AddAnswerScenarios(std::vector<Scenario>& out) {
  out.push_back({"conversation",
                 [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                   return [world](Probe& probe) {
                     SessionHandle session(probe);
                     if (probe.Call("hob_session_create", [&](hob_error** e) {
                           return hob_session_create(session.out(), world->model, nullptr, e);
                         })) {
                       Ask(probe, session, "reply");
                     }
                   };
                 },
                 150});
  Answer plain;
  plain.generate.max_tokens = 70;  // over several pages of the cache
  plain.generate.ignore_eos = 1;
  out.push_back(One("answer", plain));

  static const hob_sampler_options kSampler = [] {
    hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
    options.temperature = 0.9f;
    options.top_k = 50;
    options.top_p = 0.95f;
    options.repetition_penalty = 1.1f;
    options.seed = 7;
    return options;
  }();
  static const hob_string kStop = {"no such text", 12};
  Answer sampled;
  sampled.session.sampler = &kSampler;
  sampled.generate.max_tokens = 10;
  sampled.generate.ignore_eos = 1;
  sampled.generate.stops = &kStop;
  sampled.generate.stop_count = 1;
  sampled.generate.on_token = OnToken;
  sampled.generate.max_time_ms = 60'000;
  out.push_back(One("answer by sampling, with a stop text", sampled));

  Answer guessed;
  guessed.session.speculate = 1;
  guessed.generate.max_tokens = 20;
  guessed.generate.ignore_eos = 1;
  out.push_back(One("answer with guesses of the prompt", guessed));

  Answer rolling;
  rolling.session.roll = 1;
  rolling.session.context_tokens = 48;
  rolling.session.keep_tokens = 4;
  rolling.session.kv_type = HOB_KV_INT8;
  rolling.generate.max_tokens = 40;
  rolling.generate.ignore_eos = 1;
  out.push_back(One("answer that rolls, int8 cache", rolling));

  out.push_back(Draft());
  const auto with_model = [&](const std::string& name, void (*run)(Probe&, hob_model*)) {
    out.push_back({name, [run](const Files& files) -> Run {
                     auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                     return [world, run](Probe& probe) { run(probe, world->model); };
                   }});
  };
  with_model("start and poll", Poll);
  with_model("three answers, one cancelled, one destroyed", SideBySide);
  out.push_back({"answers that share their beginning", [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                   const std::string path = files.Fixture("smollm-q4_1.gguf");
                   return
                       [world, path](Probe& probe) { SharedPrefix(probe, world->runtime, path); };
                 }});
}

}  // namespace hob::inject
