// SPDX-License-Identifier: Apache-2.0
// JSON of messages and tools as it is kept: read once, and written in the one way that templates
// write it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/status.h"
#include "lib/text/jinja/heap.h"

namespace hob::text {

// A JSON text that was read. One thread at a time.
class JsonText {
 public:
  using Value = jinja::Value;

  // INVALID_ARGUMENT with the place of what is wrong; `what` names the text in messages.
  static StatusOr<std::unique_ptr<JsonText>> Read(std::string_view text, std::string_view what);

  const Value& root() const { return root_; }
  // Another text, whose value lives as long as this.
  StatusOr<Value> ReadMore(std::string_view text);
  jinja::Heap& heap() { return heap_; }

 private:
  JsonText();

  jinja::Heap heap_;
  Value root_;
};

// The member of an object; null if `object` is none, or has none.
const jinja::Value* FindMember(const jinja::Value& object, std::string_view name);

// As Python's json.dumps writes it, with characters beyond ASCII as they are.
StatusOr<std::string> WriteJsonText(const jinja::Value& value);

// The same JSON with `change` done to each string, names included. `json` was written by
// WriteJsonText.
std::string ChangeStrings(std::string_view json,
                          const std::function<std::string(std::string_view)>& change);

}  // namespace hob::text
