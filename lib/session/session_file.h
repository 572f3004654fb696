// SPDX-License-Identifier: Apache-2.0
// The layout of a saved session: docs/reference/session-format.md.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lib/base/file_reader.h"
#include "lib/base/hash.h"
#include "lib/base/status.h"

namespace hob::fbs {
struct SavedSession;
}

namespace hob {

// As a .hob file's, which says why.
inline constexpr uint8_t kSessionMagic[8] = {0x89, 'H', 'B', 'S', '\r', '\n', 0x1a, '\n'};
// The first has messages of a role and a text alone; the second has more of them to say.
inline constexpr uint32_t kPlainSessionVersion = 1;
inline constexpr uint32_t kSessionVersion = 2;
inline constexpr uint64_t kSessionAlignment = 64;  // of the pages
inline constexpr uint64_t kMaxSessionFlatBuffer = uint64_t{1} << 30;

// The first 64 bytes, little-endian. The FlatBuffer follows, then zeros up to the pages.
struct SessionHeader {
  uint8_t magic[8];
  uint32_t version;
  uint32_t header_bytes;  // 64
  uint64_t flatbuffer_bytes;
  uint64_t pages_offset;
  uint64_t pages_bytes;
  uint64_t checksum[2];  // low, high: XXH3-128 of all before the pages, this field taken as zero
  uint64_t reserved;     // zero
};
static_assert(sizeof(SessionHeader) == 64);

// XXH3-128 of a header, its checksum taken as zero, and what follows it up to the pages.
Hash128 SessionChecksum(SessionHeader header, std::span<const uint8_t> rest);

// The part of a saved session before its pages, read and verified: header, checksum, FlatBuffer.
// What it says is still not to be trusted.
class SessionHead {
 public:
  // Errors: DATA_LOSS (cut or altered), INVALID_ARGUMENT (something else), UNIMPLEMENTED (a newer
  // version). The pages come next in `reader`.
  static StatusOr<SessionHead> Read(ByteReader& reader);

  const fbs::SavedSession& saved() const;
  uint64_t flatbuffer_bytes() const { return header_.flatbuffer_bytes; }
  uint64_t pages_bytes() const { return header_.pages_bytes; }

 private:
  SessionHead() = default;
  SessionHeader header_ = {};
  std::vector<uint8_t> rest_;
};

}  // namespace hob
