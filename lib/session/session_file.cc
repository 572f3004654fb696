// SPDX-License-Identifier: Apache-2.0
#include "lib/session/session_file.h"

#include <algorithm>
#include <cstring>

#include "lib/base/checked.h"
#include "lib/session/session_generated.h"

namespace hob {
namespace {

constexpr std::string_view kHint = "Save the session again, or restore another copy of it.";
constexpr uint32_t kMaxDepth = 8;  // the schema is three deep
constexpr uint32_t kMaxTables = 4u << 20;

Status Corrupt(std::string_view message) {
  return Error(StatusCode::kInvalidArgument, message, kHint);
}

Status EndsEarly(std::string_view what, uint64_t wanted, uint64_t size) {
  return Error(
      StatusCode::kDataLoss,
      Concat("the saved session ends early: ", what, " end at byte ", wanted, ", it has ", size),
      kHint);
}

StatusOr<SessionHeader> ReadHeader(ByteReader& reader) {
  SessionHeader header = {};
  const size_t there = std::min<uint64_t>(reader.size(), sizeof(header));
  auto* const bytes = reinterpret_cast<uint8_t*>(&header);
  HOB_RETURN_IF_ERROR(reader.Read({bytes, there}));
  if (std::memcmp(bytes, kSessionMagic, std::min(there, sizeof(kSessionMagic))) != 0) {
    return Error(StatusCode::kInvalidArgument, "is not a saved session: wrong magic");
  }
  if (there < sizeof(header)) return EndsEarly("the header's bytes", sizeof(header), there);
  if (header.version < kPlainSessionVersion || header.version > kSessionVersion) {
    return Error(
        StatusCode::kUnimplemented,
        Concat("the session was saved as version ", header.version,
               "; this library restores versions ", kPlainSessionVersion, " and ", kSessionVersion),
        "Use the hob that saved it.");
  }
  if (header.header_bytes != sizeof(header) || header.reserved != 0) {
    return Corrupt("the header is not one of a saved session");
  }
  if (header.flatbuffer_bytes > kMaxSessionFlatBuffer) {
    return Corrupt(Concat("its FlatBuffer takes ", header.flatbuffer_bytes, " bytes; at most ",
                          kMaxSessionFlatBuffer, " are allowed"));
  }
  // At most kMaxSessionFlatBuffer and a little: there is such a number.
  const uint64_t pages =
      CheckedAlignUp<uint64_t>(sizeof(header) + header.flatbuffer_bytes, kSessionAlignment)
          .value_or(0);
  if (header.pages_offset != pages) {
    return Corrupt(Concat("the header places the pages at byte ", header.pages_offset,
                          ", not behind the FlatBuffer at ", pages));
  }
  const uint64_t size = reader.size();
  if (pages > size) return EndsEarly("its tokens", pages, size);
  const auto end = CheckedAdd(pages, header.pages_bytes);
  if (!end) return Corrupt("the header says more bytes of pages than a file can have");
  if (*end > size) return EndsEarly("its pages", *end, size);
  if (header.pages_bytes < size - pages) {
    return Corrupt(
        Concat("the saved session has ", size, " bytes, but its pages end at byte ", *end));
  }
  return header;
}

}  // namespace

Hash128 SessionChecksum(SessionHeader header, std::span<const uint8_t> rest) {
  header.checksum[0] = header.checksum[1] = 0;
  Hasher hasher;
  hasher.Update({reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
  hasher.Update(rest);
  return hasher.Finish();
}

StatusOr<SessionHead> SessionHead::Read(ByteReader& reader) {
  SessionHead head;
  HOB_ASSIGN_OR_RETURN(head.header_, ReadHeader(reader));
  head.rest_.resize(static_cast<size_t>(head.header_.pages_offset - sizeof(SessionHeader)));
  HOB_RETURN_IF_ERROR(reader.Read(head.rest_));
  const Hash128 checksum = SessionChecksum(head.header_, head.rest_);
  if (checksum.low != head.header_.checksum[0] || checksum.high != head.header_.checksum[1]) {
    return Error(StatusCode::kDataLoss,
                 "the saved session is damaged: its checksum does not fit what it holds", kHint);
  }
  const auto size = static_cast<size_t>(head.header_.flatbuffer_bytes);
  flatbuffers::Verifier verifier(head.rest_.data(), size, kMaxDepth, kMaxTables);
  if (size < 8 || !fbs::VerifySavedSessionBuffer(verifier)) {
    return Corrupt("its FlatBuffer does not verify as a saved session");
  }
  if (head.saved().version() != head.header_.version) {
    return Corrupt(Concat("its header says version ", head.header_.version, ", its FlatBuffer ",
                          head.saved().version()));
  }
  return head;
}

const fbs::SavedSession& SessionHead::saved() const { return *fbs::GetSavedSession(rest_.data()); }

}  // namespace hob
