// SPDX-License-Identifier: Apache-2.0
// Checks of what a caller hands in.
#pragma once

#include <hob/base.h>

#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "lib/base/status.h"

namespace hob::abi {

// Above any struct that will ever be: bounds how far a wrong struct_size is read.
inline constexpr uint32_t kMaxStructSize = 4096;

Status NullArgument(std::string_view what);
// `what` is the struct's name; `known` are the sizes that released versions of it had, ascending.
Status CheckStruct(const void* given, std::span<const size_t> known, std::string_view what);

// The struct that `given` points to, with `defaults` for what is past its struct_size; or
// `defaults`, if it is null. kGrown are the offsets of the fields that later versions began to
// append at, ascending: each was a size of the struct before.
template <typename T, size_t... kGrown>
StatusOr<T> ReadStruct(const T* given, const T& defaults, std::string_view what,
                       std::index_sequence<kGrown...> = {}) {
  static constexpr size_t kKnown[] = {kGrown..., sizeof(T)};
  T result = defaults;
  if (given == nullptr) return result;
  HOB_RETURN_IF_ERROR(CheckStruct(given, kKnown, what));
  std::memcpy(&result, given, given->struct_size < sizeof(T) ? given->struct_size : sizeof(T));
  result.struct_size = sizeof(T);
  return result;
}

// Checks a struct that is to be filled; WriteStruct then writes what of `result` it has room for
// and leaves its struct_size. kGrown as above.
template <typename T, size_t... kGrown>
Status CheckOutStruct(const T* out, std::string_view what, std::index_sequence<kGrown...> = {}) {
  static constexpr size_t kKnown[] = {kGrown..., sizeof(T)};
  if (out == nullptr) return NullArgument(what);
  return CheckStruct(out, kKnown, what);
}

template <typename T>
void WriteStruct(T* out, T result) {
  result.struct_size = out->struct_size;
  std::memcpy(out, &result, out->struct_size < sizeof(T) ? out->struct_size : sizeof(T));
}

// INVALID_ARGUMENT for a null pointer with a length.
Status CheckRange(const void* data, size_t size, std::string_view what);
// INVALID_ARGUMENT unless 0 or 1.
Status CheckBool(uint8_t value, std::string_view what);
Status CheckReserved(std::span<const uint8_t> reserved, std::string_view what);

inline std::string_view View(const char* data, size_t size) {
  return size == 0 ? std::string_view() : std::string_view(data, size);
}
inline hob_string ToHobString(std::string_view text) {
  return text.empty() ? hob_string{"", 0} : hob_string{text.data(), text.size()};
}

// A copy for hob_free, followed by a NUL byte. RESOURCE_EXHAUSTED.
Status CopyOut(char** out, size_t* out_size, std::string_view text);

}  // namespace hob::abi
