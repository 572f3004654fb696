// SPDX-License-Identifier: Apache-2.0
// The pre-tokenizers that GGUF files name, as data.
#pragma once

#include <span>
#include <string_view>

namespace hob::text {

// Steps that no regular expression does in linear time; they stand where a pattern would.
inline constexpr std::string_view kGroupDigits = "<group digits>";
inline constexpr std::string_view kGroupWholeNumbers = "<group whole numbers>";

struct PretokenizerRule {
  std::string_view names;      // separated by spaces
  std::string_view steps[6];   // applied one after another to every piece so far; unused ones empty
  bool ignore_merges = false;  // a piece that is a token is taken whole
  bool nfc = false;            // the text is normalised to NFC first
};

// The rule with this name, or null. Lives for ever.
const PretokenizerRule* FindPretokenizerRule(std::string_view name);

// A name of the rule that has these steps, spelled as in the table, and these flags; or empty.
std::string_view FindPretokenizerName(std::span<const std::string_view> steps, bool nfc,
                                      bool ignore_merges);

}  // namespace hob::text
