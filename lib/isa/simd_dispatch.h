// SPDX-License-Identifier: Apache-2.0
// Picks one of the functions that a simd.cc compiled for several Highway targets. Highway's own
// dispatch keeps global state and needs its library; this asks our CpuFeatures instead.
//
//   In simd.cc, after foreach_target:   HOB_SIMD_CHOOSE(choice.cpu, Function)  → function pointer
#pragma once

#include "hwy/highway.h"
#include "lib/isa/cpu.h"

#if HWY_ARCH_X86
#define HOB_SIMD_CHOOSE(cpu, Function)                                              \
  ((cpu).avx512 && HWY_CHOOSE_AVX3(Function) != nullptr ? HWY_CHOOSE_AVX3(Function) \
   : (cpu).avx2 && HWY_CHOOSE_AVX2(Function) != nullptr ? HWY_CHOOSE_AVX2(Function) \
   : (cpu).sse4 && HWY_CHOOSE_SSE4(Function) != nullptr ? HWY_CHOOSE_SSE4(Function) \
                                                        : &HWY_STATIC_DISPATCH(Function))
#else
#define HOB_SIMD_CHOOSE(cpu, Function) (&HWY_STATIC_DISPATCH(Function))
#endif
