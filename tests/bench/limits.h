// SPDX-License-Identifier: Apache-2.0
// What this machine allows at this moment, measured: the yardstick of the benchmarks. Each call
// takes `seconds`, or little more, and gives the best of many short runs. Machines that are shared
// drift, so measure right beside what is to be judged.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "lib/base/thread_pool.h"

namespace hob::bench {

inline constexpr double kMeasureSeconds = 0.02;

// Multiplications and additions a second of int8 dot products with int32 sums held in registers, on
// all threads of `pool`: of each way that this CPU has, the fastest first; empty where no loop is
// written for it.
struct Rate {
  std::string_view name;  // "avx512vnni"
  double per_second;
};
std::vector<Rate> Int8Peaks(ThreadPool& pool, double seconds = kMeasureSeconds);

// Of the fastest way; 0 where there is none.
double Int8Peak(ThreadPool& pool, double seconds = kMeasureSeconds);

// The same for fused multiply-adds in f32.
double F32Peak(ThreadPool& pool, double seconds = kMeasureSeconds);

// A block of memory to be read over and over.
class ReadBandwidth {
 public:
  // In huge pages where the system gives them.
  explicit ReadBandwidth(size_t bytes);
  ~ReadBandwidth();
  ReadBandwidth(const ReadBandwidth&) = delete;
  ReadBandwidth& operator=(const ReadBandwidth&) = delete;

  // Bytes a second, each thread of `pool` reading its part; the best of several ways to read. From
  // memory if the block is larger than the caches, else from the cache it fits in.
  double Measure(ThreadPool& pool, double seconds = kMeasureSeconds) const;

 private:
  size_t bytes_;
  unsigned char* data_;
};

// Bytes of the largest cache (32 MiB where the system does not tell). A block of FromMemoryBytes()
// is certain to be read from memory.
size_t LargestCacheBytes();
inline size_t FromMemoryBytes() { return 4 * LargestCacheBytes(); }

}  // namespace hob::bench
