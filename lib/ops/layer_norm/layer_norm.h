// SPDX-License-Identifier: Apache-2.0
// The row function of layer_norm. Every provider gives the same bits: values, then the squares of
// their distances to the mean, are summed in 16 strided lanes, then in the tree of SumOf16,
// products and sums rounded apart.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "lib/isa/cpu.h"

namespace hob::ops::layer_norm {

struct Params {
  size_t width;
  float epsilon;
  int64_t terms;        // of the output, Int8Terms: 0 is f32, else width is a multiple of 32
  const float* weight;  // [width]
  const float* bias;    // [width]
};

using RowFunction = void (*)(const Params& params, const float* x, uint8_t* out);

void ScalarRow(const Params& params, const float* x, uint8_t* out);
RowFunction SimdRow(const CpuFeatures& cpu);  // null if the CPU has no vectors known

}  // namespace hob::ops::layer_norm
