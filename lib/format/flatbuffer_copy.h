// SPDX-License-Identifier: Apache-2.0
// Copies out of a FlatBuffer that has passed the verifier and is untrusted all the same.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"

namespace hob::format {

// Offsets in a FlatBuffer may share what they point to, so a small file can describe more than fits
// in memory. A writer shares nothing: what is copied never exceeds the FlatBuffer itself.
class CopyBudget {
 public:
  // `hint` is that of the errors and outlives this.
  CopyBudget(uint64_t bytes, std::string_view hint) : left_(bytes), hint_(hint) {}
  Status Spend(uint64_t bytes) {
    if (bytes > left_) return Corrupt("its FlatBuffer describes more than it holds");
    left_ -= bytes;
    return absl::OkStatus();
  }
  template <typename T>
  Status SpendOn(const flatbuffers::Vector<T>* vector) {
    if (vector == nullptr || vector->size() == 0) return absl::OkStatus();
    // The verifier checks a vector's length field only, not that wider elements are aligned.
    if (reinterpret_cast<uintptr_t>(vector->Data()) % sizeof(T) != 0) {
      return Corrupt("its FlatBuffer holds an array that is not aligned");
    }
    return Spend(uint64_t{sizeof(T)} * vector->size());
  }
  Status SpendOn(const flatbuffers::String* text) {
    return text == nullptr ? absl::OkStatus() : Spend(text->size());
  }

 private:
  Status Corrupt(std::string_view message) const {
    return Error(StatusCode::kInvalidArgument, message, hint_);
  }
  uint64_t left_;
  std::string_view hint_;
};

inline StatusOr<std::string> Copy(const flatbuffers::String* text, CopyBudget* budget) {
  HOB_RETURN_IF_ERROR(budget->SpendOn(text));
  return text == nullptr ? std::string() : text->str();
}

template <typename T, typename U>
StatusOr<std::vector<T>> CopyVector(const flatbuffers::Vector<U>* source, CopyBudget* budget) {
  HOB_RETURN_IF_ERROR(budget->SpendOn(source));
  if (source == nullptr) return std::vector<T>();
  std::vector<T> values;
  values.reserve(source->size());
  for (const U value : *source) values.push_back(static_cast<T>(value));
  return values;
}

}  // namespace hob::format
