// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/json.h"

#include "tools/serve/api_error.h"

namespace tool::serve {
namespace {

// Brackets outside strings, in a text that need not be JSON.
size_t Depth(std::string_view text) {
  size_t depth = 0, deepest = 0;
  bool string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        string = false;
      }
    } else if (c == '"') {
      string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Json ParseObject(std::string_view text) {
  if (Depth(text) > kMaxJsonDepth) {
    throw ApiError(400, "invalid_json",
                   "the body nests more than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  try {
    Json value = Json::parse(text);
    if (!value.is_object()) throw ApiError(400, "invalid_json", "the body is not a JSON object");
    return value;
  } catch (const Json::parse_error& error) {
    throw ApiError(400, "invalid_json",
                   "the body is not JSON: wrong at byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {
    throw ApiError(400, "invalid_json", "the body has a number that no double holds");
  }
}

void AppendJsonString(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  size_t from = 0;  // what comes before `i` and needs no escape is appended at once
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool slash = c == '/' && i > 0 && text[i - 1] == '<';
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && !slash) continue;
    out.append(text, from, i - from);
    from = i + 1;
    out.push_back('\\');
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out.push_back(static_cast<char>(c));
        break;
      case '\n':
        out.push_back('n');
        break;
      case '\r':
        out.push_back('r');
        break;
      case '\t':
        out.push_back('t');
        break;
      default:
        out.append("u00");
        out.push_back(kHex[c >> 4]);
        out.push_back(kHex[c & 15]);
    }
  }
  out.append(text, from);
  out.push_back('"');
}

}  // namespace tool::serve
