// SPDX-License-Identifier: Apache-2.0
// Attributes, items, slices and calls, as jinja2's sandbox resolves them.
#include <algorithm>
#include <iterator>

#include "lib/text/jinja/runtime.h"
#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

constexpr int64_t kMaxStep = int64_t{1} << 40;  // of a slice of a range

std::string Describe(const Value& v) {
  return v.is_none() ? "None" : absl::StrCat(std::string(TypeName(v)), " object");
}

const LoopObject& Loop(const Value& v) { return *static_cast<const LoopObject*>(v.object()); }

bool LoopCycle(Runtime& rt, const Value& self, CallArgs& args, Value* out) {
  if (args.positional.empty()) return rt.Fail("no items for cycling given");
  *out = args.positional[Loop(self).index % args.positional.size()];
  return true;
}

bool LoopChanged(Runtime& rt, const Value& self, CallArgs& args, Value* out) {
  auto& loop = *static_cast<LoopObject*>(self.shared().get());
  bool equal = loop.has_changed && loop.changed.size() == args.positional.size();
  for (size_t i = 0; equal && i < args.positional.size(); ++i) {
    if (!rt.Equal(loop.changed[i], args.positional[i], &equal)) return false;
  }
  if (!loop.has_changed) rt.KeepLoop(std::static_pointer_cast<LoopObject>(self.shared()));
  loop.has_changed = true;
  rt.heap().Nest(&loop, args.positional);
  const size_t before = loop.changed.capacity();
  loop.changed.assign(std::make_move_iterator(args.positional.begin()),
                      std::make_move_iterator(args.positional.end()));
  rt.heap().Track(&loop, (loop.changed.capacity() - before) * sizeof(Value));
  *out = Value::Bool(!equal);
  return rt.Ok();
}

bool CyclerNext(Runtime&, const Value& self, CallArgs&, Value* out) {
  auto& cycler = *static_cast<CyclerObject*>(self.shared().get());
  *out = cycler.items[cycler.position];
  cycler.position = (cycler.position + 1) % cycler.items.size();
  return true;
}

bool CyclerReset(Runtime&, const Value& self, CallArgs&, Value* out) {
  static_cast<CyclerObject*>(self.shared().get())->position = 0;
  *out = Value::None();
  return true;
}

bool FindLoopMember(Runtime& rt, const Value& object, std::string_view name, Value* out) {
  const LoopObject& loop = Loop(object);
  const auto index = static_cast<int64_t>(loop.index);
  const auto length = static_cast<int64_t>(loop.items.size());
  if (name == "index") {
    *out = Value::Int(index + 1);
  } else if (name == "index0") {
    *out = Value::Int(index);
  } else if (name == "revindex") {
    *out = Value::Int(length - index);
  } else if (name == "revindex0") {
    *out = Value::Int(length - index - 1);
  } else if (name == "first") {
    *out = Value::Bool(index == 0);
  } else if (name == "last") {
    *out = Value::Bool(index + 1 == length);
  } else if (name == "length") {
    *out = Value::Int(length);
  } else if (name == "depth") {
    *out = Value::Int(loop.level + 1);
  } else if (name == "depth0") {
    *out = Value::Int(loop.level);
  } else if (name == "previtem") {
    *out =
        index > 0 ? loop.items[loop.index - 1] : rt.heap().Undefined("there is no previous item");
  } else if (name == "nextitem") {
    *out = index + 1 < length ? loop.items[loop.index + 1]
                              : rt.heap().Undefined("there is no next item");
  } else if (name == "cycle") {
    *out = rt.Function("cycle", LoopCycle, object);
  } else if (name == "changed") {
    *out = rt.Function("changed", LoopChanged, object);
  } else {
    return false;
  }
  return true;
}

Value Unsafe(Runtime& rt, const Value& object, std::string_view name) {
  return rt.heap().Undefined(absl::StrCat("access to attribute '", std::string(name), "' of '",
                                          std::string(TypeName(object)), "' object is unsafe."));
}

// start, stop and step of a slice made to fit `length`, as slice.indices() does.
bool SliceIndices(Runtime& rt, const Value& start, const Value& stop, const Value& step,
                  int64_t length, int64_t* first, int64_t* last, int64_t* stride) {
  *stride = 1;
  if (!step.is_none() && !IntArg(rt, &step, stride)) return false;
  if (*stride == 0) return rt.Fail("the step of a slice is 0");
  *stride = std::clamp<int64_t>(*stride, -length - 1, length + 1);
  const bool down = *stride < 0;
  *first = down ? length - 1 : 0;
  *last = down ? -1 : length;
  const auto fit = [&](int64_t index) {
    if (index < 0) {
      index = index < -length ? -1 : index + length;
      return index < 0 ? (down ? int64_t{-1} : int64_t{0}) : index;
    }
    return index >= length ? (down ? length - 1 : length) : index;
  };
  int64_t value = 0;
  if (!start.is_none()) {
    if (!IntArg(rt, &start, &value)) return false;
    *first = fit(value);
  }
  if (!stop.is_none()) {
    if (!IntArg(rt, &stop, &value)) return false;
    *last = fit(value);
  }
  return true;
}

}  // namespace

Value Runtime::Function(std::string_view name, Method function, Value self) {
  auto object = heap_.New<CallableObject>(name.size());
  object->kind =
      function == nullptr ? CallableObject::Kind::kUnsupported : CallableObject::Kind::kFunction;
  object->name = std::string(name);
  object->function = function;
  heap_.Nest(object.get(), self);
  object->self = std::move(self);
  return Value(Type::kCallable, std::move(object));
}

Runtime::~Runtime() {
  // The list keeps each namespace alive while others let go of it.
  for (const auto& ns : namespaces_) ns->attributes.clear();
  for (const auto& loop : loops_) loop->changed.clear();
}

void Runtime::KeepLoop(std::shared_ptr<LoopObject> loop) { loops_.push_back(std::move(loop)); }

Value Runtime::NewNamespace() {
  auto ns = heap_.New<NamespaceObject>(sizeof(std::shared_ptr<NamespaceObject>));
  ns->depth = 1;
  namespaces_.push_back(ns);
  return Value(Type::kNamespace, std::move(ns));
}

bool Runtime::SetAttribute(const Value& ns, std::string_view name, Value value) {
  NamespaceObject& object = ns.ns();
  if (!heap_.SpendScan(object.attributes.size(), name.size())) return Ok();
  for (auto& [key, old] : object.attributes) {
    if (key == name) {
      old = std::move(value);
      return true;
    }
  }
  heap_.Track(&object, sizeof(object.attributes[0]) + name.size());
  object.attributes.emplace_back(std::string(name), std::move(value));
  return Ok();
}

bool Runtime::FindMember(const Value& object, std::string_view name, Value* out) {
  Method method = nullptr;
  switch (object.type()) {
    case Type::kString:
      method = FindStringMethod(name);
      if (method == nullptr) {
        static constexpr std::string_view kOther[] = {"encode",  "expandtabs",   "format_map",
                                                      "isascii", "isidentifier", "isprintable",
                                                      "istitle", "maketrans",    "translate"};
        if (std::find(std::begin(kOther), std::end(kOther), name) == std::end(kOther)) {
          return false;
        }
      }
      break;
    case Type::kList:
    case Type::kTuple:
    case Type::kRange:
      if (!FindSequenceMember(name, object.is(Type::kList), &method)) return false;
      if (method == nullptr) {
        *out = Unsafe(*this, object, name);
        return true;
      }
      break;
    case Type::kDict:
      if (!FindDictMethod(name, &method)) return false;
      if (method == nullptr) {
        *out = Unsafe(*this, object, name);
        return true;
      }
      break;
    case Type::kNamespace:
      heap_.SpendScan(object.ns().attributes.size(), name.size());
      for (const auto& [key, value] : object.ns().attributes) {
        if (key == name) {
          *out = value;
          return true;
        }
      }
      return false;
    case Type::kLoop:
      return FindLoopMember(*this, object, name, out);
    case Type::kCycler: {
      const auto& cycler = *static_cast<const CyclerObject*>(object.object());
      if (name == "current") {
        *out = cycler.items[cycler.position];
        return true;
      }
      if (name != "next" && name != "reset") return false;
      method = name == "next" ? CyclerNext : CyclerReset;
      break;
    }
    default:
      return false;
  }
  *out = Function(name, method, object);
  return true;
}

bool Runtime::GetAttribute(const Value& object, std::string_view name, Value* out) {
  if (object.is_undefined()) return FailUndefined(object);
  if (name.size() > 4 && name.substr(0, 2) == "__" && name.substr(name.size() - 2) == "__") {
    *out = Unsafe(*this, object, name);
    return true;
  }
  if (FindMember(object, name, out)) return Ok();
  if (object.is(Type::kDict)) {
    if (!heap_.SpendBytes(name.size() * 8)) return Ok();
    if (const Value* found = object.dict().Find(name)) {
      *out = *found;
      return true;
    }
  }
  *out = heap_.Undefined(
      absl::StrCat("'", Describe(object), "' has no attribute '", std::string(name), "'"));
  return Ok();
}

bool Runtime::GetItem(const Value& object, const Value& key, Value* out) {
  if (object.is_undefined()) return FailUndefined(object);
  if (object.is(Type::kDict)) {
    if (IsHashable(key)) {
      if (!heap_.SpendKey(object.dict().entries.size(), key)) return Ok();
      if (const Value* found = object.dict().Find(key)) {
        *out = *found;
        return true;
      }
    }
  } else if (key.is_integral() &&
             (object.is_string() || object.is_sequence() || object.is(Type::kRange))) {
    if (object.is_string() && !heap_.SpendBytes(object.str().size())) return Ok();
    const int64_t length = Length(object);
    int64_t index = key.as_int();
    if (index < 0) index += length;
    if (index >= 0 && index < length) {
      if (object.is_sequence()) {
        *out = object.items()[static_cast<size_t>(index)];
      } else if (object.is(Type::kRange)) {
        *out = Value::Int(object.range().at(index));
      } else {
        const std::string_view s = object.str();
        const size_t pos = CharOffset(s, static_cast<size_t>(index));
        char32_t cp;
        *out = heap_.String(s.substr(pos, DecodeChar(s, pos, &cp)), object.is_markup());
      }
      return Ok();
    }
  }
  if (key.is_string()) {
    const std::string& name = key.str();
    if (name.size() > 4 && name.compare(0, 2, "__") == 0) {
      *out = Unsafe(*this, object, name);
      return true;
    }
    if (FindMember(object, name, out)) return Ok();
    *out = heap_.Undefined(absl::StrCat("'", Describe(object), "' has no attribute '", name, "'"));
    return Ok();
  }
  std::string text;
  if (!Repr(key, &text)) return false;
  *out = heap_.Undefined(absl::StrCat(Describe(object), " has no element ", text));
  return Ok();
}

bool Runtime::GetSlice(const Value& object, const Value& start, const Value& stop,
                       const Value& step, Value* out) {
  if (object.is_undefined()) return FailUndefined(object);
  if (!object.is_string() && !object.is_sequence() && !object.is(Type::kRange)) {
    return Fail(absl::StrCat("'", std::string(TypeName(object)), "' cannot be sliced"));
  }
  if (object.is_string() && !heap_.SpendBytes(object.str().size())) return Ok();
  int64_t first = 0, last = 0, stride = 1;
  if (!SliceIndices(*this, start, stop, step, Length(object), &first, &last, &stride)) return false;
  if (object.is(Type::kRange)) {
    const RangeObject& range = object.range();
    // As range()'s own bounds: at() cannot overflow.
    const int64_t step = range.step * stride;
    if (step > kMaxStep || step < -kMaxStep) {
      return Fail("the step of a range is too large", StatusCode::kResourceExhausted);
    }
    *out = heap_.Range(range.at(first), range.at(last), step);
    return Ok();
  }
  const auto more = [&](int64_t i) { return stride > 0 ? i < last : i > last; };
  if (object.is_sequence()) {
    std::vector<Value> items;
    for (int64_t i = first; more(i); i += stride) {
      items.push_back(object.items()[static_cast<size_t>(i)]);
    }
    if (!heap_.Spend(items.size())) return Ok();
    *out = object.is(Type::kList) ? heap_.List(std::move(items)) : heap_.Tuple(std::move(items));
    return Ok();
  }
  const std::string_view s = object.str();
  if (stride == 1) {
    const size_t begin = CharOffset(s, static_cast<size_t>(first));
    const size_t count = static_cast<size_t>(std::max<int64_t>(last - first, 0));
    const std::string_view rest = s.substr(begin);
    *out = heap_.String(rest.substr(0, CharOffset(rest, count)), object.is_markup());
    return Ok();
  }
  if (!heap_.Spend(s.size() / 16)) return Ok();
  std::vector<uint32_t> offsets;
  for (size_t pos = 0; pos < s.size();) {
    char32_t cp;
    offsets.push_back(static_cast<uint32_t>(pos));
    pos += DecodeChar(s, pos, &cp);
  }
  std::string text;
  for (int64_t i = first; more(i); i += stride) {
    char32_t cp;
    const size_t pos = offsets[static_cast<size_t>(i)];
    text.append(s.substr(pos, DecodeChar(s, pos, &cp)));
  }
  *out = heap_.String(std::move(text), object.is_markup());
  return Ok();
}

bool Runtime::GetPath(const Value& object, const Value& path, const Value* fallback, Value* out) {
  *out = object;
  const auto follow = [&](const Value& key) {
    Value next;
    if (!GetItem(*out, key, &next)) return false;
    *out = next.is_undefined() && fallback != nullptr && !fallback->is_none() ? *fallback
                                                                              : std::move(next);
    return true;
  };
  if (path.is_none()) return true;
  if (!path.is_string()) return follow(path);
  std::string_view rest = path.str();
  while (true) {
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    int64_t index = 0;
    bool digits = !part.empty() && part.size() < 18;
    for (const char c : part) {
      digits = digits && c >= '0' && c <= '9';
      if (digits) index = index * 10 + (c - '0');
    }
    if (!Step() || !follow(digits ? Value::Int(index) : heap_.String(part))) return false;
    if (dot == std::string_view::npos) return Ok();
    rest.remove_prefix(dot + 1);
  }
}

bool Runtime::Call(const Value& callee, CallArgs& args, Value* out) {
  Level level(this);
  if (!Step() || !level.Enter()) return false;
  switch (callee.type()) {
    case Type::kUndefined:
      return FailUndefined(callee);
    case Type::kLoop:
      return CallLoop(callee, args, out);
    case Type::kJoiner: {
      auto& joiner = *static_cast<JoinerObject*>(callee.shared().get());
      *out = heap_.String(joiner.used ? joiner.separator : std::string());
      joiner.used = true;
      return Ok();
    }
    case Type::kCallable: {
      // Held here: the call may drop the last other reference.
      const std::shared_ptr<Object> keep = callee.shared();
      const auto& callable = *static_cast<const CallableObject*>(keep.get());
      switch (callable.kind) {
        case CallableObject::Kind::kMacro:
          return CallMacro(callable, args, out);
        case CallableObject::Kind::kFunction:
          return callable.function(*this, callable.self, args, out) && Ok();
        case CallableObject::Kind::kUnsupported:
          break;
      }
      return Fail(absl::StrCat("the method '", callable.name, "' is not supported"),
                  StatusCode::kUnimplemented);
    }
    default:
      return Fail(absl::StrCat("'", std::string(TypeName(callee)), "' cannot be called"));
  }
}

}  // namespace hob::text::jinja
