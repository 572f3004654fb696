// SPDX-License-Identifier: Apache-2.0
// Walks a parsed template and writes its text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/text/jinja/ast.h"
#include "lib/text/jinja/runtime.h"

namespace hob::text::jinja {

// The variables of a block. Lookups go on in the parent: assignments never reach it.
struct Scope : Object, std::enable_shared_from_this<Scope> {
  Scope* parent = nullptr;
  std::vector<std::pair<int32_t, Value>> variables;
  bool captured = false;  // a macro was defined here and may outlive the block
};

// One rendering of one template.
class Interpreter final : public Runtime {
 public:
  Interpreter(const Program& program, const Heap::Limits& limits, int max_depth);
  ~Interpreter() override;

  // Makes the entries of a dict visible as variables; later ones win.
  void SetContext(const Value& dict);
  // False: see status().
  bool Render(std::string* out);

 protected:
  bool CallMacro(const CallableObject& macro, CallArgs& args, Value* out) override;
  bool CallLoop(const Value& loop, CallArgs& args, Value* out) override;

 private:
  enum class Flow { kNext, kBreak, kContinue, kError };
  class Frame;
  class Buffer;

  // Statements (interpreter.cc).
  Flow ExecBlock(const Block& block);
  Flow Exec(const Stmt& stmt);
  Flow ExecIf(const Stmt& stmt);
  Flow ExecFor(const Stmt& stmt);
  Flow RunLoop(const Stmt& stmt, const Value& iterable, int level);
  Flow ExecSetBlock(const Stmt& stmt);
  Flow ExecFilter(const Stmt& stmt);
  bool ExecCallBlock(const Stmt& stmt);
  Flow ExecWith(const Stmt& stmt);
  bool ExecPrint(const Stmt& stmt);
  bool Emit(std::string_view text);
  bool EmitValue(const Value& v);
  bool Assign(const Target& target, Value value);
  Value Assigned(const Target& target);
  void SetVariable(int32_t symbol, Value value);
  Value Lookup(int32_t symbol, const std::string& name);
  // Keeps the present scope and those around until the end; returns it.
  Scope* CaptureScope();
  Value MakeMacro(const MacroDefinition& macro);
  bool FilterLoop(const Stmt& stmt, std::vector<Value>* items);

  // Expressions (evaluate.cc).
  bool Eval(const Expr& e, Value* out);
  bool EvalList(const Expr& e, Value* out);
  bool EvalDict(const Expr& e, Value* out);
  bool EvalItem(const Expr& e, Value* out);
  bool EvalSlice(const Expr& e, Value* out);
  bool EvalCall(const Expr& e, const Value* caller, Value* out);
  bool EvalFilter(const Expr& e, Value* out);
  bool EvalTest(const Expr& e, Value* out);
  bool EvalLogic(const Expr& e, Value* out);
  bool EvalConcat(const Expr& e, Value* out);
  bool EvalMath(const Expr& e, Value* out);
  bool EvalCompare(const Expr& e, Value* out);
  bool EvalCondition(const Expr& e, Value* out);
  bool EvalArguments(const Arguments& arguments, CallArgs* out);
  bool EvalDoubleStar(const Expr& e, CallArgs* out);

  const Program& program_;
  std::vector<Value> context_;  // by symbol
  std::vector<bool> in_context_;
  Scope* scope_ = nullptr;
  std::vector<std::shared_ptr<Scope>> kept_;  // scopes that macros refer to
  std::string* out_ = nullptr;
  size_t buffered_ = 0;  // bytes of the output and of the blocks that are caught in it
  const Value* filter_input_ = nullptr;  // what the innermost filter block captured
};

}  // namespace hob::text::jinja
