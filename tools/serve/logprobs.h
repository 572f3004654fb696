// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hob/hob.hpp>
#include <string>

namespace tool::serve {

// How likely the model held the tokens of an answer, as the protocol tells it.
class Logprobs {
 public:
  // `chat`: the form of chats, else that of completions.
  explicit Logprobs(bool chat) : chat_(chat) {}

  // A token, whose text ends with `text`; may throw std::bad_alloc.
  void Add(const hob::Model& model, const hob_token& token);
  bool empty() const { return tokens_.empty(); }
  // The JSON of what was added since the last call.
  std::string Take();

 private:
  bool chat_;
  std::string tokens_;                   // of a chat: whole entries
  std::string values_, tops_, offsets_;  // of completions
  size_t offset_ = 0;                    // in characters
};

}  // namespace tool::serve
