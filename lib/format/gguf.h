// SPDX-License-Identifier: Apache-2.0
// GGUF versions 2 and 3, little-endian.
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <span>

#include "lib/base/status.h"
#include "lib/format/model_file.h"

namespace hob::format {

// True when `bytes` begin with GGUF's magic.
bool IsGguf(std::span<const uint8_t> bytes);

// Reads and validates a whole file's bytes. The tensors point into `bytes`; `file` is left empty.
// DATA_LOSS: the bytes end early; INVALID_ARGUMENT: malformed; UNIMPLEMENTED: a version or tensor
// type that hob does not read, or a part of a split model.
StatusOr<ModelFile> ParseGguf(std::span<const uint8_t> bytes);

// Moves the tokenizer's arrays and chat template from `metadata` into a Vocabulary and copies its
// ids and flags. Empty where the file has no tokenizer.
StatusOr<Vocabulary> ExtractVocabulary(Metadata* metadata);

}  // namespace hob::format
