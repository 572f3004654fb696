// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/grammar/automaton.h"
#include "lib/text/grammar/paths.h"
#include "lib/text/grammar/token_trie.h"
#include "lib/text/tokenizer.h"

namespace hob::text {

// What the tokens of a vocabulary are to one state of an automaton, whatever waits for its rule to
// end (the context-independent tokens of XGrammar, Dong et al. 2024).
struct StateMask {
  // Those that stay within the rule: a bit each, or where they are few their ids.
  std::vector<uint64_t> bits;
  std::vector<int32_t> ids;
  // The nodes of the trie where the rule has ended and tokens go on.
  std::vector<int32_t> exits;

  size_t bytes() const {
    return sizeof(*this) + bits.capacity() * 8 + ids.capacity() * 4 + exits.capacity() * 4;
  }
};

// A grammar for one vocabulary. Masks are computed as states are first met, and kept for all who
// use it. Any thread.
class CompiledGrammar {
 public:
  // Errors as Automaton::Compile.
  static StatusOr<std::shared_ptr<const CompiledGrammar>> Create(
      const Grammar& grammar, std::shared_ptr<const Tokenizer> tokenizer);

  const Automaton& automaton() const { return automaton_; }
  const TokenTrie& trie() const { return *trie_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }

  // `scratch` is where it is computed if there is no room to keep it. INVALID_ARGUMENT if the
  // grammar is too ambiguous.
  StatusOr<const StateMask*> MaskOf(int32_t state, StateMask& scratch) const;

 private:
  static constexpr size_t kMostMaskBytes = 32u << 20;

  CompiledGrammar(Automaton automaton, std::shared_ptr<const Tokenizer> tokenizer,
                  std::shared_ptr<const TokenTrie> trie);
  Status Compute(int32_t state, StateMask& out) const;

  const Automaton automaton_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  const std::shared_ptr<const TokenTrie> trie_;

  mutable std::mutex mutex_;  // of what is written
  mutable PathWalker walker_;
  mutable size_t mask_bytes_ = 0;
  mutable std::vector<std::unique_ptr<const StateMask>> kept_;
  mutable std::vector<std::atomic<const StateMask*>> masks_;  // by state; null: not computed
};

// The error of a grammar with more ways to read a text than are followed.
Status TooAmbiguous();

}  // namespace hob::text
