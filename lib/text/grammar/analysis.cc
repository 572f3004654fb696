// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/analysis.h"

#include <algorithm>
#include <limits>

namespace hob::text {
namespace {

using Expr = Grammar::Expr;
using Kind = Grammar::Kind;

size_t At(int32_t index) { return static_cast<size_t>(index); }

// For each item those that name it, as lists in one array.
class Reverse {
 public:
  explicit Reverse(size_t items) : begin_(items + 1) {}
  void Count(int32_t item) { ++begin_[At(item)]; }
  void Counted() {
    uint32_t sum = 0;
    for (uint32_t& begin : begin_) {
      sum += begin;
      begin = sum;
    }
    users_.resize(sum);
  }
  void Add(int32_t item, int32_t user) { users_[--begin_[At(item)]] = user; }
  std::span<const int32_t> of(int32_t item) const {
    return std::span(users_).subspan(begin_[At(item)], begin_[At(item) + 1] - begin_[At(item)]);
  }

 private:
  std::vector<uint32_t> begin_;
  std::vector<int32_t> users_;
};

// Of what is repeated, in an automaton.
uint64_t Copies(const Grammar::Node& repeat) {
  return repeat.most == Grammar::kNoLimit ? uint64_t{repeat.least} + 1 : repeat.most;
}

// Calls visit(child) for what an expression consists of; a rule is what defines it.
template <typename Visit>
void ForChildren(const Grammar& grammar, const Grammar::Node& node, Visit&& visit) {
  switch (node.kind) {
    case Kind::kText:
    case Kind::kClass:
      return;
    case Kind::kSequence:
    case Kind::kChoice:
      for (const Expr part : grammar.parts(node)) visit(part);
      return;
    case Kind::kRepeat:
      visit(static_cast<Expr>(node.begin));
      return;
    case Kind::kRule:
      visit(grammar.what(static_cast<Grammar::Rule>(node.begin)));
      return;
  }
}

// The rules in an order in which each comes after those that it refers to, but for those that refer
// back: of these, `recursive` is set (Tarjan's strongly connected components, without recursion).
struct RuleOrder {
  std::vector<int32_t> order;
  std::vector<bool> recursive;
};

RuleOrder SortRules(const Grammar& grammar, const std::vector<std::vector<int32_t>>& refers) {
  const size_t count = grammar.rule_count();
  RuleOrder result{{}, std::vector<bool>(count)};
  std::vector<int32_t> index(count, -1), low(count), stack;
  std::vector<bool> on_stack(count);
  struct Frame {
    int32_t rule;
    size_t next;
  };
  std::vector<Frame> frames;
  int32_t counter = 0;
  for (size_t root = 0; root < count; ++root) {
    if (index[root] >= 0) continue;
    frames.push_back({static_cast<int32_t>(root), 0});
    while (!frames.empty()) {
      const auto rule = At(frames.back().rule);
      if (frames.back().next == 0) {
        index[rule] = low[rule] = counter++;
        stack.push_back(frames.back().rule);
        on_stack[rule] = true;
      }
      if (frames.back().next < refers[rule].size()) {
        const int32_t other = refers[rule][frames.back().next++];
        if (index[At(other)] < 0) {
          frames.push_back({other, 0});
        } else if (on_stack[At(other)]) {
          low[rule] = std::min(low[rule], index[At(other)]);
          if (At(other) == rule) result.recursive[rule] = true;
        }
        continue;
      }
      frames.pop_back();
      if (!frames.empty()) {
        int32_t& above = low[At(frames.back().rule)];
        above = std::min(above, low[rule]);
      }
      if (low[rule] != index[rule]) continue;
      const bool several = At(stack.back()) != rule;
      while (true) {
        const int32_t member = stack.back();
        stack.pop_back();
        on_stack[At(member)] = false;
        if (several) result.recursive[At(member)] = true;
        result.order.push_back(member);
        if (At(member) == rule) break;
      }
    }
  }
  return result;
}

// What holds of a sequence if it holds of all its parts, and of a choice if of one; `leaf` says of
// which texts and classes. Each expression tells those that use it once (Dowling and Gallier 1984).
template <typename Leaf>
std::vector<bool> Derive(const Grammar& grammar, Leaf&& leaf) {
  const size_t count = grammar.node_count();
  Reverse users(count);
  const auto for_all = [&](auto&& visit) {
    for (size_t i = 0; i < count; ++i) {
      const auto expr = static_cast<Expr>(i);
      ForChildren(grammar, grammar.node(expr), [&](Expr child) { visit(child, expr); });
    }
  };
  for_all([&](Expr child, Expr) { users.Count(child); });
  users.Counted();
  for_all([&](Expr child, Expr user) { users.Add(child, user); });

  std::vector<bool> holds(count);
  std::vector<uint32_t> missing(count, 1);
  std::vector<Expr> work;
  for (size_t i = 0; i < count; ++i) {
    const Grammar::Node& node = grammar.node(static_cast<Expr>(i));
    const bool is_leaf = node.kind == Kind::kText || node.kind == Kind::kClass;
    if (node.kind == Kind::kSequence) missing[i] = node.end - node.begin;
    if (is_leaf ? leaf(node) : node.kind == Kind::kRepeat && node.least == 0) missing[i] = 0;
    if (missing[i] > 0) continue;
    holds[i] = true;
    work.push_back(static_cast<Expr>(i));
  }
  while (!work.empty()) {
    const Expr expr = work.back();
    work.pop_back();
    for (const Expr user : users.of(expr)) {
      if (missing[At(user)] == 0 || --missing[At(user)] > 0) continue;
      holds[At(user)] = true;
      work.push_back(user);
    }
  }
  return holds;
}

}  // namespace

std::vector<bool> FindProductive(const Grammar& grammar) {
  return Derive(grammar, [](const Grammar::Node& node) {
    return node.kind == Kind::kText || node.begin < node.end;
  });
}

std::vector<bool> FindNullable(const Grammar& grammar) {
  return Derive(grammar, [](const Grammar::Node& node) {
    return node.kind == Kind::kText && node.begin == node.end;
  });
}

std::vector<bool> FindInlined(const Grammar& grammar) {
  constexpr uint64_t kSmall = 64;  // states, about
  constexpr uint64_t kLarge = std::numeric_limits<uint32_t>::max();
  const size_t rules = grammar.rule_count();

  // Which expressions are part of which rule; those of several count in each.
  std::vector<std::vector<int32_t>> refers(rules);
  std::vector<std::vector<Expr>> parts(rules);
  std::vector<uint32_t> uses(rules);
  {
    std::vector<int32_t> seen(grammar.node_count(), -1);
    struct Visit {
      Expr expr;
      uint32_t times;  // that it is copied: 2 for several
    };
    std::vector<Visit> work;
    for (size_t rule = 0; rule < rules; ++rule) {
      work.push_back({grammar.what(static_cast<int32_t>(rule)), 1});
      while (!work.empty()) {
        auto [expr, times] = work.back();
        work.pop_back();
        const Grammar::Node& node = grammar.node(expr);
        if (node.kind == Kind::kRule) {
          refers[rule].push_back(static_cast<int32_t>(node.begin));
          uses[node.begin] += times;
        }
        if (node.kind == Kind::kRepeat && Copies(node) > 1) times = 2;
        if (seen[At(expr)] == static_cast<int32_t>(rule)) continue;
        seen[At(expr)] = static_cast<int32_t>(rule);
        parts[rule].push_back(expr);
        if (node.kind == Kind::kRule) continue;
        ForChildren(grammar, node, [&](Expr child) { work.push_back({child, times}); });
      }
      std::sort(parts[rule].begin(), parts[rule].end());
    }
  }

  const RuleOrder sorted = SortRules(grammar, refers);
  std::vector<bool> inlined(rules), bounded(rules);
  std::vector<uint64_t> rule_size(rules), size(grammar.node_count());
  std::vector<bool> bound(grammar.node_count());
  for (const int32_t rule : sorted.order) {
    // Parts come before what consists of them.
    for (const Expr expr : parts[At(rule)]) {
      const Grammar::Node& node = grammar.node(expr);
      uint64_t sum = node.kind == Kind::kText || node.kind == Kind::kClass
                         ? uint64_t{node.end} - node.begin
                         : 0;
      bool all = true;
      if (node.kind == Kind::kRule) {
        sum = inlined[node.begin] ? rule_size[node.begin] : 1;
        all = inlined[node.begin] && bounded[node.begin];
      } else {
        ForChildren(grammar, node, [&](Expr child) {
          sum += size[At(child)];
          all = all && bound[At(child)];
        });
        if (node.kind == Kind::kRepeat) {
          all = all && node.most != Grammar::kNoLimit;
          sum *= Copies(node);
        }
      }
      size[At(expr)] = std::min(sum, kLarge);
      bound[At(expr)] = all;
    }
    const Expr what = grammar.what(rule);
    rule_size[At(rule)] = size[At(what)];
    bounded[At(rule)] = bound[At(what)];
    inlined[At(rule)] = rule != 0 && !sorted.recursive[At(rule)] &&
                        (uses[At(rule)] <= 1 || (bound[At(what)] && size[At(what)] <= kSmall));
  }
  return inlined;
}

}  // namespace hob::text
