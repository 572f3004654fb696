// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace hob {

// Lets one thread through at a time, in the order in which they came. A runtime has one: its
// thread pool runs one loop at a time. Thread-safe.
class Turnstile {
 public:
  // Holds the turn from construction, which waits for it, to destruction.
  class Turn {
   public:
    explicit Turn(Turnstile& turnstile) : turnstile_(turnstile) {
      std::unique_lock lock(turnstile_.mutex_);
      const uint64_t ticket = turnstile_.next_ticket_++;
      turnstile_.changed_.wait(lock, [&] { return turnstile_.serving_ == ticket; });
    }
    ~Turn() {
      const std::lock_guard lock(turnstile_.mutex_);
      ++turnstile_.serving_;
      turnstile_.changed_.notify_all();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turnstile& turnstile_;
  };

  // How many wait now.
  uint64_t waiting() const {
    const std::lock_guard lock(mutex_);
    return next_ticket_ - serving_ - (next_ticket_ > serving_ ? 1 : 0);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t next_ticket_ = 0;
  uint64_t serving_ = 0;
};

}  // namespace hob
