// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "lib/isa/cpu.h"

namespace hob::ops::add {

// out = a + b; out may be a or b.
using SpanFunction = void (*)(const float* a, const float* b, size_t count, float* out);

void ScalarSpan(const float* a, const float* b, size_t count, float* out);
SpanFunction SimdSpan(const CpuFeatures& cpu);  // null if the CPU has no vectors known

}  // namespace hob::ops::add
