// SPDX-License-Identifier: Apache-2.0
#include "lib/base/thread_pool.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hob {
namespace {

// Waiting turns before a thread sleeps: some tens of microseconds, longer than the serial work
// between two loops of a step.
constexpr int kSpinTurns = 2000;

inline void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// A thread's share of a loop. `cursor` holds the loop's number (high half) and the next piece (low
// half); a claim is a compare-and-swap on it, so a late worker cannot take a piece of a loop that
// is over. `end` may only be trusted if a claim made after reading it succeeds: it is rewritten
// only while every cursor is closed.
struct alignas(64) Share {
  std::atomic<uint64_t> cursor{0};
  std::atomic<uint32_t> end{0};
};

constexpr uint32_t kClosed = 0xffffffffu;
constexpr uint64_t Cursor(uint32_t loop, uint32_t piece) {
  return (static_cast<uint64_t>(loop) << 32) | piece;
}

class StealingPool final : public ThreadPool {
 public:
  explicit StealingPool(size_t threads) : shares_(threads) {}

  Status Start() {
    try {
      workers_.reserve(shares_.size() - 1);
      for (size_t i = 1; i < shares_.size(); ++i) workers_.emplace_back([this, i] { Worker(i); });
    } catch (const std::system_error&) {
      return Error(StatusCode::kResourceExhausted,
                   absl::StrCat("the system refused to start thread ", workers_.size() + 2, " of ",
                                shares_.size()),
                   "ask for fewer threads");
    }
    return absl::OkStatus();
  }

  ~StealingPool() override {
    stop_.store(true, std::memory_order_relaxed);
    loop_.fetch_add(1, std::memory_order_release);
    loop_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  size_t threads() const override { return shares_.size(); }

  void Run(size_t count, size_t grain, Task task, void* context) override {
    if (count == 0) return;
    if (grain == 0) grain = 1;
    // A piece number fits 31 bits.
    while (count / grain >= 0x7fffffffu) grain *= 2;
    const uint32_t pieces = static_cast<uint32_t>((count + grain - 1) / grain);
    if (pieces == 1 || shares_.size() == 1) {
      for (size_t begin = 0; begin < count; begin += grain) {
        task(context, begin, begin + grain < count ? begin + grain : count, 0);
      }
      return;
    }
    const uint32_t loop = loop_.load(std::memory_order_relaxed) + 1;
    for (Share& share : shares_)
      share.cursor.store(Cursor(loop, kClosed), std::memory_order_seq_cst);
    count_ = count;
    grain_ = grain;
    task_ = task;
    context_ = context;
    remaining_.store(pieces, std::memory_order_relaxed);
    const uint64_t threads = shares_.size();
    for (uint64_t t = 0; t < threads; ++t) {
      shares_[t].end.store(static_cast<uint32_t>(pieces * (t + 1) / threads),
                           std::memory_order_release);
    }
    for (uint64_t t = 0; t < threads; ++t) {
      shares_[t].cursor.store(Cursor(loop, static_cast<uint32_t>(pieces * t / threads)),
                              std::memory_order_release);
    }
    loop_.store(loop, std::memory_order_release);
    if (sleepers_.load(std::memory_order_seq_cst) != 0) loop_.notify_all();
    Work(loop, 0);
    // What others hold is running; wait for it, briefly awake.
    for (int turn = 0; turn < kSpinTurns; ++turn) {
      if (remaining_.load(std::memory_order_acquire) == 0) return;
      Pause();
    }
    for (uint32_t left; (left = remaining_.load(std::memory_order_acquire)) != 0;) {
      remaining_.wait(left, std::memory_order_acquire);
    }
  }

 private:
  // Takes pieces of its own share, then of the others', until none is left.
  void Work(uint32_t loop, size_t self) {
    const size_t threads = shares_.size();
    for (size_t i = 0; i < threads; ++i) {
      Share& share = shares_[(self + i) % threads];
      for (;;) {
        uint64_t cursor = share.cursor.load(std::memory_order_acquire);
        const uint32_t piece = static_cast<uint32_t>(cursor);
        if (static_cast<uint32_t>(cursor >> 32) != loop || piece == kClosed ||
            piece >= share.end.load(std::memory_order_acquire)) {
          break;
        }
        if (!share.cursor.compare_exchange_weak(cursor, cursor + 1, std::memory_order_acq_rel)) {
          continue;
        }
        // The loop cannot end before this piece, so its description is stable now.
        const size_t begin = piece * grain_;
        const size_t end = begin + grain_ < count_ ? begin + grain_ : count_;
        task_(context_, begin, end, self);
        if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1 && self != 0) {
          remaining_.notify_one();
        }
      }
    }
  }

  void Worker(size_t self) {
    uint32_t seen = 0;
    for (;;) {
      uint32_t loop = loop_.load(std::memory_order_acquire);
      for (int turn = 0; turn < kSpinTurns && loop == seen; ++turn) {
        Pause();
        loop = loop_.load(std::memory_order_acquire);
      }
      if (loop == seen) {
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        loop_.wait(seen, std::memory_order_acquire);
        sleepers_.fetch_sub(1, std::memory_order_relaxed);
        continue;
      }
      seen = loop;
      if (stop_.load(std::memory_order_relaxed)) return;
      Work(loop, self);
    }
  }

  std::vector<Share> shares_;
  std::vector<std::thread> workers_;
  alignas(64) std::atomic<uint32_t> loop_{0};
  std::atomic<uint32_t> sleepers_{0};
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<uint32_t> remaining_{0};
  size_t count_ = 0, grain_ = 1;
  Task task_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace

StatusOr<std::unique_ptr<ThreadPool>> ThreadPool::Create(size_t threads) {
  constexpr size_t kMaxThreads = 1024;
  if (threads > kMaxThreads) {
    return Error(StatusCode::kInvalidArgument, absl::StrCat(threads, " threads asked for, at most ",
                                                            kMaxThreads, " are possible"));
  }
  if (threads == 0) threads = UsableCpus();
  auto pool = std::make_unique<StealingPool>(threads);
  HOB_RETURN_IF_ERROR(pool->Start());
  return pool;
}

}  // namespace hob
