// SPDX-License-Identifier: Apache-2.0
// The row function of rms_norm. Every provider gives the same bits: the squares are summed in 16
// strided lanes, then in the tree of SumOf16, products and sums rounded apart.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "lib/isa/cpu.h"

namespace hob::ops::rms_norm {

struct Params {
  size_t groups;  // groups of a row, each normalised by itself
  size_t width;   // columns of a group
  float epsilon;
  int64_t terms;  // of the output, Int8Terms: 0 is f32, else width is a multiple of 32
};

using RowFunction = void (*)(const Params& params, const float* x, const float* weight,
                             uint8_t* out);

void ScalarRow(const Params& params, const float* x, const float* weight, uint8_t* out);
RowFunction SimdRow(const CpuFeatures& cpu);  // null if the CPU has no vectors known

}  // namespace hob::ops::rms_norm
