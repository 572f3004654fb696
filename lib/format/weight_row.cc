// SPDX-License-Identifier: Apache-2.0
#include "lib/format/weight_row.h"

#include "lib/base/block_formats.h"
#include "lib/base/per_channel.h"

namespace hob {

bool HoldsRows(const Tensor& tensor, int64_t rows, int64_t columns) {
  if (tensor.panels) {
    const PanelFormat* format = FindPanelFormat(tensor.type, columns);
    return format != nullptr && static_cast<uint64_t>((rows + kPanelRows - 1) / kPanelRows) <=
                                    tensor.data.size() / PanelBytes(*format, columns);
  }
  const DTypeInfo* type = FindDType(tensor.type);
  if (type == nullptr || type->block_elements == 0 || columns % type->block_elements != 0 ||
      tensor.type == DType::kI32 || Int8Terms(tensor.type) != 0) {
    return false;
  }
  size_t row_bytes = static_cast<size_t>(columns) / type->block_elements * type->block_bytes;
  if (tensor.type == DType::kQC8) row_bytes += sizeof(float);
  return static_cast<uint64_t>(rows) <= tensor.data.size() / row_bytes;
}

PanelRow RowOfPanels(const Tensor& tensor, int64_t row) {
  const PanelFormat& format = *FindPanelFormat(tensor.type, tensor.columns());
  const uint64_t panel =
      static_cast<uint64_t>(row / kPanelRows) * PanelBytes(format, tensor.columns());
  return PanelRow(format, tensor.data.data() + panel, row % kPanelRows);
}

void DequantizeWeightRow(const Tensor& tensor, int64_t row, float* out) {
  const int64_t columns = tensor.columns();
  if (tensor.panels) {
    RowOfPanels(tensor, row).Dequantize(columns, out);
  } else if (tensor.type == DType::kQC8) {
    DequantizePerChannelRow(tensor.data, tensor.rows(), columns, row, out);
  } else {
    const size_t row_bytes = tensor.data.size() / static_cast<size_t>(tensor.rows());
    Dequantize(tensor.type, tensor.data.data() + static_cast<size_t>(row) * row_bytes,
               static_cast<size_t>(columns), out);
  }
}

void PackWeightRows(const PanelFormat& format, const Tensor& tensor, int64_t first, int64_t count,
                    uint8_t* panel) {
  const int64_t columns = tensor.columns();
  if (tensor.type == DType::kQC8) {
    float scales[kPanelRows];
    for (int64_t row = 0; row < count; ++row) {
      scales[row] = PerChannelScale(tensor.data, tensor.rows(), columns, first + row);
    }
    const auto* values = reinterpret_cast<const int8_t*>(tensor.data.data()) + first * columns;
    PackPerChannelPanel(values, scales, count, columns, panel);
    return;
  }
  const size_t row_bytes = tensor.data.size() / static_cast<size_t>(tensor.rows());
  PackPanel(format, tensor.data.data() + static_cast<size_t>(first) * row_bytes, row_bytes, count,
            columns, panel);
}

}  // namespace hob
