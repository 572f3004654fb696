// SPDX-License-Identifier: Apache-2.0
#include "lib/text/sentencepiece.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "lib/text/unicode.h"

namespace hob::text {
namespace {

// Unsigned integers in the opposite order of the numbers: the best score comes first.
uint32_t RankOfScore(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);  // −0 becomes 0
  const uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return ~ascending;
}

uint64_t PairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(std::unique_ptr<const TokenTable> table,
                                               const Vocabulary& vocabulary)
    : BaseTokenizer(std::move(table)),
      prefix_(!vocabulary.add_space_prefix           ? Prefix::kNone
              : vocabulary.pre == "metaspace-always" ? Prefix::kAllWithout
              : vocabulary.pre == "metaspace-first"  ? Prefix::kStartWithout
                                                     : Prefix::kAll),
      add_space_prefix_(vocabulary.add_space_prefix),
      remove_extra_whitespaces_(vocabulary.remove_extra_whitespaces) {}

StatusOr<std::unique_ptr<Tokenizer>> SentencePieceTokenizer::Create(const Vocabulary& vocabulary) {
  HOB_ASSIGN_OR_RETURN(auto owned, TokenTable::Create(vocabulary));
  std::unique_ptr<SentencePieceTokenizer> tokenizer(
      new SentencePieceTokenizer(std::move(owned), vocabulary));
  const TokenTable& table = tokenizer->table();
  tokenizer->ranks_.resize(table.size(), RankOfScore(0));
  for (size_t id = 0; id < vocabulary.scores.size(); ++id) {
    if (std::isnan(vocabulary.scores[id])) {
      return Error(StatusCode::kInvalidArgument,
                   absl::StrCat("vocabulary: the score of token ", id, " is not a number"),
                   "the model file is damaged or was converted wrongly; convert it again");
    }
    tokenizer->ranks_[id] = RankOfScore(vocabulary.scores[id]);
  }
  tokenizer->bytes_.fill(-1);
  for (int byte = 0; byte < 256; ++byte) {
    constexpr char kHex[] = "0123456789ABCDEF";
    const std::string name = {'<', '0', 'x', kHex[byte >> 4], kHex[byte & 15], '>'};
    int32_t id = table.Find(name);
    if (id < 0) id = table.Find(std::string(1, static_cast<char>(byte)));
    tokenizer->bytes_[byte] = id;
  }
  if (vocabulary.scores.empty()) HOB_RETURN_IF_ERROR(tokenizer->AddMerges(vocabulary));
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

Status SentencePieceTokenizer::AddMerges(const Vocabulary& vocabulary) {
  merges_.reserve(vocabulary.merges.size());
  merge_index_ = FlatIndex(vocabulary.merges.size());
  std::string text;
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    const std::string_view merge = vocabulary.merges[rank];
    const size_t space = std::min(merge.find(' ', 1), merge.size());
    const std::string_view left = merge.substr(0, space),
                           right = merge.substr(std::min(space + 1, merge.size()));
    text.assign(left).append(right);
    const Merge pair{table().Find(left), table().Find(right), table().Find(text)};
    if (left.empty() || right.empty() || pair.left < 0 || pair.right < 0 || pair.joined < 0) {
      return Error(StatusCode::kInvalidArgument,
                   absl::StrCat("vocabulary: merge ", rank, " is not of two tokens to a third"),
                   "the model file is damaged or was converted wrongly; convert it again");
    }
    merges_.push_back(pair);
    merge_index_.Insert(PairKey(pair.left, pair.right), static_cast<int32_t>(rank),
                        [&](int32_t other) { return merges_[other].Joins(pair.left, pair.right); });
  }
  return absl::OkStatus();
}

PairMerge SentencePieceTokenizer::FindMerge(int32_t left, int32_t right) const {
  if (left < 0 || right < 0) return {};
  const int32_t rank = merge_index_.Find(PairKey(left, right),
                                         [&](int32_t m) { return merges_[m].Joins(left, right); });
  if (rank < 0) return {};
  return {true, static_cast<uint32_t>(rank), merges_[rank].joined};
}

bool SentencePieceTokenizer::Prefixes(std::string_view text, bool at_start) const {
  if (prefix_ == Prefix::kNone || prefix_ == Prefix::kAll) return prefix_ == Prefix::kAll;
  if (prefix_ == Prefix::kStartWithout && !at_start) return false;
  return !text.starts_with(' ') && !text.starts_with(kSpaceMark);
}

int32_t SentencePieceTokenizer::FindPiece(std::string_view text) const {
  if (text.size() > table().longest()) return -1;
  const int32_t id = table().Find(text);
  if (id < 0) return -1;
  switch (table().type(id)) {
    case TokenType::kControl:
    case TokenType::kUnknown:
    case TokenType::kByte:
      return -1;
    default:
      return id;
  }
}

Status SentencePieceTokenizer::EncodeText(std::string_view text, bool at_start,
                                          std::vector<int32_t>* ids) const {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
  if (remove_extra_whitespaces_) {
    const size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return absl::OkStatus();
    text = text.substr(first, text.find_last_not_of(' ') + 1 - first);
  }
  if (Prefixes(text, at_start)) escaped += kSpaceMark;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ') {
      escaped += text[i];
    } else if (!remove_extra_whitespaces_ || text[i - 1] != ' ') {
      escaped += kSpaceMark;
    }
  }

  PairMerger merger;
  auto& symbols = merger.symbols;
  const auto size = static_cast<int32_t>(escaped.size());
  symbols.resize(escaped.size());
  for (int32_t i = 0, before = -1; i < size;) {
    const auto length = static_cast<int32_t>(Utf8Length(escaped[i]));
    symbols[i] = {before, i + length, FindPiece(std::string_view(escaped).substr(i, length)), true};
    before = i;
    i += length;
  }
  merger.Run([&](int32_t left, int32_t right, int32_t end) -> PairMerge {
    if (!merges_.empty()) return FindMerge(symbols[left].id, symbols[right].id);
    const int32_t id = FindPiece(std::string_view(escaped).substr(left, end - left));
    if (id < 0) return {};
    return {true, ranks_[id], id};
  });

  bool unknown_before = false;  // characters without a token in a row give one unknown token
  for (int32_t i = 0; i < size; i = symbols[i].next) {
    if (symbols[i].id >= 0) {
      ids->push_back(symbols[i].id);
      unknown_before = false;
      continue;
    }
    bool all = true;
    for (int32_t j = i; j < symbols[i].next; ++j) {
      all = all && bytes_[static_cast<uint8_t>(escaped[j])] >= 0;
    }
    if (all) {
      for (int32_t j = i; j < symbols[i].next; ++j) {
        ids->push_back(bytes_[static_cast<uint8_t>(escaped[j])]);
      }
      unknown_before = false;
    } else if (table().unknown >= 0 && !unknown_before) {
      ids->push_back(table().unknown);
      unknown_before = true;
    }
  }
  return absl::OkStatus();
}

std::string SentencePieceTokenizer::NormalPiece(std::string_view token) const {
  std::string piece;
  for (size_t i = 0; i < token.size();) {
    if (token.substr(i, kSpaceMark.size()) == kSpaceMark) {
      piece += ' ';
      i += kSpaceMark.size();
    } else {
      piece += token[i++];
    }
  }
  return piece;
}

}  // namespace hob::text
