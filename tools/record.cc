// SPDX-License-Identifier: Apache-2.0
#include "tools/record.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

namespace tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "hob record 1";

std::string HashOf(const float* values, size_t count) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(values);
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (size_t i = 0; i < count * sizeof(float); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3;
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

// The logits of `count` tokens from position `first` on.
std::vector<std::string> LogitHashes(const hob::Model& model, hob::Session& session,
                                     const std::vector<int32_t>& tokens, size_t first,
                                     size_t count) {
  struct State {
    size_t first, count, vocabulary;
    std::vector<std::string> hashes;
  } state{first, count, static_cast<size_t>(Check(model.Info()).vocabulary_size), {}};
  const auto take = [](void* user, size_t begin, size_t rows, const float* logits) -> int32_t {
    auto& s = *static_cast<State*>(user);
    for (size_t i = 0; i < rows; ++i) {
      if (begin + i < s.first || begin + i >= s.first + s.count) continue;
      s.hashes.push_back(HashOf(logits + i * s.vocabulary, s.vocabulary));
    }
    return 0;
  };
  hob_error* error = nullptr;
  const hob_status status =
      hob_session_evaluate(session.get(), tokens.data(), tokens.size(), take, &state, &error);
  if (status != HOB_OK) Fail(hob::Error(status, error));
  return std::move(state.hashes);
}

// Which kernels the model runs on here: operator → providers.
Json Kernels(const hob::Model& model) {
  char* text = nullptr;
  size_t size = 0;
  hob_error* error = nullptr;
  const hob_status status = hob_model_describe(&text, &size, model.get(), &error);
  if (status != HOB_OK) Fail(hob::Error(status, error));
  const std::unique_ptr<char, decltype(&hob_free)> owner(text, &hob_free);
  const Json described = Json::parse(std::string_view(text, size));
  Json kernels = Json::object();
  for (const Json& node : described["graph"]) {
    Json& providers = kernels[node["op"].get<std::string>()];
    if (std::find(providers.begin(), providers.end(), node["provider"]) == providers.end()) {
      providers.push_back(node["provider"]);
    }
  }
  return kernels;
}

std::string Differs(const Record& old, const Record& now) {
  const auto at = static_cast<size_t>(
      std::mismatch(old.answer.begin(), old.answer.end(), now.answer.begin(), now.answer.end())
          .first -
      old.answer.begin());
  const auto token = [&](const Record& record) {
    return at < record.answer.size() ? "token " + std::to_string(record.answer[at])
                                     : "the end (" + record.finish_reason + ")";
  };
  if (at < old.answer.size() || at < now.answer.size()) {
    return "differs at token " + std::to_string(at) + ": recorded " + token(old) + ", now " +
           token(now);
  }
  const size_t logits = std::min(old.logits.size(), now.logits.size());
  for (size_t i = 0; i < logits; ++i) {
    if (old.logits[i] != now.logits[i]) {
      return "the tokens are the same, but the logits of token " + std::to_string(i) + " differ";
    }
  }
  if (old.finish_reason != now.finish_reason) {
    return "the tokens are the same, but the answer ended by " + old.finish_reason + ", and by " +
           now.finish_reason + " now";
  }
  return {};
}

}  // namespace

const char* FinishName(hob_finish_reason reason) {
  switch (reason) {
    case HOB_FINISH_END:
      return "end";
    case HOB_FINISH_LENGTH:
      return "length";
    case HOB_FINISH_STOP:
      return "stop";
    case HOB_FINISH_CANCELLED:
      return "cancelled";
    case HOB_FINISH_CONTEXT_FULL:
      return "context_full";
    case HOB_FINISH_TIME:
      return "time";
    case HOB_FINISH_TOOL_CALLS:
      return "tool_calls";
    default:
      return "unknown";
  }
}

Record MakeRecord(const Loaded& loaded, const ModelOptions& model,
                  const hob_sampler_options& sampler, int32_t max_tokens, int32_t context,
                  const hob_generate_result& result, hob::Session& session) {
  const hob::TokenView view = session.Tokens();
  const std::vector<int32_t> tokens(view.begin(), view.end());
  const auto prompt = static_cast<size_t>(result.prompt_tokens);
  Record record;
  record.model_hash = loaded.model.Text(HOB_MODEL_HASH);
  record.activations = model.ActivationsName();
  record.kv = model.KvName();
  record.rope = model.rope;
  record.sampler = sampler;
  record.max_tokens = max_tokens;
  record.context = context;
  record.prompt.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(prompt));
  record.answer.assign(tokens.begin() + static_cast<std::ptrdiff_t>(prompt), tokens.end());
  record.finish_reason = FinishName(result.finish_reason);
  record.threads = Check(loaded.runtime.Info()).threads;
  record.kernels = Kernels(loaded.model);
  record.logits = LogitHashes(loaded.model, session, tokens, prompt - 1,
                              static_cast<size_t>(result.generated_tokens));
  return record;
}

void WriteRecord(const Record& record, const std::string& path) {
  Json out;
  out["format"] = kFormat;
  out["hob"] = std::string(hob::ToView(hob_version()));
  out["model"] = record.model_hash;
  out["activations"] = record.activations;
  out["kv"] = record.kv;
  out["rope"] = record.rope;
  out["threads"] = record.threads;
  out["kernels"] = record.kernels;
  out["max_tokens"] = record.max_tokens;
  out["context"] = record.context;
  const hob_sampler_options& s = record.sampler;
  out["sampler"] = {{"temperature", s.temperature},
                    {"top_k", s.top_k},
                    {"top_p", s.top_p},
                    {"min_p", s.min_p},
                    {"repetition_penalty", s.repetition_penalty},
                    {"repetition_window", s.repetition_window},
                    {"seed", s.seed}};
  out["prompt"] = record.prompt;
  out["answer"] = record.answer;
  out["finish_reason"] = record.finish_reason;
  out["logits"] = record.logits;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << out.dump(1) << "\n";
  file.close();
  if (!file) throw Failure("cannot write " + path);
}

Record ReadRecord(const std::string& path) {
  const Json in = Json::parse(ReadText(path), nullptr, false);
  if (!in.is_object() || !in.contains("format"))
    throw Failure(path + " is not a record of an answer");
  if (in["format"] != kFormat) {
    throw Failure(path + " is a " + in["format"].dump() + ", not a \"" + kFormat + "\"",
                  "Replay it with the hob that wrote it.");
  }
  try {
    Record record;
    record.model_hash = in.at("model").get<std::string>();
    record.activations = in.at("activations").get<std::string>();
    record.kv = in.at("kv").get<std::string>();
    record.rope = in.at("rope").get<std::string>();
    record.context = in.at("context").get<int32_t>();
    record.threads = in.at("threads").get<uint32_t>();
    record.kernels = in.at("kernels");
    record.max_tokens = in.at("max_tokens").get<int32_t>();
    const Json& s = in.at("sampler");
    record.sampler.temperature = s.at("temperature").get<float>();
    record.sampler.top_k = s.at("top_k").get<int32_t>();
    record.sampler.top_p = s.at("top_p").get<float>();
    record.sampler.min_p = s.at("min_p").get<float>();
    record.sampler.repetition_penalty = s.at("repetition_penalty").get<float>();
    record.sampler.repetition_window = s.at("repetition_window").get<int32_t>();
    record.sampler.seed = s.at("seed").get<uint64_t>();
    record.prompt = in.at("prompt").get<std::vector<int32_t>>();
    record.answer = in.at("answer").get<std::vector<int32_t>>();
    record.finish_reason = in.at("finish_reason").get<std::string>();
    record.logits = in.at("logits").get<std::vector<std::string>>();
    return record;
  } catch (const nlohmann::json::exception& error) {
    throw Failure(path + " is not a record of an answer: " + error.what());
  }
}

void Replay(const std::string& path, ModelOptions model) {
  const Record old = ReadRecord(path);
  try {
    model.SetActivations(old.activations);
    model.SetKv(old.kv);
    model.SetRope(old.rope);
  } catch (const CLI::ValidationError& error) {
    throw Failure(path + " is not a record of an answer: " + error.what());
  }
  const Loaded loaded = Load(model);
  if (const std::string_view hash = loaded.model.Text(HOB_MODEL_HASH); hash != old.model_hash) {
    throw Failure("the answer was recorded with another model: hash " + old.model_hash + ", not " +
                      std::string(hash),
                  "Name the model file that it was recorded with by --model.");
  }
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  session_options.sampler = &old.sampler;
  session_options.context_tokens = old.context;
  hob::Session session = Check(hob::Session::Create(loaded.model, session_options));
  Check(session.AddTokens(old.prompt));
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = old.max_tokens;
  if (old.finish_reason == "cancelled") {  // by a person, who is not here now
    generate.max_tokens = static_cast<int32_t>(old.answer.size());
  }
  const hob_generate_result result = Check(session.Generate(generate));
  Record now = MakeRecord(loaded, model, old.sampler, old.max_tokens, old.context, result, session);
  if (old.finish_reason == "cancelled") now.finish_reason = old.finish_reason;
  if (now.kernels != old.kernels) {
    std::fprintf(stderr, "hob: the record was made with other kernels: %s, here %s\n",
                 old.kernels.dump().c_str(), now.kernels.dump().c_str());
  }
  if (const std::string difference = Differs(old, now); !difference.empty()) {
    throw Failure(difference);
  }
  Print("identical: " + std::to_string(now.answer.size()) + " tokens, " +
        std::to_string(now.logits.size()) + " rows of logits\n");
}

}  // namespace tool
