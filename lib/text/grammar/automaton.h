// SPDX-License-Identifier: Apache-2.0
// What a grammar runs as: one deterministic byte automaton a rule, which call each other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/grammar/grammar.h"

namespace hob::text {

// A byte leads from a state to at most one other; beside it a state may call rules, whose text
// stands before what `to` goes on with (a recursive transition network, Woods 1970). From every
// state the end of its rule can be reached. Immutable.
class Automaton {
 public:
  // INVALID_ARGUMENT for a grammar that nothing matches, that is left-recursive, or whose automata
  // are too large.
  static StatusOr<Automaton> Compile(const Grammar& grammar);

  struct Edge {
    uint8_t first, last;  // bytes
    int32_t to;
  };
  struct Call {
    int32_t start;  // state of the rule called
    int32_t to;
  };

  int32_t start() const { return start_; }
  size_t size() const { return states_.size(); }
  // Whether a rule may end here.
  bool final(int32_t state) const { return states_[static_cast<size_t>(state)].final; }
  // A call that goes on here is the caller's last: nothing but the end follows.
  bool only_final(int32_t state) const {
    return final(state) && edges(state).empty() && calls(state).empty();
  }
  // Sorted, apart from each other.
  std::span<const Edge> edges(int32_t state) const {
    const State& s = states_[static_cast<size_t>(state)];
    return std::span(edges_).subspan(s.edges, s.edge_count);
  }
  std::span<const Call> calls(int32_t state) const {
    const State& s = states_[static_cast<size_t>(state)];
    return std::span(calls_).subspan(s.calls, s.call_count);
  }
  // Where `byte` leads, or −1.
  int32_t Step(int32_t state, uint8_t byte) const {
    for (const Edge& edge : edges(state)) {
      if (byte <= edge.last) return byte >= edge.first ? edge.to : -1;
    }
    return -1;
  }
  size_t bytes() const;

 private:
  friend class AutomatonBuilder;
  struct State {
    uint32_t edges = 0, calls = 0;
    uint16_t edge_count = 0;
    bool final = false;
    uint32_t call_count = 0;
  };

  int32_t start_ = 0;
  std::vector<State> states_;
  std::vector<Edge> edges_;
  std::vector<Call> calls_;
};

}  // namespace hob::text
