// SPDX-License-Identifier: Apache-2.0
// What the scheduler knows of an answer on its way.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "lib/base/status.h"
#include "lib/ops/step.h"

namespace hob {

// Tokens that a sequence wants run behind what its cache holds, and how many of the last ones'
// logits it wants. A step may take some of the tokens without logits; the others go together.
struct Work {
  std::span<const int32_t> tokens;
  int32_t logit_rows = 0;

  int32_t rows() const { return static_cast<int32_t>(tokens.size()); }
};

// Next, Prepare and End are called on the scheduler's thread, Accept on any one of the pool's;
// never two at a time. They return soon and do not throw.
class Sequence {
 public:
  virtual ~Sequence() = default;

  // What to run next, unchanged until Accept; no tokens: nothing until Scheduler::Wake. Of tokens
  // that are guesses, `guesses` take little time.
  virtual Work Next(int32_t guesses) = 0;
  // Makes room for the first `rows` tokens of Next; fills pages and position.
  virtual Status Prepare(int32_t rows, SequenceRows* out) = 0;
  // The first `rows` tokens have been run; if they were all, `logits` [logit_rows][vocabulary] is
  // there, and is scratch. False ends the sequence.
  virtual bool Accept(int32_t rows, std::span<float> logits) = 0;
  // The last call: OK after Accept's false; CANCELLED; DEADLINE_EXCEEDED; or what went wrong.
  virtual void End(const Status& status) = 0;

  // Once set, by any thread, the sequence ends within a step.
  virtual const std::atomic<bool>& stop() const = 0;
};

}  // namespace hob
