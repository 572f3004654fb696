// SPDX-License-Identifier: Apache-2.0
#include <hob/session.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "abi/generate_options.h"
#include "abi/handles.h"
#include "abi/text.h"
#include "abi/unit_handles.h"

namespace hob::abi {

StatusOr<SessionUse> SessionUse::Begin(const hob_session* handle) {
  HOB_RETURN_IF_ERROR(CheckHandle(handle, "session"));
  std::shared_ptr<Session> session = handle->object;
  if (!session->TryEnter()) {
    return Error(StatusCode::kFailedPrecondition,
                 "the session is in use by another call, or by the one whose callback this is",
                 "Use a session from one thread at a time.");
  }
  return SessionUse(std::move(session));
}

namespace {

// Both are a number and a float, and handed out where they lie.
static_assert(sizeof(hob_token_logprob) == sizeof(TokenLogprob) &&
              offsetof(hob_token_logprob, logprob) == offsetof(TokenLogprob, logprob));

hob_token ToToken(const Piece& piece) {
  hob_token token = HOB_TOKEN_INIT;
  token.id = piece.token;
  token.text = piece.text.data();
  token.text_size = piece.text.size();
  token.likeliest = reinterpret_cast<const hob_token_logprob*>(piece.likeliest.data());
  token.likeliest_count = static_cast<int32_t>(piece.likeliest.size());
  token.logprob = piece.logprob;
  return token;
}

}  // namespace

StatusOr<GenerateOptions> ReadGenerateOptions(const hob_generate_options* given_options) {
  HOB_ASSIGN_OR_RETURN(const hob_generate_options given,
                       ReadStruct(given_options, hob_generate_options(HOB_GENERATE_OPTIONS_INIT),
                                  "hob_generate_options",
                                  std::index_sequence<offsetof(hob_generate_options, grammar)>()));
  HOB_RETURN_IF_ERROR(CheckBool(given.ignore_eos, "hob_generate_options.ignore_eos"));
  HOB_RETURN_IF_ERROR(CheckReserved(given.reserved, "hob_generate_options"));
  HOB_RETURN_IF_ERROR(CheckReserved(given.reserved2, "hob_generate_options"));
  HOB_RETURN_IF_ERROR(CheckBool(given.logprobs, "hob_generate_options.logprobs"));
  HOB_RETURN_IF_ERROR(CheckRange(given.stops, given.stop_count, "hob_generate_options.stops"));
  if (given.stop_count > GenerateOptions::kMaxStops) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("hob_generate_options.stop_count is ", given.stop_count, ", above ",
                        GenerateOptions::kMaxStops));
  }
  GenerateOptions options;
  options.max_tokens = given.max_tokens;
  options.ignore_eos = given.ignore_eos != 0;
  options.priority = given.priority;
  options.logprobs = given.logprobs != 0;
  options.top_logprobs = given.top_logprobs;
  options.max_time = std::chrono::milliseconds(given.max_time_ms);
  if (given.grammar != nullptr) {
    HOB_RETURN_IF_ERROR(CheckLive(given.grammar, "hob_generate_options.grammar"));
    options.grammar = given.grammar->object;
  }
  for (const hob_string& stop : std::span(given.stops, given.stop_count)) {
    HOB_RETURN_IF_ERROR(CheckRange(stop.data, stop.size, "a stop text"));
    if (stop.size > GenerateOptions::kMaxStopBytes) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("a stop text has ", stop.size, " bytes, more than ",
                          GenerateOptions::kMaxStopBytes));
    }
    options.stops.emplace_back(View(stop.data, stop.size));
  }
  if (given.on_token != nullptr) {
    options.on_token = [on_token = given.on_token, user = given.user](const Piece& piece) {
      const hob_token token = ToToken(piece);
      return on_token(user, &token) == 0;
    };
  }
  return options;
}

void WriteResult(hob_generate_result* out, const GenerateResult& result) {
  hob_generate_result written = HOB_GENERATE_RESULT_INIT;
  written.finish_reason = static_cast<hob_finish_reason>(result.finish_reason);
  written.stop_index = result.stop_index;
  written.prompt_tokens = result.prompt_tokens;
  written.cached_tokens = result.cached_tokens;
  written.generated_tokens = result.generated_tokens;
  written.dropped_tokens = result.dropped_tokens;
  WriteStruct(out, written);
}

namespace {

double PerSecond(int64_t count, uint64_t nanoseconds) {
  return nanoseconds == 0 || count <= 0
             ? 0.0
             : static_cast<double>(count) * 1e9 / static_cast<double>(nanoseconds);
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_session_create(hob_session** out, hob_model* model,
                              const hob_session_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    HOB_ASSIGN_OR_RETURN(
        const hob_session_options given,
        ReadStruct(options, hob_session_options(HOB_SESSION_OPTIONS_INIT), "hob_session_options",
                   std::index_sequence<offsetof(hob_session_options, kv_type)>()));
    hob::SessionOptions read;
    HOB_RETURN_IF_ERROR(CheckBool(given.roll, "hob_session_options.roll"));
    HOB_RETURN_IF_ERROR(CheckReserved(given.reserved, "hob_session_options"));
    read.context_tokens = given.context_tokens;
    HOB_RETURN_IF_ERROR(CheckBool(given.speculate, "hob_session_options.speculate"));
    read.roll = given.roll != 0;
    read.guess = given.speculate != 0;
    read.keep_tokens = given.keep_tokens;
    read.draft_tokens = given.draft_tokens;
    if (given.draft != nullptr) {
      HOB_RETURN_IF_ERROR(CheckHandle(given.draft, "hob_session_options.draft"));
      read.draft = given.draft->object;
    }
    if (given.kv_type != HOB_KV_MODEL) {
      HOB_ASSIGN_OR_RETURN(read.kv_type, ReadKvType(given.kv_type, model->object->activations(),
                                                    "hob_session_options.kv_type"));
    }
    HOB_ASSIGN_OR_RETURN(read.sampler, ReadSamplerOptions(given.sampler));
    HOB_ASSIGN_OR_RETURN(auto session, hob::Session::Create(model->object, read));
    *out = Adopt(new hob_session{std::move(session)});
    return absl::OkStatus();
  });
}

hob_status hob_session_fork(hob_session** out, const hob_session* session, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_ASSIGN_OR_RETURN(auto fork, use->Fork());
    *out = Adopt(new hob_session{std::move(fork)});
    return absl::OkStatus();
  });
}

void hob_session_destroy(hob_session* session) {
  hob_session_cancel(session);
  hob::abi::Destroy(session);
}

hob_status hob_session_set_sampler(hob_session* session, const hob_sampler_options* sampler,
                                   hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_ASSIGN_OR_RETURN(const hob::SamplerOptions options, ReadSamplerOptions(sampler));
    return use->SetSampler(options);
  });
}

hob_status hob_session_add_message(hob_session* session, const char* role, size_t role_size,
                                   const char* text, size_t text_size, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckRange(role, role_size, "role"));
    HOB_RETURN_IF_ERROR(CheckRange(text, text_size, "text"));
    return use->AddMessage(View(role, role_size), View(text, text_size));
  });
}

hob_status hob_session_message_count(size_t* out, const hob_session* session, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    *out = use->message_count();
    return absl::OkStatus();
  });
}

hob_status hob_session_get_message(hob_string* out_role, hob_string* out_text,
                                   const hob_session* session, size_t index, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out_role == nullptr) return NullArgument("out_role");
    if (out_text == nullptr) return NullArgument("out_text");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    if (index >= use->messages().size()) {
      return hob::Error(
          hob::StatusCode::kOutOfRange,
          hob::Concat("there is no message ", index, "; the session has ", use->messages().size()));
    }
    *out_role = ToHobString(use->messages()[index].role);
    *out_text = ToHobString(use->messages()[index].content);
    return absl::OkStatus();
  });
}

hob_status hob_session_keep_messages(hob_session* session, size_t count, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    return use->KeepMessages(count);
  });
}

hob_status hob_session_add_text(hob_session* session, const char* text, size_t text_size,
                                hob_text_flags flags, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckRange(text, text_size, "text"));
    HOB_ASSIGN_OR_RETURN(const auto options, ReadEncodeFlags(flags));
    return use->AddText(View(text, text_size), options);
  });
}

hob_status hob_session_add_tokens(hob_session* session, const int32_t* tokens, size_t count,
                                  hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckRange(tokens, count, "tokens"));
    return use->AddTokens(std::span(tokens, count));
  });
}

hob_status hob_session_generate(hob_generate_result* out, hob_session* session,
                                const hob_generate_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    if (out != nullptr) HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_generate_result"));
    HOB_ASSIGN_OR_RETURN(const hob::GenerateOptions read, ReadGenerateOptions(options));
    HOB_ASSIGN_OR_RETURN(const hob::GenerateResult result, use->Generate(read));
    if (out != nullptr) WriteResult(out, result);
    return absl::OkStatus();
  });
}

hob_status hob_session_start(hob_session* session, const hob_generate_options* options,
                             hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_ASSIGN_OR_RETURN(const hob::GenerateOptions read, ReadGenerateOptions(options));
    return use->Start(read);
  });
}

hob_status hob_session_poll(hob_poll* out, hob_token* token, hob_session* session,
                            int32_t timeout_ms, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    if (token != nullptr) {
      HOB_RETURN_IF_ERROR(CheckOutStruct(token, "hob_token",
                                         std::index_sequence<offsetof(hob_token, likeliest)>()));
    }
    using Clock = std::chrono::steady_clock;
    const Clock::time_point deadline = timeout_ms < 0
                                           ? Clock::time_point::max()
                                           : Clock::now() + std::chrono::milliseconds(timeout_ms);
    const hob::Piece* piece = nullptr;
    HOB_ASSIGN_OR_RETURN(const hob::PieceKind kind, use->Poll(deadline, &piece));
    *out = static_cast<hob_poll>(kind);
    if (token != nullptr && piece != nullptr) {
      WriteStruct(token, ToToken(*piece));
    }
    return absl::OkStatus();
  });
}

hob_status hob_session_get_result(hob_generate_result* out, const hob_session* session,
                                  hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_generate_result"));
    WriteResult(out, use->stats().counts);
    return absl::OkStatus();
  });
}

void hob_session_cancel(hob_session* session) {
  // No Status is made where all is well: signal handlers call this.
  if (hob::abi::IsLive(session)) session->object->Cancel();
}

hob_status hob_session_reset(hob_session* session, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    return use->Reset();
  });
}

hob_status hob_session_get_reply(hob_string* out, const hob_session* session, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    *out = ToHobString(use->reply());
    return absl::OkStatus();
  });
}

hob_status hob_session_get_tokens(const int32_t** out_tokens, size_t* out_count,
                                  const hob_session* session, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out_tokens == nullptr) return NullArgument("out_tokens");
    if (out_count == nullptr) return NullArgument("out_count");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    *out_tokens = use->tokens().data();
    *out_count = use->tokens().size();
    return absl::OkStatus();
  });
}

hob_status hob_session_get_stats(hob_session_stats* out, const hob_session* session,
                                 hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(
        CheckOutStruct(out, "hob_session_stats",
                       std::index_sequence<offsetof(hob_session_stats, guessed_tokens)>()));
    const hob::SessionStats& stats = use->stats();
    const hob::GenerateResult& counts = stats.counts;
    hob_session_stats written = HOB_SESSION_STATS_INIT;
    written.context_tokens = use->context_tokens();
    written.prompt_tokens = static_cast<uint64_t>(counts.prompt_tokens);
    written.cached_tokens = static_cast<uint64_t>(counts.cached_tokens);
    written.generated_tokens = static_cast<uint64_t>(counts.generated_tokens);
    written.time_to_first_token_ns = stats.time_to_first_token_ns;
    written.prefill_ns = stats.prefill_ns;
    written.decode_ns = stats.decode_ns;
    written.prefill_tokens_per_second =
        PerSecond(counts.prompt_tokens - counts.cached_tokens, stats.prefill_ns);
    written.decode_tokens_per_second = PerSecond(counts.generated_tokens - 1, stats.decode_ns);
    written.cache_bytes = stats.cache_bytes;
    written.guessed_tokens = static_cast<uint64_t>(stats.guessed);
    written.right_tokens = static_cast<uint64_t>(stats.right);
    written.peak_bytes = use->model().runtime().allocator()->peak_bytes();
    WriteStruct(out, written);
    return absl::OkStatus();
  });
}

}  // extern "C"
