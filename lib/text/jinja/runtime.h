// SPDX-License-Identifier: Apache-2.0
// What operators, filters, tests, methods and functions have in common: the heap, errors, Python's
// operations on values, attributes and calls. A function that returns bool is false when it
// failed; the error is then in status().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/jinja/ast.h"
#include "lib/text/jinja/heap.h"
#include "lib/text/jinja/value.h"

namespace hob::text::jinja {

struct CallArgs {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

class Runtime;
using Method = bool (*)(Runtime&, const Value& self, CallArgs& args, Value* out);

struct Scope;

struct CallableObject : Object {
  enum class Kind : uint8_t { kMacro, kFunction, kUnsupported };
  Kind kind = Kind::kFunction;
  std::string name;
  Method function = nullptr;               // kFunction, called with `self`
  Value self;                              // undefined for a function of no object
  const MacroDefinition* macro = nullptr;  // kMacro
  Scope* scope = nullptr;                  // where it was defined; lives as long as the rendering
};

struct CyclerObject : Object {
  std::vector<Value> items;
  size_t position = 0;
};

struct JoinerObject : Object {
  std::string separator;
  bool used = false;
};

struct LoopObject : Object {
  std::vector<Value> items;
  size_t index = 0;
  int level = 0;  // of a recursive loop
  std::vector<Value> changed;
  bool has_changed = false;
  const Stmt* recursive = nullptr;  // the loop to run again when this is called
  Scope* scope = nullptr;
};

class Runtime {
 public:
  explicit Runtime(const Heap::Limits& limits, int max_depth)
      : heap_(limits), max_depth_(max_depth) {}
  virtual ~Runtime();

  Heap& heap() { return heap_; }
  const Status& status() const { return status_; }
  int line() const { return line_; }

  // Notes an error of the template at the current line; returns false.
  bool Fail(std::string_view message, StatusCode code = StatusCode::kInvalidArgument);
  // The error of using an undefined value.
  bool FailUndefined(const Value& v);
  // Notes the message of raise_exception().
  bool Raise(std::string_view message);
  // False, with an error, once a limit has been passed or an error was noted.
  bool Ok();
  bool Step() { return heap_.Spend(1) ? true : Ok(); }

  // Guards recursion: a level of nesting, for as long as it lives.
  class Level {
   public:
    explicit Level(Runtime* runtime) : runtime_(runtime) { ++runtime_->depth_; }
    ~Level() { --runtime_->depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    bool Enter() { return runtime_->depth_ <= runtime_->max_depth_ || runtime_->FailDepth(); }

   private:
    Runtime* runtime_;
  };

  // Operators (operators.cc).
  bool Equal(const Value& a, const Value& b, bool* equal);
  bool Less(const Value& a, const Value& b, Op op, bool* result);  // kLt, kLe, kGt, kGe
  bool Compare(Op op, const Value& a, const Value& b, bool* result);
  bool Contains(const Value& container, const Value& item, bool* found);
  bool Math(Op op, const Value& a, const Value& b, Value* out);
  bool Negate(const Value& v, Value* out);
  bool Positive(const Value& v, Value* out);

  // Conversions (convert.cc). Str and Repr append.
  bool Str(const Value& v, std::string* out);
  bool Repr(const Value& v, std::string* out);
  // str(v), and whether it is Markup; no copy is made of a string.
  bool ToString(const Value& v, Value* out);
  bool Iterate(const Value& v, std::vector<Value>* items);
  bool Items(const Value& v, std::vector<Value>* pairs);  // of a dict, as tuples

  // Attributes and items (attributes.cc).
  bool GetAttribute(const Value& object, std::string_view name, Value* out);
  bool GetItem(const Value& object, const Value& key, Value* out);
  bool GetSlice(const Value& object, const Value& start, const Value& stop, const Value& step,
                Value* out);
  // The method or property of that name, or false (no error) when there is none.
  bool FindMember(const Value& object, std::string_view name, Value* out);
  // "a.b.0" as the filters' `attribute` argument; `fallback` (may be null) for what is undefined.
  bool GetPath(const Value& object, const Value& path, const Value* fallback, Value* out);

  bool Call(const Value& callee, CallArgs& args, Value* out);
  bool ApplyFilter(int filter, const Value& input, CallArgs& args, Value* out);
  bool ApplyTest(int test, const Value& input, CallArgs& args, bool* out);

  // Namespaces can hold each other, so the runtime keeps them all and empties them at the end.
  Value NewNamespace();
  bool SetAttribute(const Value& ns, std::string_view name, Value value);

  // A loop can remember itself by changed(), so such loops are kept and emptied at the end too.
  void KeepLoop(std::shared_ptr<LoopObject> loop);

  Value Function(std::string_view name, Method function, Value self = {});

  // The time that strftime_now() formats: the context's `hob_now`, or undefined for the clock.
  const Value& now() const { return now_; }

 protected:
  virtual bool CallMacro(const CallableObject& macro, CallArgs& args, Value* out) = 0;
  virtual bool CallLoop(const Value& loop, CallArgs& args, Value* out) = 0;
  bool FailDepth();

  Heap heap_;
  Status status_;
  int line_ = 1;
  Value now_;

 private:
  bool ReprAt(const Value& v, int depth, std::string* out);
  bool MathNumbers(Op op, const Value& a, const Value& b, Value* out);
  bool Concatenate(const Value& a, const Value& b, Value* out);
  bool Repeat(const Value& sequence, int64_t count, Value* out);

  std::vector<std::shared_ptr<NamespaceObject>> namespaces_;
  std::vector<std::shared_ptr<LoopObject>> loops_;
  int depth_ = 0;
  int max_depth_;
};

// Matches the arguments of a call with parameter names; out[i] is null for one that is missing.
template <size_t N>
bool Bind(Runtime& rt, std::string_view function, const CallArgs& args,
          const std::string_view (&names)[N], size_t required, const Value* (&out)[N]) {
  const std::string where(function);
  if (args.positional.size() > N) {
    return rt.Fail(absl::StrCat(where, "() takes at most ", N, " arguments"));
  }
  for (size_t i = 0; i < N; ++i) {
    out[i] = i < args.positional.size() ? &args.positional[i] : nullptr;
  }
  for (const auto& [name, value] : args.named) {
    size_t i = 0;
    while (i < N && (names[i].empty() || names[i] != name)) ++i;
    if (i == N) return rt.Fail(absl::StrCat(where, "() has no parameter '", name, "'"));
    if (out[i] != nullptr) return rt.Fail(absl::StrCat(where, "() got '", name, "' twice"));
    out[i] = &value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (out[i] == nullptr) return rt.Fail(absl::StrCat(where, "() misses an argument"));
  }
  return true;
}
bool BindNone(Runtime& rt, std::string_view function, const CallArgs& args);

// Arguments of a kind; a null pointer leaves *out as it is.
bool IntArg(Runtime& rt, const Value* v, int64_t* out);
bool StringArg(Runtime& rt, const Value* v, std::string_view* out);  // views into *v

// Escapes & < > ' " for HTML, as markupsafe does.
std::string EscapeHtml(std::string_view s);

// str.replace(); a negative count replaces all. Appends.
bool ReplaceText(Runtime& rt, std::string_view s, std::string_view from, std::string_view to,
                 int64_t count, std::string* out);
// Fills `s` up to `width` characters; align is '<', '>' or '^' (as str.center). Appends.
bool Pad(Runtime& rt, std::string_view s, int64_t width, std::string_view fill, char align,
         std::string* out);

// Python's str.splitlines().
std::vector<std::string_view> SplitLines(std::string_view s, bool keep_ends);

// Tables of members and globals. Null when there is none of that name.
Method FindStringMethod(std::string_view name);
bool FindSequenceMember(std::string_view name, bool is_list, Method* method);
bool FindDictMethod(std::string_view name, Method* method);
Method FindGlobal(std::string_view name);

// printf-style and str.format formatting (format.cc).
bool FormatPercent(Runtime& rt, const Value& format, const Value& args, Value* out);
bool FormatBraces(Runtime& rt, const Value& format, const CallArgs& args, Value* out);

// strftime of "now" (strftime.cc).
bool StrftimeNow(Runtime& rt, const Value& self, CallArgs& args, Value* out);

}  // namespace hob::text::jinja
