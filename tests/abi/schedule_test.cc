// SPDX-License-Identifier: Apache-2.0
// The same answer, however sessions are scheduled: random schedules of several sessions on several
// threads, each session's tokens and logits compared with those of the session alone, in a model
// opened for its type of cache.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "tests/abi/client.h"

using namespace hob::test;

namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kSchedules = 100;  // there a step takes many times as long
#else
constexpr int kSchedules = 1000;
#endif
constexpr int32_t kMaxTokens = 24;
constexpr int kPrompts = 12;
constexpr int kSamplers = 3;

// HOB_TEST_SEED and HOB_TEST_SCHEDULES choose others.
uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What changes an answer.
struct Numbers {
  const char* fixture;
  hob_activations activations;
  hob_kv_type kv;
};
constexpr Numbers kNumbers[] = {
    {"smollm-q4_1.gguf", HOB_ACTIVATIONS_INT16, HOB_KV_F16},
    {"smollm-q4_1.gguf", HOB_ACTIVATIONS_INT8, HOB_KV_F32},
    {"qwen2-q5_0.gguf", HOB_ACTIVATIONS_INT16, HOB_KV_F16},
    {"mistral-q5.gguf", HOB_ACTIVATIONS_INT16, HOB_KV_F16},
    {"qwen3-q4_1.gguf", HOB_ACTIVATIONS_INT8, HOB_KV_INT8},
    {"smollm-q4_1.gguf", HOB_ACTIVATIONS_INT16, HOB_KV_INT8},
    {"llama-float.gguf", HOB_ACTIVATIONS_F32, HOB_KV_F32},
};
constexpr size_t kNumbersCount = std::size(kNumbers);

// What must not change it.
struct Execution {
  uint32_t threads, rows;
};
constexpr Execution kExecutions[] = {{1, 512}, {2, 7}, {2, 64}, {4, 16}, {4, 512}, {1, 1}};
constexpr size_t kExecutionsCount = std::size(kExecutions);
constexpr Execution kReference = {1, 512};

ModelPtr Open(hob_runtime* runtime, const Numbers& numbers, const Execution& execution,
              hob_kv_type kv = HOB_KV_MODEL) {
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.activations = numbers.activations;
  options.kv_type = kv == HOB_KV_MODEL ? numbers.kv : kv;
  options.max_batch_rows = execution.rows;
  return OpenModel(runtime, Fixture(numbers.fixture), &options);
}

// Prompts with common beginnings of all lengths.
std::vector<int32_t> Prompt(int which) {
  std::mt19937 common(7), own(static_cast<uint32_t>(which) + 100);
  const size_t shared = static_cast<size_t>(which % 4) * 30;
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < shared; ++i) tokens.push_back(static_cast<int32_t>(common() % 256 + 3));
  const size_t more = which % 5 == 0 ? 1 : 1 + own() % 80;
  for (size_t i = 0; i < more; ++i) tokens.push_back(static_cast<int32_t>(own() % 256 + 3));
  return tokens;
}

hob_sampler_options SamplerOf(int which) {
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.seed = 11;
  if (which >= 1) sampler.temperature = 1.0f;
  if (which == 2) {
    sampler.top_p = 0.9f;
    sampler.repetition_penalty = 1.2f;
  }
  return sampler;
}

// Null with a status, rather than a check: used on any thread.
SessionPtr NewSession(hob_model* model, hob_kv_type kv, int sampler, bool rolls, int prompt,
                      bool speculates = false, hob_model* draft = nullptr,
                      int32_t draft_tokens = 0) {
  const hob_sampler_options sampling = SamplerOf(sampler);
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.sampler = &sampling;
  options.kv_type = kv;
  options.speculate = speculates ? 1 : 0;
  options.draft = draft;
  options.draft_tokens = draft_tokens;
  if (rolls) {
    options.context_tokens = 48;
    options.roll = 1;
    options.keep_tokens = 5;
  }
  hob_session* session = nullptr;
  if (hob_session_create(&session, model, &options, nullptr) != HOB_OK) return nullptr;
  SessionPtr owner(session);
  const std::vector<int32_t> tokens = Prompt(prompt);
  if (hob_session_add_tokens(session, tokens.data(), tokens.size(), nullptr) != HOB_OK) {
    return nullptr;
  }
  return owner;
}

uint64_t Hash(uint64_t hash, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001B3u;
  return hash;
}

// Of the logits of all positions of a prompt; false if the call failed.
bool EvaluateHash(hob_session* session, int prompt, int32_t vocabulary, uint64_t* out) {
  struct State {
    uint64_t hash = 0xCBF29CE484222325u;
    size_t vocabulary = 0;
  } state;
  state.vocabulary = static_cast<size_t>(vocabulary);
  const std::vector<int32_t> tokens = Prompt(prompt);
  const auto on_logits = [](void* user, size_t, size_t rows, const float* logits) -> int32_t {
    auto* s = static_cast<State*>(user);
    s->hash = Hash(s->hash, logits, rows * s->vocabulary * sizeof(float));
    return 0;
  };
  const hob_status status =
      hob_session_evaluate(session, tokens.data(), tokens.size(), on_logits, &state, nullptr);
  *out = state.hash;
  return status == HOB_OK;
}

// What becomes of a session between two tries.
enum class Between { kNothing, kFork, kSave };

// What a session does in a schedule, all drawn beforehand.
struct Part {
  size_t model = 0;  // of the world's
  hob_kv_type kv = HOB_KV_MODEL;
  int prompt = 0, sampler = 0;
  bool rolls = false, evaluates = false, blocks = false;
  int32_t tokens = 0, priority = 0;
  int delay_us = 0, poll_delay_us = 0;
  std::vector<int32_t> cancels;  // after so many tokens of this try; the answer is then continued
  std::vector<Between> between;  // before each further try
  bool speculates = false;
  int32_t draft_tokens = 0;   // 0: no draft model
  bool from_outside = false;  // the last cancel comes from another thread, at any time
};

class References {
 public:
  References() : runtime_(MakeRuntime(kReference.threads)) {}
  const std::vector<int32_t>& Tokens(const Part& part) {
    const auto key = std::tuple(part.model, part.kv, part.prompt, part.sampler, part.rolls);
    const auto found = tokens_.find(key);
    if (found != tokens_.end()) return found->second;
    const SessionPtr session =
        NewSession(Model(part), HOB_KV_MODEL, part.sampler, part.rolls, part.prompt);
    REQUIRE(session != nullptr);
    std::vector<int32_t> tokens;
    hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
    options.max_tokens = kMaxTokens;
    options.ignore_eos = 1;
    options.user = &tokens;
    options.on_token = [](void* user, const hob_token* token) -> int32_t {
      if (token->id >= 0) static_cast<std::vector<int32_t>*>(user)->push_back(token->id);
      return 0;
    };
    REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
    REQUIRE(tokens.size() == kMaxTokens);
    return tokens_[key] = std::move(tokens);
  }
  uint64_t Logits(const Part& part) {
    const auto key = std::tuple(part.model, part.kv, part.prompt);
    const auto found = logits_.find(key);
    if (found != logits_.end()) return found->second;
    const SessionPtr session = NewSession(Model(part), HOB_KV_MODEL, 0, false, part.prompt);
    uint64_t hash = 0;
    REQUIRE(EvaluateHash(session.get(), part.prompt, Vocabulary(part), &hash));
    return logits_[key] = hash;
  }
  int32_t Vocabulary(const Part& part) {
    hob_model_info info = HOB_MODEL_INFO_INIT;
    REQUIRE_OK(hob_model_get_info(&info, Model(part), &error));
    return info.vocabulary_size;
  }

 private:
  hob_model* Model(const Part& part) {
    ModelPtr& model = models_[{part.model, part.kv}];
    if (model == nullptr) {
      model = Open(runtime_.get(), kNumbers[part.model], kReference, part.kv);
    }
    return model.get();
  }

  RuntimePtr runtime_;
  std::map<std::pair<size_t, hob_kv_type>, ModelPtr> models_;
  std::map<std::tuple<size_t, hob_kv_type, int, int, bool>, std::vector<int32_t>> tokens_;
  std::map<std::tuple<size_t, hob_kv_type, int>, uint64_t> logits_;
};

// A runtime and its models, all of them in one: their steps take turns.
struct World {
  RuntimePtr runtime;
  std::vector<ModelPtr> models;
  std::vector<ModelPtr> drafts;  // of each: it guesses well, but not always right
};

int Below(std::mt19937_64& random, int limit) {
  return static_cast<int>(random() % static_cast<uint64_t>(limit));
}

Part DrawPart(std::mt19937_64& random, size_t model) {
  Part part;
  part.model = model;
  part.prompt = Below(random, kPrompts);
  part.sampler = Below(random, kSamplers);
  part.rolls = Below(random, 4) == 0;
  part.evaluates = Below(random, 6) == 0;
  part.blocks = Below(random, 3) == 0;
  part.tokens = 1 + Below(random, kMaxTokens);
  part.priority = Below(random, 3) - 1;
  part.delay_us = Below(random, 2) * Below(random, 1500);
  part.poll_delay_us = Below(random, 4) == 0 ? Below(random, 300) : 0;
  for (int n = Below(random, 3); n > 0; --n) part.cancels.push_back(Below(random, 6));
  for (size_t i = 0; i < part.cancels.size(); ++i) {
    part.between.push_back(static_cast<Between>(Below(random, 3)));
  }
  part.speculates = Below(random, 3) == 0;
  if (Below(random, 3) == 0) part.draft_tokens = 1 + Below(random, 6);
  part.from_outside = Below(random, 2) == 0;
  constexpr hob_kv_type kTypes[] = {HOB_KV_MODEL, HOB_KV_MODEL, HOB_KV_MODEL,
                                    HOB_KV_F16,   HOB_KV_F32,   HOB_KV_INT8};
  part.kv = kTypes[Below(random, static_cast<int>(std::size(kTypes)))];
  return part;
}

// What a thread saw.
struct Seen {
  std::vector<int32_t> tokens;
  uint64_t logits = 0;
  std::string failure;
};

// One try of at most `left` tokens, cancelled by its own thread after `cancel_after` (−1: not).
void Try(hob_session* session, const Part& part, int32_t left, int32_t cancel_after, Seen& seen) {
  struct State {
    Seen* seen;
    const Part* part;
    int32_t until_cancel;
  } state{&seen, &part, cancel_after};
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = left;
  options.ignore_eos = 1;
  options.priority = part.priority;
  options.user = &state;
  const auto wait = [](const Part& p) {
    if (p.poll_delay_us > 0)
      std::this_thread::sleep_for(std::chrono::microseconds(p.poll_delay_us));
  };
  if (part.blocks && cancel_after != 0) {
    options.on_token = [](void* user, const hob_token* token) -> int32_t {
      auto* s = static_cast<State*>(user);
      if (token->id >= 0) s->seen->tokens.push_back(token->id);
      if (s->part->poll_delay_us > 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(s->part->poll_delay_us));
      }
      return --s->until_cancel == 0 ? 1 : 0;
    };
    const hob_status status = hob_session_generate(nullptr, session, &options, nullptr);
    if (status != HOB_OK) seen.failure = "generate gives " + std::to_string(status);
    return;
  }
  if (const hob_status status = hob_session_start(session, &options, nullptr); status != HOB_OK) {
    seen.failure = "start gives " + std::to_string(status);
    return;
  }
  for (int32_t taken = 0;;) {
    if (taken == cancel_after) hob_session_cancel(session);
    hob_poll poll = HOB_POLL_NOTHING;
    hob_token token = HOB_TOKEN_INIT;
    const hob_status status = hob_session_poll(&poll, &token, session, part.priority, nullptr);
    if (status != HOB_OK) {
      seen.failure = "poll gives " + std::to_string(status);
      return;
    }
    if (poll == HOB_POLL_END) return;
    if (poll == HOB_POLL_TOKEN && token.id >= 0) {
      seen.tokens.push_back(token.id);
      ++taken;
    }
    wait(part);
  }
}

// The session that goes on: itself, a fork, or another one that it was saved to; null on failure.
SessionPtr GoOn(SessionPtr session, hob_model* model, Between between) {
  if (between == Between::kNothing) return session;
  hob_session* next = nullptr;
  if (between == Between::kFork) {
    hob_session_fork(&next, session.get(), nullptr);
    return SessionPtr(next);
  }
  void* data = nullptr;
  size_t size = 0;
  hob_status status = hob_session_save_buffer(&data, &size, session.get(), nullptr);
  if (status == HOB_OK) status = hob_session_create(&next, model, nullptr, nullptr);
  SessionPtr restored(next);
  if (status == HOB_OK) status = hob_session_restore_buffer(next, data, size, nullptr);
  hob_free(data);
  return status == HOB_OK ? std::move(restored) : nullptr;
}

void RunPart(const World& world, const Part& part, int32_t vocabulary, Seen& seen) {
  if (part.delay_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(part.delay_us));
  hob_model* model = world.models[part.model].get();
  if (part.evaluates) {
    const SessionPtr session = NewSession(model, part.kv, 0, false, part.prompt);
    if (session == nullptr || !EvaluateHash(session.get(), part.prompt, vocabulary, &seen.logits)) {
      seen.failure = "evaluate failed";
      return;
    }
  }
  hob_model* draft = part.draft_tokens > 0 ? world.drafts[part.model].get() : nullptr;
  SessionPtr session = NewSession(model, part.kv, part.sampler, part.rolls, part.prompt,
                                  part.speculates, draft, part.draft_tokens);
  if (session == nullptr) {
    seen.failure = "no session";
    return;
  }
  std::thread canceller;
  const bool from_outside = part.from_outside && !part.cancels.empty();
  if (from_outside) {
    canceller = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(100 * part.cancels.back()));
      hob_session_cancel(session.get());
    });
  }
  size_t tries = 0;
  // What was cancelled goes on; a cancel that comes between tries does nothing.
  while (seen.failure.empty() && static_cast<int32_t>(seen.tokens.size()) < part.tokens) {
    // One that another thread cancels must stay.
    if (tries > 0 && tries <= part.between.size() && !from_outside) {
      session = GoOn(std::move(session), model, part.between[tries - 1]);
      if (session == nullptr) {
        seen.failure = "no fork, or no restored session";
        return;
      }
    }
    const int32_t left = part.tokens - static_cast<int32_t>(seen.tokens.size());
    const int32_t cancel_after = tries < part.cancels.size() ? part.cancels[tries] : -1;
    ++tries;
    Try(session.get(), part, left, cancel_after, seen);
  }
  if (canceller.joinable()) canceller.join();
}

}  // namespace

TEST_CASE("every session's answer is that of the session alone, over random schedules") {
  const uint64_t seed = FromEnvironment("HOB_TEST_SEED", 20261123);
  const auto schedules = static_cast<int>(FromEnvironment("HOB_TEST_SCHEDULES", kSchedules));
  References references;
  std::vector<World> worlds;
  for (const Execution& execution : kExecutions) {
    World& world = worlds.emplace_back();
    world.runtime = MakeRuntime(execution.threads);
    for (const Numbers& numbers : kNumbers) {
      world.models.push_back(Open(world.runtime.get(), numbers, execution));
      Numbers others = numbers;
      others.activations = numbers.activations == HOB_ACTIVATIONS_INT8 ? HOB_ACTIVATIONS_INT16
                                                                       : HOB_ACTIVATIONS_INT8;
      if (others.kv == HOB_KV_F32) others.kv = HOB_KV_F16;
      world.drafts.push_back(Open(world.runtime.get(), others, execution));
    }
  }
  int differences = 0;
  size_t sessions = 0, compared = 0;
  for (int i = 0; i < schedules && differences == 0; ++i) {
    std::mt19937_64 random(seed + static_cast<uint64_t>(i));
    const auto execution = static_cast<size_t>(Below(random, kExecutionsCount));
    const auto model = static_cast<size_t>(Below(random, kNumbersCount));
    std::vector<Part> parts(static_cast<size_t>(2 + Below(random, 4)));
    for (Part& part : parts) {
      // Mostly of one model, so that they share steps.
      const bool other = Below(random, 6) == 0;
      part = DrawPart(random, other ? static_cast<size_t>(Below(random, kNumbersCount)) : model);
    }
    std::vector<int32_t> vocabularies;
    for (const Part& part : parts) vocabularies.push_back(references.Vocabulary(part));
    std::vector<Seen> seen(parts.size());
    std::vector<std::thread> threads;
    for (size_t p = 0; p < parts.size(); ++p) {
      threads.emplace_back(
          [&, p] { RunPart(worlds[execution], parts[p], vocabularies[p], seen[p]); });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t p = 0; p < parts.size(); ++p) {
      const Part& part = parts[p];
      std::vector<int32_t> wanted = references.Tokens(part);
      wanted.resize(static_cast<size_t>(part.tokens));
      INFO("seed " << seed << ", schedule " << i << ", execution " << execution << ", session " << p
                   << ": " << kNumbers[part.model].fixture << ", cache " << part.kv << ", prompt "
                   << part.prompt << ", sampler " << part.sampler << ", rolls " << part.rolls
                   << ", tries " << part.cancels.size() + 1 << ", blocks " << part.blocks
                   << ", draft tokens " << part.draft_tokens);
      CHECK(seen[p].failure == "");
      CHECK(seen[p].tokens == wanted);
      const bool same_logits = !part.evaluates || seen[p].logits == references.Logits(part);
      CHECK(same_logits);
      if (!seen[p].failure.empty() || seen[p].tokens != wanted || !same_logits) ++differences;
      compared += wanted.size();
      ++sessions;
    }
  }
  CHECK(differences == 0);
  SUCCEED(sessions << " sessions, " << compared << " tokens compared");
}
