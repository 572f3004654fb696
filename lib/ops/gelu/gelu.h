// SPDX-License-Identifier: Apache-2.0
// The row function of gelu: x·Φ(x), Φ the normal distribution's integral. It depends on each value
// alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/isa/cpu.h"

namespace hob::ops::gelu {

struct Params {
  size_t columns;
  int64_t terms;  // of the output, Int8Terms: 0 is f32, else columns is a multiple of 32
};

using RowFunction = void (*)(const Params& params, const float* x, uint8_t* out);

void ScalarRow(const Params& params, const float* x, uint8_t* out);
RowFunction SimdRow(const CpuFeatures& cpu);  // null if the CPU has no vectors known

}  // namespace hob::ops::gelu
