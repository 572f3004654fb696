// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/isa/cpu.h"

namespace hob::ops::swiglu {

enum class Activation : int32_t { kSilu = 0, kGeluTanh = 1 };

struct Params {
  size_t columns;
  Activation activation;
  int64_t terms;  // of the output, Int8Terms: 0 is f32, else columns is a multiple of 32
};

// Both activations are g / (1 + e^(−z)): SiLU with z = g, GELU's tanh form with
// z = 2·√(2/π)·(g + 0.044715·g³), because 1 + tanh(a) = 2 / (1 + e^(−2a)).
inline constexpr float kGeluLinear = 1.59576912f;  // 2·√(2/π)
inline constexpr float kGeluCubic = 1.59576912f * 0.044715f;

using RowFunction = void (*)(const Params& params, const float* gate, const float* up,
                             uint8_t* out);

void ScalarRow(const Params& params, const float* gate, const float* up, uint8_t* out);
RowFunction SimdRow(const CpuFeatures& cpu);  // null if the CPU has no vectors known

}  // namespace hob::ops::swiglu
