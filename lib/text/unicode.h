// SPDX-License-Identifier: Apache-2.0
// UTF-8 and the few Unicode properties that tokenizers ask for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/status.h"

namespace hob::text {

inline constexpr char32_t kReplacement = 0xFFFD;
inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";
// U+2581, which stands for a space in SentencePiece and WordPiece vocabularies.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

enum class Utf8State : uint8_t {
  kValid,       // a whole character
  kInvalid,     // bytes that no character begins with (a maximal subpart, as Unicode 3.9 names it)
  kIncomplete,  // the text ends inside a character
};

struct Utf8Step {
  char32_t value = 0;  // of a valid character
  size_t length = 0;   // bytes looked at, ≥ 1
  Utf8State state = Utf8State::kValid;
};

// Looks at the character that starts at `at` < text.size(). Never reads past the end.
Utf8Step StepUtf8(std::string_view text, size_t at);

// Byte offset of the first byte that is not part of a UTF-8 character, or npos.
size_t FindInvalidUtf8(std::string_view text);
// INVALID_ARGUMENT with that offset; `what` is the text's name in the message.
Status CheckUtf8(std::string_view text, std::string_view what);

void AppendUtf8(char32_t value, std::string& out);

// Length of the character that begins with `lead`, in text known to be UTF-8.
inline size_t Utf8Length(char lead) {
  const auto byte = static_cast<uint8_t>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

bool IsWhiteSpace(char32_t value);      // the property White_Space
bool IsDecimalDigit(char32_t value);    // Nd
bool IsWordCharacter(char32_t value);   // what \w is in a Unicode regular expression: L, M, N, Pc
bool IsPunctuation(char32_t value);     // P*
bool IsOther(char32_t value);           // C*: control, format, unassigned, private use
bool IsNonspacingMark(char32_t value);  // Mn
char32_t ToLower(char32_t value);       // simple case mapping

// Appends the canonical decomposition (NFD) of one character.
void AppendDecomposed(char32_t value, std::u32string& out);

// Canonical composition (NFC) of UTF-8 text, in linear time: a run of more than 128 combining marks
// is normalised in parts.
StatusOr<std::string> NormalizeNfc(std::string_view text);

}  // namespace hob::text
