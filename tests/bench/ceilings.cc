// SPDX-License-Identifier: Apache-2.0
// What the machine allows, as JSON: bytes read from memory a second, and int8 multiply-adds a
// second.
//   bench_ceilings [--threads N] [--seconds S] [--mebibytes M]
// Each figure is the best of several short runs: a ceiling is what the machine can do, not what it
// does on average.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#endif

namespace {

using Clock = std::chrono::steady_clock;

// One run of a kernel on one thread: `rounds` times its loop; what it returns must not be dropped.
struct DotKernel {
  const char* name;
  double ops_per_round;  // a multiply-add is two
  uint64_t (*run)(uint64_t rounds);
};

// Ten independent accumulators hide the latency of the multiply-add on every core known (4 to 5
// cycles, two a cycle); with the operands they fit 16 registers. The empty asm keeps the compiler
// from seeing that operands never change.
#define HOB_TEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

#if defined(__x86_64__)

__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))) uint64_t
DotAvx512Vnni(uint64_t rounds) {
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5), sum = _mm512_set1_epi32(1);
#define HOB_DECLARE(i) __m512i s##i = _mm512_set1_epi32(i);
#define HOB_STEP(i) s##i = _mm512_dpbusd_epi32(s##i, a, b);
#define HOB_ADD(i) sum = _mm512_add_epi32(sum, s##i);
  HOB_TEN(HOB_DECLARE)
  for (uint64_t r = 0; r < rounds; ++r) {
    asm volatile("" : "+v"(a), "+v"(b));
    HOB_TEN(HOB_STEP)
  }
  HOB_TEN(HOB_ADD)
  uint32_t lanes[16];
  _mm512_storeu_si512(lanes, sum);
  return lanes[0];
#undef HOB_DECLARE
#undef HOB_STEP
#undef HOB_ADD
}

#define HOB_DECLARE(i) __m256i s##i = _mm256_set1_epi32(i);
#define HOB_ADD(i) sum = _mm256_add_epi32(sum, s##i);

__attribute__((target("avx2,avxvnni"))) uint64_t DotAvxVnni(uint64_t rounds) {
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5), sum = _mm256_set1_epi32(1);
#define HOB_STEP(i) asm volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(s##i) : "x"(a), "x"(b));
  HOB_TEN(HOB_DECLARE)
  for (uint64_t r = 0; r < rounds; ++r) {
    HOB_TEN(HOB_STEP)
  }
  HOB_TEN(HOB_ADD)
  return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm256_castsi256_si128(sum)));
#undef HOB_STEP
}

// Without VNNI a product costs three instructions.
__attribute__((target("avx2"))) uint64_t DotAvx2(uint64_t rounds) {
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5), sum = _mm256_set1_epi32(1);
  __m256i ones = _mm256_set1_epi16(1), product;
#define HOB_STEP(i)                \
  asm volatile(                    \
      "vpmaddubsw %3, %2, %1\n\t"  \
      "vpmaddwd %4, %1, %1\n\t"    \
      "vpaddd %1, %0, %0"          \
      : "+x"(s##i), "=&x"(product) \
      : "x"(a), "x"(b), "x"(ones));
  HOB_TEN(HOB_DECLARE)
  for (uint64_t r = 0; r < rounds; ++r) {
    HOB_TEN(HOB_STEP)
  }
  HOB_TEN(HOB_ADD)
  return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm256_castsi256_si128(sum)));
#undef HOB_STEP
}
#undef HOB_DECLARE
#undef HOB_ADD

// The best of the machine first; an AVX-VNNI core without AVX-512 has the second.
std::vector<DotKernel> DotKernels() {
  std::vector<DotKernel> kernels;
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")) {
    kernels.push_back({"avx512vnni", 10 * 64 * 2, DotAvx512Vnni});
  }
  // CPUID 7.1 EAX bit 4; older compilers do not know the name for __builtin_cpu_supports.
  uint32_t eax = 7, ebx = 0, ecx = 1, edx = 0;
  asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  if ((eax & 16) != 0 && __builtin_cpu_supports("avx2")) {
    kernels.push_back({"avxvnni", 10 * 32 * 2, DotAvxVnni});
  }
  if (__builtin_cpu_supports("avx2")) kernels.push_back({"avx2", 10 * 32 * 2, DotAvx2});
  return kernels;
}

__attribute__((target("avx2"))) uint64_t SumAvx2(const uint8_t* data, size_t bytes) {
  const auto* p = reinterpret_cast<const __m256i*>(data);
  const size_t count = bytes / sizeof(__m256i);
  __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
  for (size_t i = 0; i + 8 <= count; i += 8) {
    _mm_prefetch(reinterpret_cast<const char*>(p + i) + 2048, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(p + i) + 2048 + 64, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(p + i) + 2048 + 128, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(p + i) + 2048 + 192, _MM_HINT_T0);
    s0 = _mm256_add_epi64(s0,
                          _mm256_add_epi64(_mm256_load_si256(p + i), _mm256_load_si256(p + i + 1)));
    s1 = _mm256_add_epi64(
        s1, _mm256_add_epi64(_mm256_load_si256(p + i + 2), _mm256_load_si256(p + i + 3)));
    s2 = _mm256_add_epi64(
        s2, _mm256_add_epi64(_mm256_load_si256(p + i + 4), _mm256_load_si256(p + i + 5)));
    s3 = _mm256_add_epi64(
        s3, _mm256_add_epi64(_mm256_load_si256(p + i + 6), _mm256_load_si256(p + i + 7)));
  }
  s0 = _mm256_add_epi64(_mm256_add_epi64(s0, s1), _mm256_add_epi64(s2, s3));
  return static_cast<uint64_t>(_mm256_extract_epi64(s0, 0)) +
         static_cast<uint64_t>(_mm256_extract_epi64(s0, 1)) +
         static_cast<uint64_t>(_mm256_extract_epi64(s0, 2)) +
         static_cast<uint64_t>(_mm256_extract_epi64(s0, 3));
}

#elif defined(__aarch64__)

#if defined(__clang__)
#define HOB_DOTPROD __attribute__((target("dotprod")))
#else
#define HOB_DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

HOB_DOTPROD uint64_t DotNeon(uint64_t rounds) {
  int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(5);
#define HOB_DECLARE(i) int32x4_t s##i = vdupq_n_s32(i);
#define HOB_STEP(i) s##i = vdotq_s32(s##i, a, b);
  HOB_TEN(HOB_DECLARE)
  for (uint64_t r = 0; r < rounds; ++r) {
    asm volatile("" : "+w"(a), "+w"(b));
    HOB_TEN(HOB_STEP)
  }
#undef HOB_DECLARE
#undef HOB_STEP
  uint64_t sum = 0;
#define HOB_ADD(i) sum += static_cast<uint32_t>(vaddvq_s32(s##i));
  HOB_TEN(HOB_ADD)
#undef HOB_ADD
  return sum;
}

std::vector<DotKernel> DotKernels() {
#if defined(__linux__)
  if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) == 0) return {};
#endif
  return {{"neon_dotprod", 10 * 16 * 2, DotNeon}};
}

#else
std::vector<DotKernel> DotKernels() { return {}; }
#endif

uint64_t SumPortable(const uint8_t* data, size_t bytes) {
  const auto* p = reinterpret_cast<const uint64_t*>(data);
  const size_t count = bytes / sizeof(uint64_t);
  uint64_t s[8] = {};
  for (size_t i = 0; i + 8 <= count; i += 8) {
    for (size_t j = 0; j < 8; ++j) s[j] += p[i + j];
  }
  uint64_t sum = 0;
  for (const uint64_t value : s) sum += value;
  return sum;
}

uint64_t Sum(const uint8_t* data, size_t bytes) {
#if defined(__x86_64__)
  static const bool avx2 = __builtin_cpu_supports("avx2");
  if (avx2) return SumAvx2(data, bytes);
#endif
  return SumPortable(data, bytes);
}

// Seconds from the moment when all threads start together to the moment when the last one is done.
double Together(int threads, const std::function<void(int)>& work) {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> workers;
  workers.reserve(static_cast<size_t>(threads));
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      ready.fetch_add(1);
      while (!go.load()) std::this_thread::yield();
      work(t);
    });
  }
  while (ready.load() < threads) std::this_thread::yield();
  const auto start = Clock::now();
  go.store(true);
  for (std::thread& worker : workers) worker.join();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::atomic<uint64_t> sink{0};  // what was computed, so that it is computed

// The most of `amount` a second that `work` reaches within the time given, over runs that repeat
// it.
double Best(double seconds, int threads, double amount, const std::function<void(int)>& work) {
  double best = 0;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (int run = 0; run < 3 || Clock::now() < end; ++run) {
    best = std::max(best, amount / Together(threads, work));
  }
  return best;
}

struct Free {
  size_t bytes;
  void operator()(uint8_t* data) const {
#if defined(__linux__)
    munmap(data, bytes);
#else
    std::free(data);
#endif
  }
};

// Written once, so that its pages are there; in huge pages where the system gives them.
std::unique_ptr<uint8_t, Free> MakeBuffer(size_t bytes) {
#if defined(__linux__)
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return {nullptr, Free{bytes}};
  madvise(data, bytes, MADV_HUGEPAGE);
#else
  void* data = std::aligned_alloc(4096, bytes);
  if (data == nullptr) return {nullptr, Free{bytes}};
#endif
  std::memset(data, 1, bytes);
  return {static_cast<uint8_t*>(data), Free{bytes}};
}

struct Options {
  int threads = 1;
  double seconds = 0.3;    // of each measurement
  size_t mebibytes = 512;  // read in one run: many times the largest cache
};

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const double value = std::atof(argv[i + 1]);
    if (name == "--threads" && value >= 1 && value <= 1024) {
      options->threads = static_cast<int>(value);
    } else if (name == "--seconds" && value > 0 && value <= 60) {
      options->seconds = value;
    } else if (name == "--mebibytes" && value >= 1 && value <= 65536) {
      options->mebibytes = static_cast<size_t>(value);
    } else {
      return false;
    }
  }
  return argc % 2 == 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, &options)) {
    std::fprintf(stderr, "usage: %s [--threads N] [--seconds S] [--mebibytes M]\n", argv[0]);
    return 2;
  }
  const size_t threads = static_cast<size_t>(options.threads);
  // Whole pages for each thread.
  const size_t share = (options.mebibytes << 20) / threads / 4096 * 4096;
  const auto buffer = MakeBuffer(share * threads);
  if (buffer == nullptr || share == 0) {
    std::fprintf(stderr, "error: no memory for %zu MiB\n", options.mebibytes);
    return 1;
  }
  const double read = Best(
      options.seconds, options.threads, static_cast<double>(share * threads),
      [&](int t) { sink.fetch_add(Sum(buffer.get() + share * static_cast<size_t>(t), share)); });

  // About 10 ms a run at 1 TOPS a thread.
  constexpr uint64_t kRounds = 6'000'000;
  std::string kernels;
  double peak = 0;
  for (const DotKernel& kernel : DotKernels()) {
    const double ops = Best(options.seconds, options.threads,
                            kernel.ops_per_round * static_cast<double>(kRounds) * options.threads,
                            [&](int) { sink.fetch_add(kernel.run(kRounds)); });
    char text[96];
    std::snprintf(text, sizeof(text), "%s\"%s\": %.1f", kernels.empty() ? "" : ", ", kernel.name,
                  ops / 1e9);
    kernels += text;
    peak = std::max(peak, ops);
  }
  std::printf(
      "{\"threads\": %d, \"read_gb_per_s\": %.2f, \"int8_gops\": %.1f, \"int8_gops_of\": {%s}, "
      "\"mebibytes\": %zu}\n",
      options.threads, read / 1e9, peak / 1e9, kernels.c_str(), share * threads >> 20);
  return sink.load() == 1 ? 3 : 0;
}
