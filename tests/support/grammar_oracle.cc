// SPDX-License-Identifier: Apache-2.0
// Texts of grammars, for the tests that have others judge them. Reads records from stdin: a line
// "KIND BYTES COUNT SEED" (KIND: schema, regex or gbnf), then the source. Answers with a line
// "ok COUNT" and as many texts, each a line with its length and then its bytes; or with
// "error LENGTH CODE" and the message. With COUNT 0, SEED is the length of a text that follows the
// source, and the answer is "ok 1" if the grammar has it, else "ok 0".
//
// A text is a random walk through the grammar, which goes the shortest way to an end once it is
// long.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "lib/text/grammar/automaton.h"
#include "lib/text/grammar/grammar.h"
#include "lib/text/grammar/paths.h"
#include "tests/support/grammar_walk.h"

namespace {

using hob::text::Automaton;
using hob::text::Path;

constexpr int64_t kFar = std::numeric_limits<int32_t>::max();

// Of each state, the bytes to the end of its rule at least.
std::vector<int64_t> Distances(const Automaton& automaton) {
  std::vector<int64_t> out(automaton.size(), kFar);
  const auto at = [&](int32_t state) -> int64_t& { return out[static_cast<size_t>(state)]; };
  for (bool changed = true; changed;) {
    changed = false;
    for (auto state = static_cast<int32_t>(automaton.size()); state-- > 0;) {
      int64_t best = automaton.final(state) ? 0 : kFar;
      for (const auto& edge : automaton.edges(state)) best = std::min(best, 1 + at(edge.to));
      for (const auto& call : automaton.calls(state)) {
        best = std::min(best, at(call.start) + at(call.to));
      }
      if (best < at(state)) {
        at(state) = best;
        changed = true;
      }
    }
  }
  return out;
}

class Walker {
 public:
  explicit Walker(const Automaton& automaton)
      : automaton_(automaton), distances_(Distances(automaton)) {}

  // False if the grammar is too ambiguous, or the text does not come to an end.
  bool Sample(std::mt19937_64& random, std::string& out) {
    hob::text::PathWalker walker(automaton_);
    std::vector<Path> paths = {{automaton_.start(), 0}};
    bool ends = walker.Close(paths, 0);
    const size_t budget = random() % 160;
    out.clear();
    while (true) {
      if (walker.overflowed() || out.size() > 200'000) return false;
      if (paths.empty()) return ends;
      if (ends && (out.size() > budget || random() % 4 == 0)) return true;
      uint8_t byte = 0;
      if (out.size() > budget) {
        int64_t best = std::numeric_limits<int64_t>::max();
        for (const Path& path : paths) {
          int64_t waiting = 0;
          for (int32_t stack = path.stack; stack != 0; stack = walker.stacks().node(stack).below) {
            waiting += Distance(walker.stacks().node(stack).to);
          }
          for (const auto& edge : automaton_.edges(path.state)) {
            if (waiting + Distance(edge.to) >= best) continue;
            best = waiting + Distance(edge.to);
            byte = Pick(edge, random);
          }
        }
      } else {
        const auto edges = automaton_.edges(paths[random() % paths.size()].state);
        byte = Pick(edges[random() % edges.size()], random);
      }
      std::vector<Path> next = paths;
      ends = walker.Step(next, 0, paths.size(), byte);
      next.erase(next.begin(), next.begin() + static_cast<std::ptrdiff_t>(paths.size()));
      paths = std::move(next);
      out += static_cast<char>(byte);
    }
  }

 private:
  int64_t Distance(int32_t state) const { return distances_[static_cast<size_t>(state)]; }
  static uint8_t Pick(const Automaton::Edge& edge, std::mt19937_64& random) {
    return static_cast<uint8_t>(edge.first + random() % (edge.last - edge.first + 1u));
  }

  const Automaton& automaton_;
  const std::vector<int64_t> distances_;
};

hob::StatusOr<Automaton> Compile(const std::string& kind, const std::string& source) {
  auto grammar = kind == "schema"  ? hob::text::ReadJsonSchema(source)
                 : kind == "regex" ? hob::text::ReadRegex(source)
                                   : hob::text::ReadGbnf(source);
  if (!grammar.ok()) return grammar.status();
  return Automaton::Compile(*grammar);
}

bool Read(size_t size, std::string& out) {
  out.resize(size);
  return std::fread(out.data(), 1, size, stdin) == size;
}

}  // namespace

int main() {
  char kind[16];
  size_t size = 0, count = 0;
  unsigned long long seed = 0;
  // What was asked for last is likely to be asked for again.
  std::string known_kind, known_source;
  hob::StatusOr<Automaton> automaton = absl::UnknownError("nothing was read");
  while (std::scanf("%15s %zu %zu %llu", kind, &size, &count, &seed) == 4 &&
         std::getchar() == '\n') {
    std::string source, text;
    if (!Read(size, source) || (count == 0 && !Read(seed, text))) return 1;
    if (source != known_source || kind != known_kind) automaton = Compile(kind, source);
    known_source = source;
    known_kind = kind;
    if (automaton.ok() && count == 0) {
      std::printf("ok %d\n", hob::text::WalkText(*automaton, text).ends ? 1 : 0);
    } else if (automaton.ok()) {
      std::printf("ok %zu\n", count);
      Walker walker(*automaton);
      std::mt19937_64 random(seed);
      for (; count > 0; --count) {
        if (!walker.Sample(random, text)) return 2;
        std::printf("%zu\n", text.size());
        std::fwrite(text.data(), 1, text.size(), stdout);
      }
    } else {
      const std::string message(automaton.status().message());
      std::printf("error %zu %d\n%s", message.size(), static_cast<int>(automaton.status().code()),
                  message.c_str());
    }
    std::fflush(stdout);
  }
  return 0;
}
