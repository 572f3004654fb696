// SPDX-License-Identifier: Apache-2.0
// The row function of rope. Every provider gives the same bits: products and sums rounded apart.
#pragma once

#include <cstddef>

#include "lib/isa/cpu.h"

namespace hob::ops::rope {

struct Params {
  size_t heads;
  size_t head_dim;
  size_t dimensions;  // of a head that turn: the first, an even number
  bool neox;          // pairs (i, i + dimensions/2), else (2i, 2i + 1)
};

// `angles`: dimensions/2 cosines, then as many sines. x and y do not overlap.
using RowFunction = void (*)(const Params& params, const float* x, const float* angles, float* y);

void ScalarRow(const Params& params, const float* x, const float* angles, float* y);
RowFunction SimdRow(const CpuFeatures& cpu);  // null if the CPU has no vectors known

}  // namespace hob::ops::rope
