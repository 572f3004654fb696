// SPDX-License-Identifier: Apache-2.0
#include "lib/text/detokenizer.h"

#include "lib/text/unicode.h"

namespace hob::text {

std::string TakeCompleteUtf8(std::string& bytes) {
  std::string text;
  size_t at = 0;
  while (at < bytes.size()) {
    const Utf8Step step = StepUtf8(bytes, at);
    if (step.state == Utf8State::kIncomplete) break;
    if (step.state == Utf8State::kValid) {
      text.append(bytes, at, step.length);
    } else {
      text += kReplacementUtf8;
    }
    at += step.length;
  }
  bytes.erase(0, at);
  return text;
}

StatusOr<std::string> StreamingDetokenizer::Push(int32_t id) {
  HOB_ASSIGN_OR_RETURN(std::string piece, tokenizer_->Piece(id, special_));
  if (piece.empty()) return std::string();
  // The space that encoding puts before the text is not part of it.
  if (first_ && tokenizer_->strips_leading_space() && piece[0] == ' ') piece.erase(0, 1);
  // Without memory for the text, the token has not come.
  struct Undo {
    std::string& pending;
    size_t size = pending.size();
    bool done = false;
    ~Undo() {
      if (!done) pending.resize(size);
    }
  } undo{pending_};
  pending_ += piece;
  std::string text = TakeCompleteUtf8(pending_);
  undo.done = true;
  first_ = false;
  return text;
}

std::string StreamingDetokenizer::Finish() {
  std::string text = TakeCompleteUtf8(pending_);
  if (!pending_.empty()) text += kReplacementUtf8;
  pending_.clear();
  first_ = true;
  return text;
}

}  // namespace hob::text
