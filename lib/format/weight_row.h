// SPDX-License-Identifier: Apache-2.0
// Reading the rows of a weight, however its bytes are laid out.
#pragma once

#include <cstdint>

#include "lib/base/panels.h"
#include "lib/format/model_file.h"

namespace hob {

// Whether `tensor` holds a matrix [rows, columns] of a type with float values.
bool HoldsRows(const Tensor& tensor, int64_t rows, int64_t columns);

// Writes row `row` of such a matrix as f32.
void DequantizeWeightRow(const Tensor& tensor, int64_t row, float* out);

// Row `row` of a tensor that is panels.
PanelRow RowOfPanels(const Tensor& tensor, int64_t row);

// Packs `count` ≤ 32 rows from `first` on, of a tensor that is not panels yet, into a panel of its
// type (zeroed memory).
void PackWeightRows(const PanelFormat& format, const Tensor& tensor, int64_t first, int64_t count,
                    uint8_t* panel);

}  // namespace hob
