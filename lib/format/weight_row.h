// SPDX-License-Identifier: Apache-2.0
// Reading a weight row by row, however its bytes are laid out.
#pragma once

#include <cstdint>

#include "lib/format/model_file.h"

namespace hob {

// Whether `tensor` holds a matrix [rows, columns] of a type with float values.
bool HoldsRows(const Tensor& tensor, int64_t rows, int64_t columns);

// Writes row `row` of such a matrix as f32.
void DequantizeWeightRow(const Tensor& tensor, int64_t row, float* out);

}  // namespace hob
