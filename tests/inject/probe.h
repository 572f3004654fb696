// SPDX-License-Identifier: Apache-2.0
// How a scenario calls the library: with what is to fail armed, and its promises checked.
#pragma once

#include <hob/hob_experimental.h>
#include <hob/verify.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/inject/points.h"

namespace hob::inject {

// Points by kind and by function of the interface that was called when they came.
using Counts = std::array<int64_t, kKinds>;
using FunctionCounts = std::map<std::string, Counts, std::less<>>;

// One run of a scenario. What is promised and does not hold is a fault.
class Probe {
 public:
  // `known`: right results, of the first run.
  Probe(const Plan& plan, std::map<std::string, std::string>& known) : plan_(plan), known_(known) {}

  // Calls `f(error)`, a function that can fail, by its name. False: the scenario ends here. Where
  // it fails by injection and may be repeated, `after` looks at what that left, then the same call
  // has to succeed.
  template <typename F>
  bool Call(std::string_view function, F&& f, const std::function<void()>& after = nullptr) {
    if (in_unit_) return CallOnce(function, f);
    return Repeat([&] { return CallOnce(function, f); }, after);
  }
  // Several calls that are repeated as one: `body()` makes them, and is false where one failed.
  template <typename F>
  bool Unit(F&& body, const std::function<void()>& after = nullptr) {
    in_unit_ = true;
    const bool ok = Repeat(body, after);
    in_unit_ = false;
    return ok;
  }
  // A function that cannot fail.
  template <typename F>
  void Void(std::string_view function, F&& f) {
    Enter(function);
    {
      const InCall inside;
      f();
    }
    Leave(function);
  }

  void Check(bool holds, std::string_view what) {
    if (!holds) Fault(std::string(what));
  }
  // `value` is what it was in the first run.
  void Same(const std::string& what, std::string_view value);
  void Fault(std::string text) { faults_.push_back(std::move(text)); }

  // Whether anything is to fail, and what.
  const Plan& plan() const { return plan_; }
  const std::vector<std::string>& faults() const { return faults_; }
  const FunctionCounts& functions() const { return functions_; }
  // Calls that failed.
  int64_t failed_calls() const { return failed_calls_; }

 private:
  template <typename F>
  bool CallOnce(std::string_view function, F& f) {
    // With and without an error object.
    const bool wanted = plan_.at % 3 != 0 || plan_.mode == Mode::kNone;
    auto* error = reinterpret_cast<hob_error*>(uintptr_t{1});
    hob_status status;
    Enter(function);
    {
      const InCall inside;
      status = f(wanted ? &error : nullptr);
    }
    Leave(function);
    return Judge(function, status, wanted ? &error : nullptr);
  }
  bool Repeat(const std::function<bool()>& body, const std::function<void()>& after);
  void Enter(std::string_view function);
  void Leave(std::string_view function);
  bool Judge(std::string_view function, hob_status status, hob_error** error);

  const Plan plan_;
  std::map<std::string, std::string>& known_;
  std::vector<std::string> faults_;
  FunctionCounts functions_;
  Counts before_ = {};
  int64_t fired_before_ = 0;
  int64_t failed_calls_ = 0;
  bool in_unit_ = false;
};

// A handle that goes at the end of a scenario, whatever happens.
template <typename T, void (*kDestroy)(T*)>
class Owned {
 public:
  explicit Owned(Probe& probe, std::string_view function) : probe_(probe), function_(function) {}
  ~Owned() { reset(); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  void reset() {
    if (handle_ == nullptr) return;
    probe_.Void(function_, [&] { kDestroy(handle_); });
    handle_ = nullptr;
  }
  T** out() { return &handle_; }
  T* get() const { return handle_; }
  operator T*() const { return handle_; }

 private:
  Probe& probe_;
  std::string_view function_;
  T* handle_ = nullptr;
};

#define HOB_INJECT_OWNED(name, type, destroy)               \
  struct name : Owned<type, destroy> {                      \
    explicit name(Probe& probe) : Owned(probe, #destroy) {} \
  }
HOB_INJECT_OWNED(RuntimeHandle, hob_runtime, hob_runtime_destroy);
HOB_INJECT_OWNED(ModelHandle, hob_model, hob_model_destroy);
HOB_INJECT_OWNED(SessionHandle, hob_session, hob_session_destroy);
HOB_INJECT_OWNED(TokenizerHandle, hob_tokenizer, hob_tokenizer_destroy);
HOB_INJECT_OWNED(DetokenizerHandle, hob_detokenizer, hob_detokenizer_destroy);
HOB_INJECT_OWNED(TemplateHandle, hob_chat_template, hob_chat_template_destroy);
HOB_INJECT_OWNED(SamplerHandle, hob_sampler, hob_sampler_destroy);
HOB_INJECT_OWNED(EmbedderHandle, hob_embedder, hob_embedder_destroy);
HOB_INJECT_OWNED(HandoffHandle, hob_handoff, hob_handoff_destroy);
HOB_INJECT_OWNED(GrammarHandle, hob_grammar, hob_grammar_destroy);
HOB_INJECT_OWNED(MatcherHandle, hob_matcher, hob_matcher_destroy);
HOB_INJECT_OWNED(ToolsHandle, hob_tools, hob_tools_destroy);
HOB_INJECT_OWNED(MatrixHandle, hob_matrix, hob_matrix_destroy);
HOB_INJECT_OWNED(GraphHandle, hob_graph, hob_graph_destroy);
HOB_INJECT_OWNED(ProgramHandle, hob_program, hob_program_destroy);
#undef HOB_INJECT_OWNED

// What hob_free takes.
template <typename T>
class Given {
 public:
  explicit Given(Probe& probe) : probe_(probe) {}
  ~Given() { reset(); }
  Given(const Given&) = delete;
  Given& operator=(const Given&) = delete;
  void reset() {
    if (data != nullptr) probe_.Void("hob_free", [&] { hob_free(data); });
    data = nullptr;
    size = 0;
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(data), size * sizeof(T)}; }
  T* data = nullptr;
  size_t size = 0;

 private:
  Probe& probe_;
};
template <>
inline std::string_view Given<void>::bytes() const {
  return {static_cast<const char*>(data), size};
}

}  // namespace hob::inject
