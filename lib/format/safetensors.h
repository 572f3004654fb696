// SPDX-License-Identifier: Apache-2.0
// Safetensors: a length, a JSON header of that many bytes, and the tensors' bytes end to end.
// Source: https://github.com/huggingface/safetensors#format
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/base/dtype.h"
#include "lib/base/status.h"

namespace hob::format {

inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;  // bytes; the format's own limit

// Whether `bytes` begin as such a file does.
bool IsSafetensors(std::span<const uint8_t> bytes);

struct SafetensorsEntry {
  std::string name;
  std::string dtype;           // by the format's name, "BF16"
  std::vector<int64_t> shape;  // outermost first; 1 to 4 dimensions above 0
  // Points into the file, wherever it lies there: not aligned to the type.
  std::span<const uint8_t> data;
};

// Reads and checks a whole file's header: every tensor within the file, of as many bytes as its
// shape and type take, one after another without a gap. DATA_LOSS: the bytes end early;
// INVALID_ARGUMENT: malformed; UNIMPLEMENTED: a dtype that the format does not have.
StatusOr<std::vector<SafetensorsEntry>> ParseSafetensors(std::span<const uint8_t> bytes);

// hob's type of a dtype. UNIMPLEMENTED names one that hob does not run.
StatusOr<DType> SafetensorsType(std::string_view dtype);

}  // namespace hob::format
