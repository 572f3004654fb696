// SPDX-License-Identifier: Apache-2.0
// JSON that comes from outside, and fast writing of strings.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tool::serve {

// In the order of the text: a schema's properties come in the answer as they came in the schema.
using Json = nlohmann::ordered_json;

// Schemas of tools and answers nest, but not like this.
inline constexpr size_t kMaxJsonDepth = 64;
// Of one object: names are looked up one by one.
inline constexpr size_t kMaxJsonNames = 256;

// A body that must be a JSON object. Throws ApiError 400: not JSON, not UTF-8, nested too deep,
// which is seen before anything is built, or with an object of too many names.
Json ParseObject(std::string_view text);

// `text`, UTF-8, with its quotation marks. Control characters and "</" are escaped, so that the
// text may stand in an event stream and in a page.
void AppendJsonString(std::string& out, std::string_view text);

// One line; bytes that are not UTF-8 become U+FFFD.
template <typename AnyJson>
std::string Dump(const AnyJson& value) {
  return value.dump(-1, ' ', false, AnyJson::error_handler_t::replace);
}

}  // namespace tool::serve
