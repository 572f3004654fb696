// SPDX-License-Identifier: Apache-2.0
// The part of encoding and decoding that all vocabularies share.
#pragma once

#include <memory>

#include "lib/text/token_table.h"
#include "lib/text/tokenizer.h"

namespace hob::text {

class BaseTokenizer : public Tokenizer {
 public:
  explicit BaseTokenizer(std::unique_ptr<const TokenTable> table) : table_(std::move(table)) {}

  // Checks the text, cuts special tokens out of it and encodes what stands between them.
  StatusOr<std::vector<int32_t>> Encode(std::string_view text,
                                        const EncodeOptions& options) const override;
  std::vector<size_t> FindControlTokens(std::string_view text) const override;
  StatusOr<std::string> Piece(int32_t id, bool special) const override;

  size_t size() const override { return table_->size(); }
  bool IsEndOfGeneration(int32_t id) const override { return table_->IsEndOfGeneration(id); }
  int32_t bos() const override { return table_->bos; }
  int32_t eos() const override { return table_->eos; }
  int32_t unknown() const override { return table_->unknown; }
  int32_t separator() const override { return table_->separator; }
  bool adds_bos() const override { return prefix() >= 0; }
  bool adds_eos() const override { return suffix() >= 0; }
  std::string_view StoredText(int32_t id) const override { return table_->text(id); }
  TokenType Type(int32_t id) const override { return table_->type(id); }
  int32_t Find(std::string_view token) const override { return table_->Find(token); }

 protected:
  // Appends the ids of `text`: not empty, UTF-8, under 2 GiB, without special tokens.
  // `at_start`: it begins the whole text; else a special token stands before it.
  virtual Status EncodeText(std::string_view text, bool at_start,
                            std::vector<int32_t>* ids) const = 0;
  // The bytes that a normal token stands for.
  virtual std::string NormalPiece(std::string_view token) const = 0;
  // What stands before and after the text with add_special; −1: nothing.
  virtual int32_t prefix() const { return table_->add_bos ? table_->bos : -1; }
  virtual int32_t suffix() const { return table_->add_eos ? table_->eos : -1; }

  const TokenTable& table() const { return *table_; }

 private:
  std::unique_ptr<const TokenTable> table_;
};

// The value of a byte token's text, "<0x0A>", or −1.
int ByteTokenValue(std::string_view text);

}  // namespace hob::text
