// SPDX-License-Identifier: Apache-2.0
#include "lib/text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace hob::text {
namespace {

utf8proc_category_t Category(char32_t value) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(value));
}

struct FreeDeleter {
  void operator()(utf8proc_uint8_t* bytes) const { std::free(bytes); }
};

// Longest run of combining marks that is put in order as one: ordering takes quadratic time.
constexpr size_t kMarkRun = 128;

}  // namespace

Utf8Step StepUtf8(std::string_view text, size_t at) {
  const auto lead = static_cast<uint8_t>(text[at]);
  if (lead < 0x80) return {lead, 1, Utf8State::kValid};
  // The second byte's range depends on the first (Unicode, table 3-7); the others are 80..BF.
  uint8_t low = 0x80, high = 0xBF;
  size_t length;
  char32_t value;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    value = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    value = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    value = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {0, 1, Utf8State::kInvalid};
  }
  for (size_t i = 1; i < length; ++i) {
    if (at + i >= text.size()) return {0, i, Utf8State::kIncomplete};
    const auto byte = static_cast<uint8_t>(text[at + i]);
    if (byte < low || byte > high) return {0, i, Utf8State::kInvalid};
    value = value << 6 | (byte & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {value, length, Utf8State::kValid};
}

size_t FindInvalidUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const Utf8Step step = StepUtf8(text, i);
    if (step.state != Utf8State::kValid) return i;
    i += step.length;
  }
  return std::string_view::npos;
}

Status CheckUtf8(std::string_view text, std::string_view what) {
  const size_t at = FindInvalidUtf8(text);
  if (at == std::string_view::npos) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument, Concat(what, " is not UTF-8 at byte ", at));
}

void AppendUtf8(char32_t value, std::string& out) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | value >> 6);
    put(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3F));
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  }
}

bool IsWhiteSpace(char32_t value) {
  if (value < 0x80) return value == ' ' || (value >= 0x09 && value <= 0x0D);
  return value == 0x85 || value == 0xA0 || value == 0x1680 ||
         (value >= 0x2000 && value <= 0x200A) || value == 0x2028 || value == 0x2029 ||
         value == 0x202F || value == 0x205F || value == 0x3000;
}

bool IsDecimalDigit(char32_t value) {
  if (value < 0x80) return value >= '0' && value <= '9';
  return Category(value) == UTF8PROC_CATEGORY_ND;
}

bool IsWordCharacter(char32_t value) {
  const utf8proc_category_t category = Category(value);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO) ||
         category == UTF8PROC_CATEGORY_PC;
}

bool IsPunctuation(char32_t value) {
  const utf8proc_category_t category = Category(value);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool IsOther(char32_t value) {
  const utf8proc_category_t category = Category(value);
  return category == UTF8PROC_CATEGORY_CN ||
         (category >= UTF8PROC_CATEGORY_CC && category <= UTF8PROC_CATEGORY_CO);
}

bool IsNonspacingMark(char32_t value) { return Category(value) == UTF8PROC_CATEGORY_MN; }

char32_t ToLower(char32_t value) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(value)));
}

void AppendDecomposed(char32_t value, std::u32string& out) {
  constexpr int kRoom = 32;  // the longest canonical decomposition has 4 characters
  utf8proc_int32_t parts[kRoom];
  int boundary = 0;
  const utf8proc_ssize_t count = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(value), parts, kRoom, UTF8PROC_DECOMPOSE, &boundary);
  if (count <= 0 || count > kRoom) {
    out.push_back(value);
    return;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) out.push_back(static_cast<char32_t>(parts[i]));
}

StatusOr<std::string> NormalizeNfc(std::string_view text) {
  // Nothing below U+0300 changes under NFC: lead bytes up to CB are below it.
  bool changes = false;
  for (const char c : text) changes |= static_cast<uint8_t>(c) >= 0xCC;
  if (!changes) return std::string(text);

  std::string out;
  out.reserve(text.size());
  size_t begin = 0, marks = 0;
  const auto flush = [&](size_t end) {
    utf8proc_uint8_t* mapped = nullptr;
    const utf8proc_ssize_t size =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + begin),
                     static_cast<utf8proc_ssize_t>(end - begin), &mapped,
                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    const std::unique_ptr<utf8proc_uint8_t, FreeDeleter> owner(mapped);
    if (size < 0) return false;
    out.append(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
    begin = end;
    return true;
  };
  for (size_t i = 0; i < text.size();) {
    const Utf8Step step = StepUtf8(text, i);
    const auto* property = utf8proc_get_property(static_cast<utf8proc_int32_t>(step.value));
    marks = property->combining_class == 0 ? 0 : marks + 1;
    i += step.length;
    if (marks == kMarkRun) {
      if (!flush(i)) break;
      marks = 0;
    }
  }
  if (begin < text.size() && !flush(text.size())) {
    return Error(StatusCode::kResourceExhausted, "text could not be normalised (NFC)",
                 "free memory or pass a shorter text");
  }
  return out;
}

}  // namespace hob::text
