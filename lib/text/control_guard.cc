// SPDX-License-Identifier: Apache-2.0
#include "lib/text/control_guard.h"

#include "lib/text/unicode.h"

namespace hob::text {
namespace {

// Noncharacters of Unicode: "not to be used in open interchange of text".
constexpr char32_t kFirstMark = 0xFDD0, kLastMark = 0xFDEF;

std::string Marked(std::string_view text, const std::vector<size_t>& places,
                   std::string_view mark) {
  std::string out;
  out.reserve(text.size() + places.size() * mark.size());
  size_t done = 0;
  for (const size_t place : places) {
    const size_t inside = place + StepUtf8(text, place).length;
    out.append(text.substr(done, inside - done)).append(mark);
    done = inside;
  }
  out.append(text.substr(done));
  return out;
}

StatusOr<std::string> ChooseMark(const std::vector<ChatMessage>& messages) {
  for (char32_t candidate = kFirstMark; candidate <= kLastMark; ++candidate) {
    std::string mark;
    AppendUtf8(candidate, mark);
    bool used = false;
    for (const ChatMessage& message : messages) {
      used = used || message.role.find(mark) != std::string::npos ||
             message.content.find(mark) != std::string::npos;
    }
    if (!used) return mark;
  }
  return Error(StatusCode::kInvalidArgument,
               "the messages hold control tokens beside all noncharacters from U+FDD0 to U+FDEF",
               "remove the noncharacters, which no text needs");
}

}  // namespace

StatusOr<GuardedMessages> GuardMessages(const Tokenizer& tokenizer,
                                        const std::vector<ChatMessage>& messages) {
  struct Places {
    std::vector<size_t> role, content;
  };
  std::vector<Places> places;
  places.reserve(messages.size());
  bool any = false;
  for (const ChatMessage& message : messages) {
    places.push_back(
        {tokenizer.FindControlTokens(message.role), tokenizer.FindControlTokens(message.content)});
    any = any || !places.back().role.empty() || !places.back().content.empty();
  }
  GuardedMessages guarded;
  if (!any) return guarded;
  HOB_ASSIGN_OR_RETURN(guarded.mark, ChooseMark(messages));
  guarded.messages.reserve(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    guarded.messages.push_back({Marked(messages[i].role, places[i].role, guarded.mark),
                                Marked(messages[i].content, places[i].content, guarded.mark)});
  }
  return guarded;
}

std::vector<size_t> RemoveMarks(std::string_view mark, std::string* text) {
  std::vector<size_t> cuts;
  if (mark.empty()) return cuts;
  std::string out;
  out.reserve(text->size());
  size_t done = 0;
  for (size_t at = text->find(mark); at != std::string::npos; at = text->find(mark, done)) {
    out.append(*text, done, at - done);
    cuts.push_back(out.size());
    done = at + mark.size();
  }
  out.append(*text, done);
  *text = std::move(out);
  return cuts;
}

}  // namespace hob::text
