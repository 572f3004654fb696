// SPDX-License-Identifier: Apache-2.0
#include "lib/text/base_tokenizer.h"

#include <algorithm>

#include "lib/text/unicode.h"

namespace hob::text {
namespace {

constexpr size_t kLongestText = size_t{1} << 30;  // positions are 32-bit, escapes take room

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The next special token that no cut goes through.
std::optional<SpecialTokens::Match> NextSpecial(const SpecialTokens& special, std::string_view text,
                                                size_t from, const EncodeOptions& options) {
  auto cut = std::upper_bound(options.cuts.begin(), options.cuts.end(), from);
  for (;; ++cut) {
    const bool last = cut == options.cuts.end() || *cut >= text.size();
    const auto match =
        special.Next(last ? text : text.substr(0, *cut), from, options.parse_special);
    if (match || last) return match;
    from = *cut;
  }
}

}  // namespace

int ByteTokenValue(std::string_view text) {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return -1;
  const int high = HexDigit(text[3]), low = HexDigit(text[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

StatusOr<std::vector<int32_t>> BaseTokenizer::Encode(std::string_view text,
                                                     const EncodeOptions& options) const {
  if (text.size() > kLongestText) {
    return Error(StatusCode::kResourceExhausted,
                 absl::StrCat("text of ", text.size(), " bytes; at most ", kLongestText,
                              " are tokenized at once"),
                 "pass it in parts");
  }
  if (const size_t at = FindInvalidUtf8(text); at != std::string_view::npos) {
    return Error(StatusCode::kInvalidArgument, absl::StrCat("text is not UTF-8 at byte ", at),
                 "pass text encoded as UTF-8");
  }
  std::vector<int32_t> ids;
  if (options.add_special && prefix() >= 0) ids.push_back(prefix());
  for (size_t at = 0; at < text.size();) {
    const auto match = NextSpecial(table_->special(), text, at, options);
    const size_t end = match ? match->begin : text.size();
    if (end > at) {
      HOB_RETURN_IF_ERROR(EncodeText(text.substr(at, end - at), at == 0, &ids));
    }
    if (!match) break;
    ids.push_back(match->id);
    at = match->end;
  }
  if (options.add_special && suffix() >= 0) ids.push_back(suffix());
  return ids;
}

std::vector<size_t> BaseTokenizer::FindControlTokens(std::string_view text) const {
  std::vector<size_t> found;
  for (size_t at = 0; at < text.size();) {
    const auto match = table_->special().Next(text, at, true);
    if (!match) break;
    // A token may hide another that begins inside it.
    if (!match->always) found.push_back(match->begin);
    at = match->begin + 1;
  }
  return found;
}

StatusOr<std::string> BaseTokenizer::Piece(int32_t id, bool special) const {
  if (!table_->Contains(id)) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("token id ", id, " is not one of the vocabulary's ", size()),
                 "pass ids that this model's tokenizer gave");
  }
  const std::string_view text = table_->text(id);
  switch (table_->type(id)) {
    case TokenType::kControl:
    case TokenType::kUnknown:
    case TokenType::kUnused:
      return special ? std::string(text) : std::string();
    case TokenType::kUserDefined:
      return std::string(text);
    case TokenType::kByte:
      if (const int value = ByteTokenValue(text); value >= 0) {
        return std::string(1, static_cast<char>(value));
      }
      return NormalPiece(text);
    case TokenType::kNormal:
      break;
  }
  return NormalPiece(text);
}

}  // namespace hob::text
