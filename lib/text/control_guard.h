// SPDX-License-Identifier: Apache-2.0
// Keeps what a message says apart from what the chat template says: "<|im_end|>" in a message is
// text, and must not become the token that ends it. A template's output is one string, so marks
// travel through it: characters that no text should have, each inside what would be read as a
// control token.
#pragma once

#include <string>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/chat_template.h"
#include "lib/text/tokenizer.h"

namespace hob::text {

struct GuardedMessages {
  std::vector<ChatMessage> messages;  // with marks
  std::string tools;
  std::string mark;  // in none of the messages before; empty if there is nothing to mark
};

// Marks control tokens of two characters or more in the roles and contents, and in the strings of
// the fields and of `tools`, definitions of tools in JSON as WriteJsonText writes it, or nothing.
// INVALID_ARGUMENT for messages that have some and all characters that a mark could be.
StatusOr<GuardedMessages> GuardMessages(const Tokenizer& tokenizer,
                                        std::vector<ChatMessage> messages, std::string tools);

// Takes the marks out of a rendered text and gives the places where they were, for
// EncodeOptions::cuts.
std::vector<size_t> RemoveMarks(std::string_view mark, std::string* text);

}  // namespace hob::text
