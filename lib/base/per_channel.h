// SPDX-License-Identifier: Apache-2.0
// DType::kQC8: a matrix as int8 with one f32 scale a row (an output channel), symmetric. The bytes
// are [rows · columns int8][rows f32]: w ≈ scale[row] · q.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/status.h"

namespace hob {

// Bytes of a QC8 matrix, or 0 if that does not fit size_t or a dimension is not positive.
size_t PerChannelBytes(int64_t rows, int64_t columns);

// Quantises `weights` [rows, columns]: scale = max|w| / 127 of the row, q = w / scale to the
// nearest, ties to even, −127…127. A row of zeros has scale 1. INVALID_ARGUMENT for wrong sizes and
// for values that are not finite (the message names row and column).
StatusOr<std::vector<uint8_t>> QuantizePerChannel(std::span<const float> weights, int64_t rows,
                                                  int64_t columns);
// The same to `out`, which has PerChannelBytes(rows, columns).
Status QuantizePerChannel(std::span<const float> weights, int64_t rows, int64_t columns,
                          std::span<uint8_t> out);

// Row `row` of a QC8 matrix as f32. `data` holds PerChannelBytes(rows, columns).
void DequantizePerChannelRow(std::span<const uint8_t> data, int64_t rows, int64_t columns,
                             int64_t row, float* out);

// The scale of one row.
float PerChannelScale(std::span<const uint8_t> data, int64_t rows, int64_t columns, int64_t row);

// The reference product: out[r][n] = x[r] · W[n] with f32 activations, summed in double.
void MultiplyPerChannel(std::span<const uint8_t> data, int64_t outputs, int64_t columns,
                        const float* x, int64_t rows, float* out, int64_t out_stride);

}  // namespace hob
