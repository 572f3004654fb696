// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back, as the model's own tokenizer does it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/format/model_file.h"

namespace hob::text {

class TokenTrie;

struct EncodeOptions {
  bool add_special = false;  // add BOS/EOS (CLS/SEP) as the vocabulary asks
  bool parse_special =
      false;  // recognise control tokens ("<|im_end|>") in the text; user-defined ones always are
  // Bytes of the text, in order: no special token is seen that has one of them inside.
  std::span<const size_t> cuts = {};
};

// Immutable after creation; any thread may use it.
class Tokenizer {
 public:
  // Supports models gpt2 (byte-level BPE), llama (SentencePiece) and bert (WordPiece).
  // UNIMPLEMENTED names an unknown model or pre-tokenizer. The vocabulary is not referenced
  // afterwards.
  static StatusOr<std::unique_ptr<Tokenizer>> Create(const Vocabulary& vocabulary);
  virtual ~Tokenizer() = default;

  // INVALID_ARGUMENT with the byte offset if `text` is not UTF-8. Time O(n log n) for any text.
  virtual StatusOr<std::vector<int32_t>> Encode(std::string_view text,
                                                const EncodeOptions& options) const = 0;

  // Where `text` holds control tokens: the bytes at which they begin, in order.
  virtual std::vector<size_t> FindControlTokens(std::string_view text) const = 0;

  // The bytes of one token; may be part of a UTF-8 character. Control tokens give nothing unless
  // `special`. INVALID_ARGUMENT for an id outside the vocabulary.
  virtual StatusOr<std::string> Piece(int32_t id, bool special) const = 0;

  // The text of `ids`; bytes that are not UTF-8 become U+FFFD.
  StatusOr<std::string> Decode(std::span<const int32_t> ids, bool special) const;

  virtual size_t size() const = 0;                       // ids are 0 … size()-1
  virtual bool IsEndOfGeneration(int32_t id) const = 0;  // eos, eot, <|im_end|>, <|endoftext|>, …
  virtual int32_t bos() const = 0;                       // −1: none
  virtual int32_t eos() const = 0;
  virtual int32_t unknown() const = 0;
  virtual int32_t separator() const = 0;
  virtual bool adds_bos() const = 0;  // what EncodeOptions::add_special puts around a text
  virtual bool adds_eos() const = 0;
  // Of an id in the vocabulary: its stored text, which lives as long as this, and its type.
  virtual std::string_view StoredText(int32_t id) const = 0;
  virtual TokenType Type(int32_t id) const = 0;
  virtual int32_t Find(
      std::string_view token) const = 0;  // id of a token by its stored text, or −1
  // Whether the first token's leading space is no part of the text, as SentencePiece has it.
  virtual bool strips_leading_space() const { return false; }

  // All tokens by their bytes; built when it is first asked for.
  StatusOr<std::shared_ptr<const TokenTrie>> Trie() const;

 private:
  mutable std::mutex trie_mutex_;
  mutable std::shared_ptr<const TokenTrie> trie_;
};

}  // namespace hob::text
