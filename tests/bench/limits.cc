// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__unix__)
#include <sys/mman.h>
#include <unistd.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "lib/isa/cpu.h"

namespace hob::bench {
namespace {

std::atomic<uint64_t> sink;  // what is computed must be wanted by somebody

// One instruction waits for its predecessor of the same sum only: twelve sums hide its latency. In
// assembly, because compilers move sums between registers, or to the stack, as they see fit.
#define HOB_EIGHT(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define HOB_TWELVE(DO) HOB_EIGHT(DO) DO(8) DO(9) DO(10) DO(11)

struct Loop {
  std::string_view name = {};
  void (*run)(size_t turns) = nullptr;
  double operations = 0;  // of a turn: a multiplication and an addition are two
};

#if defined(__x86_64__)

// clang-format off
#define HOB_SUMS_X86 "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
    "xmm12", "xmm13", "xmm14", "xmm15"
// clang-format on

// What the vectors hold does not matter for int8. Floats are zeroed: subnormal ones might be slow.
#define HOB_ZERO(i) "vpxor %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n"
#define HOB_ZERO_ALL HOB_TWELVE(HOB_ZERO) HOB_ZERO(12) HOB_ZERO(13)

void Int8Avx512Vnni(size_t turns) {
#define HOB_DO(i) "vpdpbusd %%zmm12, %%zmm13, %%zmm" #i "\n"
  asm volatile("0:\n" HOB_TWELVE(HOB_DO) "dec %0\njnz 0b\nvzeroupper\n"
               : "+r"(turns)::HOB_SUMS_X86, "cc");
#undef HOB_DO
}

// Without VNNI the sum of four products is three instructions.
void Int8Avx2(size_t turns) {
#define HOB_DO(i)                          \
  "vpmaddubsw %%ymm12, %%ymm13, %%ymm15\n" \
  "vpmaddwd %%ymm14, %%ymm15, %%ymm15\n"   \
  "vpaddd %%ymm15, %%ymm" #i ", %%ymm" #i "\n"
  asm volatile("0:\n" HOB_TWELVE(HOB_DO) "dec %0\njnz 0b\nvzeroupper\n"
               : "+r"(turns)::HOB_SUMS_X86, "cc");
#undef HOB_DO
}

void F32Avx512(size_t turns) {
#define HOB_DO(i) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" #i "\n"
  asm volatile(HOB_ZERO_ALL "0:\n" HOB_TWELVE(HOB_DO) "dec %0\njnz 0b\nvzeroupper\n"
               : "+r"(turns)::HOB_SUMS_X86, "cc");
#undef HOB_DO
}

void F32Avx2(size_t turns) {
#define HOB_DO(i) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" #i "\n"
  asm volatile(HOB_ZERO_ALL "0:\n" HOB_TWELVE(HOB_DO) "dec %0\njnz 0b\nvzeroupper\n"
               : "+r"(turns)::HOB_SUMS_X86, "cc");
#undef HOB_DO
}

void Int8AvxVnni(size_t turns) {
#define HOB_DO(i) "%{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm" #i "\n"
  asm volatile("0:\n" HOB_TWELVE(HOB_DO) "dec %0\njnz 0b\nvzeroupper\n"
               : "+r"(turns)::HOB_SUMS_X86, "cc");
#undef HOB_DO
}

// The dot products of cores that have no AVX-512. hob has no kernels for it, but the limit counts.
bool HasAvxVnni() {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & 16) != 0;
}

std::vector<Loop> Int8Loops() {
  const CpuFeatures cpu = CpuFeatures::Detect();
  std::vector<Loop> loops;
  if (cpu.avx512vnni) loops.push_back({"avx512vnni", Int8Avx512Vnni, 12 * 64 * 2});
  if (cpu.avx2 && HasAvxVnni()) loops.push_back({"avxvnni", Int8AvxVnni, 12 * 32 * 2});
  if (cpu.avx2) loops.push_back({"avx2", Int8Avx2, 12 * 32 * 2});
  return loops;
}
Loop F32Loop() {
  const CpuFeatures cpu = CpuFeatures::Detect();
  if (cpu.avx512) return {"avx512", F32Avx512, 12 * 16 * 2};
  if (cpu.avx2) return {"avx2", F32Avx2, 12 * 8 * 2};
  return {};
}

#elif defined(__aarch64__)

// clang-format off
#define HOB_SUMS_ARM "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21"
// clang-format on
#define HOB_SUMS(DO) HOB_EIGHT(DO) DO(16) DO(17) DO(18) DO(19)

void Int8NeonDotprod(size_t turns) {
#define HOB_DO(i) "sdot v" #i ".4s, v20.16b, v21.16b\n"
  asm volatile(".arch armv8.2-a+dotprod\n0:\n" HOB_SUMS(HOB_DO) "subs %0, %0, #1\nb.ne 0b\n"
               : "+r"(turns)::HOB_SUMS_ARM, "cc");
#undef HOB_DO
}

void F32Neon(size_t turns) {
#define HOB_ZERO(i) "movi v" #i ".4s, #0\n"
#define HOB_DO(i) "fmla v" #i ".4s, v20.4s, v21.4s\n"
  asm volatile(HOB_SUMS(HOB_ZERO) HOB_ZERO(20)
                   HOB_ZERO(21) "0:\n" HOB_SUMS(HOB_DO) "subs %0, %0, #1\nb.ne 0b\n"
               : "+r"(turns)::HOB_SUMS_ARM, "cc");
#undef HOB_DO
}

std::vector<Loop> Int8Loops() {
  if (!CpuFeatures::Detect().neon_dotprod) return {};
  return {{"neon_dotprod", Int8NeonDotprod, 12 * 16 * 2}};
}
Loop F32Loop() { return {"neon", F32Neon, 12 * 4 * 2}; }

#else

std::vector<Loop> Int8Loops() { return {}; }
Loop F32Loop() { return {}; }

#endif

// Reads [data, data + bytes), both multiples of 256, fetching `ahead` bytes before they are needed
// (0: as the CPU likes).
using Reader = uint64_t (*)(const unsigned char* data, size_t bytes, size_t ahead);

// The same loop in vectors of 64, 32 and 16 bytes.
#define HOB_READER(Name, kWidth, ...)                                                \
  __VA_ARGS__ uint64_t Name(const unsigned char* data, size_t bytes, size_t ahead) { \
    typedef uint64_t Vector __attribute__((vector_size(kWidth)));                    \
    Vector s0 = {}, s1 = {}, s2 = {}, s3 = {};                                       \
    for (size_t at = 0; at < bytes; at += 4 * (kWidth)) {                            \
      const auto* p = reinterpret_cast<const Vector*>(data + at);                    \
      if (ahead != 0) {                                                              \
        for (size_t i = 0; i < 4 * (kWidth); i += 64) {                              \
          __builtin_prefetch(data + at + ahead + i);                                 \
        }                                                                            \
      }                                                                              \
      s0 |= p[0], s1 |= p[1], s2 |= p[2], s3 |= p[3];                                \
    }                                                                                \
    s0 |= s1 | s2 | s3;                                                              \
    return s0[0] | s0[1];                                                            \
  }
#if defined(__x86_64__)
HOB_READER(ReadAvx512, 64, __attribute__((target("avx512f"))))
HOB_READER(ReadAvx2, 32, __attribute__((target("avx2"))))
#endif
HOB_READER(ReadAny, 16, )

Reader ChooseReader() {
#if defined(__x86_64__)
  const CpuFeatures cpu = CpuFeatures::Detect();
  if (cpu.avx512) return ReadAvx512;
  if (cpu.avx2) return ReadAvx2;
#endif
  return ReadAny;
}

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The best rate of `work`, which does `amount` of something each time it is called.
template <typename F>
double BestRate(double amount, double seconds, int least, F&& work) {
  double best = 0;
  const double start = Seconds();
  double at = start;
  for (int round = 0; round < least || at - start < seconds; ++round) {
    work(round);
    const double now = Seconds();
    best = std::max(best, amount / (now - at));
    at = now;
  }
  return best;
}

double Peak(const Loop& loop, ThreadPool& pool, double seconds) {
  if (loop.run == nullptr) return 0;
  // Small pieces: a thread that is late leaves its share to the others.
  constexpr size_t kTurns = 2000;
  const size_t pieces = 100 * pool.threads();
  return BestRate(static_cast<double>(pieces * kTurns) * loop.operations, seconds, 5, [&](int) {
    pool.For(pieces, 1,
             [&](size_t begin, size_t end, size_t) { loop.run((end - begin) * kTurns); });
  });
}

}  // namespace

std::vector<Rate> Int8Peaks(ThreadPool& pool, double seconds) {
  std::vector<Rate> rates;
  for (const Loop& loop : Int8Loops()) rates.push_back({loop.name, Peak(loop, pool, seconds)});
  return rates;
}

double Int8Peak(ThreadPool& pool, double seconds) {
  const std::vector<Loop> loops = Int8Loops();
  return loops.empty() ? 0 : Peak(loops.front(), pool, seconds);
}

double F32Peak(ThreadPool& pool, double seconds) { return Peak(F32Loop(), pool, seconds); }

ReadBandwidth::ReadBandwidth(size_t bytes) : bytes_(std::max<size_t>(bytes / 256, 1) * 256) {
  constexpr size_t kHugePage = size_t{2} << 20;
  data_ = static_cast<unsigned char*>(
      std::aligned_alloc(kHugePage, (bytes_ + kHugePage - 1) / kHugePage * kHugePage));
#if defined(MADV_HUGEPAGE)
  if (data_ != nullptr) madvise(data_, bytes_, MADV_HUGEPAGE);
#endif
  if (data_ != nullptr) std::memset(data_, 1, bytes_);
}

ReadBandwidth::~ReadBandwidth() { std::free(data_); }

double ReadBandwidth::Measure(ThreadPool& pool, double seconds) const {
  if (data_ == nullptr) return 0;
  const Reader reader = ChooseReader();
  const size_t threads = pool.threads();
  constexpr size_t kLine = 256;
  // A small block is read many times by each thread, a large one once, in pieces.
  const size_t share = std::max<size_t>(bytes_ / threads / kLine, 1) * kLine;
  const bool small = share < (size_t{1} << 20);
  const size_t piece = small ? share : size_t{1} << 20;
  const size_t repeats = small ? 1 + (size_t{1} << 20) / share : 1;
  const size_t pieces = small ? 8 * threads : bytes_ / piece;
  const double read = static_cast<double>(pieces * piece * repeats);
  return BestRate(read, seconds, 6, [&](int round) {
    constexpr size_t kAhead[] = {0, 4096, 8192};
    const size_t ahead = small ? 0 : kAhead[round % 3];
    pool.For(pieces, small ? 1 : 2, [&](size_t begin, size_t end, size_t thread) {
      uint64_t seen = 0;
      for (size_t i = begin; i < end; ++i) {
        const size_t at = small ? std::min(thread * share, bytes_ - share) : i * piece;
        for (size_t r = 0; r < repeats; ++r) seen |= reader(data_ + at, piece, ahead);
      }
      sink += seen;
    });
  });
}

size_t LargestCacheBytes() {
#if defined(_SC_LEVEL3_CACHE_SIZE)
  const long level3 = sysconf(_SC_LEVEL3_CACHE_SIZE), level2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (std::max(level2, level3) > 0) return static_cast<size_t>(std::max(level2, level3));
#endif
  return size_t{32} << 20;
}

}  // namespace hob::bench
