// SPDX-License-Identifier: Apache-2.0
// Any sequence of calls of the C interface, with options of any content and size. A call that fails
// has an error that says why, and leaves sessions as they were; answers are the same for a session,
// its fork, and the session restored from its bytes; in the end all memory is given back.
#include "tests/fuzz/abi_objects.h"
#include "tests/fuzz/abi_sessions.h"

namespace hob::fuzz::abi {
namespace {

void Destroy(World& world) {
  const uint8_t which = world.input.Byte(), kind = world.input.Byte();
  switch (kind % 5) {
    case 0:
      world.runtimes.Drop(which);
      break;
    case 1:
      world.models.Drop(which);
      break;
    case 2:
      world.tokenizers.Drop(which);
      break;
    case 3:
      world.samplers.Drop(which);
      break;
    default:
      world.sessions.Drop(which);
  }
}

void Nulls(World& world) {
  Call a, b, c, d, e;
  Require(!a(hob_session_add_text(world.sessions.Any(world.input), nullptr, 5, 0, a)));
  Require(!b(hob_model_open(nullptr, SharedRuntime(), "x", 1, nullptr, b)));
  Require(!c(hob_runtime_create(nullptr, nullptr, c)));
  Require(!d(hob_sampler_sample(nullptr, nullptr, nullptr, 0, d)));
  Require(!e(hob_session_poll(nullptr, nullptr, nullptr, 0, e)));
  hob_session_cancel(nullptr);
  hob_free(nullptr);
  hob_error_destroy(nullptr);
}

void Run(Input& input) {
  World world = {.input = input};
  using Step = void (*)(World&);
  constexpr Step kSteps[] = {
      CreateRuntime, OpenModel,     CreateSession, AddMessage,     AddText,    AddTokens,
      Generate,      GenerateTwice, Start,         Poll,           Cancel,     Fork,
      SaveRestore,   RestoreAny,    SetSampler,    KeepMessages,   Reset,      ReadSession,
      Destroy,       ModelTexts,    UseTokenizer,  UseDetokenizer, UseSampler, UseTemplate,
      Matrix,        Evaluate,      Nulls,         CreateSession,  AddTokens,  Generate,
      AddText,       Poll};
  for (int steps = 0; steps < 24 && !input.empty(); ++steps) {
    kSteps[input.Byte() % std::size(kSteps)](world);
  }
}

}  // namespace
}  // namespace hob::fuzz::abi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hob::fuzz;
  abi::SharedModel();
  const uint64_t before = BytesInUse(abi::SharedRuntime());
  Input input(data, size);
  abi::Run(input);
  Require(BytesInUse(abi::SharedRuntime()) == before);
  return 0;
}
