// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/status.h"
#include "lib/handoff/sse_parser.h"

namespace hob::handoff {

// Reads an answer of /chat/completions as it comes: a stream of chunks, or one JSON object from an
// endpoint that does not stream. Nothing of it is trusted.
class ChatResponse {
 public:
  static constexpr size_t kMaxBytes = 64u << 20;       // of a response
  static constexpr size_t kMaxTextBytes = 4u << 20;    // of an answer
  static constexpr size_t kMaxObjectBytes = 8u << 20;  // of one that does not stream

  // Given each piece of the answer, valid UTF-8 and not empty; false: no more is wanted.
  using OnText = std::function<StatusOr<bool>(std::string_view text)>;

  ChatResponse(bool streams, OnText on_text) : streams_(streams), on_text_(std::move(on_text)) {}

  // False: no more bytes are needed. DATA_LOSS: not such an answer; RESOURCE_EXHAUSTED: longer than
  // any; UNAVAILABLE: the endpoint tells of an error of its own.
  StatusOr<bool> Push(std::string_view bytes);
  // The connection ended. UNAVAILABLE: before the answer did.
  Status End();

  bool finished() const { return finished_; }               // the endpoint told the end
  bool reached_length() const { return length_; }           // the endpoint ended it at max_tokens
  int32_t prompt_tokens() const { return prompt_tokens_; }  // -1: not told
  int32_t generated_tokens() const { return generated_tokens_; }

 private:
  StatusOr<bool> Object(std::string_view json, std::string_view content);

  const bool streams_;
  const OnText on_text_;
  SseParser events_;
  std::string body_;
  size_t bytes_ = 0, text_bytes_ = 0;
  bool finished_ = false;  // the end was told
  bool length_ = false;
  int32_t prompt_tokens_ = -1, generated_tokens_ = -1;
};

// What the JSON body of an error says, in one line of printable text, at most 200 bytes; empty if
// it says nothing.
std::string ErrorMessageOf(std::string_view body);

}  // namespace hob::handoff
