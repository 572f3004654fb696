// SPDX-License-Identifier: Apache-2.0
// What this CPU can do, and what the user forces (environment, read once a model load).
#pragma once

#include <string>
#include <string_view>

#include "lib/base/status.h"

namespace hob {

// Instruction-set levels that kernels are written for. On x86 each includes those before it.
struct CpuFeatures {
  bool sse4 = false;
  bool avx2 = false;        // AVX2, FMA, F16C, BMI2
  bool avx512 = false;      // F, BW, VL, DQ
  bool avx512vnni = false;  // avx512 and VNNI
  bool avx512bf16 = false;
  bool neon = false;
  bool neon_dotprod = false;
  bool neon_i8mm = false;
  bool rvv = false;

  static CpuFeatures Detect();   // of this machine, the operating system's support included
  std::string ToString() const;  // "sse4 avx2 …"
};

// What kernels may be chosen from: features and a forced provider.
struct KernelChoice {
  CpuFeatures cpu;
  std::string provider;  // "" (best), "scalar", "simd", "avx2", "avx512vnni", "xnnpack"

  // Detect() narrowed by HOB_ISA ("scalar", "sse4", "avx2", "avx512", "avx512vnni", "neon", …: the
  // highest level to use), with HOB_PROVIDER. INVALID_ARGUMENT names an unknown word and the known.
  static StatusOr<KernelChoice> FromEnvironment();

  bool Allows(std::string_view name) const { return provider.empty() || provider == name; }
};

}  // namespace hob
