// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lib/isa/cpu.h"
#include "lib/ops/matmul/panels.h"

namespace hob::ops::matmul {

// The AVX-512 VNNI kernel for panels of `type`, or null. The caller checks the CPU.
PanelFunction Avx512VnniPanels(DType type);

// The AVX2 one.
PanelFunction Avx2Panels(DType type);

// The portable one (Highway), for the best target that `cpu` has.
PanelFunction SimdPanels(const CpuFeatures& cpu, DType type);

}  // namespace hob::ops::matmul
