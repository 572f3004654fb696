// SPDX-License-Identifier: Apache-2.0
#include "lib/text/jinja/unicode.h"

#include <algorithm>
#include <iterator>

#include "lib/text/jinja/case_table.h"

namespace hob::text::jinja {
namespace {

bool IsContinuation(std::string_view s, size_t pos) {
  return pos < s.size() && (static_cast<unsigned char>(s[pos]) & 0xC0) == 0x80;
}

char32_t Low6(std::string_view s, size_t pos) { return static_cast<unsigned char>(s[pos]) & 0x3F; }

template <size_t N>
char32_t MapRange(const CaseRange (&table)[N], char32_t cp) {
  const CaseRange* row =
      std::upper_bound(std::begin(table), std::end(table), cp,
                       [](char32_t value, const CaseRange& range) { return value < range.first; });
  if (row == std::begin(table)) return cp;
  --row;
  if (cp > row->last || (cp - row->first) % row->step != 0) return cp;
  return static_cast<char32_t>(static_cast<int64_t>(cp) + row->delta);
}

template <size_t N>
bool AppendSpecial(const CaseSpecial (&table)[N], char32_t cp, std::string* out) {
  const CaseSpecial* row =
      std::lower_bound(std::begin(table), std::end(table), cp,
                       [](const CaseSpecial& entry, char32_t value) { return entry.from < value; });
  if (row == std::end(table) || row->from != cp) return false;
  for (uint32_t to : row->to) {
    if (to != 0) AppendChar(to, out);
  }
  return true;
}

void AppendUpper(char32_t cp, std::string* out) {
  if (cp < 0x80) {
    out->push_back(static_cast<char>(cp >= 'a' && cp <= 'z' ? cp - 32 : cp));
  } else if (!AppendSpecial(kUpperSpecials, cp, out)) {
    AppendChar(MapRange(kUpperRanges, cp), out);
  }
}

void AppendLower(char32_t cp, std::string* out) {
  if (cp < 0x80) {
    out->push_back(static_cast<char>(cp >= 'A' && cp <= 'Z' ? cp + 32 : cp));
  } else if (!AppendSpecial(kLowerSpecials, cp, out)) {
    AppendChar(MapRange(kLowerRanges, cp), out);
  }
}

void AppendTitle(char32_t cp, std::string* out) {
  if (cp < 0x80) {
    AppendUpper(cp, out);
  } else if (!AppendSpecial(kTitleSpecials, cp, out)) {
    AppendChar(MapRange(kTitleRanges, cp), out);
  }
}

// Calls fn(cp) for each character.
template <typename Fn>
void ForEachChar(std::string_view s, Fn fn) {
  for (size_t pos = 0; pos < s.size();) {
    char32_t cp;
    pos += DecodeChar(s, pos, &cp);
    fn(cp);
  }
}

// The start of the character that ends at `end`.
size_t PreviousChar(std::string_view s, size_t end) {
  size_t start = end - 1;
  for (size_t back = 1; back < 4 && start > 0 && IsContinuation(s, start); ++back) --start;
  char32_t cp;
  return start + DecodeChar(s, start, &cp) == end ? start : end - 1;
}

template <typename Pred>
std::string_view StripIf(std::string_view s, bool left, bool right, Pred pred) {
  size_t begin = 0, end = s.size();
  char32_t cp;
  while (left && begin < end) {
    const size_t length = DecodeChar(s, begin, &cp);
    if (!pred(cp)) break;
    begin += length;
  }
  while (right && end > begin) {
    const size_t start = PreviousChar(s.substr(0, end), end);
    DecodeChar(s.substr(0, end), start, &cp);
    if (!pred(cp)) break;
    end = start;
  }
  return s.substr(begin, end - begin);
}

}  // namespace

size_t DecodeChar(std::string_view s, size_t pos, char32_t* cp) {
  const unsigned char lead = static_cast<unsigned char>(s[pos]);
  if (lead < 0x80) {
    *cp = lead;
    return 1;
  }
  if (lead >= 0xC2 && lead < 0xE0 && IsContinuation(s, pos + 1)) {
    *cp = static_cast<char32_t>(lead & 0x1F) << 6 | Low6(s, pos + 1);
    return 2;
  }
  if ((lead & 0xF0) == 0xE0 && IsContinuation(s, pos + 1) && IsContinuation(s, pos + 2)) {
    const char32_t c =
        static_cast<char32_t>(lead & 0x0F) << 12 | Low6(s, pos + 1) << 6 | Low6(s, pos + 2);
    if (c >= 0x800 && (c < 0xD800 || c > 0xDFFF)) {
      *cp = c;
      return 3;
    }
  }
  if ((lead & 0xF8) == 0xF0 && IsContinuation(s, pos + 1) && IsContinuation(s, pos + 2) &&
      IsContinuation(s, pos + 3)) {
    const char32_t c = static_cast<char32_t>(lead & 0x07) << 18 | Low6(s, pos + 1) << 12 |
                       Low6(s, pos + 2) << 6 | Low6(s, pos + 3);
    if (c >= 0x10000 && c <= 0x10FFFF) {
      *cp = c;
      return 4;
    }
  }
  *cp = 0xDC00 + lead;
  return 1;
}

void AppendChar(char32_t cp, std::string* out) {
  if (cp >= 0xDC80 && cp <= 0xDCFF) {
    out->push_back(static_cast<char>(cp - 0xDC00));
    return;
  }
  if ((cp >= 0xD800 && cp <= 0xDFFF) || cp > 0x10FFFF) cp = 0xFFFD;
  if (cp < 0x80) {
    out->push_back(static_cast<char>(cp));
  } else if (cp < 0x800) {
    out->push_back(static_cast<char>(0xC0 | cp >> 6));
    out->push_back(static_cast<char>(0x80 | (cp & 0x3F)));
  } else if (cp < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | cp >> 12));
    out->push_back(static_cast<char>(0x80 | (cp >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (cp & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | cp >> 18));
    out->push_back(static_cast<char>(0x80 | (cp >> 12 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (cp >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (cp & 0x3F)));
  }
}

size_t CountChars(std::string_view s) {
  size_t count = 0;
  ForEachChar(s, [&](char32_t) { ++count; });
  return count;
}

size_t CharOffset(std::string_view s, size_t index) {
  size_t pos = 0;
  char32_t cp;
  while (index > 0 && pos < s.size()) {
    pos += DecodeChar(s, pos, &cp);
    --index;
  }
  return pos;
}

bool IsSpace(char32_t cp) {
  return (cp >= 0x09 && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x20) || cp == 0x85 || cp == 0xA0 ||
         cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 ||
         cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

bool IsPrintable(char32_t cp) {
  if (cp < 0x7F) return cp >= 0x20;
  if (cp <= 0xA0 || cp == 0xAD) return false;
  if (IsSpace(cp)) return false;
  // Format characters, surrogates, private use, non-characters.
  if ((cp >= 0x600 && cp <= 0x605) || cp == 0x61C || cp == 0x6DD || cp == 0x70F || cp == 0x180E ||
      cp == 0x890 || cp == 0x891 || cp == 0x8E2 || (cp >= 0x200B && cp <= 0x200F) ||
      (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x206F) ||
      (cp >= 0xD800 && cp <= 0xF8FF) || cp == 0xFEFF || (cp >= 0xFFF0 && cp <= 0xFFFB) ||
      (cp & 0xFFFE) == 0xFFFE || (cp >= 0xFDD0 && cp <= 0xFDEF) || cp >= 0xE0000) {
    return cp >= 0xE0100 && cp <= 0xE01EF;
  }
  return true;
}

bool IsUpper(char32_t cp) {
  if (cp < 0x80) return cp >= 'A' && cp <= 'Z';
  return MapRange(kLowerRanges, cp) != cp || cp == 0x130;
}

bool IsLower(char32_t cp) {
  if (cp < 0x80) return cp >= 'a' && cp <= 'z';
  std::string ignored;
  return MapRange(kUpperRanges, cp) != cp || AppendSpecial(kUpperSpecials, cp, &ignored);
}

bool IsCased(char32_t cp) { return IsUpper(cp) || IsLower(cp); }

std::string ToUpper(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  ForEachChar(s, [&](char32_t cp) { AppendUpper(cp, &out); });
  return out;
}

std::string ToLower(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  ForEachChar(s, [&](char32_t cp) { AppendLower(cp, &out); });
  return out;
}

std::string Capitalize(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  bool first = true;
  ForEachChar(s, [&](char32_t cp) {
    first ? AppendTitle(cp, &out) : AppendLower(cp, &out);
    first = false;
  });
  return out;
}

std::string SwapCase(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  ForEachChar(s, [&](char32_t cp) { IsUpper(cp) ? AppendLower(cp, &out) : AppendUpper(cp, &out); });
  return out;
}

std::string PythonTitle(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  bool after_cased = false;
  ForEachChar(s, [&](char32_t cp) {
    after_cased ? AppendLower(cp, &out) : AppendTitle(cp, &out);
    after_cased = IsCased(cp);
  });
  return out;
}

std::string JinjaTitle(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  bool at_start = true;
  ForEachChar(s, [&](char32_t cp) {
    at_start ? AppendUpper(cp, &out) : AppendLower(cp, &out);
    at_start = cp == '-' || cp == '(' || cp == '{' || cp == '[' || cp == '<' || IsSpace(cp);
  });
  return out;
}

std::string_view StripSpace(std::string_view s, bool left, bool right) {
  return StripIf(s, left, right, IsSpace);
}

std::string_view StripChars(std::string_view s, std::string_view chars, bool left, bool right) {
  return StripIf(s, left, right, [chars](char32_t cp) {
    for (size_t pos = 0; pos < chars.size();) {
      char32_t candidate;
      pos += DecodeChar(chars, pos, &candidate);
      if (candidate == cp) return true;
    }
    return false;
  });
}

size_t LineBreakLength(std::string_view s, size_t pos) {
  char32_t cp;
  const size_t length = DecodeChar(s, pos, &cp);
  if (cp == '\r') return pos + 1 < s.size() && s[pos + 1] == '\n' ? 2 : 1;
  const bool breaks = (cp >= 0x0A && cp <= 0x0C) || (cp >= 0x1C && cp <= 0x1E) || cp == 0x85 ||
                      cp == 0x2028 || cp == 0x2029;
  return breaks ? length : 0;
}

std::string MessageText(std::string_view s) {
  constexpr size_t kShown = 2000;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (size_t pos = 0; pos < s.size();) {
    if (out.size() >= kShown) return out + "…";
    char32_t cp;
    const size_t length = DecodeChar(s, pos, &cp);
    const bool control = (cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7F && cp < 0xA0);
    if (control || (cp >= 0xD800 && cp < 0xE000)) {  // the latter: a stray byte
      out.append("\\x").push_back(kHex[cp >> 4 & 0xF]);
      out.push_back(kHex[cp & 0xF]);
    } else {
      out.append(s.substr(pos, length));
    }
    pos += length;
  }
  return out;
}

}  // namespace hob::text::jinja
