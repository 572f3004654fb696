// SPDX-License-Identifier: Apache-2.0
// Makes values and keeps the accounts of one rendering: steps, live bytes, nesting. Going past a
// limit is noted here and stops the rendering at its next step; making a value never fails, so a
// caller that makes a large one asks Room() first.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/text/jinja/value.h"

namespace hob::text::jinja {

class Heap {
 public:
  struct Limits {
    size_t text_bytes;    // of one string, and of the output
    size_t memory_bytes;  // of all live values
    size_t steps;
  };
  // Deepest nesting of values.
  static constexpr int kMaxDepth = 96;

  explicit Heap(const Limits& limits) : limits_(limits) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // Spends `steps`; false once any limit has been passed.
  bool Spend(size_t steps) {
    meter_.steps += steps;
    if (meter_.steps > limits_.steps) Exceed("the limit on steps");
    return exceeded_ == nullptr;
  }
  // Spends the time of reading or copying `bytes`.
  bool SpendBytes(size_t bytes) { return Spend(bytes / 256); }
  // Spends the time of searching `text` for `needle`.
  bool SpendSearch(size_t text, size_t needle) {
    return needle > (size_t{1} << 31) || Spend(text / 256 * (needle + 1) + needle / 256);
  }
  // Spends the time of looking at `items` names for one of `bytes`.
  bool SpendScan(size_t items, size_t bytes) { return Spend(items / 8 + items * (bytes / 256)); }
  // Spends the time of finding `key` among `entries` of a dict.
  bool SpendKey(size_t entries, const Value& key);
  // Whether a string of `bytes` may be made; notes the limit if not.
  bool Room(size_t bytes) {
    if (bytes > limits_.text_bytes) Exceed("the limit on the bytes of a text");
    return exceeded_ == nullptr && SpendBytes(bytes);
  }
  // Whether the memory for `count` values is within the limit; notes the limit if not.
  bool FitsItems(size_t count) {
    if (count > limits_.memory_bytes / sizeof(Value)) Exceed("the limit on memory");
    return exceeded_ == nullptr;
  }
  // Whether a list of `count` values may be made.
  bool RoomForItems(size_t count) { return FitsItems(count) && Spend(count); }
  void Exceed(const char* what) {
    if (exceeded_ == nullptr) exceeded_ = what;
  }
  // The limit that was passed, or null.
  const char* exceeded() const { return exceeded_; }
  const Limits& limits() const { return limits_; }

  Value String(std::string text, bool markup = false);
  Value String(std::string_view text, bool markup = false) {
    return String(std::string(text), markup);
  }
  Value String(const char* text) { return String(std::string(text)); }
  Value List(std::vector<Value> items) { return Sequence(Type::kList, std::move(items)); }
  Value Tuple(std::vector<Value> items) { return Sequence(Type::kTuple, std::move(items)); }
  Value Iterator(std::vector<Value> items);
  Value Undefined(std::string message);
  Value BigInt(std::string digits);
  Value Range(int64_t start, int64_t stop, int64_t step);
  Value View(ViewObject::Kind kind, Value dict);

  // A dict is filled with Put() and then sealed by Dict().
  std::shared_ptr<DictObject> NewDict() { return New<DictObject>(); }
  void Put(DictObject* dict, Value key, Value value);
  Value Dict(std::shared_ptr<DictObject> dict);

  // An object of another kind; `bytes` it owns beside itself.
  template <typename T>
  std::shared_ptr<T> New(size_t bytes = 0) {
    auto object = std::make_shared<T>();
    Track(object.get(), sizeof(T) + 16 + bytes);
    return object;
  }
  // Counts `bytes` more as owned by `object`.
  void Track(Object* object, size_t bytes);
  // Notes the nesting of an object that holds `children`.
  void Nest(Object* object, const std::vector<Value>& children);
  void Nest(Object* object, const Value& child);

 private:
  Value Sequence(Type type, std::vector<Value> items);

  Meter meter_;
  Limits limits_;
  const char* exceeded_ = nullptr;
};

}  // namespace hob::text::jinja
