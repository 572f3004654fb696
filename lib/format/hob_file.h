// SPDX-License-Identifier: Apache-2.0
// The .hob container: docs/reference/hob-format.md. WriteHobFile is in model_file.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "lib/base/status.h"
#include "lib/format/model_file.h"

namespace hob::format {

// As PNG's magic: a byte above 127, line ends of both kinds and a Ctrl-Z show a transfer that took
// the file for text.
inline constexpr uint8_t kHobMagic[8] = {0x89, 'H', 'O', 'B', '\r', '\n', 0x1a, '\n'};
inline constexpr uint32_t kHobVersion = 2;     // of what is written; 1 is read too
inline constexpr uint64_t kHobAlignment = 64;  // of the FlatBuffer, the data and each tensor
inline constexpr uint64_t kMaxFlatBufferBytes = (uint64_t{1} << 31) - 1 - kHobAlignment;

// The first 64 bytes of a file, little-endian.
struct HobHeader {
  uint8_t magic[8];
  uint32_t version;
  uint32_t header_bytes;  // 64
  uint64_t flatbuffer_offset;
  uint64_t flatbuffer_bytes;
  uint64_t data_offset;
  uint64_t data_bytes;
  uint8_t reserved[16];  // zero
};
static_assert(sizeof(HobHeader) == 64);

// Of a file whose parts follow each other, the data at the next multiple of kHobAlignment.
inline HobHeader MakeHobHeader(uint64_t flatbuffer_bytes, uint64_t data_bytes) {
  HobHeader header = {};
  std::memcpy(header.magic, kHobMagic, sizeof(header.magic));
  header.version = kHobVersion;
  header.header_bytes = sizeof(header);
  header.flatbuffer_offset = sizeof(header);
  header.flatbuffer_bytes = flatbuffer_bytes;
  header.data_offset =
      (sizeof(header) + flatbuffer_bytes + kHobAlignment - 1) / kHobAlignment * kHobAlignment;
  header.data_bytes = data_bytes;
  return header;
}

bool IsHob(std::span<const uint8_t> bytes);

// Reads and validates a whole file's bytes, which begin at an address that is a multiple of 64 (as
// a mapping does). The tensors point into `bytes`; `file` is left empty. Errors as ParseGguf's.
StatusOr<ModelFile> ParseHob(std::span<const uint8_t> bytes);

}  // namespace hob::format
