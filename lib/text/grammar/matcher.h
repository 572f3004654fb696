// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/grammar/compiled_grammar.h"

namespace hob::text {

// How far one text has come in a grammar, and which tokens may come next. One thread at a time.
class Matcher {
 public:
  // INVALID_ARGUMENT if the grammar is too ambiguous.
  static StatusOr<Matcher> Create(std::shared_ptr<const CompiledGrammar> grammar);

  // Sets the logits, one a token, of all that may not come next to −infinity. INVALID_ARGUMENT if
  // the grammar is too ambiguous, FAILED_PRECONDITION if no token may come.
  Status MaskLogits(std::span<float> logits);
  // Takes `tokens`, all or none, and returns how many would fit, one after the other.
  // INVALID_ARGUMENT if the grammar is too ambiguous; RESOURCE_EXHAUSTED if the text is nested too
  // deeply.
  StatusOr<size_t> Accept(std::span<const int32_t> tokens) { return Follow(tokens, true); }
  // Takes none, and returns the same.
  StatusOr<size_t> CountAcceptable(std::span<const int32_t> tokens) {
    return Follow(tokens, false);
  }

  // Whether the text may end here; whether it must.
  bool can_end() const { return ends_; }
  bool must_end() const { return paths_.empty(); }
  // Replaces `out` by the bytes that must come next, at most `most`.
  Status ForcedText(size_t most, std::string& out);

  void Reset();
  const CompiledGrammar& grammar() const { return *grammar_; }

 private:
  // Puts the text back where it was, unless it is to stay.
  class Rewind;

  explicit Matcher(std::shared_ptr<const CompiledGrammar> grammar);
  // Fills bits_ with what may come next, ends but for.
  Status ComputeMask();
  void Allow(int32_t token) {
    bits_[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64);
  }
  // Allows the tokens below `node` that go on from `paths`.
  void AllowBelow(int32_t node, std::span<const Path> paths);
  // How many of `tokens` fit; if all do and they are to `stay`, they are taken.
  StatusOr<size_t> Follow(std::span<const int32_t> tokens, bool stay);
  // Takes `token`; false, and the state is of no use, if it does not fit.
  StatusOr<bool> Take(int32_t token);
  // Goes through `bytes`; whether they fit. Else the state is of no use.
  bool Advance(std::string_view bytes);
  Status Check() const;

  std::shared_ptr<const CompiledGrammar> grammar_;
  PathWalker walker_;
  std::vector<Path> paths_;
  bool ends_ = false;
  bool first_ = true;  // no token was taken
  std::vector<uint64_t> bits_;
  StateMask scratch_;
  std::vector<Path> next_;
};

}  // namespace hob::text
