// SPDX-License-Identifier: Apache-2.0
// What the calls of the abi target are made on: files, a runtime and a model that stay for the
// process, and the handles that one input has made.
#pragma once

#include "tests/fuzz/calls.h"
#include "tests/fuzz/tiny_model.h"
#include "tests/fuzz/whole_model.h"

namespace hob::fuzz::abi {

struct Files {
  std::string tiny, other, broken;
};
// Models as files that stay for the process.
inline const Files& TheFiles() {
  static const auto& files = *new Files([] {
    Files made;
    const auto write = [](const char* end, std::vector<uint8_t> bytes) {
      const std::string path = ScratchPath() + end;
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
      return path;
    };
    made.tiny = write("-tiny", MakeTiny(0).Build());
    made.other = write("-other", MakeTiny(2).Build());
    std::vector<uint8_t> cut = MakeTiny(0).Build();
    cut.resize(cut.size() / 2);
    made.broken = write("-broken", cut);
    std::atexit([] {
      for (const std::string& path : {TheFiles().tiny, TheFiles().other, TheFiles().broken}) {
        std::remove(path.c_str());
      }
    });
    return made;
  }());
  return files;
}

inline hob_runtime* SharedRuntime() {
  static hob_runtime* const runtime = MakeRuntime(1, 32u << 20);
  return runtime;
}
inline hob_model* SharedModel() {
  static hob_model* const model = [] {
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.max_batch_rows = 8;
    options.shared_cache_tokens = -1;
    hob_model* made = nullptr;
    const std::string& path = TheFiles().tiny;
    Require(hob_model_open(&made, SharedRuntime(), path.data(), path.size(), &options, nullptr) ==
            HOB_OK);
    return made;
  }();
  return model;
}

// What can be read of a session, and all of it as bytes where it is idle.
struct State {
  explicit State(hob_session* session) {
    Require(hob_session_message_count(&messages, session, nullptr) == HOB_OK);
    const int32_t* ids = nullptr;
    size_t count = 0;
    Require(hob_session_get_tokens(&ids, &count, session, nullptr) == HOB_OK);
    tokens.assign(ids, ids + count);
    hob_string text = {};
    Require(hob_session_get_reply(&text, session, nullptr) == HOB_OK);
    reply.assign(text.data, text.size);
  }
  bool operator==(const State&) const = default;
  size_t messages = 0;
  std::vector<int32_t> tokens;
  std::string reply;
};

// `call` may fail, but then without a trace.
template <typename F>
bool Changes(hob_session* session, F&& change) {
  if (session == nullptr) {
    Call call;
    Require(!call(change(call)));
    return false;
  }
  const State before(session);
  Call call;
  const bool done = call(change(call));
  if (!done) Require(State(session) == before);
  return done;
}

// The handles there are, and the input that chooses among them.
struct World {
  hob_model* AnyModel() {
    hob_model* model = models.Any(input);
    return model != nullptr || input.Byte() >= 250 ? model : SharedModel();
  }
  hob_sampler_options AnySampler() {
    hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
    const uint8_t kind = input.Byte();
    if (kind & 1) options.temperature = static_cast<float>(input.Real());
    if (kind & 2) options.top_k = static_cast<int32_t>(input.Integer());
    if (kind & 4) options.top_p = input.Byte() / 200.0f;
    if (kind & 8) options.repetition_penalty = input.Byte() / 100.0f;
    if (kind & 16) options.seed = input.Byte();
    if (kind & 32) options.min_p = input.Byte() / 250.0f;
    if (kind & 64) options.repetition_window = static_cast<int32_t>(input.Integer());
    return options;
  }

  Input& input;
  std::vector<uint8_t> saved = {};  // a session's bytes
  // Destroyed from the last to the first.
  Handles<hob_runtime, hob_runtime_destroy> runtimes = {};
  Handles<hob_model, hob_model_destroy> models = {};
  Handles<hob_tokenizer, hob_tokenizer_destroy> tokenizers = {};
  Handles<hob_sampler, hob_sampler_destroy> samplers = {};
  Handles<hob_session, hob_session_destroy> sessions = {};
};

}  // namespace hob::fuzz::abi
