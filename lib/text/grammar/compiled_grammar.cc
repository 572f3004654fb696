// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/compiled_grammar.h"

#include <bit>
#include <utility>

namespace hob::text {

Status TooAmbiguous() {
  return Error(StatusCode::kInvalidArgument,
               Concat("the grammar is too ambiguous: a text has more than ", PathWalker::kMostPaths,
                      " ways to be read"),
               "Let alternatives that match the same text begin differently.");
}

StatusOr<std::shared_ptr<const CompiledGrammar>> CompiledGrammar::Create(
    const Grammar& grammar, std::shared_ptr<const Tokenizer> tokenizer) {
  HOB_ASSIGN_OR_RETURN(Automaton automaton, Automaton::Compile(grammar));
  HOB_ASSIGN_OR_RETURN(auto trie, tokenizer->Trie());
  return std::shared_ptr<const CompiledGrammar>(
      new CompiledGrammar(std::move(automaton), std::move(tokenizer), std::move(trie)));
}

CompiledGrammar::CompiledGrammar(Automaton automaton, std::shared_ptr<const Tokenizer> tokenizer,
                                 std::shared_ptr<const TokenTrie> trie)
    : automaton_(std::move(automaton)),
      tokenizer_(std::move(tokenizer)),
      trie_(std::move(trie)),
      walker_(automaton_),
      masks_(automaton_.size()) {}

StatusOr<const StateMask*> CompiledGrammar::MaskOf(int32_t state, StateMask& scratch) const {
  auto& slot = masks_[static_cast<size_t>(state)];
  if (const StateMask* mask = slot.load(std::memory_order_acquire); mask != nullptr) return mask;
  const std::lock_guard lock(mutex_);
  if (const StateMask* mask = slot.load(std::memory_order_relaxed); mask != nullptr) return mask;
  HOB_RETURN_IF_ERROR(Compute(state, scratch));
  if (mask_bytes_ + scratch.bytes() > kMostMaskBytes) return &scratch;
  mask_bytes_ += scratch.bytes();
  kept_.push_back(std::make_unique<const StateMask>(std::move(scratch)));
  slot.store(kept_.back().get(), std::memory_order_release);
  return kept_.back().get();
}

Status CompiledGrammar::Compute(int32_t state, StateMask& out) const {
  out = {};
  const auto words = (static_cast<size_t>(trie_->vocabulary()) + 63) / 64;
  out.bits.assign(words, 0);
  size_t count = 0;
  const size_t mark = walker_.stacks().Mark();
  const Path from{state, 0};
  walker_.Walk(*trie_, 0, std::span(&from, 1), [&](int32_t node, bool ends) {
    for (const int32_t token : trie_->tokens(node)) {
      out.bits[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64);
      ++count;
    }
    if (ends && trie_->has_children(node)) out.exits.push_back(node);
  });
  walker_.stacks().Release(mark);
  if (walker_.overflowed()) return TooAmbiguous();
  if (2 * count >= words) return absl::OkStatus();
  // As ids they take less.
  out.ids.reserve(count);
  for (size_t word = 0; word < words; ++word) {
    for (uint64_t rest = out.bits[word]; rest != 0; rest &= rest - 1) {
      out.ids.push_back(static_cast<int32_t>(word * 64) + std::countr_zero(rest));
    }
  }
  out.bits = {};
  out.exits.shrink_to_fit();
  return absl::OkStatus();
}

}  // namespace hob::text
