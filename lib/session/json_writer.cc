// SPDX-License-Identifier: Apache-2.0
#include "lib/session/json_writer.h"

#include <charconv>
#include <cmath>

#include "lib/text/unicode.h"

namespace hob {
namespace {

template <typename T>
std::string ToText(T value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, result.ptr);
}

}  // namespace

void JsonWriter::Comma() {
  if (!first_ && !after_key_) text_.push_back(',');
  first_ = false;
  after_key_ = false;
}

JsonWriter& JsonWriter::Raw(std::string_view text) {
  Comma();
  text_.append(text);
  return *this;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Comma();
  text_.push_back(bracket);
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  text_.push_back(bracket);
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Comma();
  Quote(key);
  text_.push_back(':');
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  Comma();
  Quote(text);
  return *this;
}

JsonWriter& JsonWriter::Int(int64_t value) { return Raw(ToText(value)); }
JsonWriter& JsonWriter::Uint(uint64_t value) { return Raw(ToText(value)); }
JsonWriter& JsonWriter::Double(double value) {
  return Raw(std::isfinite(value) ? ToText(value) : "null");
}
JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }

void JsonWriter::Quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  text_.push_back('"');
  for (size_t i = 0; i < text.size();) {
    const text::Utf8Step step = text::StepUtf8(text, i);
    const auto byte = static_cast<uint8_t>(text[i]);
    if (step.state != text::Utf8State::kValid) {
      text_.append(text::kReplacementUtf8);
    } else if (byte == '"' || byte == '\\') {
      text_.push_back('\\');
      text_.push_back(text[i]);
    } else if (byte < 0x20 || byte == 0x7F) {
      text_.append("\\u00");
      text_.push_back(kHex[byte >> 4]);
      text_.push_back(kHex[byte & 15]);
    } else {
      text_.append(text.substr(i, step.length));
    }
    i += step.length;
  }
  text_.push_back('"');
}

}  // namespace hob
