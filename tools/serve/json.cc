// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/json.h"

#include <algorithm>
#include <array>

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
  std::array<size_t, kMaxJsonDepth + 2> names{};  // of the object at each depth
  const auto count = [&](int depth, Json::parse_event_t event, Json&) {
    size_t& here = names[std::min(static_cast<size_t>(depth), names.size() - 1)];
    if (event == Json::parse_event_t::key && ++here > kMaxJsonNames) {
      throw ApiError(
          400, "invalid_json",
          "the body has an object of more than " + std::to_string(kMaxJsonNames) + " names");
    }
    // An object's names are one level below it.
    if (event == Json::parse_event_t::object_start) {
      names[std::min(static_cast<size_t>(depth) + 1, names.size() - 1)] = 0;
    }
    return true;
  };
  try {
    Json value = Json::parse(text, count);
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
