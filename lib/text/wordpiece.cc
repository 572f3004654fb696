// SPDX-License-Identifier: Apache-2.0
#include "lib/text/wordpiece.h"

#include "lib/text/unicode.h"

namespace hob::text {
namespace {

constexpr size_t kLongestWord = 100;  // characters; a longer word is unknown, as in BERT's own code

// Characters that are words by themselves: CJK ideographs, as BERT lists them.
bool IsIdeograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool IsAsciiSymbol(char32_t c) {
  return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
         (c >= 123 && c <= 126);
}

// A vocabulary without capitals is meant for text in lower case without accents.
bool IsUncased(const TokenTable& table) {
  for (int32_t id = 0; id < static_cast<int32_t>(table.size()); ++id) {
    const std::string_view text = table.text(id);
    if (table.type(id) != TokenType::kNormal || text.starts_with('[')) continue;
    for (const char c : text) {
      if (c >= 'A' && c <= 'Z') return false;
    }
  }
  return true;
}

}  // namespace

WordPieceTokenizer::WordPieceTokenizer(std::unique_ptr<const TokenTable> table)
    : BaseTokenizer(std::move(table)) {}

StatusOr<std::unique_ptr<Tokenizer>> WordPieceTokenizer::Create(const Vocabulary& vocabulary) {
  HOB_ASSIGN_OR_RETURN(auto owned, TokenTable::Create(vocabulary));
  std::unique_ptr<WordPieceTokenizer> tokenizer(new WordPieceTokenizer(std::move(owned)));
  const TokenTable& table = tokenizer->table();
  tokenizer->uncased_ = IsUncased(table);
  tokenizer->classify_ = table.bos >= 0 ? table.bos : table.Find("[CLS]");
  tokenizer->separator_ = table.separator >= 0 ? table.separator : table.Find("[SEP]");
  tokenizer->unknown_ = table.unknown >= 0 ? table.unknown : table.Find("[UNK]");
  if (tokenizer->unknown_ < 0) {
    return Error(StatusCode::kInvalidArgument, "vocabulary: WordPiece without an unknown token",
                 "the model file lacks tokenizer.ggml.unknown_token_id; convert it again");
  }
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

Status WordPieceTokenizer::EncodeText(std::string_view text, bool /*at_start*/,
                                      std::vector<int32_t>* ids) const {
  std::string word;
  size_t length = 0;
  const auto flush = [&] {
    if (length > kLongestWord) {
      ids->push_back(unknown_);
    } else if (length > 0) {
      EncodeWord(word, ids);
    }
    word.clear();
    length = 0;
  };
  std::u32string characters;
  for (size_t i = 0; i < text.size();) {
    const Utf8Step step = StepUtf8(text, i);
    i += step.length;
    const bool line = step.value == '\t' || step.value == '\n' || step.value == '\r';
    if (!line && (step.value == 0 || step.value == kReplacement || IsOther(step.value))) continue;
    if (line || IsWhiteSpace(step.value)) {
      flush();
      continue;
    }
    const bool ideograph = IsIdeograph(step.value);
    if (ideograph) flush();
    characters.clear();
    if (uncased_) {
      AppendDecomposed(step.value, characters);
    } else {
      characters.push_back(step.value);
    }
    for (char32_t c : characters) {
      if (uncased_) {
        if (IsNonspacingMark(c)) continue;
        c = ToLower(c);
      }
      const bool alone = IsAsciiSymbol(c) || IsPunctuation(c);
      if (alone) flush();
      if (length <= kLongestWord) AppendUtf8(c, word);  // a longer one is unknown whatever follows
      ++length;
      if (alone) flush();
    }
    if (ideograph) flush();
  }
  flush();
  return absl::OkStatus();
}

void WordPieceTokenizer::EncodeWord(std::string_view word, std::vector<int32_t>* ids) const {
  const size_t first = ids->size();
  std::string marked(kSpaceMark);
  marked += word;
  const std::string_view all = marked;
  for (size_t begin = 0; begin < all.size();) {
    // The longest token here; past the start of the word not one that starts a word.
    int32_t id = -1;
    size_t end = std::min(all.size(), begin + table().longest());
    const size_t least = begin == 0 ? kSpaceMark.size() : begin;
    if (begin == 0 || !all.substr(begin).starts_with(kSpaceMark)) {
      for (; end > least; --end) {
        if (end < all.size() && (static_cast<uint8_t>(all[end]) & 0xC0) == 0x80) continue;
        id = table().Find(all.substr(begin, end - begin));
        if (id >= 0) break;
      }
    }
    if (id < 0) {
      ids->resize(first);
      ids->push_back(unknown_);
      return;
    }
    ids->push_back(id);
    begin = end;
  }
}

std::string WordPieceTokenizer::NormalPiece(std::string_view token) const {
  if (!token.starts_with(kSpaceMark)) return std::string(token);
  return " " + std::string(token.substr(kSpaceMark.size()));
}

}  // namespace hob::text
