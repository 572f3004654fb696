// SPDX-License-Identifier: Apache-2.0
#include "tests/soak/answers.h"

#include <random>

namespace hob::soak {

std::vector<int32_t> Question::Tokens() const {
  // Half of the prompts begin as others do, for the sharing of caches.
  std::mt19937 common(prompt / 4 + 1), own(prompt + 1000);
  std::vector<int32_t> tokens(8 + prompt * 5);
  for (size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = static_cast<int32_t>((i < tokens.size() / 2 ? common() : own()) % 250);
  }
  return tokens;
}

hob_sampler_options Question::Sampler() const {
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  if (kind % 2 == 1) {
    sampler.temperature = 0.9f;
    sampler.top_p = 0.95f;
    sampler.repetition_penalty = 1.1f;
    sampler.seed = prompt + kind;
  }
  return sampler;
}

hob_session_options Question::Session(const hob_sampler_options& sampler) const {
  constexpr hob_kv_type kCaches[] = {HOB_KV_MODEL, HOB_KV_INT8, HOB_KV_F32};
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.sampler = &sampler;
  options.context_tokens = 160;
  options.kv_type = kCaches[kind / 2];
  return options;
}

std::string Question::Name() const {
  return "model " + std::to_string(model) + ", prompt " + std::to_string(prompt) + ", kind " +
         std::to_string(kind);
}

namespace {

Runtime OneThread() {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 1;
  return Runtime::Create(options).value();
}

}  // namespace

Answers::Answers(std::vector<std::string> paths) : paths_(std::move(paths)), runtime_(OneThread()) {
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.shared_cache_tokens = -1;  // each is computed from its beginning
  for (const std::string& path : paths_) {
    models_.push_back(Model::Open(runtime_, path, options).value());
  }
}

const std::vector<int32_t>& Answers::Of(const Question& question) {
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(question); found != known_.end()) return found->second;
  const hob_sampler_options sampler = question.Sampler();
  Session session = Session::Create(models_[question.model], question.Session(sampler)).value();
  const std::vector<int32_t> prompt = question.Tokens();
  session.AddTokens(prompt).value();
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = Question::kTokens;
  generate.ignore_eos = 1;
  session.Generate(generate).value();
  const TokenView all = session.Tokens();
  return known_[question] = {all.begin() + static_cast<std::ptrdiff_t>(prompt.size()), all.end()};
}

}  // namespace hob::soak
