// SPDX-License-Identifier: Apache-2.0
#include "lib/text/bpe.h"

#include <limits>

#include "lib/text/unicode.h"

namespace hob::text {
namespace {

// GPT-2 writes each byte as a printable character: itself, or one from U+0100 on, in order.
constexpr bool IsPrintedAsItself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct ByteCharacters {
  std::array<char32_t, 256> character{};
  std::array<int16_t, 0x144> byte{};  // of a character, or −1
};

constexpr ByteCharacters MakeByteCharacters() {
  ByteCharacters map;
  for (auto& byte : map.byte) byte = -1;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t character = IsPrintedAsItself(byte) ? static_cast<char32_t>(byte) : next++;
    map.character[byte] = character;
    map.byte[character] = static_cast<int16_t>(byte);
  }
  return map;
}

constexpr ByteCharacters kBytes = MakeByteCharacters();

uint64_t PairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

BpeTokenizer::BpeTokenizer(std::unique_ptr<const TokenTable> table,
                           std::unique_ptr<const Pretokenizer> pretokenizer)
    : BaseTokenizer(std::move(table)), pretokenizer_(std::move(pretokenizer)) {}

StatusOr<std::unique_ptr<Tokenizer>> BpeTokenizer::Create(const Vocabulary& vocabulary) {
  HOB_ASSIGN_OR_RETURN(auto pretokenizer, Pretokenizer::Create(vocabulary.pre));
  HOB_ASSIGN_OR_RETURN(auto table, TokenTable::Create(vocabulary));
  std::unique_ptr<BpeTokenizer> tokenizer(
      new BpeTokenizer(std::move(table), std::move(pretokenizer)));
  HOB_RETURN_IF_ERROR(tokenizer->AddMerges(vocabulary));
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

int32_t BpeTokenizer::Intern(std::string_view symbol, Outside* outside) {
  const int32_t id = table().Find(symbol);
  if (id >= 0) return id;
  const auto next = static_cast<int32_t>(table().size() + outside->size());
  return outside->try_emplace(std::string(symbol), next).first->second;
}

Status BpeTokenizer::AddMerges(const Vocabulary& vocabulary) {
  constexpr size_t kMost = size_t{1} << 28;  // keeps all symbol ids within 31 bits
  if (vocabulary.merges.empty() || vocabulary.merges.size() > kMost || table().size() > kMost) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("vocabulary: ", vocabulary.merges.size(), " merges for ",
                              table().size(), " tokens of byte-pair encoding"),
                 "the model file lacks tokenizer.ggml.merges or is damaged; convert it again");
  }
  Outside outside;
  for (int byte = 0; byte < 256; ++byte) {
    std::string symbol;
    AppendUtf8(kBytes.character[byte], symbol);
    bytes_[byte] = Intern(symbol, &outside);
  }
  merges_.reserve(vocabulary.merges.size());
  merge_index_ = FlatIndex(vocabulary.merges.size());
  std::string text;
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    const std::string_view merge = vocabulary.merges[rank];
    const size_t space = merge.find(' ', 1);
    if (merge.empty() || space == std::string_view::npos || space + 1 == merge.size()) {
      return Error(StatusCode::kInvalidArgument,
                   absl::StrCat("vocabulary: merge ", rank, " is not two symbols"),
                   "the model file is damaged or was converted wrongly; convert it again");
    }
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    text.assign(left).append(right);
    // In this order: symbols that are not tokens are numbered as they appear.
    const int32_t joined = Intern(text, &outside);
    const Merge pair{Intern(left, &outside), Intern(right, &outside), joined};
    merges_.push_back(pair);
    merge_index_.Insert(KeyedHash(PairKey(pair.left, pair.right), seed_),
                        static_cast<int32_t>(rank),
                        [&](int32_t other) { return merges_[other].Joins(pair.left, pair.right); });
  }
  return absl::OkStatus();
}

void BpeTokenizer::EncodePiece(std::string_view piece, PairMerger* merger, std::string* scratch,
                               std::vector<int32_t>* ids) const {
  if (pretokenizer_->ignore_merges() && piece.size() <= table().longest()) {
    scratch->clear();
    for (const char c : piece) AppendUtf8(kBytes.character[static_cast<uint8_t>(c)], *scratch);
    const int32_t id = table().Find(*scratch);
    if (id >= 0 && table().type(id) == TokenType::kNormal) {
      ids->push_back(id);
      return;
    }
  }
  const auto size = static_cast<int32_t>(piece.size());
  auto& symbols = merger->symbols;
  symbols.clear();
  for (int32_t i = 0; i < size; ++i) {
    symbols.push_back({i - 1, i + 1, bytes_[static_cast<uint8_t>(piece[i])], true});
  }
  merger->Run([&](int32_t left, int32_t right, int32_t) -> PairMerge {
    const int32_t l = symbols[left].id, r = symbols[right].id;
    const int32_t rank = merge_index_.Find(KeyedHash(PairKey(l, r), seed_),
                                           [&](int32_t m) { return merges_[m].Joins(l, r); });
    if (rank < 0) return {};
    return {true, static_cast<uint32_t>(rank), merges_[rank].joined};
  });
  for (int32_t i = 0; i < size; i = symbols[i].next) {
    if (table().Contains(symbols[i].id)) {
      ids->push_back(symbols[i].id);
      continue;
    }
    // Not a token: its bytes are, save those that the vocabulary lacks, which are lost.
    for (int32_t j = i; j < symbols[i].next; ++j) {
      const int32_t id = bytes_[static_cast<uint8_t>(piece[j])];
      if (table().Contains(id)) ids->push_back(id);
    }
  }
}

Status BpeTokenizer::EncodeText(std::string_view text, bool /*at_start*/,
                                std::vector<int32_t>* ids) const {
  std::string normalized;
  if (pretokenizer_->nfc()) {
    HOB_ASSIGN_OR_RETURN(normalized, NormalizeNfc(text));
    text = normalized;
  }
  std::vector<uint32_t> ends;
  HOB_RETURN_IF_ERROR(pretokenizer_->Split(text, &ends));
  PairMerger merger;
  std::string scratch;
  size_t begin = 0;
  for (const size_t end : ends) {
    EncodePiece(text.substr(begin, end - begin), &merger, &scratch, ids);
    begin = end;
  }
  return absl::OkStatus();
}

std::string BpeTokenizer::NormalPiece(std::string_view token) const {
  std::string piece;
  for (size_t i = 0; i < token.size();) {
    const Utf8Step step = StepUtf8(token, i);
    if (step.state == Utf8State::kValid && step.value < kBytes.byte.size() &&
        kBytes.byte[step.value] >= 0) {
      piece.push_back(static_cast<char>(kBytes.byte[step.value]));
    } else {
      piece += token.substr(i, step.length);
    }
    i += step.length;
  }
  return piece;
}

}  // namespace hob::text
