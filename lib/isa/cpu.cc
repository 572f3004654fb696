// SPDX-License-Identifier: Apache-2.0
#include "lib/isa/cpu.h"

#include <cstdlib>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace hob {
namespace {

// Levels in order; forcing one clears those after it of the same architecture.
struct Level {
  std::string_view name;
  bool CpuFeatures::* flag;
};
constexpr Level kLevels[] = {
    {"sse4", &CpuFeatures::sse4},
    {"avx2", &CpuFeatures::avx2},
    {"avx512", &CpuFeatures::avx512},
    {"avx512vnni", &CpuFeatures::avx512vnni},
    {"avx512bf16", &CpuFeatures::avx512bf16},
    {"neon", &CpuFeatures::neon},
    {"neon_dotprod", &CpuFeatures::neon_dotprod},
    {"neon_i8mm", &CpuFeatures::neon_i8mm},
    {"rvv", &CpuFeatures::rvv},
};
constexpr std::string_view kProviders[] = {"scalar", "simd", "avx2", "avx512vnni", "xnnpack"};

}  // namespace

CpuFeatures CpuFeatures::Detect() {
  CpuFeatures cpu;
#if defined(__x86_64__)
  __builtin_cpu_init();
  cpu.sse4 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3");
  cpu.avx2 = cpu.sse4 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
  cpu.avx512 = cpu.avx2 && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq");
  cpu.avx512vnni = cpu.avx512 && __builtin_cpu_supports("avx512vnni");
  cpu.avx512bf16 = cpu.avx512vnni && __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__)
  cpu.neon = true;
#if defined(__linux__)
  const unsigned long hwcap = getauxval(AT_HWCAP);
  cpu.neon_dotprod = (hwcap & HWCAP_ASIMDDP) != 0;
#ifdef HWCAP2_I8MM
  cpu.neon_i8mm = cpu.neon_dotprod && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
#endif
#endif
#endif
  return cpu;
}

std::string CpuFeatures::ToString() const {
  std::string text;
  for (const Level& level : kLevels) {
    if (this->*level.flag) text += (text.empty() ? "" : " ") + std::string(level.name);
  }
  return text.empty() ? "scalar" : text;
}

StatusOr<KernelChoice> KernelChoice::FromEnvironment() {
  KernelChoice choice;
  choice.cpu = CpuFeatures::Detect();
  if (const char* isa = std::getenv("HOB_ISA"); isa != nullptr && *isa != '\0') {
    const std::string_view wanted(isa);
    bool found = wanted == "scalar";
    bool keep = !found;
    std::string known = "scalar";
    for (const Level& level : kLevels) {
      known += " " + std::string(level.name);
      if (!keep) choice.cpu.*level.flag = false;
      if (level.name == wanted) {
        found = true;
        keep = false;
      }
    }
    if (!found) {
      return Error(StatusCode::kInvalidArgument, absl::StrCat("HOB_ISA names no level: ", isa),
                   absl::StrCat("use one of: ", known));
    }
  }
  if (const char* provider = std::getenv("HOB_PROVIDER");
      provider != nullptr && *provider != '\0') {
    std::string known;
    for (const std::string_view name : kProviders) {
      if (name == provider) choice.provider = provider;
      known += (known.empty() ? "" : " ") + std::string(name);
    }
    if (choice.provider.empty()) {
      return Error(StatusCode::kInvalidArgument,
                   absl::StrCat("HOB_PROVIDER names no provider: ", provider),
                   absl::StrCat("use one of: ", known));
    }
  }
  return choice;
}

}  // namespace hob
