// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>

#include "lib/base/hash.h"
#include "lib/format/flatbuffer_copy.h"
#include "lib/session/drafter.h"
#include "lib/session/persist.h"
#include "lib/session/plan.h"
#include "lib/session/session_file.h"
#include "lib/session/session_generated.h"
#include "lib/text/tools/tool_messages.h"
#include "lib/text/unicode.h"

namespace hob {
namespace {

constexpr std::string_view kHint = "Save the session again, or restore another copy of it.";

Status Corrupt(std::string_view message) {
  return Error(StatusCode::kInvalidArgument, message, kHint);
}

Status Differs(std::string_view what, std::string_view saved, std::string_view own,
               std::string_view hint) {
  return Error(StatusCode::kFailedPrecondition,
               Concat("the session was saved with ", what, " ", saved, ", this one has ", own),
               hint);
}

std::string TypeName(int32_t type) {
  const DTypeInfo* info = FindDType(static_cast<DType>(type));
  return info == nullptr ? Concat("of number ", type) : std::string(info->name);
}

std::string ActivationsName(int32_t type) {
  if (type == static_cast<int32_t>(DType::kQ16Act)) return "int16";
  if (type == static_cast<int32_t>(DType::kQ8Act)) return "int8";
  return type == static_cast<int32_t>(DType::kF32) ? "f32" : Concat("of number ", type);
}

// Pages are of use to the same model, computed in the same way, alone.
Status CheckOrigin(const fbs::SavedSession& saved, const Model& model) {
  const fbs::SavedOrigin& origin = *saved.origin();
  const Hash128 identity = {.low = origin.model_low(), .high = origin.model_high()};
  if (identity != model.hash()) {
    return Differs("a model whose hash is", ToHex(identity), ToHex(model.hash()),
                   "Open the model file that it was saved with.");
  }
  if (origin.activations() != static_cast<int32_t>(model.activations())) {
    return Differs("activations", ActivationsName(origin.activations()),
                   ActivationsName(static_cast<int32_t>(model.activations())),
                   "Open the model with the same activations.");
  }
  const auto rope = [](int32_t type, double factor, int64_t original) {
    return type < 0 ? std::string("as the file has it")
                    : Concat("of number ", type, " with factor ", factor, " over ", original);
  };
  const RopeOverride& own = model.rope();
  if (origin.rope_scaling() != own.number() || origin.rope_factor() != own.factor ||
      origin.rope_original_context() != own.original_context) {
    return Differs(
        "rope scaling",
        rope(origin.rope_scaling(), origin.rope_factor(), origin.rope_original_context()),
        rope(own.number(), own.factor, own.original_context),
        "Open the model with the same rope options.");
  }
  const fbs::SavedPages& pages = *saved.pages();
  const auto type = static_cast<DType>(pages.type());
  if (!KvLayout::Holds(type)) {
    return Error(StatusCode::kFailedPrecondition,
                 Concat("the session was saved with a cache of type ", TypeName(pages.type()),
                        ", which this hob does not have"),
                 "Use the hob that saved it.");
  }
  const KvLayout layout = model.batcher()->executor().kv_layout().As(type);
  if (pages.layers() != layout.layers || pages.kv_heads() != layout.heads ||
      pages.head_dim() != layout.head_dim || pages.page_tokens() != kKvPageTokens ||
      pages.page_bytes() != layout.page_bytes()) {
    const auto shape = [](int64_t layers, int64_t heads, int64_t dim, int64_t tokens,
                          uint64_t bytes) {
      return Concat(layers, "x", heads, "x", dim, "x", tokens, " in ", bytes, " bytes");
    };
    return Differs(
        "cache pages of",
        shape(pages.layers(), pages.kv_heads(), pages.head_dim(), pages.page_tokens(),
              pages.page_bytes()),
        shape(layout.layers, layout.heads, layout.head_dim, kKvPageTokens, layout.page_bytes()),
        "Use the hob that saved it.");
  }
  return absl::OkStatus();
}

StatusOr<Sampler> ReadSampler(const fbs::SavedSampler& saved) {
  auto sampler = Sampler::Create({.temperature = saved.temperature(),
                                  .top_k = saved.top_k(),
                                  .top_p = saved.top_p(),
                                  .min_p = saved.min_p(),
                                  .repetition_penalty = saved.repetition_penalty(),
                                  .repetition_window = saved.repetition_window(),
                                  .seed = saved.seed()});
  if (!sampler.ok()) return Annotate(sampler.status(), "the saved session");
  sampler->set_drawn(saved.drawn());
  return sampler;
}

StatusOr<std::string> ReadText(const flatbuffers::String* text, format::CopyBudget* budget) {
  HOB_ASSIGN_OR_RETURN(std::string copy, format::Copy(text, budget));
  if (text::FindInvalidUtf8(copy) != std::string_view::npos) {
    return Corrupt("the saved session has a text that is not UTF-8");
  }
  return copy;
}

StatusOr<std::vector<text::ChatMessage>> ReadMessages(const fbs::SavedSession& saved,
                                                      format::CopyBudget* budget) {
  constexpr uint64_t kLeastBytes = 16;  // of a message in a FlatBuffer
  std::vector<text::ChatMessage> messages;
  if (saved.messages() == nullptr) return messages;
  HOB_RETURN_IF_ERROR(budget->Spend(kLeastBytes * saved.messages()->size()));
  messages.reserve(saved.messages()->size());
  for (const fbs::SavedMessage* message : *saved.messages()) {
    HOB_ASSIGN_OR_RETURN(std::string role, ReadText(message->role(), budget));
    HOB_ASSIGN_OR_RETURN(std::string content, ReadText(message->content(), budget));
    if (role.empty()) return Corrupt("the saved session has a message without a role");
    std::string fields;
    if (message->fields() != nullptr) {
      HOB_ASSIGN_OR_RETURN(fields, ReadText(message->fields(), budget));
      auto read = text::ReadMessageFields(fields);
      if (!read.ok()) return Annotate(read.status(), "the saved session");
      fields = *std::move(read);
    }
    messages.push_back({std::move(role), std::move(content), std::move(fields)});
  }
  return messages;
}

StatusOr<SessionStats> ReadResult(const fbs::SavedResult& saved) {
  const bool counts = saved.prompt_tokens() >= 0 && saved.cached_tokens() >= 0 &&
                      saved.generated_tokens() >= 0 && saved.dropped_tokens() >= 0;
  if (!counts || saved.stop_index() < -1 ||
      saved.finish_reason() < static_cast<int32_t>(FinishReason::kEnd) ||
      saved.finish_reason() > static_cast<int32_t>(FinishReason::kToolCalls)) {
    return Corrupt("the saved session's last result is none that hob gives");
  }
  SessionStats stats;
  stats.counts.finish_reason = static_cast<FinishReason>(saved.finish_reason());
  stats.counts.stop_index = saved.stop_index();
  stats.counts.prompt_tokens = saved.prompt_tokens();
  stats.counts.cached_tokens = saved.cached_tokens();
  stats.counts.generated_tokens = saved.generated_tokens();
  stats.counts.dropped_tokens = saved.dropped_tokens();
  stats.time_to_first_token_ns = saved.time_to_first_token_ns();
  stats.prefill_ns = saved.prefill_ns();
  stats.decode_ns = saved.decode_ns();
  return stats;
}

}  // namespace

// A session's next state, made beside the present one.
class SessionRestorer {
 public:
  explicit SessionRestorer(Session& session) : session_(session) {}

  Status Restore(ByteReader& reader) {
    HOB_RETURN_IF_ERROR(session_.CheckIdle());
    HOB_ASSIGN_OR_RETURN(const SessionHead head, SessionHead::Read(reader));
    const fbs::SavedSession& saved = head.saved();
    HOB_RETURN_IF_ERROR(CheckOrigin(saved, session_.model()));
    HOB_ASSIGN_OR_RETURN(Sampler sampler, ReadSampler(*saved.sampler()));
    HOB_ASSIGN_OR_RETURN(SessionStats stats, ReadResult(*saved.result()));
    format::CopyBudget budget(head.flatbuffer_bytes(), kHint);
    HOB_ASSIGN_OR_RETURN(auto messages, ReadMessages(saved, &budget));
    HOB_ASSIGN_OR_RETURN(std::string reply, ReadText(saved.reply(), &budget));
    HOB_ASSIGN_OR_RETURN(auto tokens, ReadTokens(saved.tokens(), "token", &budget));
    HOB_ASSIGN_OR_RETURN(auto cached, ReadTokens(saved.cached(), "cached token", &budget));
    if (saved.dropped_tokens() < 0) return Corrupt("the saved session dropped fewer than 0 tokens");
    HOB_ASSIGN_OR_RETURN(const RollingWindow window,
                         ReadWindow(saved, tokens.size(), cached.size()));
    // Of the saved type, which may take more than this session's.
    KvCache cache = session_.cache_.Empty(static_cast<DType>(saved.pages()->type()));
    HOB_RETURN_IF_ERROR(
        CheckSessionFits(session_.model(), window.context, cache.layout(), session_.draft_.get()));
    HOB_RETURN_IF_ERROR(ReadPages(head, cached.size(), reader, cache));

    // From here on nothing fails.
    session_.window_ = window;
    session_.rolls_ = saved.roll();
    session_.sampler_ = std::move(sampler);
    session_.messages_ = std::move(messages);
    session_.tokens_ = std::move(tokens);
    session_.dropped_ = saved.dropped_tokens();
    session_.reply_ = std::move(reply);
    session_.calls_.clear();
    session_.cache_ = std::move(cache);
    session_.cached_ = std::move(cached);
    session_.restored_ = true;
    session_.stats_ = stats;
    // What its draft model has read is of another text.
    if (session_.drafter_ != nullptr) session_.drafter_->Clear();
    session_.stats_.cache_bytes = session_.cache_bytes();
    return absl::OkStatus();
  }

 private:
  StatusOr<std::vector<int32_t>> ReadTokens(const flatbuffers::Vector<int32_t>* source,
                                            std::string_view what,
                                            format::CopyBudget* budget) const {
    HOB_ASSIGN_OR_RETURN(auto tokens, format::CopyVector<int32_t>(source, budget));
    if (const Status status = session_.CheckTokens(tokens); !status.ok()) {
      return Annotate(status, Concat("the saved session has a wrong ", what));
    }
    return tokens;
  }

  // The saved window, its context cut to this session's where nothing depends on it yet.
  StatusOr<RollingWindow> ReadWindow(const fbs::SavedSession& saved, size_t tokens,
                                     size_t cached) const {
    RollingWindow window{.context = saved.context_tokens(), .keep = saved.keep_tokens()};
    const bool rolls = saved.roll();
    const int32_t most = session_.model().batcher()->executor().shape().context_length;
    if (window.context < 1 || window.context > most || !window.Possible(rolls)) {
      return Corrupt(Concat("the saved session's context of ", window.context,
                            " tokens, of which it keeps ", window.keep, ", is none that hob has"));
    }
    const size_t needed = rolls ? cached : std::max(tokens, cached);
    if (needed > static_cast<size_t>(window.context)) {
      return Corrupt(
          Concat("the saved session has ", needed, " tokens in a context of ", window.context));
    }
    const int32_t limit = session_.context_limit_;
    if (window.context <= limit) return window;
    if (rolls) {
      return Error(StatusCode::kOutOfRange,
                   Concat("the saved session rolls over a context of ", window.context,
                          " tokens, this one's holds ", limit),
                   "Create the session with a context as large.");
    }
    if (needed > static_cast<size_t>(limit)) {
      return Error(
          StatusCode::kOutOfRange,
          Concat("the saved session holds ", needed, " tokens, this one's context ", limit),
          "Create the session with a larger context.");
    }
    window.context = limit;
    return window;
  }

  static Status ReadPages(const SessionHead& head, size_t tokens, ByteReader& reader,
                          KvCache& cache) {
    const size_t page_bytes = cache.page_bytes();
    const uint64_t count = KvCache::PagesFor(static_cast<int64_t>(tokens));
    if (head.pages_bytes() % page_bytes != 0 || head.pages_bytes() / page_bytes != count) {
      return Corrupt(Concat("the saved session has ", head.pages_bytes(), " bytes of pages; ",
                            tokens, " tokens take ", count, " pages of ", page_bytes));
    }
    HOB_RETURN_IF_ERROR(cache.PrepareAppend(static_cast<int32_t>(tokens)));
    Hasher hasher;
    for (size_t i = 0; i < count; ++i) {
      const std::span<uint8_t> page(cache.pages()[i], page_bytes);
      HOB_RETURN_IF_ERROR(reader.Read(page));
      hasher.Update(page);
    }
    const fbs::SavedPages& pages = *head.saved().pages();
    if (hasher.Finish() != Hash128{.low = pages.hash_low(), .high = pages.hash_high()}) {
      return Error(StatusCode::kDataLoss,
                   "the saved session is damaged: its checksum does not fit its cache pages",
                   kHint);
    }
    cache.CommitAppend(static_cast<int32_t>(tokens));
    return absl::OkStatus();
  }

  Session& session_;
};

Status RestoreSession(Session& session, ByteReader& reader) {
  return SessionRestorer(session).Restore(reader);
}

Status RestoreSession(Session& session, const std::string& path) {
  HOB_RETURN_IF_ERROR(text::CheckUtf8(path, "the path to restore from"));
  HOB_ASSIGN_OR_RETURN(const std::unique_ptr<FileReader> reader, FileReader::Open(path));
  return Annotate(RestoreSession(session, *reader), path);
}

}  // namespace hob
