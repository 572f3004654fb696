// SPDX-License-Identifier: Apache-2.0
// Code points of UTF-8 strings, as Python's str sees them. A byte that is not part of valid UTF-8
// counts as one character and is passed through unchanged.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hob::text::jinja {

// Decodes the character at `pos` (< s.size()); returns its length in bytes. An invalid byte b
// decodes to 0xDC00 + b with length 1.
size_t DecodeChar(std::string_view s, size_t pos, char32_t* cp);
// Appends a code point; 0xDC80..0xDCFF gives back the raw byte, other surrogates U+FFFD.
void AppendChar(char32_t cp, std::string* out);

size_t CountChars(std::string_view s);
// Byte offset of the `index`-th character; s.size() when there are fewer.
size_t CharOffset(std::string_view s, size_t index);

bool IsSpace(char32_t cp);      // str.isspace
bool IsPrintable(char32_t cp);  // str.isprintable, but for unassigned code points
bool IsCased(char32_t cp);
bool IsUpper(char32_t cp);
bool IsLower(char32_t cp);

std::string ToUpper(std::string_view s);
std::string ToLower(std::string_view s);
std::string Capitalize(std::string_view s);
std::string SwapCase(std::string_view s);
std::string PythonTitle(std::string_view s);  // str.title
std::string JinjaTitle(std::string_view s);   // the `title` filter

std::string_view StripSpace(std::string_view s, bool left, bool right);
std::string_view StripChars(std::string_view s, std::string_view chars, bool left, bool right);

// Whether the character at `pos` ends a line as str.splitlines sees it, and how long that end is.
size_t LineBreakLength(std::string_view s, size_t pos);

// Text of a template or its values as a message may show it: cut where it is long, control
// characters and what is not UTF-8 as \xNN, for it must not drive a terminal.
std::string MessageText(std::string_view s);

}  // namespace hob::text::jinja
