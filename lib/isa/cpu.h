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

  // `cpu` narrowed to levels up to `isa` ("scalar", "sse4", "avx2", "avx512", "avx512vnni", "neon",
  // …), with a provider; "" forces nothing. INVALID_ARGUMENT names an unknown word and the known,
  // FAILED_PRECONDITION what `cpu` lacks: nothing else is taken in its place.
  static StatusOr<KernelChoice> Choose(const CpuFeatures& cpu, std::string_view isa,
                                       std::string_view provider);
  // Of this machine, by HOB_ISA and HOB_PROVIDER.
  static StatusOr<KernelChoice> FromEnvironment();

  bool Allows(std::string_view name) const { return provider.empty() || provider == name; }
};

}  // namespace hob
