// SPDX-License-Identifier: Apache-2.0
// libFuzzer: the first byte chooses JSON Schema, regular expression or GBNF; then comes a source,
// and behind a zero byte the choices of a walk through what it allows. Where the walk goes, there
// must be a way on.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/grammar/automaton.h"
#include "lib/text/grammar/grammar.h"
#include "lib/text/grammar/paths.h"
#include "tests/fuzz/fuzz.h"

namespace {

using hob::fuzz::Input;
using hob::fuzz::Require;
using hob::text::Automaton;
using hob::text::Path;

hob::StatusOr<hob::text::Grammar> Read(uint8_t kind, std::string_view source) {
  if (kind % 3 == 0) return hob::text::ReadJsonSchema(source);
  return kind % 3 == 1 ? hob::text::ReadRegex(source) : hob::text::ReadGbnf(source);
}

void CheckError(const hob::Status& status) {
  Require(!status.message().empty());
  Require(status.code() == hob::StatusCode::kInvalidArgument ||
          status.code() == hob::StatusCode::kUnimplemented);
}

void Walk(const Automaton& automaton, Input choices) {
  constexpr size_t kMostBytes = 256;
  hob::text::PathWalker walker(automaton);
  std::vector<Path> paths = {{automaton.start(), 0}};
  bool ends = walker.Close(paths, 0);
  for (size_t i = 0; i < kMostBytes && !choices.empty(); ++i) {
    if (walker.overflowed() || walker.too_deep()) return;
    Require(ends || !paths.empty());  // a text that is begun can be ended
    if (paths.empty()) return;
    const auto edges = automaton.edges(paths[choices.Byte() % paths.size()].state);
    Require(!edges.empty());
    const Automaton::Edge& edge = edges[choices.Byte() % edges.size()];
    Require(edge.first <= edge.last);
    const size_t count = paths.size();
    ends = walker.Step(paths, 0, count, edge.first);
    paths.erase(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint8_t kind = input.Byte();
  const std::string_view rest = input.Rest();
  const size_t zero = std::min(rest.find('\0'), rest.size());
  const auto grammar = Read(kind, rest.substr(0, zero));
  if (!grammar.ok()) {
    CheckError(grammar.status());
    return 0;
  }
  const auto automaton = Automaton::Compile(*grammar);
  if (!automaton.ok()) {
    CheckError(automaton.status());
    return 0;
  }
  const std::string_view choices = rest.substr(std::min(zero + 1, rest.size()));
  Walk(*automaton, Input(reinterpret_cast<const uint8_t*>(choices.data()), choices.size()));
  return 0;
}
