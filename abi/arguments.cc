// SPDX-License-Identifier: Apache-2.0
#include "abi/arguments.h"

#include <algorithm>

namespace hob::abi {

Status NullArgument(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, Concat(what, " is NULL"));
}

Status CheckStruct(const void* given, std::span<const size_t> known, std::string_view what) {
  uint32_t size;
  std::memcpy(&size, given, sizeof(size));
  const size_t newest = known.back();
  if (size > newest && size <= kMaxStructSize) {
    const auto* tail = static_cast<const uint8_t*>(given) + newest;
    if (std::all_of(tail, tail + (size - newest), [](uint8_t byte) { return byte == 0; })) {
      return absl::OkStatus();
    }
    return Error(StatusCode::kInvalidArgument,
                 Concat(what, ": a field past byte ", newest,
                        " is set, which this version of the library does not know"),
                 "Leave fields of newer versions zero, or use a newer library.");
  }
  if (std::find(known.begin(), known.end(), size) != known.end()) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument,
               Concat(what, ".struct_size is ", size, ", not ", newest),
               "Begin with the struct's HOB_..._INIT.");
}

Status CheckRange(const void* data, size_t size, std::string_view what) {
  if (data == nullptr && size != 0) {
    return Error(StatusCode::kInvalidArgument, Concat(what, " is NULL, but its length is ", size));
  }
  return absl::OkStatus();
}

Status CheckBool(uint8_t value, std::string_view what) {
  if (value <= 1) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument, Concat(what, " is ", int{value}, ", not 0 or 1"));
}

Status CheckReserved(std::span<const uint8_t> reserved, std::string_view what) {
  for (const uint8_t byte : reserved) {
    if (byte != 0) {
      return Error(StatusCode::kInvalidArgument, Concat(what, ".reserved is not zero"));
    }
  }
  return absl::OkStatus();
}

Status CopyOut(char** out, size_t* out_size, std::string_view text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) {
    return Error(StatusCode::kResourceExhausted,
                 Concat("out of memory for a text of ", text.size(), " bytes"));
  }
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  *out = copy;
  *out_size = text.size();
  return absl::OkStatus();
}

}  // namespace hob::abi
