// SPDX-License-Identifier: Apache-2.0
// What a runtime counts of its work, for whoever watches it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hob {

// How often a value was in each of some ranges. Thread-safe, without locks: a reader may see a
// value in its range and not yet in the sum.
class Histogram {
 public:
  static constexpr size_t kBuckets = 24;

  // Range i goes to first·2^i, the last one to infinity.
  explicit Histogram(uint64_t first) : first_(first) {}

  void Add(uint64_t value, uint64_t times = 1) {
    size_t i = 0;
    for (uint64_t bound = first_; i + 1 < kBuckets && value > bound; bound *= 2) ++i;
    counts_[i].fetch_add(times, std::memory_order_relaxed);
    sum_.fetch_add(value * times, std::memory_order_relaxed);
  }

  uint64_t first() const { return first_; }
  uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  uint64_t count(size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }

 private:
  const uint64_t first_;
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_{0};
};

// Counters only grow; gauges go up and down. Any thread, no locks: one addition, of a token, is
// some nanoseconds.
struct Metrics {
  using Count = std::atomic<uint64_t>;
  static constexpr size_t kReasons = 8;    // by FinishReason
  static constexpr size_t kStatuses = 24;  // by StatusCode

  Count started{0};
  Count waiting{0};  // gauge: answers without a token yet
  std::array<Count, kReasons> ended{};
  std::array<Count, kStatuses> failed{};
  Count prompt_tokens{0}, cached_tokens{0}, generated_tokens{0};
  Count guessed_tokens{0}, right_tokens{0};
  Count steps{0}, step_rows{0}, step_ns{0};
  Count kv_pages{0};  // gauge: of all caches, and kept for those to come

  Histogram first_token{1'000'000};   // ns from the start of an answer
  Histogram between_tokens{250'000};  // ns
  Histogram batch{1};                 // answers and prompts that share a step

  static void Add(Count& count, uint64_t value = 1) {
    count.fetch_add(value, std::memory_order_relaxed);
  }
  static void Subtract(Count& count) { count.fetch_sub(1, std::memory_order_relaxed); }
  template <size_t kSize>
  static void AddAt(std::array<Count, kSize>& counts, size_t index) {
    Add(counts[index < kSize ? index : 0]);
  }
};

}  // namespace hob
