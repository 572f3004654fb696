// SPDX-License-Identifier: Apache-2.0
// JSON to values and back, as Python's json module does it.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/status.h"
#include "lib/text/jinja/runtime.h"

namespace hob::text::jinja {

// Reads one JSON value. INVALID_ARGUMENT with the byte offset of what is wrong; nesting is bounded.
// `what` names the text in messages.
StatusOr<Value> ReadJson(std::string_view text, std::string_view what, Heap* heap);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  bool pretty = false;  // with line ends, each level indented by `indent`
  std::string indent;
  std::string item_separator = ", ", key_separator = ": ";
};

// json.dumps(). Appends.
bool WriteJson(Runtime& rt, const Value& v, const JsonStyle& style, std::string* out);

}  // namespace hob::text::jinja
