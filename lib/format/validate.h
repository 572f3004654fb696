// SPDX-License-Identifier: Apache-2.0
// The checks that every container shares: what a file claims about its tensors and vocabulary must
// be possible before any of it is used.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/status.h"
#include "lib/format/model_file.h"

namespace hob::format {

inline constexpr size_t kMaxTensors = 1u << 20;
inline constexpr size_t kMaxNameBytes = 255;   // of a tensor
inline constexpr size_t kMaxKeyBytes = 65535;  // of a hyperparameter; GGUF's own limit
inline constexpr size_t kMaxKeys = 1u << 16;
inline constexpr size_t kMaxTextBytes = 64u << 20;     // of one string
inline constexpr size_t kMaxArrayElements = 1u << 24;  // of all arrays together

// `text` in quotes for a message: cut to a readable length, control characters escaped (a name
// from a file must not drive a terminal).
std::string Quoted(std::string_view text);

// Bytes that a tensor takes in a file; for QC8 with its row scales. INVALID_ARGUMENT: a shape that
// is not 1 to 4 dimensions above 0, overflow, columns that do not fill whole blocks, panels of
// what is no matrix or has no panel form.
StatusOr<uint64_t> TensorBytes(DType type, std::span<const int64_t> shape, bool panels = false);

struct TensorClaim {
  std::string_view name;
  uint32_t type = 0;               // DType's number
  std::span<const int64_t> shape;  // outermost first
  uint64_t offset = 0;             // from the start of the file's tensor data
  bool hob_types = false;          // types of hob's own are allowed
  bool panels = false;             // Tensor::panels
};

// Checks `claim` against the file's tensor data and, if it holds, appends the tensor to `model`.
// Errors name the tensor.
Status AddTensor(const TensorClaim& claim, std::span<const uint8_t> data, uint64_t alignment,
                 ModelFile* model);

// Checks a hyperparameter's name, and that it is new, then stores it.
Status AddMetadata(std::string_view key, MetaValue value, ModelFile* model);

// Lengths of the parallel arrays, token ids in range.
Status ValidateVocabulary(const Vocabulary& vocabulary);

// Of a file: no two tensors share a byte. Files are written one tensor after the other, and a small
// one with many tensors over the same bytes would take any amount of memory once each is packed.
Status CheckOverlaps(const ModelFile& model);

// What holds for the whole: it is a model, and an architecture is named where there are tensors.
Status ValidateModel(const ModelFile& model);

}  // namespace hob::format
