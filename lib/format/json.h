// SPDX-License-Identifier: Apache-2.0
// JSON from files that nobody vouches for: depth, size and names are checked before any of it is
// used.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"

namespace hob::format {

inline constexpr size_t kMaxJsonDepth = 64;          // arrays and objects within each other
inline constexpr size_t kMaxJsonValues = 1u << 24;   // names count too
inline constexpr size_t kMaxJsonBytes = 256u << 20;  // of text

enum class JsonKind : uint8_t { kNull, kBool, kInteger, kReal, kText, kArray, kObject };

class Json;

// A value of a document, valid as long as the document.
class JsonValue {
 public:
  JsonKind kind() const;
  bool is(JsonKind kind) const { return this->kind() == kind; }
  std::string_view KindName() const;  // "a number", for messages

  // Of a value of that kind; else nothing.
  std::optional<bool> Bool() const;
  std::optional<int64_t> Integer() const;  // also nothing above int64_t's range
  std::optional<double> Real() const;      // integers too
  std::optional<std::string_view> Text() const;

  // Of an array or an object: how many elements or members; else 0.
  size_t size() const;
  // Of an object: the member with this name; nothing if it is missing or null.
  std::optional<JsonValue> Find(std::string_view name) const;
  // Calls `visit` for each in order until one is not OK. Nothing for other kinds.
  Status ForEachMember(const std::function<Status(std::string_view, JsonValue)>& visit) const;
  Status ForEachElement(const std::function<Status(JsonValue)>& visit) const;

 private:
  friend class Json;
  JsonValue(const Json* json, uint32_t at) : json_(json), at_(at) {}
  const Json* json_;
  uint32_t at_;
};

class Json {
 public:
  // INVALID_ARGUMENT with the byte: no JSON, not UTF-8, a name twice in an object, or deeper than
  // kMaxJsonDepth; RESOURCE_EXHAUSTED: more values or text than the limits.
  static StatusOr<Json> Parse(std::string_view text);

  JsonValue root() const { return {this, 0}; }

 private:
  friend class JsonValue;
  friend class JsonBuilder;
  // In the order of the text; a container's are followed by all within it, a member's name comes
  // before its value.
  struct Node {
    JsonKind kind = JsonKind::kNull;
    uint32_t end = 0;  // node after this and all within it
    union {
      bool boolean;
      int64_t integer;
      double real;
      struct {
        uint32_t begin, size;
      } text;
      uint64_t count;
    };
    Node() : integer(0) {}
  };
  std::string_view TextOf(const Node& node) const {
    return std::string_view(texts_).substr(node.text.begin, node.text.size);
  }

  std::vector<Node> nodes_;
  std::string texts_;
};

}  // namespace hob::format
