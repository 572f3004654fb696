// SPDX-License-Identifier: Apache-2.0
#include "lib/base/per_channel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "lib/base/checked.h"

namespace hob {

size_t PerChannelBytes(int64_t rows, int64_t columns) {
  if (rows <= 0 || columns <= 0) return 0;
  const uint64_t row = static_cast<uint64_t>(columns) + sizeof(float);
  const auto bytes = CheckedMul(static_cast<uint64_t>(rows), row);
  return bytes && *bytes <= std::numeric_limits<size_t>::max() ? static_cast<size_t>(*bytes) : 0;
}

Status QuantizePerChannel(std::span<const float> weights, int64_t rows, int64_t columns,
                          std::span<uint8_t> out) {
  const size_t bytes = PerChannelBytes(rows, columns);
  const size_t count = bytes - static_cast<size_t>(std::max<int64_t>(rows, 0)) * sizeof(float);
  if (bytes == 0 || weights.size() != count || out.size() != bytes) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("a matrix of ", rows, " × ", columns, " has not ", weights.size(),
                              " values and ", out.size(), " bytes"));
  }
  for (int64_t row = 0; row < rows; ++row) {
    const size_t begin = static_cast<size_t>(row * columns);
    const std::span<const float> w = weights.subspan(begin, static_cast<size_t>(columns));
    float largest = 0;
    for (size_t k = 0; k < w.size(); ++k) {
      if (!std::isfinite(w[k])) {
        return Error(StatusCode::kInvalidArgument,
                     absl::StrCat("row ", row, ", column ", k, " is not finite"));
      }
      largest = std::max(largest, std::fabs(w[k]));
    }
    // A subnormal scale would lose the row's precision, and its quotients could exceed 127.
    float scale = largest / 127.0f;
    if (scale < std::numeric_limits<float>::min()) scale = largest == 0 ? 1.0f : 0x1p-126f;
    for (size_t k = 0; k < w.size(); ++k) {
      const float q = std::clamp(std::nearbyint(w[k] / scale), -127.0f, 127.0f);
      out[begin + k] = static_cast<uint8_t>(static_cast<int8_t>(q));
    }
    std::memcpy(out.data() + count + static_cast<size_t>(row) * sizeof(float), &scale,
                sizeof(scale));
  }
  return absl::OkStatus();
}

StatusOr<std::vector<uint8_t>> QuantizePerChannel(std::span<const float> weights, int64_t rows,
                                                  int64_t columns) {
  std::vector<uint8_t> data(PerChannelBytes(rows, columns));
  HOB_RETURN_IF_ERROR(QuantizePerChannel(weights, rows, columns, data));
  return data;
}

float PerChannelScale(std::span<const uint8_t> data, int64_t rows, int64_t columns, int64_t row) {
  float scale;
  std::memcpy(
      &scale,
      data.data() + static_cast<size_t>(rows * columns) + static_cast<size_t>(row) * sizeof(float),
      sizeof(scale));
  return scale;
}

void DequantizePerChannelRow(std::span<const uint8_t> data, int64_t rows, int64_t columns,
                             int64_t row, float* out) {
  const float scale = PerChannelScale(data, rows, columns, row);
  const uint8_t* q = data.data() + static_cast<size_t>(row * columns);
  for (int64_t k = 0; k < columns; ++k) {
    out[k] = static_cast<float>(static_cast<int8_t>(q[k])) * scale;
  }
}

void MultiplyPerChannel(std::span<const uint8_t> data, int64_t outputs, int64_t columns,
                        const float* x, int64_t rows, float* out, int64_t out_stride) {
  for (int64_t n = 0; n < outputs; ++n) {
    const double scale = static_cast<double>(PerChannelScale(data, outputs, columns, n));
    const uint8_t* q = data.data() + static_cast<size_t>(n * columns);
    for (int64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (int64_t k = 0; k < columns; ++k) {
        sum += static_cast<double>(x[r * columns + k]) * static_cast<int8_t>(q[k]);
      }
      out[r * out_stride + n] = static_cast<float>(sum * scale);
    }
  }
}

}  // namespace hob
