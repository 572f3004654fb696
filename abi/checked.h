// SPDX-License-Identifier: Apache-2.0
// Handles that are wrong: in builds with HOB_CHECKED, each handle that is made is written down, and
// a pointer is looked up before anything is read through it. A destroyed handle's object is freed,
// its shell (a few words) is kept, so that no later handle has its address. Other builds do nothing
// of this: no byte and no instruction.
#pragma once

#include <hob/embed.h>
#include <hob/grammar.h>
#include <hob/graph.h>
#include <hob/handoff.h>
#include <hob/hob.h>
#include <hob/ops.h>
#include <hob/sampler.h>
#include <hob/template.h>
#include <hob/tokenizer.h>
#include <hob/tools.h>

#include <memory>
#include <string_view>
#include <utility>

#include "abi/arguments.h"

namespace hob::abi {

// A kind's name, which is its magic too: the one address of it.
template <typename Handle>
struct KindOf;
#define HOB_HANDLE_KIND(Handle, name)                 \
  template <>                                         \
  struct KindOf<Handle> {                             \
    static constexpr std::string_view kName = (name); \
  }
HOB_HANDLE_KIND(hob_runtime, "runtime");
HOB_HANDLE_KIND(hob_model, "model");
HOB_HANDLE_KIND(hob_session, "session");
HOB_HANDLE_KIND(hob_handoff, "handoff");
HOB_HANDLE_KIND(hob_embedder, "embedder");
HOB_HANDLE_KIND(hob_tokenizer, "tokenizer");
HOB_HANDLE_KIND(hob_detokenizer, "detokenizer");
HOB_HANDLE_KIND(hob_chat_template, "chat template");
HOB_HANDLE_KIND(hob_sampler, "sampler");
HOB_HANDLE_KIND(hob_grammar, "grammar");
HOB_HANDLE_KIND(hob_matcher, "matcher");
HOB_HANDLE_KIND(hob_tools, "tools");
HOB_HANDLE_KIND(hob_graph, "graph");
HOB_HANDLE_KIND(hob_program, "program");
HOB_HANDLE_KIND(hob_matrix, "matrix");
#undef HOB_HANDLE_KIND

#if defined(HOB_CHECKED)

// std::bad_alloc. `kind` outlives the process.
void WriteDown(const void* handle, const std::string_view* kind);
// OK, or INVALID_ARGUMENT that says what `handle` is instead. `what` names the argument.
Status LookUp(const void* handle, const std::string_view* kind, std::string_view what);
// Whether it is such a handle; takes no lock and no memory, so signal handlers may ask.
bool IsLive(const void* handle, const std::string_view* kind) noexcept;
// From now on a destroyed one. False if it was no live handle of that kind; true for one caller.
bool CrossOut(const void* handle, const std::string_view* kind) noexcept;

template <typename Handle>
Handle* Adopt(Handle* made) {
  std::unique_ptr<Handle> owner(made);
  WriteDown(made, &KindOf<Handle>::kName);
  return owner.release();
}

template <typename Handle>
Status CheckLive(const Handle* handle, std::string_view what) {
  if (handle == nullptr) return NullArgument(what);
  return LookUp(handle, &KindOf<std::remove_const_t<Handle>>::kName, what);
}

template <typename Handle>
bool IsLive(const Handle* handle) noexcept {
  return handle != nullptr && IsLive(handle, &KindOf<Handle>::kName);
}

template <typename Handle>
void Delete(Handle* handle) {
  if (handle != nullptr && CrossOut(handle, &KindOf<Handle>::kName)) std::destroy_at(handle);
}

#else

// A new handle, on its way to the caller.
template <typename Handle>
Handle* Adopt(Handle* made) {
  return made;
}

// INVALID_ARGUMENT for null and, in checked builds, for what is no live handle of that kind.
template <typename Handle>
Status CheckLive(const Handle* handle, std::string_view what) {
  return handle == nullptr ? NullArgument(what) : absl::OkStatus();
}

// For what returns no status.
template <typename Handle>
bool IsLive(const Handle* handle) noexcept {
  return handle != nullptr;
}

template <typename Handle>
void Delete(Handle* handle) {
  delete handle;
}

#endif

}  // namespace hob::abi
