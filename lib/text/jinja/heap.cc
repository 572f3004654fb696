// SPDX-License-Identifier: Apache-2.0
#include "lib/text/jinja/heap.h"

#include <algorithm>

namespace hob::text::jinja {

void Heap::Track(Object* object, size_t bytes) {
  object->meter = &meter_;
  object->bytes += bytes;
  meter_.live_bytes += bytes;
  if (meter_.live_bytes > limits_.memory_bytes) Exceed("the limit on memory");
}

void Heap::Nest(Object* object, const Value& child) {
  object->depth = std::max(object->depth, Depth(child) + 1);
  if (object->depth > kMaxDepth) Exceed("the limit on the nesting of values");
}

void Heap::Nest(Object* object, const std::vector<Value>& children) {
  object->depth = std::max(object->depth, 1);
  for (const Value& child : children) Nest(object, child);
}

Value Heap::String(std::string text, bool markup) {
  if (text.size() > limits_.text_bytes) Exceed("the limit on the bytes of a text");
  SpendBytes(text.size());
  auto object = New<StringObject>(text.capacity());
  object->text = std::move(text);
  object->markup = markup;
  return Value(Type::kString, std::move(object));
}

Value Heap::Sequence(Type type, std::vector<Value> items) {
  auto object = New<ListObject>(items.capacity() * sizeof(Value));
  Spend(items.size() / 8);
  Nest(object.get(), items);
  object->items = std::move(items);
  return Value(type, std::move(object));
}

Value Heap::Iterator(std::vector<Value> items) {
  auto object = New<IteratorObject>(items.capacity() * sizeof(Value));
  Spend(items.size() / 8);
  Nest(object.get(), items);
  object->items = std::move(items);
  return Value(Type::kIterator, std::move(object));
}

bool Heap::SpendKey(size_t entries, const Value& key) {
  // A few comparisons by way of the index, or with the few entries of a dict without one.
  if (key.is_string()) return SpendBytes(key.str().size() * 8);
  size_t parts = 1, bytes = key.is(Type::kBigInt) ? key.str().size() : 0;
  if (key.is(Type::kTuple)) {
    parts = key.items().size();
    for (const Value& item : key.items()) {
      if (item.is_string() || item.is(Type::kBigInt)) bytes += item.str().size();
    }
  }
  return Spend(entries * parts + entries * (bytes / 256));
}

Value Heap::Undefined(std::string message) {
  SpendBytes(message.size());
  auto object = New<UndefinedObject>(message.capacity());
  object->message = std::move(message);
  return Value(Type::kUndefined, std::move(object));
}

Value Heap::BigInt(std::string digits) {
  auto object = New<StringObject>(digits.capacity());
  object->text = std::move(digits);
  return Value(Type::kBigInt, std::move(object));
}

Value Heap::Range(int64_t start, int64_t stop, int64_t step) {
  auto object = New<RangeObject>();
  object->start = start;
  object->stop = stop;
  object->step = step;
  return Value(Type::kRange, std::move(object));
}

Value Heap::View(ViewObject::Kind kind, Value dict) {
  auto object = New<ViewObject>();
  object->kind = kind;
  Nest(object.get(), dict);
  object->owner = std::move(dict);
  return Value(Type::kView, std::move(object));
}

void Heap::Put(DictObject* dict, Value key, Value value) {
  SpendKey(dict->entries.size(), key);
  Track(dict, 2 * sizeof(Value) + 64);  // with the index
  Nest(dict, value);
  dict->Set(std::move(key), std::move(value));
}

Value Heap::Dict(std::shared_ptr<DictObject> dict) {
  dict->depth = std::max(dict->depth, 1);
  return Value(Type::kDict, std::move(dict));
}

}  // namespace hob::text::jinja
