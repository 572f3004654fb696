// SPDX-License-Identifier: Apache-2.0
// f32 weights to a file's types, by the plain rules that ggml's reference quantisation has: a scale
// (and a minimum) a block from its extremes, each weight to the nearest step.
#pragma once

#include <cstdint>
#include <span>

#include "lib/base/dtype.h"
#include "lib/base/status.h"

namespace hob {

// Writes F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0; others are UNIMPLEMENTED. (QC8 is
// per_channel.h's. The K types need a search that hob does not do.)
//
// Writes the matrix `weights` [rows, columns] as rows of `type` to `out`, which has their size;
// columns are a multiple of the type's block. INVALID_ARGUMENT, with row and column, for values
// that are not finite or that the type's range does not hold.
Status QuantizeRows(DType type, std::span<const float> weights, int64_t rows, int64_t columns,
                    std::span<uint8_t> out);

}  // namespace hob
