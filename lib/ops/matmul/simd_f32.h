// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lib/base/dtype.h"

namespace hob::ops::matmul {

inline constexpr int64_t kF32Outputs = 4;  // that share the scratch

// out[r][n] = x[r]·W[n] for all rows and outputs.
struct F32Args {
  const uint8_t* weights;  // F32, F16 or BF16 rows, `row_bytes` apart, of any alignment
  size_t row_bytes;
  int64_t outputs;
  const float* x;  // [rows][columns]
  int64_t rows, columns;
  float* out;
  int64_t out_stride;  // floats
  float* scratch;      // [kF32Outputs][columns]
};
using F32Function = void (*)(const F32Args&);

}  // namespace hob::ops::matmul
