// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/matcher.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace hob::text {

StatusOr<Matcher> Matcher::Create(std::shared_ptr<const CompiledGrammar> grammar) {
  Matcher matcher(std::move(grammar));
  matcher.Reset();
  HOB_RETURN_IF_ERROR(matcher.Check());
  return matcher;
}

Matcher::Matcher(std::shared_ptr<const CompiledGrammar> grammar)
    : grammar_(std::move(grammar)), walker_(grammar_->automaton()) {}

void Matcher::Reset() {
  paths_.assign(1, {grammar_->automaton().start(), 0});
  ends_ = walker_.Close(paths_, 0);
  first_ = true;
}

Status Matcher::Check() const {
  if (walker_.overflowed()) return TooAmbiguous();
  return absl::OkStatus();
}

void Matcher::AllowBelow(int32_t node, std::span<const Path> paths) {
  walker_.Walk(grammar_->trie(), node, paths, [&](int32_t at, bool) {
    for (const int32_t token : grammar_->trie().tokens(at)) Allow(token);
  });
}

Status Matcher::ComputeMask() {
  const TokenTrie& trie = grammar_->trie();
  bits_.assign((static_cast<size_t>(trie.vocabulary()) + 63) / 64, 0);
  const size_t mark = walker_.stacks().Mark();
  int32_t closed = -1;  // the stack below which next_ is what follows
  for (const Path& path : paths_) {
    HOB_ASSIGN_OR_RETURN(const StateMask* mask, grammar_->MaskOf(path.state, scratch_));
    for (size_t i = 0; i < mask->bits.size(); ++i) bits_[i] |= mask->bits[i];
    for (const int32_t token : mask->ids) Allow(token);
    if (path.stack == 0 || mask->exits.empty()) continue;
    // Tokens that end the rule go on with what waits for it.
    if (closed != path.stack) {
      closed = path.stack;
      const PathStacks::Node& node = walker_.stacks().node(path.stack);
      next_.assign(1, {node.to, node.below});
      walker_.Close(next_, 0);
    }
    if (next_.empty()) continue;
    for (const int32_t exit : mask->exits) AllowBelow(exit, next_);
  }
  // The space that tokens of a text's beginning have before them is no part of it.
  if (first_ && grammar_->tokenizer().strips_leading_space()) {
    if (const int32_t space = trie.Child(' '); space >= 0) {
      for (int32_t at = space; at < trie.node(space).end; ++at) {
        for (const int32_t token : trie.tokens(at)) {
          bits_[static_cast<size_t>(token) / 64] &= ~(uint64_t{1} << (token % 64));
        }
      }
      for (const int32_t token : trie.tokens(space)) Allow(token);
      AllowBelow(space, paths_);
    }
  }
  walker_.stacks().Release(mark);
  if (ends_) {
    for (const int32_t token : trie.ends()) Allow(token);
  }
  return Check();
}

Status Matcher::MaskLogits(std::span<float> logits) {
  HOB_RETURN_IF_ERROR(ComputeMask());
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  bool any = false;
  const size_t known = std::min(logits.size(), bits_.size() * 64);
  for (size_t at = 0; at < known; at += 64) {
    const uint64_t word = bits_[at / 64];
    const size_t count = std::min<size_t>(64, known - at);
    any = any || word != 0;
    if (word == ~uint64_t{0}) continue;
    if (word == 0) {
      std::fill_n(logits.begin() + static_cast<ptrdiff_t>(at), count, kNever);
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      if ((word >> i & 1) == 0) logits[at + i] = kNever;
    }
  }
  std::fill(logits.begin() + static_cast<ptrdiff_t>(known), logits.end(), kNever);
  if (any) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition,
               "no token of the vocabulary goes on as the grammar asks",
               "The vocabulary lacks what the grammar's text is made of.");
}

class Matcher::Rewind {
 public:
  explicit Rewind(Matcher& matcher)
      : matcher_(matcher),
        paths_(matcher.paths_),
        ends_(matcher.ends_),
        first_(matcher.first_),
        mark_(matcher.walker_.stacks().Mark()) {}
  ~Rewind() {
    if (stays_) return;
    matcher_.paths_.swap(paths_);
    matcher_.ends_ = ends_;
    matcher_.first_ = first_;
    matcher_.walker_.stacks().Release(mark_);
  }
  void Stay() { stays_ = true; }

 private:
  Matcher& matcher_;
  std::vector<Path> paths_;
  const bool ends_, first_;
  const size_t mark_;
  bool stays_ = false;
};

bool Matcher::Advance(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    // Steps append behind what they begin with.
    const size_t count = paths_.size();
    ends_ = walker_.Step(paths_, 0, count, static_cast<uint8_t>(bytes[i]));
    paths_.erase(paths_.begin(), paths_.begin() + static_cast<ptrdiff_t>(count));
    if (paths_.empty() && (!ends_ || i + 1 < bytes.size())) return false;
  }
  return true;
}

StatusOr<bool> Matcher::Take(int32_t token) {
  const Tokenizer& tokenizer = grammar_->tokenizer();
  const bool first = std::exchange(first_, false);
  if (tokenizer.IsEndOfGeneration(token)) {
    // It comes once.
    paths_.clear();
    return std::exchange(ends_, false);
  }
  HOB_ASSIGN_OR_RETURN(const std::string piece, GrammarBytes(tokenizer, token));
  std::string_view bytes = piece;
  if (bytes.empty()) return false;
  if (first && tokenizer.strips_leading_space() && bytes[0] == ' ') bytes.remove_prefix(1);
  walker_.ForgetDepth();
  const bool fits = Advance(bytes);
  HOB_RETURN_IF_ERROR(Check());
  if (fits || !walker_.too_deep()) return fits;
  return Error(StatusCode::kResourceExhausted,
               Concat("the text is nested more than ", PathStacks::kMostDepth, " deep"));
}

StatusOr<size_t> Matcher::Follow(std::span<const int32_t> tokens, bool stay) {
  Rewind rewind(*this);
  for (size_t count = 0; count < tokens.size(); ++count) {
    HOB_ASSIGN_OR_RETURN(const bool fits, Take(tokens[count]));
    if (!fits) return count;
  }
  if (stay) rewind.Stay();
  return tokens.size();
}

Status Matcher::ForcedText(size_t most, std::string& out) {
  out.clear();
  const Rewind rewind(*this);
  while (out.size() < most && !ends_ && !paths_.empty()) {
    int forced = -1;
    for (const Path& path : paths_) {
      const auto edges = grammar_->automaton().edges(path.state);
      const int byte = edges[0].first;
      const bool one = edges.size() == 1 && edges[0].last == byte;
      if (!one || (forced >= 0 && forced != byte)) return Check();
      forced = byte;
    }
    const char byte = static_cast<char>(forced);
    if (!Advance({&byte, 1})) break;
    out.push_back(byte);
  }
  return Check();
}

}  // namespace hob::text
