// SPDX-License-Identifier: Apache-2.0
// The characters that classes and escapes of a regular expression stand for.
#pragma once

#include <vector>

#include "lib/text/grammar/grammar.h"
#include "lib/text/grammar/source_cursor.h"

namespace hob::text {

struct RegexCharacters {
  std::vector<CodePoints> ranges;
  bool one = false;  // a single character, which a range may begin or end with
};

// At a '\'. `in_class`: between brackets.
StatusOr<RegexCharacters> ReadRegexEscape(SourceCursor& cursor, bool in_class);
// At a '['.
StatusOr<std::vector<CodePoints>> ReadRegexClass(SourceCursor& cursor);

// All characters but those of `ranges`.
std::vector<CodePoints> InvertRanges(std::vector<CodePoints> ranges);

}  // namespace hob::text
