// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "lib/text/tokenizer.h"

namespace hob::text {

// Turns a stream of tokens into text, piece by piece, never emitting half a UTF-8 character.
// One thread at a time. The tokenizer outlives it.
class StreamingDetokenizer {
 public:
  explicit StreamingDetokenizer(const Tokenizer& tokenizer, bool special = false)
      : tokenizer_(&tokenizer), special_(special) {}

  // Appends `id`; returns the text that became complete, possibly none.
  StatusOr<std::string> Push(int32_t id);
  // The end: bytes still held back, as U+FFFD if they are no character.
  std::string Finish();

 private:
  const Tokenizer* tokenizer_;
  bool special_;
  bool first_ = true;
  std::string pending_;
};

// The longest prefix of `bytes` that does not end inside a UTF-8 character, with invalid bytes
// replaced by U+FFFD; what is left over stays in `bytes`.
std::string TakeCompleteUtf8(std::string& bytes);

}  // namespace hob::text
