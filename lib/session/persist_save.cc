// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <memory>

#include "lib/base/hash.h"
#include "lib/base/mapped_file.h"
#include "lib/session/persist.h"
#include "lib/session/session_file.h"
#include "lib/session/session_generated.h"
#include "lib/text/unicode.h"

namespace hob {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

flatbuffers::Offset<fbs::SavedPages> PackPages(const KvLayout& layout, const Hash128& hash,
                                               Builder& builder) {
  return fbs::CreateSavedPages(builder, static_cast<int32_t>(layout.type), layout.layers,
                               layout.heads, layout.head_dim, kKvPageTokens, layout.page_bytes(),
                               hash.low, hash.high);
}

flatbuffers::Offset<fbs::SavedSampler> PackSampler(const Sampler& sampler, Builder& builder) {
  const SamplerOptions& o = sampler.options();
  return fbs::CreateSavedSampler(builder, o.temperature, o.top_k, o.top_p, o.min_p,
                                 o.repetition_penalty, o.repetition_window, o.seed,
                                 sampler.drawn());
}

flatbuffers::Offset<fbs::SavedResult> PackResult(const SessionStats& stats, Builder& builder) {
  const GenerateResult& r = stats.counts;
  return fbs::CreateSavedResult(builder, static_cast<int32_t>(r.finish_reason), r.stop_index,
                                r.prompt_tokens, r.cached_tokens, r.generated_tokens,
                                r.dropped_tokens, stats.time_to_first_token_ns, stats.prefill_ns,
                                stats.decode_ns);
}

// An upper bound, checked before anything is copied: the builder cannot report that it is full.
Status CheckSize(const std::vector<text::ChatMessage>& messages, uint64_t tokens, uint64_t reply) {
  uint64_t bytes = tokens * sizeof(int32_t) + reply + 1024;
  for (const text::ChatMessage& message : messages) {
    bytes += message.role.size() + message.content.size() + message.fields.size() + 64;
  }
  if (bytes <= kMaxSessionFlatBuffer) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument,
               Concat("the session's messages and tokens take ", bytes,
                      " bytes; a saved session holds ", kMaxSessionFlatBuffer));
}

}  // namespace

StatusOr<SessionImage> SessionImage::Create(const Session& session) {
  HOB_RETURN_IF_ERROR(session.CheckIdle());
  HOB_RETURN_IF_ERROR(CheckSize(session.messages_, session.tokens_.size() + session.cached_.size(),
                                session.reply_.size()));
  SessionImage image;
  const KvCache& cache = session.cache_;
  image.pages_ = {cache.pages(), cache.page_count()};
  image.page_bytes_ = cache.page_bytes();
  Hasher hasher;
  for (const uint8_t* page : image.pages_) hasher.Update({page, image.page_bytes_});

  const Model& model = session.model();
  Builder builder;
  const Hash128& identity = model.hash();
  const auto origin = fbs::CreateSavedOrigin(
      builder, identity.low, identity.high, static_cast<int32_t>(model.activations()),
      model.rope().number(), model.rope().factor, model.rope().original_context);
  const auto pages = PackPages(cache.layout(), hasher.Finish(), builder);
  const auto sampler = PackSampler(session.sampler_, builder);
  std::vector<flatbuffers::Offset<fbs::SavedMessage>> messages;
  messages.reserve(session.messages_.size());
  // What an older library reads rightly is for it, too.
  uint32_t version = kPlainSessionVersion;
  for (const text::ChatMessage& message : session.messages_) {
    const auto role = builder.CreateString(message.role);
    const auto content = builder.CreateString(message.content);
    flatbuffers::Offset<flatbuffers::String> fields;
    if (!message.fields.empty()) {
      fields = builder.CreateString(message.fields);
      version = kSessionVersion;
    }
    messages.push_back(fbs::CreateSavedMessage(builder, role, content, fields));
  }
  const auto packed_messages = builder.CreateVector(messages);
  const auto tokens = builder.CreateVector(session.tokens_);
  const auto reply = builder.CreateString(session.reply_);
  const auto cached = builder.CreateVector(session.cached_);
  const auto result = PackResult(session.stats_, builder);
  fbs::FinishSavedSessionBuffer(
      builder,
      fbs::CreateSavedSession(builder, version, origin, pages, session.window_.context,
                              session.rolls_, session.window_.keep, sampler, packed_messages,
                              tokens, session.dropped_, reply, cached, result));

  SessionHeader header = {};
  std::memcpy(header.magic, kSessionMagic, sizeof(header.magic));
  header.version = version;
  header.header_bytes = sizeof(header);
  header.flatbuffer_bytes = builder.GetSize();
  header.pages_offset = (sizeof(header) + builder.GetSize() + kSessionAlignment - 1) /
                        kSessionAlignment * kSessionAlignment;
  header.pages_bytes = image.pages_.size() * image.page_bytes_;
  image.head_.resize(static_cast<size_t>(header.pages_offset));
  std::memcpy(image.head_.data() + sizeof(header), builder.GetBufferPointer(), builder.GetSize());
  const Hash128 checksum =
      SessionChecksum(header, std::span<const uint8_t>(image.head_).subspan(sizeof(header)));
  header.checksum[0] = checksum.low;
  header.checksum[1] = checksum.high;
  std::memcpy(image.head_.data(), &header, sizeof(header));
  return image;
}

Status SessionImage::Write(const std::function<Status(std::span<const uint8_t>)>& append) const {
  HOB_RETURN_IF_ERROR(append(head_));
  for (const uint8_t* page : pages_) HOB_RETURN_IF_ERROR(append({page, page_bytes_}));
  return absl::OkStatus();
}

Status SaveSession(const Session& session, const std::string& path) {
  HOB_RETURN_IF_ERROR(text::CheckUtf8(path, "the path to save to"));
  HOB_ASSIGN_OR_RETURN(const SessionImage image, SessionImage::Create(session));
  HOB_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFileWriter> writer,
                       AtomicFileWriter::Create(path));
  HOB_RETURN_IF_ERROR(
      image.Write([&](std::span<const uint8_t> part) { return writer->Append(part); }));
  return writer->Commit();
}

}  // namespace hob
