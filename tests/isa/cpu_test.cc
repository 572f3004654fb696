// SPDX-License-Identifier: Apache-2.0
// An instruction set is used only where CPU and operating system have it.
#include "lib/isa/cpu.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hob {
namespace {

CpuFeatures UpToAvx2() {
  CpuFeatures cpu;
  cpu.sse4 = cpu.avx2 = true;
  return cpu;
}

TEST_CASE("a forced level that is missing is an error that names it and what there is") {
  for (const char* isa : {"avx512", "avx512vnni", "avx512bf16", "neon", "rvv"}) {
    const auto choice = KernelChoice::Choose(UpToAvx2(), isa, "");
    REQUIRE(choice.status().code() == StatusCode::kFailedPrecondition);
    CHECK(std::string(choice.status().message()).find(isa) != std::string::npos);
    CHECK(HintOf(choice.status()) == "It has: sse4 avx2");
  }
  const auto choice = KernelChoice::Choose(CpuFeatures(), "avx2", "");
  REQUIRE(choice.status().code() == StatusCode::kFailedPrecondition);
  CHECK(HintOf(choice.status()) == "It has: scalar");
}

TEST_CASE("a provider of a level that is missing is an error") {
  CHECK(KernelChoice::Choose(UpToAvx2(), "", "avx512vnni").status().code() ==
        StatusCode::kFailedPrecondition);
  CHECK(KernelChoice::Choose(UpToAvx2(), "", "avx2").ok());
  // Allowed by the CPU, narrowed away by the level: the node is done by another provider.
  CHECK(KernelChoice::Choose(UpToAvx2(), "sse4", "avx2").ok());
  for (const char* any : {"scalar", "simd", "xnnpack"}) {
    CHECK(KernelChoice::Choose(CpuFeatures(), "", any).ok());
  }
}

TEST_CASE("a level that is there narrows what kernels may use") {
  const auto choice = KernelChoice::Choose(UpToAvx2(), "sse4", "");
  REQUIRE(choice.ok());
  CHECK(choice->cpu.sse4);
  CHECK(!choice->cpu.avx2);
  CHECK(KernelChoice::Choose(UpToAvx2(), "scalar", "")->cpu.ToString() == "scalar");
  CHECK(KernelChoice::Choose(UpToAvx2(), "", "")->cpu.ToString() == "sse4 avx2");
}

TEST_CASE("unknown words are errors") {
  CHECK(KernelChoice::Choose(UpToAvx2(), "avx3", "").status().code() ==
        StatusCode::kInvalidArgument);
  CHECK(KernelChoice::Choose(UpToAvx2(), "", "fast").status().code() ==
        StatusCode::kInvalidArgument);
}

#if defined(__x86_64__)
// What the operating system saves of the registers: XCR0, or 0 without XGETBV.
uint64_t SavedRegisters() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return 0;
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

TEST_CASE("what is detected, the operating system saves") {
  const CpuFeatures cpu = CpuFeatures::Detect();
  constexpr uint64_t kAvx = 0x6, kAvx512 = 0xE6;  // XMM, YMM; and opmask, both halves of ZMM
  const uint64_t saved = SavedRegisters();
  INFO(cpu.ToString() << ", XCR0 " << saved);
  CHECK((!cpu.avx2 || (saved & kAvx) == kAvx));
  CHECK((!cpu.avx512 || (saved & kAvx512) == kAvx512));
  // Each level has those before it.
  CHECK((!cpu.avx2 || cpu.sse4));
  CHECK((!cpu.avx512 || cpu.avx2));
  CHECK((!cpu.avx512vnni || cpu.avx512));
  CHECK((!cpu.avx512bf16 || cpu.avx512vnni));
}
#endif

}  // namespace
}  // namespace hob
