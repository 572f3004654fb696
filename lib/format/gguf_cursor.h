// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "lib/base/status.h"

namespace hob::format {

static_assert(std::endian::native == std::endian::little, "model files are read in place");

// Reads little-endian values from bytes one after another and never past their end. `field` names
// what is read, for messages.
class GgufCursor {
 public:
  explicit GgufCursor(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  uint64_t offset() const { return offset_; }
  uint64_t remaining() const { return bytes_.size() - offset_; }

  template <typename T>
  StatusOr<T> Read(std::string_view field) {
    static_assert(std::is_arithmetic_v<T>);
    if (remaining() < sizeof(T)) return EndsEarly(field, sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }

  // A 64-bit length and that many bytes, at most `limit`.
  StatusOr<std::string_view> ReadString(std::string_view field, uint64_t limit) {
    const uint64_t start = offset_;
    HOB_ASSIGN_OR_RETURN(const uint64_t length, Read<uint64_t>(field));
    if (length > remaining()) return EndsEarly(field, length);
    if (length > limit) {
      return Error(StatusCode::kInvalidArgument,
                   Concat(field, " at byte ", start, " is ", length, " bytes long; at most ", limit,
                          " are allowed"));
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + offset_, length);
    offset_ += length;
    return text;
  }

  Status EndsEarly(std::string_view field, uint64_t needed) const {
    return Error(StatusCode::kDataLoss,
                 Concat("the file ends early: ", field, " at byte ", offset_, " needs ", needed,
                        " bytes, ", remaining(), " are left"),
                 "The file is truncated or corrupt; fetch it again.");
  }

 private:
  std::span<const uint8_t> bytes_;
  uint64_t offset_ = 0;
};

}  // namespace hob::format
