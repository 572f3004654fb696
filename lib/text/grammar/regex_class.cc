// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/regex_class.h"

#include <algorithm>
#include <utility>

namespace hob::text {
namespace {

std::vector<CodePoints> Digits() { return {{'0', '9'}}; }
std::vector<CodePoints> WordCharacters() {
  return {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
}
// WhiteSpace and LineTerminator of ECMA-262.
std::vector<CodePoints> Spaces() {
  return {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
          {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
}

RegexCharacters One(char32_t value) { return {{{value, value}}, true}; }

StatusOr<RegexCharacters> ReadUnicodeEscape(SourceCursor& cursor, size_t begin) {
  const auto broken = [&] {
    return cursor.FailAt(begin, StatusCode::kInvalidArgument, "a broken escape",
                         "There are \\xHH, \\uHHHH and \\u{H…}.");
  };
  char32_t value = 0;
  if (cursor.Skip("{")) {
    size_t digits = 0;
    for (int digit; (digit = SourceCursor::HexDigit(cursor.Peek())) >= 0; ++digits) {
      value = value << 4 | static_cast<char32_t>(digit);
      if (value > 0x10FFFF) return broken();
      cursor.Advance();
    }
    if (digits == 0 || !cursor.Skip("}")) return broken();
  } else if (!cursor.Hex(4, value)) {
    return broken();
  } else if (value >= 0xD800 && value < 0xDC00 && cursor.Skip("\\u")) {
    char32_t low = 0;
    if (!cursor.Hex(4, low) || low < 0xDC00 || low > 0xDFFF) return broken();
    value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
  }
  if (IsSurrogate(value)) {
    return cursor.FailAt(begin, StatusCode::kInvalidArgument, "half of a surrogate pair");
  }
  return One(value);
}

}  // namespace

std::vector<CodePoints> InvertRanges(std::vector<CodePoints> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CodePoints& a, const CodePoints& b) { return a.first < b.first; });
  std::vector<CodePoints> out;
  char32_t next = 0;
  for (const CodePoints& range : ranges) {
    if (next < range.first) out.push_back({next, range.first - 1});
    next = std::max<char32_t>(next, range.last + 1);
  }
  if (next <= 0x10FFFF) out.push_back({next, 0x10FFFF});
  return out;
}

StatusOr<RegexCharacters> ReadRegexEscape(SourceCursor& cursor, bool in_class) {
  const size_t begin = cursor.at();
  cursor.Advance();
  if (cursor.at_end()) return cursor.Fail("an escape without end");
  const auto lacks = [&](std::string_view what) {
    return cursor.FailAt(begin, StatusCode::kUnimplemented, Concat(what, " is not supported"));
  };
  const char c = cursor.Peek();
  if (c >= '1' && c <= '9') return lacks("a back reference (\\1 …)");
  cursor.Next();
  switch (c) {
    case 'd':
      return RegexCharacters{Digits()};
    case 'D':
      return RegexCharacters{InvertRanges(Digits())};
    case 'w':
      return RegexCharacters{WordCharacters()};
    case 'W':
      return RegexCharacters{InvertRanges(WordCharacters())};
    case 's':
      return RegexCharacters{Spaces()};
    case 'S':
      return RegexCharacters{InvertRanges(Spaces())};
    case 'n':
      return One('\n');
    case 't':
      return One('\t');
    case 'r':
      return One('\r');
    case 'f':
      return One('\f');
    case 'v':
      return One('\v');
    case '0':
      if (cursor.Peek() >= '0' && cursor.Peek() <= '9') return lacks("an octal escape");
      return One(0);
    case 'b':
      if (in_class) return One('\b');
      return lacks("a word boundary (\\b)");
    case 'B':
      return lacks("a word boundary (\\B)");
    case 'k':
      return lacks("a back reference (\\k)");
    case 'p':
    case 'P':
      return lacks(Concat("a Unicode property (\\", std::string_view(&c, 1), ")"));
    case 'c': {
      const char letter = cursor.Peek();
      if ((letter < 'a' || letter > 'z') && (letter < 'A' || letter > 'Z')) {
        return cursor.FailAt(begin, StatusCode::kInvalidArgument, "\\c without a letter");
      }
      cursor.Advance();
      return One(static_cast<char32_t>(letter & 0x1F));
    }
    case 'x': {
      char32_t value = 0;
      if (!cursor.Hex(2, value)) {
        return cursor.FailAt(begin, StatusCode::kInvalidArgument, "a broken escape",
                             "There are \\xHH, \\uHHHH and \\u{H…}.");
      }
      return One(value);
    }
    case 'u':
      return ReadUnicodeEscape(cursor, begin);
    default:
      break;
  }
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (letter || c == '_' || static_cast<uint8_t>(c) >= 0x80) {
    return cursor.FailAt(begin, StatusCode::kInvalidArgument, "an unknown escape");
  }
  return One(static_cast<char32_t>(c));
}

StatusOr<std::vector<CodePoints>> ReadRegexClass(SourceCursor& cursor) {
  const size_t begin = cursor.at();
  cursor.Advance();
  const bool inverted = cursor.Skip("^");
  std::vector<CodePoints> ranges;
  const auto read = [&]() -> StatusOr<RegexCharacters> {
    if (cursor.Peek() == '\\') return ReadRegexEscape(cursor, true);
    return One(cursor.Next());
  };
  while (!cursor.Skip("]")) {
    if (cursor.at_end()) {
      return cursor.FailAt(begin, StatusCode::kInvalidArgument, "'[' without ']'",
                           "Write \\[ for a bracket.");
    }
    const size_t at = cursor.at();
    HOB_ASSIGN_OR_RETURN(RegexCharacters first, read());
    const bool range = cursor.Peek() == '-' && cursor.Peek(1) != ']' && cursor.Peek(1) != '\0';
    if (range) {
      cursor.Advance();
      HOB_ASSIGN_OR_RETURN(const RegexCharacters last, read());
      if (!first.one || !last.one || first.ranges[0].first > last.ranges[0].last) {
        return cursor.FailAt(at, StatusCode::kInvalidArgument,
                             "a range whose ends are no characters, or the wrong way round",
                             "Write \\- for the sign.");
      }
      first.ranges[0].last = last.ranges[0].last;
    }
    ranges.insert(ranges.end(), first.ranges.begin(), first.ranges.end());
  }
  if (ranges.empty()) {
    return cursor.FailAt(begin, StatusCode::kInvalidArgument, "an empty class",
                         "Write \\] for a bracket within a class.");
  }
  return inverted ? InvertRanges(std::move(ranges)) : std::move(ranges);
}

}  // namespace hob::text
