// SPDX-License-Identifier: Apache-2.0
// The values that a template computes with: Python's None, bool, int (64 bits), float, str, list,
// tuple, dict, and the few objects that Jinja adds. Values are immutable but for namespaces,
// one-shot iterators and the loop counters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hob::text::jinja {

enum class Type : uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kBigInt,  // an integer of the context beyond 64 bits: printed and compared, no arithmetic
  kFloat,
  kString,
  kList,
  kTuple,
  kDict,
  kView,      // dict.items(), .keys(), .values()
  kRange,     // range()
  kIterator,  // what a Python generator is: always true, no length, read once
  kNamespace,
  kCallable,
  kLoop,
  kCycler,
  kJoiner,
};

// What a rendering has used. Objects report their size here for as long as they live.
struct Meter {
  size_t live_bytes = 0;
  size_t steps = 0;
};

struct Object {
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() {
    if (meter != nullptr) meter->live_bytes -= bytes;
  }
  Meter* meter = nullptr;  // null for constants of the template
  size_t bytes = 0;
  int depth = 0;  // nesting of the objects it owns; bounds recursion, that of destructors too
};

struct StringObject;
struct ListObject;
struct DictObject;
struct ViewObject;
struct RangeObject;
struct IteratorObject;
struct NamespaceObject;
struct UndefinedObject;

class Value {
 public:
  Value() = default;  // undefined
  static Value None() { return Value(Type::kNone); }
  static Value Bool(bool b) {
    Value v(Type::kBool);
    v.int_ = b ? 1 : 0;
    return v;
  }
  static Value Int(int64_t i) {
    Value v(Type::kInt);
    v.int_ = i;
    return v;
  }
  static Value Float(double d) {
    Value v(Type::kFloat);
    v.float_ = d;
    return v;
  }
  Value(Type type, std::shared_ptr<Object> object) : type_(type), object_(std::move(object)) {}

  Type type() const { return type_; }
  bool is(Type type) const { return type_ == type; }
  bool is_undefined() const { return type_ == Type::kUndefined; }
  bool is_none() const { return type_ == Type::kNone; }
  bool is_string() const { return type_ == Type::kString; }
  bool is_sequence() const { return type_ == Type::kList || type_ == Type::kTuple; }
  // bool and int, as Python's int; is_number adds float.
  bool is_integral() const { return type_ == Type::kInt || type_ == Type::kBool; }
  bool is_number() const { return is_integral() || type_ == Type::kFloat; }

  bool as_bool() const { return int_ != 0; }
  int64_t as_int() const { return int_; }
  double as_float() const { return type_ == Type::kFloat ? float_ : static_cast<double>(int_); }

  const std::string& str() const;  // kString, kBigInt (its digits)
  bool is_markup() const;
  const std::vector<Value>& items() const;  // kList, kTuple
  const DictObject& dict() const;
  const ViewObject& view() const;
  const RangeObject& range() const;
  IteratorObject& iterator() const;
  NamespaceObject& ns() const;
  const Object* object() const { return object_.get(); }
  const std::shared_ptr<Object>& shared() const { return object_; }

 private:
  explicit Value(Type type) : type_(type) {}

  Type type_ = Type::kUndefined;
  union {
    int64_t int_ = 0;
    double float_;
  };
  std::shared_ptr<Object> object_;
};

struct StringObject : Object {
  std::string text;
  bool markup = false;  // markupsafe.Markup: `+` escapes what is added
};

struct ListObject : Object {
  std::vector<Value> items;
};

// Insertion-ordered. Keys compare as Python's (1 == 1.0 == True).
struct DictObject : Object {
  std::vector<std::pair<Value, Value>> entries;
  std::map<std::string_view, size_t> index;  // string keys, once there are many entries

  const Value* Find(std::string_view key) const;
  const Value* Find(const Value& key) const;
  // Adds or replaces.
  void Set(Value key, Value value);
};

struct ViewObject : Object {
  enum class Kind : uint8_t { kKeys, kValues, kItems };
  Kind kind = Kind::kKeys;
  Value owner;  // the dict
};

struct RangeObject : Object {
  int64_t start = 0, stop = 0, step = 1;
  int64_t size() const;
  int64_t at(int64_t index) const { return start + index * step; }
};

struct IteratorObject : Object {
  std::vector<Value> items;
  size_t next = 0;
};

struct NamespaceObject : Object {
  std::vector<std::pair<std::string, Value>> attributes;
};

struct UndefinedObject : Object {
  std::string message;
};

// Whether the value can be a key of a dict: anything hashable, except a tuple of containers.
bool IsHashable(const Value& v);
// Equality of two keys.
bool KeysEqual(const Value& a, const Value& b);

bool Truthy(const Value& v);
// The class name that Python's messages use: 'dict', 'str', 'NoneType', …
std::string_view TypeName(const Value& v);
// len(v), or -1 when the value has none.
int64_t Length(const Value& v);
inline int Depth(const Value& v) { return v.object() == nullptr ? 0 : v.object()->depth; }

// Appends repr() of numbers and strings as Python prints them.
void AppendInt(int64_t i, std::string* out);
void AppendFloat(double d, std::string* out);
void AppendStringRepr(std::string_view s, std::string* out);

}  // namespace hob::text::jinja
