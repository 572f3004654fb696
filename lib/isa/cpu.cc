// SPDX-License-Identifier: Apache-2.0
#include "lib/isa/cpu.h"

#include <cstdlib>
#include <iterator>

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
  // The compiler's runtime asks XGETBV too: a level counts only if the operating system saves its
  // registers (tests/isa/cpu_test.cc holds it to that).
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

namespace {

// The level's place in kLevels, or past the end.
size_t FindLevel(std::string_view name) {
  size_t i = 0;
  while (i < std::size(kLevels) && kLevels[i].name != name) ++i;
  return i;
}

// Running what the CPU or its operating system lacks would end the process (SIGILL), and quietly
// running less than was asked for would measure or test something else.
Status Lacks(std::string_view variable, std::string_view value, const CpuFeatures& cpu) {
  return Error(StatusCode::kFailedPrecondition,
               Concat(variable, "=", value, ": this CPU or its operating system lacks ", value),
               Concat("It has: ", cpu.ToString()));
}

Status NamesNothing(std::string_view variable, std::string_view value, std::string_view kind,
                    std::string_view known) {
  return Error(StatusCode::kInvalidArgument, Concat(variable, " names no ", kind, ": ", value),
               Concat("Use one of: ", known));
}

std::string_view Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

StatusOr<KernelChoice> KernelChoice::Choose(const CpuFeatures& cpu, std::string_view isa,
                                            std::string_view provider) {
  KernelChoice choice;
  choice.cpu = cpu;
  if (!isa.empty()) {
    const size_t level = FindLevel(isa);
    if (level == std::size(kLevels) && isa != "scalar") {
      std::string known = "scalar";
      for (const Level& each : kLevels) known += " " + std::string(each.name);
      return NamesNothing("HOB_ISA", isa, "level", known);
    }
    if (isa != "scalar" && !(cpu.*kLevels[level].flag)) return Lacks("HOB_ISA", isa, cpu);
    for (size_t i = isa == "scalar" ? 0 : level + 1; i < std::size(kLevels); ++i) {
      choice.cpu.*kLevels[i].flag = false;
    }
  }
  if (!provider.empty()) {
    std::string known;
    for (const std::string_view name : kProviders) {
      if (name == provider) choice.provider = provider;
      known += (known.empty() ? "" : " ") + std::string(name);
    }
    if (choice.provider.empty()) return NamesNothing("HOB_PROVIDER", provider, "provider", known);
    // Those named for a level need it.
    const size_t level = FindLevel(provider);
    if (level != std::size(kLevels) && !(cpu.*kLevels[level].flag)) {
      return Lacks("HOB_PROVIDER", provider, cpu);
    }
  }
  return choice;
}

StatusOr<KernelChoice> KernelChoice::FromEnvironment() {
  return Choose(CpuFeatures::Detect(), Environment("HOB_ISA"), Environment("HOB_PROVIDER"));
}

}  // namespace hob
