// SPDX-License-Identifier: Apache-2.0
// The calls of sessions. One that fails leaves its session as it was; a session, its fork and its
// restored copy answer alike.
#pragma once

#include "tests/fuzz/abi_world.h"

namespace hob::fuzz::abi {

inline void CreateSession(World& world) {
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  const hob_sampler_options sampler = world.AnySampler();
  const uint8_t kind = world.input.Byte();
  if (kind & 1) options.sampler = &sampler;
  if (kind & 2) options.context_tokens = static_cast<int32_t>(world.input.Integer());
  if (kind & 4) options.context_tokens = static_cast<int32_t>(world.input.Range(1, 90));
  options.roll = (kind & 8) != 0;
  if (options.roll) options.keep_tokens = static_cast<int32_t>(world.input.Range(0, 12));
  options.speculate = (kind & 16) != 0;
  if (kind & 32) options.kv_type = static_cast<hob_kv_type>(world.input.Byte() % 5 - 1);
  if (kind >= 224) {
    options.draft = world.AnyModel();
    options.draft_tokens = static_cast<int32_t>(world.input.Byte() % 18);
  }
  const Options<hob_session_options> some(world.input, options);
  hob_session* session = nullptr;
  Call call;
  if (call(hob_session_create(&session, world.AnyModel(), some.get(), call)))
    world.sessions.Add(session);
}

inline void AddMessage(World& world) {
  constexpr std::string_view kRoles[] = {"user", "assistant", "system", "tool", ""};
  const std::string_view role = world.input.Pick(kRoles), text = world.input.Text(40);
  hob_session* session = world.sessions.Any(world.input);
  Changes(session, [&](hob_error** error) {
    return hob_session_add_message(session, role.data(), role.size(), text.data(), text.size(),
                                   error);
  });
}
inline void AddText(World& world) {
  const std::string_view text = world.input.Text(60);
  const hob_text_flags flags = world.input.Byte() % 5;
  hob_session* session = world.sessions.Any(world.input);
  Changes(session, [&](hob_error** error) {
    return hob_session_add_text(session, text.data(), text.size(), flags, error);
  });
}
inline void AddTokens(World& world) {
  std::vector<int32_t> tokens(static_cast<size_t>(world.input.Range(0, 80)));
  Random random(world.input.Byte());
  for (int32_t& token : tokens) token = static_cast<int32_t>(random.Below(10));
  if (!tokens.empty() && world.input.Byte() >= 240)
    tokens.back() = static_cast<int32_t>(world.input.Integer());
  hob_session* session = world.sessions.Any(world.input);
  Changes(session, [&](hob_error** error) {
    return hob_session_add_tokens(session, tokens.data(), tokens.size(), error);
  });
}

struct Answer {
  std::vector<int32_t> tokens;
  std::string text;
  int32_t stop_after = -1;
  static int32_t Take(void* user, const hob_token* token) {
    auto& answer = *static_cast<Answer*>(user);
    Require(token->struct_size >= sizeof(hob_token));
    if (token->id != HOB_NO_TOKEN) answer.tokens.push_back(token->id);
    answer.text.append(token->text, token->text_size);
    return static_cast<int32_t>(answer.tokens.size()) == answer.stop_after;
  }
};
struct Request {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  std::vector<std::string> texts;
  std::vector<hob_string> stops;
};
inline void FillRequest(World& world, Request& request) {
  const uint8_t kind = world.input.Byte();
  request.options.max_tokens =
      static_cast<int32_t>(kind < 250 ? 1 + kind % 9 : world.input.Integer());
  // A session that rolls would answer without end.
  if (request.options.max_tokens > 40 || request.options.max_tokens == 0) {
    request.options.max_tokens = 40;
  }
  for (int count = world.input.Byte() % 4; count > 1; --count)
    request.texts.emplace_back(world.input.Text(5));
  for (const std::string& text : request.texts) request.stops.push_back({text.data(), text.size()});
  request.options.stops = request.stops.data();
  request.options.stop_count = request.stops.size();
  request.options.ignore_eos = (kind & 1) != 0;
  request.options.priority = static_cast<int32_t>(kind % 3);
}

inline void Generate(World& world) {
  Request request;
  FillRequest(world, request);
  Answer answer;
  answer.stop_after = world.input.Byte() % 8;
  if (world.input.Bool()) request.options.on_token = &Answer::Take;
  request.options.user = &answer;
  if (world.input.Byte() >= 250) request.options.max_time_ms = 1;
  const Options<hob_generate_options> some(world.input, request.options);
  // Without max_tokens, a session that rolls would answer without end.
  if (some.get() == nullptr || some.size() < 8) return;
  hob_session* session = world.sessions.Any(world.input);
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  if (Changes(session, [&](hob_error** error) {
        return hob_session_generate(&result, session, some.get(), error);
      })) {
    Require(result.finish_reason >= HOB_FINISH_END && result.finish_reason <= HOB_FINISH_TIME);
    Require(result.generated_tokens >= 0 && result.cached_tokens <= result.prompt_tokens);
  }
}

// A session, its fork, and one restored from its bytes give the same answer.
inline void GenerateTwice(World& world) {
  hob_session* session = world.sessions.Any(world.input);
  hob_session* fork = nullptr;
  Call forked;
  if (!forked(hob_session_fork(&fork, session, forked))) return;
  world.sessions.Add(fork, 1000);
  void* bytes = nullptr;
  size_t size = 0;
  Call saving;
  if (!saving(hob_session_save_buffer(&bytes, &size, fork, saving))) return;
  const Given<void> held(bytes);
  Request request;
  FillRequest(world, request);
  request.options.on_token = &Answer::Take;
  Answer answers[3];
  hob_status statuses[3];
  hob_generate_result results[3] = {HOB_GENERATE_RESULT_INIT, HOB_GENERATE_RESULT_INIT,
                                    HOB_GENERATE_RESULT_INIT};
  for (int i = 0; i < 3; ++i) {
    request.options.user = &answers[i];
    hob_session* const who = i == 0 ? session : fork;
    if (i == 2) {
      Call restoring;
      Require(restoring(hob_session_restore_buffer(fork, bytes, size, restoring)));
    }
    Call call;
    statuses[i] = hob_session_generate(&results[i], who, &request.options, call);
    call(statuses[i]);
  }
  for (int i = 1; i < 3; ++i) {
    if (statuses[i] == HOB_RESOURCE_EXHAUSTED || statuses[0] == HOB_RESOURCE_EXHAUSTED) break;
    Require(statuses[i] == statuses[0] && answers[i].tokens == answers[0].tokens &&
            answers[i].text == answers[0].text);
    Require(results[i].finish_reason == results[0].finish_reason &&
            results[i].stop_index == results[0].stop_index &&
            results[i].generated_tokens == results[0].generated_tokens);
  }
}

inline void Start(World& world) {
  Request request;
  FillRequest(world, request);
  hob_session* session = world.sessions.Any(world.input);
  Changes(session,
          [&](hob_error** error) { return hob_session_start(session, &request.options, error); });
}
inline void Poll(World& world) {
  hob_session* session = world.sessions.Any(world.input);
  constexpr int32_t kTimeouts[] = {0, 1, 0, -1};
  for (int polls = world.input.Byte() % 12; polls >= 0; --polls) {
    hob_poll kind = -1;
    hob_token token = HOB_TOKEN_INIT;
    Call call;
    if (!call(hob_session_poll(&kind, &token, session, world.input.Pick(kTimeouts), call))) return;
    Require(kind >= HOB_POLL_NOTHING && kind <= HOB_POLL_END);
    if (kind == HOB_POLL_END) return;
  }
}
inline void Cancel(World& world) {
  if (hob_session* session = world.sessions.Any(world.input)) hob_session_cancel(session);
}
inline void Fork(World& world) {
  hob_session* fork = nullptr;
  Call call;
  if (call(hob_session_fork(&fork, world.sessions.Any(world.input), call)))
    world.sessions.Add(fork);
}

inline void SaveRestore(World& world) {
  void* bytes = nullptr;
  size_t size = 0;
  Call saving;
  if (!saving(hob_session_save_buffer(&bytes, &size, world.sessions.Any(world.input), saving)))
    return;
  world.saved.assign(static_cast<uint8_t*>(bytes), static_cast<uint8_t*>(bytes) + size);
  hob_free(bytes);
  hob_session* session = world.sessions.Any(world.input);
  const bool to_file = world.input.Byte() >= 240;
  const std::string path = to_file ? ScratchPath() : std::string();
  if (to_file) {
    Call call;
    if (!call(hob_session_save(session, path.data(), path.size(), call))) return;
  }
  Changes(session, [&](hob_error** error) {
    return to_file
               ? hob_session_restore(session, path.data(), path.size(), error)
               : hob_session_restore_buffer(session, world.saved.data(), world.saved.size(), error);
  });
  if (to_file) std::remove(path.c_str());
}
// What was saved, changed, cut, or of another model.
inline void RestoreAny(World& world) {
  std::vector<uint8_t> bytes = world.saved;
  for (int changes = world.input.Byte() % 4; changes > 0 && !bytes.empty(); --changes) {
    bytes[world.input.Raw<uint16_t>() % bytes.size()] ^= world.input.Byte();
  }
  if (world.input.Byte() >= 224) bytes.resize(world.input.Raw<uint16_t>() % (bytes.size() + 1));
  hob_session* session = world.sessions.Any(world.input);
  Changes(session, [&](hob_error** error) {
    return hob_session_restore_buffer(session, bytes.data(), bytes.size(), error);
  });
}

inline void SetSampler(World& world) {
  const Options<hob_sampler_options> some(world.input, world.AnySampler());
  hob_session* session = world.sessions.Any(world.input);
  Changes(session,
          [&](hob_error** error) { return hob_session_set_sampler(session, some.get(), error); });
}
inline void KeepMessages(World& world) {
  hob_session* session = world.sessions.Any(world.input);
  const size_t count = world.input.Byte() % 5;
  Changes(session,
          [&](hob_error** error) { return hob_session_keep_messages(session, count, error); });
}
inline void Reset(World& world) {
  hob_session* session = world.sessions.Any(world.input);
  Changes(session, [&](hob_error** error) { return hob_session_reset(session, error); });
}
inline void ReadSession(World& world) {
  hob_session* session = world.sessions.Any(world.input);
  if (session == nullptr) return;
  size_t count = 0;
  Require(hob_session_message_count(&count, session, nullptr) == HOB_OK);
  for (size_t i = 0; i <= count; ++i) {
    hob_string role = {}, text = {};
    Call call;
    const bool found = call(hob_session_get_message(&role, &text, session, i, call));
    Require(found == (i < count) && (!found || text.data[text.size] == '\0'));
  }
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  Require(hob_session_get_stats(&stats, session, nullptr) == HOB_OK);
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  Call call;
  call(hob_session_get_result(&result, session, call));
}

inline void Evaluate(World& world) {
  hob_session* session = world.sessions.Any(world.input);
  std::vector<int32_t> tokens(world.input.Byte() % 40);
  for (int32_t& token : tokens) token = world.input.Byte() % 12;
  int32_t left = world.input.Byte() % 6;
  Call call;
  call(hob_session_evaluate(
      session, tokens.data(), tokens.size(),
      [](void* user, size_t, size_t, const float*) {
        return static_cast<int32_t>(--*static_cast<int32_t*>(user) == 0);
      },
      &left, call));
}

}  // namespace hob::fuzz::abi
