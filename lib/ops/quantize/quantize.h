// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/isa/cpu.h"

namespace hob::ops::quantize {

// One row of k values (a multiple of 32) to kQ8Act (1 term) or kQ16Act (2 terms).
using RowFunction = void (*)(const float* x, size_t k, int64_t terms, uint8_t* row);

void ScalarRow(const float* x, size_t k, int64_t terms, uint8_t* row);
RowFunction SimdRow(const CpuFeatures& cpu);  // null if the CPU has no vectors known

}  // namespace hob::ops::quantize
