// SPDX-License-Identifier: Apache-2.0
// Statements, scopes and macros.
#include "lib/text/jinja/interpreter.h"

#include <algorithm>

namespace hob::text::jinja {

// A scope that lasts as long as a block, or longer if a macro was defined in it.
class Interpreter::Frame {
 public:
  Frame(Interpreter* interpreter, Scope* parent)
      : interpreter_(interpreter),
        saved_(interpreter->scope_),
        scope_(interpreter->heap_.New<Scope>()) {
    scope_->parent = parent;
    interpreter_->scope_ = scope_.get();
  }
  ~Frame() { interpreter_->scope_ = saved_; }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

 private:
  Interpreter* interpreter_;
  Scope* saved_;
  std::shared_ptr<Scope> scope_;
};

// Catches the output of a block.
class Interpreter::Buffer {
 public:
  explicit Buffer(Interpreter* interpreter) : interpreter_(interpreter), saved_(interpreter->out_) {
    interpreter_->out_ = &text_;
  }
  ~Buffer() {
    interpreter_->out_ = saved_;
    interpreter_->buffered_ -= text_.size();
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // Ends the catching.
  Value Take() {
    interpreter_->out_ = saved_;
    interpreter_->buffered_ -= text_.size();
    return interpreter_->heap_.String(std::exchange(text_, {}));
  }

 private:
  Interpreter* interpreter_;
  std::string* saved_;
  std::string text_;
};

Interpreter::Interpreter(const Program& program, const Heap::Limits& limits, int max_depth)
    : Runtime(limits, max_depth),
      program_(program),
      context_(program.symbols.size()),
      in_context_(program.symbols.size(), false) {}

Interpreter::~Interpreter() = default;

void Interpreter::SetContext(const Value& dict) {
  for (const auto& [key, value] : dict.dict().entries) {
    if (!key.is_string()) continue;
    if (key.str() == "hob_now") now_ = value;
    const auto it = program_.symbol_index.find(key.str());
    if (it == program_.symbol_index.end()) continue;
    context_[static_cast<size_t>(it->second)] = value;
    in_context_[static_cast<size_t>(it->second)] = true;
  }
}

bool Interpreter::Render(std::string* out) {
  if (!Ok()) return false;
  out_ = out;
  Frame frame(this, nullptr);
  return ExecBlock(program_.body) != Flow::kError && Ok();
}

Value Interpreter::Lookup(int32_t symbol, const std::string& name) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    heap_.Spend(1 + scope->variables.size() / 8);
    for (const auto& [key, value] : scope->variables) {
      if (key == symbol) return value;
    }
  }
  if (in_context_[static_cast<size_t>(symbol)]) return context_[static_cast<size_t>(symbol)];
  if (const Method function = FindGlobal(name)) return Function(name, function);
  return heap_.Undefined(absl::StrCat("'", name, "' is undefined"));
}

void Interpreter::SetVariable(int32_t symbol, Value value) {
  heap_.SpendScan(scope_->variables.size(), 0);
  for (auto& [key, old] : scope_->variables) {
    if (key == symbol) {
      old = std::move(value);
      return;
    }
  }
  heap_.Track(scope_, sizeof(scope_->variables[0]));
  scope_->variables.emplace_back(symbol, std::move(value));
}

bool Interpreter::Assign(const Target& target, Value value) {
  if (target.is_tuple) {
    std::vector<Value> parts;
    if (!Iterate(value, &parts)) return false;
    if (parts.size() != target.parts.size()) {
      return Fail(absl::StrCat("cannot unpack ", parts.size(), " values into ", target.parts.size(),
                               " names"));
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!Assign(target.parts[i], std::move(parts[i]))) return false;
    }
    return true;
  }
  if (target.attribute.empty()) {
    SetVariable(target.symbol, std::move(value));
    return Ok();
  }
  const Value ns = Lookup(target.symbol, program_.symbols[static_cast<size_t>(target.symbol)]);
  if (!ns.is(Type::kNamespace)) {
    return Fail("cannot assign an attribute of what is not a namespace");
  }
  return SetAttribute(ns, target.attribute, std::move(value));
}

bool Interpreter::Emit(std::string_view text) {
  if (!heap_.SpendBytes(text.size())) return Ok();
  if (out_->size() + text.size() > heap_.limits().text_bytes) {
    return heap_.Room(out_->size() + text.size()) || Ok();
  }
  buffered_ += text.size();
  if (buffered_ > heap_.limits().memory_bytes) {
    heap_.Exceed("the limit on memory");
    return Ok();
  }
  out_->append(text);
  return true;
}

bool Interpreter::EmitValue(const Value& v) {
  if (v.is_string()) return Emit(v.str());
  std::string text;
  return Str(v, &text) && Emit(text);
}

Interpreter::Flow Interpreter::ExecBlock(const Block& block) {
  Level level(this);
  if (!level.Enter()) return Flow::kError;
  for (const StmtPtr& stmt : block) {
    const Flow flow = Exec(*stmt);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::Exec(const Stmt& stmt) {
  const auto flow = [](bool ok) { return ok ? Flow::kNext : Flow::kError; };
  if (!Step()) return Flow::kError;
  line_ = stmt.line;
  switch (stmt.kind) {
    case StmtKind::kText:
      return flow(Emit(stmt.text));
    case StmtKind::kPrint:
      return flow(ExecPrint(stmt));
    case StmtKind::kIf:
      return ExecIf(stmt);
    case StmtKind::kFor:
      return ExecFor(stmt);
    case StmtKind::kSet: {
      Value value;
      return flow(Eval(*stmt.expressions[0], &value) && Assign(stmt.targets[0], std::move(value)));
    }
    case StmtKind::kSetBlock:
      return ExecSetBlock(stmt);
    case StmtKind::kMacro:
      SetVariable(stmt.symbol, MakeMacro(*stmt.macro));
      return flow(Ok());
    case StmtKind::kCallBlock:
      return flow(ExecCallBlock(stmt));
    case StmtKind::kFilter:
      return ExecFilter(stmt);
    case StmtKind::kWith:
      return ExecWith(stmt);
    case StmtKind::kScope: {
      Frame frame(this, scope_);
      return ExecBlock(stmt.bodies[0]);
    }
    case StmtKind::kBreak:
      return Flow::kBreak;
    case StmtKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kError;
}

bool Interpreter::ExecPrint(const Stmt& stmt) {
  for (const ExprPtr& expression : stmt.expressions) {
    Value value;
    if (!Eval(*expression, &value) || !EmitValue(value)) return false;
  }
  return true;
}

Interpreter::Flow Interpreter::ExecIf(const Stmt& stmt) {
  for (size_t i = 0; i < stmt.expressions.size(); ++i) {
    Value condition;
    if (!Eval(*stmt.expressions[i], &condition)) return Flow::kError;
    if (Truthy(condition)) return ExecBlock(stmt.bodies[i]);
  }
  if (stmt.bodies.size() > stmt.expressions.size()) return ExecBlock(stmt.bodies.back());
  return Flow::kNext;
}

Interpreter::Flow Interpreter::ExecFor(const Stmt& stmt) {
  Value iterable;
  if (!Eval(*stmt.expressions[0], &iterable)) return Flow::kError;
  return RunLoop(stmt, iterable, 0);
}

// What was just assigned to a target, put together again: a tuple of its names' values.
Value Interpreter::Assigned(const Target& target) {
  if (!target.is_tuple) return Lookup(target.symbol, program_.symbols[target.symbol]);
  std::vector<Value> parts;
  for (const Target& part : target.parts) parts.push_back(Assigned(part));
  return heap_.Tuple(std::move(parts));
}

// Keeps the items that pass the loop's `if`; as in jinja2, those that were unpacked become tuples.
bool Interpreter::FilterLoop(const Stmt& stmt, std::vector<Value>* items) {
  std::vector<Value> kept;
  for (Value& item : *items) {
    Frame frame(this, scope_);
    Value passed;
    if (!Step() || !Assign(stmt.targets[0], std::move(item)) ||
        !Eval(*stmt.expressions[1], &passed)) {
      return false;
    }
    if (Truthy(passed)) kept.push_back(Assigned(stmt.targets[0]));
  }
  *items = std::move(kept);
  return true;
}

Interpreter::Flow Interpreter::RunLoop(const Stmt& stmt, const Value& iterable, int level) {
  std::vector<Value> items;
  if (!Iterate(iterable, &items)) return Flow::kError;
  if (stmt.expressions[1] != nullptr && !FilterLoop(stmt, &items)) return Flow::kError;
  auto loop = heap_.New<LoopObject>(items.capacity() * sizeof(Value));
  heap_.Nest(loop.get(), items);
  loop->items = std::move(items);
  loop->level = level;
  if (stmt.recursive) {
    loop->recursive = &stmt;
    loop->scope = CaptureScope();
  }
  const Value loop_value(Type::kLoop, loop);
  // As jinja2 does: the else is for a loop of which no turn came to its end.
  bool any_finished = false;
  for (size_t i = 0; i < loop->items.size(); ++i) {
    loop->index = i;
    Frame frame(this, scope_);
    SetVariable(program_.loop_symbol, loop_value);
    if (!Step() || !Assign(stmt.targets[0], loop->items[i])) return Flow::kError;
    const Flow flow = ExecBlock(stmt.bodies[0]);
    if (flow == Flow::kError) return flow;
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kNext) any_finished = true;
  }
  if (any_finished || stmt.bodies[1].empty()) return Flow::kNext;
  Frame frame(this, scope_);
  return ExecBlock(stmt.bodies[1]);
}

bool Interpreter::CallLoop(const Value& loop_value, CallArgs& args, Value* out) {
  const auto loop = std::static_pointer_cast<LoopObject>(loop_value.shared());
  if (loop->recursive == nullptr) {
    return Fail("only a loop with the marker 'recursive' can be called");
  }
  if (args.positional.size() != 1 || !args.named.empty()) {
    return Fail("a recursive loop is called with one argument");
  }
  Scope* saved = std::exchange(scope_, loop->scope);
  Buffer buffer(this);
  const Flow flow = RunLoop(*loop->recursive, args.positional[0], loop->level + 1);
  scope_ = saved;
  if (flow == Flow::kError) return false;
  *out = buffer.Take();
  return Ok();
}

Interpreter::Flow Interpreter::ExecSetBlock(const Stmt& stmt) {
  Value value;
  {
    Frame frame(this, scope_);
    Buffer buffer(this);
    const Flow flow = ExecBlock(stmt.bodies[0]);
    if (flow != Flow::kNext) return flow;
    value = buffer.Take();
    if (stmt.expressions[0] != nullptr) {
      const Value input = std::move(value);
      filter_input_ = &input;
      if (!Eval(*stmt.expressions[0], &value)) return Flow::kError;
    }
  }
  return Assign(stmt.targets[0], std::move(value)) ? Flow::kNext : Flow::kError;
}

Interpreter::Flow Interpreter::ExecFilter(const Stmt& stmt) {
  Frame frame(this, scope_);
  Value value;
  {
    Buffer buffer(this);
    const Flow flow = ExecBlock(stmt.bodies[0]);
    if (flow != Flow::kNext) return flow;
    const Value input = buffer.Take();
    filter_input_ = &input;
    if (!Eval(*stmt.expressions[0], &value)) return Flow::kError;
  }
  return EmitValue(value) ? Flow::kNext : Flow::kError;
}

bool Interpreter::ExecCallBlock(const Stmt& stmt) {
  const Value caller = MakeMacro(*stmt.macro);
  Value result;
  return EvalCall(*stmt.expressions[0], &caller, &result) && EmitValue(result);
}

Interpreter::Flow Interpreter::ExecWith(const Stmt& stmt) {
  std::vector<Value> values(stmt.expressions.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!Eval(*stmt.expressions[i], &values[i])) return Flow::kError;
  }
  Frame frame(this, scope_);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!Assign(stmt.targets[i], std::move(values[i]))) return Flow::kError;
  }
  return ExecBlock(stmt.bodies[0]);
}

Scope* Interpreter::CaptureScope() {
  for (Scope* scope = scope_; scope != nullptr && !scope->captured; scope = scope->parent) {
    kept_.push_back(scope->shared_from_this());
    scope->captured = true;
  }
  return scope_;
}

Value Interpreter::MakeMacro(const MacroDefinition& macro) {
  auto object = heap_.New<CallableObject>(macro.name.size());
  object->kind = CallableObject::Kind::kMacro;
  object->depth = 1;
  object->name = macro.name;
  object->macro = &macro;
  object->scope = CaptureScope();
  return Value(Type::kCallable, std::move(object));
}

bool Interpreter::CallMacro(const CallableObject& callable, CallArgs& args, Value* out) {
  const MacroDefinition& macro = *callable.macro;
  const int line = line_;
  const size_t count = macro.parameters.size();
  const auto take_named = [&](std::string_view name, Value* value) {
    heap_.SpendScan(8 * args.named.size(), name.size());
    for (size_t i = 0; i < args.named.size(); ++i) {
      if (args.named[i].first != name) continue;
      *value = std::move(args.named[i].second);
      args.named.erase(args.named.begin() + static_cast<ptrdiff_t>(i));
      return true;
    }
    return false;
  };
  Frame frame(this, callable.scope);
  Buffer buffer(this);
  // As jinja2: positional arguments first, then what is named, then defaults.
  std::vector<const Parameter*> missing;
  bool has_caller = false;
  for (size_t i = 0; i < count; ++i) {
    const Parameter& parameter = macro.parameters[i];
    has_caller = has_caller || parameter.name == "caller";
    Value value;
    if (heap_.exceeded() != nullptr) return Ok();
    if (i < args.positional.size()) {
      SetVariable(parameter.symbol, std::move(args.positional[i]));
    } else if (take_named(parameter.name, &value)) {
      SetVariable(parameter.symbol, std::move(value));
    } else {
      missing.push_back(&parameter);
    }
  }
  if (macro.uses_caller && !has_caller) {
    Value caller;
    if (!take_named("caller", &caller) || caller.is_none()) {
      caller = heap_.Undefined("No caller defined");
    }
    SetVariable(program_.caller_symbol, std::move(caller));
  }
  if (macro.uses_kwargs) {
    auto dict = heap_.NewDict();
    for (auto& [name, value] : args.named) {
      heap_.Put(dict.get(), heap_.String(name), std::move(value));
    }
    SetVariable(program_.kwargs_symbol, heap_.Dict(std::move(dict)));
  } else if (!args.named.empty()) {
    return Fail(
        absl::StrCat("the macro '", macro.name, "' has no parameter '", args.named[0].first, "'"));
  }
  if (macro.uses_varargs) {
    std::vector<Value> rest;
    for (size_t i = count; i < args.positional.size(); ++i) {
      rest.push_back(std::move(args.positional[i]));
    }
    SetVariable(program_.varargs_symbol, heap_.Tuple(std::move(rest)));
  } else if (args.positional.size() > count) {
    return Fail(absl::StrCat("the macro '", macro.name, "' takes at most ", count, " arguments"));
  }
  for (const Parameter* parameter : missing) {
    Value value;
    if (parameter->default_value == nullptr) {
      value = heap_.Undefined(absl::StrCat("parameter '", parameter->name, "' was not provided"));
    } else if (!Eval(*parameter->default_value, &value)) {
      return false;
    }
    SetVariable(parameter->symbol, std::move(value));
  }
  if (ExecBlock(macro.body) == Flow::kError) return false;
  *out = buffer.Take();
  line_ = line;
  return Ok();
}

}  // namespace hob::text::jinja
