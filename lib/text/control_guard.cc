// SPDX-License-Identifier: Apache-2.0
#include "lib/text/control_guard.h"

#include <utility>

#include "lib/text/tools/json_text.h"
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

// Calls visit(text) for each text that comes from outside; what it returns takes the text's place.
template <typename Visit>
void ForTexts(GuardedMessages& guarded, Visit&& visit) {
  const auto change = [&](std::string_view text) { return visit(text); };
  for (ChatMessage& message : guarded.messages) {
    message.role = visit(message.role);
    message.content = visit(message.content);
    if (!message.fields.empty()) message.fields = ChangeStrings(message.fields, change);
  }
  if (!guarded.tools.empty()) guarded.tools = ChangeStrings(guarded.tools, change);
}

StatusOr<std::string> ChooseMark(GuardedMessages& guarded) {
  for (char32_t candidate = kFirstMark; candidate <= kLastMark; ++candidate) {
    std::string mark;
    AppendUtf8(candidate, mark);
    bool used = false;
    ForTexts(guarded, [&](std::string_view text) {
      used = used || text.find(mark) != std::string_view::npos;
      return std::string(text);
    });
    if (!used) return mark;
  }
  return Error(StatusCode::kInvalidArgument,
               "the messages hold control tokens beside all noncharacters from U+FDD0 to U+FDEF",
               "remove the noncharacters, which no text needs");
}

}  // namespace

StatusOr<GuardedMessages> GuardMessages(const Tokenizer& tokenizer,
                                        std::vector<ChatMessage> messages, std::string tools) {
  GuardedMessages guarded{std::move(messages), std::move(tools), {}};
  bool any = false;
  ForTexts(guarded, [&](std::string_view text) {
    any = any || !tokenizer.FindControlTokens(text).empty();
    return std::string(text);
  });
  if (!any) return guarded;
  HOB_ASSIGN_OR_RETURN(guarded.mark, ChooseMark(guarded));
  ForTexts(guarded, [&](std::string_view text) {
    return Marked(text, tokenizer.FindControlTokens(text), guarded.mark);
  });
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
