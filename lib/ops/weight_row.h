// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lib/base/block_formats.h"
#include "lib/base/panels.h"
#include "lib/format/model_file.h"

namespace hob::ops {

// Whether the bytes of `tensor` hold a matrix [rows, columns] of its type; columns fill whole
// blocks.
inline bool HoldsRows(const Tensor& tensor, int64_t rows, int64_t columns) {
  const DTypeInfo* type = FindDType(tensor.type);
  const PanelFormat* format = FindPanelFormat(tensor.type);
  if (type == nullptr || type->block_elements == 0 || (tensor.panels && format == nullptr)) {
    return false;
  }
  const size_t row_bytes = static_cast<size_t>(columns) / type->block_elements * type->block_bytes;
  const size_t unit = tensor.panels ? PanelBytes(*format, columns) : row_bytes;
  const int64_t units = tensor.panels ? (rows + kPanelRows - 1) / kPanelRows : rows;
  return static_cast<uint64_t>(units) <= tensor.data.size() / unit;
}

// Writes row `row` < tensor.rows() of a weight as f32, however its bytes are laid out. The type is
// one that hob::Dequantize takes.
inline void DequantizeWeightRow(const Tensor& tensor, int64_t row, float* out) {
  const int64_t columns = tensor.columns();
  if (tensor.panels) {
    const PanelFormat& format = *FindPanelFormat(tensor.type);
    const uint8_t* panel =
        tensor.data.data() + static_cast<size_t>(row / kPanelRows) * PanelBytes(format, columns);
    PanelRow(format, panel, row % kPanelRows).Dequantize(columns, out);
    return;
  }
  const size_t row_bytes = tensor.data.size() / static_cast<size_t>(tensor.rows());
  Dequantize(tensor.type, tensor.data.data() + static_cast<size_t>(row) * row_bytes,
             static_cast<size_t>(columns), out);
}

}  // namespace hob::ops
