// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/automaton.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <set>

#include "lib/text/grammar/analysis.h"
#include "lib/text/grammar/nfa.h"

namespace hob::text {
namespace {

constexpr size_t kMostStates = 1u << 18;
constexpr size_t kMostEdges = 1u << 21;
constexpr size_t kMostWork = 1u << 24;  // edges looked at

Status TooLarge(std::string_view rule) {
  return Error(
      StatusCode::kInvalidArgument,
      Concat("the grammar is too large: its rule \"", rule, "\" takes it past ", kMostStates,
             " states, or ", kMostEdges, " ways between them"),
      "Use smaller bounds of repetitions, or none, and fewer alternatives that begin alike.");
}

size_t At(int32_t index) { return static_cast<size_t>(index); }

// States of an Nfa that are reached together, sorted; only those that something leaves, and the
// end.
using Set = std::vector<int32_t>;

}  // namespace

// Builds one rule after the other into the same arrays.
class AutomatonBuilder {
 public:
  explicit AutomatonBuilder(const Grammar& grammar)
      : grammar_(grammar),
        productive_(FindProductive(grammar)),
        nullable_(FindNullable(grammar)),
        inlined_(FindInlined(grammar)),
        starts_(grammar.rule_count(), -1) {}

  StatusOr<Automaton> Build() {
    if (!productive_[At(grammar_.what(0))]) {
      return Error(StatusCode::kInvalidArgument, "no text matches the grammar",
                   "Look for a rule that refers to itself in every alternative, or for an empty "
                   "class or choice.");
    }
    // Rules are built as they are first called.
    wanted_.push_back(0);
    while (!wanted_.empty()) {
      const Grammar::Rule rule = wanted_.back();
      wanted_.pop_back();
      if (starts_[At(rule)] >= 0) continue;
      HOB_RETURN_IF_ERROR(BuildRule(rule));
    }
    HOB_RETURN_IF_ERROR(CheckLeftRecursion());
    for (Automaton::Call& call : automaton_.calls_) call.start = starts_[At(call.start)];
    automaton_.start_ = starts_[0];
    return std::move(automaton_);
  }

 private:
  // The sets of one rule's states while it is built.
  struct Sets {
    explicit Sets(const Nfa& source) : nfa(source), mark(source.size(), -1) {}
    const Nfa& nfa;
    std::vector<int32_t> mark;  // of which closure a state is part
    int32_t closure = 0;
    std::vector<Set> sets;  // by state, from `base` on
    std::map<Set, int32_t> known;
    int32_t base = 0;
  };

  // The state of what `set` and nothing more leads to.
  StatusOr<int32_t> Intern(Sets& sets, Set set) {
    std::vector<int32_t> work = std::move(set);
    Set closed;
    ++sets.closure;
    while (!work.empty()) {
      const int32_t state = work.back();
      work.pop_back();
      if (sets.mark[At(state)] == sets.closure) continue;
      sets.mark[At(state)] = sets.closure;
      bool leaves = state == Nfa::kEnd;
      for (const Nfa::Edge& edge : sets.nfa.edges(state)) {
        if (edge.kind == Nfa::Edge::Kind::kNothing) {
          work.push_back(edge.to);
        } else {
          leaves = true;
        }
      }
      work_done_ += 1 + sets.nfa.edges(state).size();
      if (leaves) closed.push_back(state);
    }
    if (work_done_ > kMostWork) return TooLarge(rule_name_);
    std::sort(closed.begin(), closed.end());
    const auto next = static_cast<int32_t>(sets.sets.size()) + sets.base;
    const auto [found, added] = sets.known.try_emplace(closed, next);
    if (added) {
      if (At(next) >= kMostStates) return TooLarge(rule_name_);
      sets.sets.push_back(std::move(closed));
    }
    return found->second;
  }

  Status BuildRule(Grammar::Rule rule) {
    rule_name_ = grammar_.name(rule);
    HOB_ASSIGN_OR_RETURN(const Nfa nfa, Nfa::Build(grammar_, rule, inlined_, productive_));
    Sets sets(nfa);
    sets.base = static_cast<int32_t>(automaton_.states_.size());
    const size_t first_edge = automaton_.edges_.size(), first_call = automaton_.calls_.size();
    HOB_ASSIGN_OR_RETURN(starts_[At(rule)], Intern(sets, {Nfa::kStart}));
    for (size_t i = 0; i < sets.sets.size(); ++i) HOB_RETURN_IF_ERROR(BuildState(sets, i));
    Trim(sets.base, first_edge, first_call);
    return absl::OkStatus();
  }

  // Appends the state of sets.sets[index], and those that it leads to that are new.
  Status BuildState(Sets& sets, size_t index) {
    Automaton::State state;
    state.edges = static_cast<uint32_t>(automaton_.edges_.size());
    state.calls = static_cast<uint32_t>(automaton_.calls_.size());
    std::bitset<257> borders;
    std::vector<Nfa::Edge> bytes;
    std::map<int32_t, Set> called;
    for (const int32_t member : sets.sets[index]) {
      if (member == Nfa::kEnd) state.final = true;
      for (const Nfa::Edge& edge : sets.nfa.edges(member)) {
        if (edge.kind == Nfa::Edge::Kind::kBytes) {
          bytes.push_back(edge);
          borders.set(edge.first);
          borders.set(edge.last + 1u);
        } else if (edge.kind == Nfa::Edge::Kind::kCall) {
          called[edge.rule].push_back(edge.to);
        }
      }
    }
    std::sort(bytes.begin(), bytes.end(),
              [](const Nfa::Edge& a, const Nfa::Edge& b) { return a.first < b.first; });
    // Between two borders the same edges lead on. Those that have begun and not ended are `open`.
    std::vector<Nfa::Edge> open;
    size_t next = 0;
    for (unsigned from = 0; from < 256;) {
      unsigned to = from + 1;
      while (to < 256 && !borders.test(to)) ++to;
      std::erase_if(open, [&](const Nfa::Edge& edge) { return edge.last < from; });
      for (; next < bytes.size() && bytes[next].first <= from; ++next) open.push_back(bytes[next]);
      work_done_ += open.size();
      if (!open.empty()) {
        Set targets;
        for (const Nfa::Edge& edge : open) targets.push_back(edge.to);
        HOB_ASSIGN_OR_RETURN(const int32_t target, Intern(sets, std::move(targets)));
        const auto first = static_cast<uint8_t>(from), last = static_cast<uint8_t>(to - 1);
        auto& edges = automaton_.edges_;
        if (edges.size() > state.edges && edges.back().to == target &&
            edges.back().last + 1 == first) {
          edges.back().last = last;
        } else {
          edges.push_back({first, last, target});
        }
      }
      from = to;
    }
    for (auto& [rule, targets] : called) {
      HOB_ASSIGN_OR_RETURN(const int32_t target, Intern(sets, std::move(targets)));
      automaton_.calls_.push_back({rule, target});  // its start, once all are built
      wanted_.push_back(rule);
    }
    if (automaton_.edges_.size() + automaton_.calls_.size() > kMostEdges) {
      return TooLarge(rule_name_);
    }
    state.edge_count = static_cast<uint16_t>(automaton_.edges_.size() - state.edges);
    state.call_count = static_cast<uint32_t>(automaton_.calls_.size() - state.calls);
    automaton_.states_.push_back(state);
    return absl::OkStatus();
  }

  // Takes out of the states from `base` on what leads to none that is final.
  void Trim(int32_t base, size_t first_edge, size_t first_call) {
    auto& states = automaton_.states_;
    auto& edges = automaton_.edges_;
    auto& calls = automaton_.calls_;
    const size_t count = states.size() - At(base);
    std::vector<std::vector<int32_t>> before(count);
    for (size_t i = 0; i < count; ++i) {
      const Automaton::State& state = states[At(base) + i];
      const auto add = [&](int32_t to) {
        before[At(to - base)].push_back(static_cast<int32_t>(i));
      };
      for (uint32_t k = 0; k < state.edge_count; ++k) add(edges[state.edges + k].to);
      for (uint32_t k = 0; k < state.call_count; ++k) add(calls[state.calls + k].to);
    }
    std::vector<bool> alive(count);
    std::vector<int32_t> work;
    for (size_t i = 0; i < count; ++i) {
      if (!states[At(base) + i].final) continue;
      alive[i] = true;
      work.push_back(static_cast<int32_t>(i));
    }
    while (!work.empty()) {
      const int32_t at = work.back();
      work.pop_back();
      for (const int32_t other : before[At(at)]) {
        if (alive[At(other)]) continue;
        alive[At(other)] = true;
        work.push_back(other);
      }
    }
    size_t edge = first_edge, call = first_call;
    for (size_t i = 0; i < count; ++i) {
      Automaton::State& state = states[At(base) + i];
      const size_t edges_begin = edge, calls_begin = call;
      for (uint32_t k = 0; k < state.edge_count; ++k) {
        const Automaton::Edge& kept = edges[state.edges + k];
        if (alive[At(kept.to - base)]) edges[edge++] = kept;
      }
      for (uint32_t k = 0; k < state.call_count; ++k) {
        const Automaton::Call& kept = calls[state.calls + k];
        if (alive[At(kept.to - base)]) calls[call++] = kept;
      }
      state.edges = static_cast<uint32_t>(edges_begin);
      state.edge_count = static_cast<uint16_t>(edge - edges_begin);
      state.calls = static_cast<uint32_t>(calls_begin);
      state.call_count = static_cast<uint32_t>(call - calls_begin);
    }
    edges.resize(edge);
    calls.resize(call);
  }

  // The rules that a rule's text can begin with.
  std::vector<Grammar::Rule> FindBeginnings(Grammar::Rule rule) const {
    std::vector<Grammar::Rule> found;
    // States that are reached without a byte.
    std::vector<int32_t> states{starts_[At(rule)]};
    std::set<int32_t> seen{states[0]};
    for (size_t i = 0; i < states.size(); ++i) {
      for (const Automaton::Call& call : automaton_.calls(states[i])) {
        found.push_back(call.start);
        if (nullable_[At(grammar_.what(call.start))] && seen.insert(call.to).second) {
          states.push_back(call.to);
        }
      }
    }
    return found;
  }

  // A rule that calls itself before it has read a byte would be called without end. Calls name
  // their rules still.
  Status CheckLeftRecursion() const {
    struct Frame {
      Grammar::Rule rule;
      std::vector<Grammar::Rule> next;
    };
    enum : uint8_t { kNew, kOnPath, kDone };
    std::vector<uint8_t> state(grammar_.rule_count(), kNew);
    std::vector<Frame> path;  // depth first
    for (size_t first = 0; first < starts_.size(); ++first) {
      if (starts_[first] < 0 || state[first] != kNew) continue;
      path.push_back({static_cast<Grammar::Rule>(first), {}});
      while (!path.empty()) {
        Frame& frame = path.back();
        if (state[At(frame.rule)] == kNew) {
          state[At(frame.rule)] = kOnPath;
          frame.next = FindBeginnings(frame.rule);
        }
        if (frame.next.empty()) {
          state[At(frame.rule)] = kDone;
          path.pop_back();
          continue;
        }
        const Grammar::Rule next = frame.next.back();
        frame.next.pop_back();
        if (state[At(next)] == kOnPath) {
          return Error(StatusCode::kInvalidArgument,
                       Concat("the grammar's rule \"", grammar_.name(next),
                              "\" begins with itself (left recursion)"),
                       "Write it as a repetition: for a ::= a \"x\" | \"y\", a ::= \"y\" \"x\"*.");
        }
        if (state[At(next)] == kNew) path.push_back({next, {}});
      }
    }
    return absl::OkStatus();
  }

  const Grammar& grammar_;
  const std::vector<bool> productive_, nullable_, inlined_;
  std::vector<int32_t> starts_;  // by rule; −1: not built
  std::vector<Grammar::Rule> wanted_;
  Automaton automaton_;
  size_t work_done_ = 0;
  std::string rule_name_;
};

StatusOr<Automaton> Automaton::Compile(const Grammar& grammar) {
  HOB_RETURN_IF_ERROR(grammar.Check());
  return AutomatonBuilder(grammar).Build();
}

size_t Automaton::bytes() const {
  return states_.capacity() * sizeof(State) + edges_.capacity() * sizeof(Edge) +
         calls_.capacity() * sizeof(Call);
}

}  // namespace hob::text
