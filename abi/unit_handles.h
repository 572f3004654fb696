// SPDX-License-Identifier: Apache-2.0
// The handles of pieces that are used on their own. They hold memory alone, so they need no runtime
// and live through a fork.
#pragma once

#include <hob/grammar.h>
#include <hob/sampler.h>
#include <hob/template.h>
#include <hob/tokenizer.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "abi/arguments.h"
#include "abi/checked.h"
#include "abi/error.h"
#include "lib/sampler/sampler.h"
#include "lib/text/chat_template.h"
#include "lib/text/detokenizer.h"
#include "lib/text/grammar/matcher.h"
#include "lib/text/tokenizer.h"

struct hob_tokenizer {
  std::shared_ptr<const hob::text::Tokenizer> object;
};

struct hob_detokenizer {
  std::shared_ptr<const hob::text::Tokenizer> tokenizer;
  hob::text::StreamingDetokenizer object;
  std::string piece;  // the last one given out
  mutable std::atomic<bool> busy{false};
};

struct hob_chat_template {
  std::shared_ptr<const hob::text::ChatTemplate> object;
  hob::text::ChatTemplate::Variables variables;
};

struct hob_sampler {
  hob::Sampler object;
  std::vector<int32_t> history;  // as far back as the penalty looks
  std::vector<float> logits;     // the stages' own copy
  mutable std::atomic<bool> busy{false};
};

struct hob_grammar {
  std::shared_ptr<const hob::text::CompiledGrammar> object;
};

struct hob_matcher {
  hob::text::Matcher object;
  std::string text;  // the last one given out
  mutable std::atomic<bool> busy{false};
};

namespace hob::abi {

// A handle for the length of a call, closed to other threads.
template <typename Handle>
class Exclusive {
 public:
  // INVALID_ARGUMENT for null, FAILED_PRECONDITION while another call uses the handle.
  static StatusOr<Exclusive> Begin(Handle* handle, std::string_view what) {
    HOB_RETURN_IF_ERROR(CheckLive(handle, what));
    if (handle->busy.exchange(true, std::memory_order_acquire)) {
      return Error(StatusCode::kFailedPrecondition,
                   Concat("the ", what, " is in use by another call"),
                   "Use it from one thread at a time.");
    }
    return Exclusive(handle);
  }
  ~Exclusive() {
    if (handle_ != nullptr) handle_->busy.store(false, std::memory_order_release);
  }
  Exclusive(Exclusive&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Exclusive& operator=(Exclusive&&) = delete;

  Handle* operator->() const { return handle_; }
  Handle& operator*() const { return *handle_; }

 private:
  explicit Exclusive(Handle* handle) : handle_(handle) {}
  Handle* handle_;
};

}  // namespace hob::abi
