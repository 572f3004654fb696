// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/nfa.h"

#include <map>

#include "lib/text/grammar/utf8_ranges.h"

namespace hob::text {
namespace {

using Kind = Grammar::Kind;

// Edges as they come, with where they begin.
class Builder {
 public:
  Builder(const Grammar& grammar, const std::vector<bool>& inlined,
          const std::vector<bool>& productive)
      : grammar_(grammar), inlined_(inlined), productive_(productive) {}

  // False if it is too large.
  bool Build(Grammar::Rule rule) {
    work_.push_back({grammar_.what(rule), Nfa::kStart, Nfa::kEnd});
    while (!work_.empty()) {
      if (edges_.size() + work_.size() > Nfa::kMostEdges) return false;
      const Piece piece = work_.back();
      work_.pop_back();
      if (!productive_[static_cast<size_t>(piece.expr)]) continue;
      if (!Expand(piece)) return false;
    }
    return edges_.size() <= Nfa::kMostEdges;
  }

  std::vector<Nfa::Edge> edges_;
  std::vector<int32_t> from_;
  int32_t states_ = 2;

 private:
  // An expression that leads from one state to another.
  struct Piece {
    Grammar::Expr expr;
    int32_t from, to;
  };

  void AddEdge(int32_t from, const Nfa::Edge& edge) {
    from_.push_back(from);
    edges_.push_back(edge);
  }
  void AddBytes(int32_t from, uint8_t first, uint8_t last, int32_t to) {
    AddEdge(from, {Nfa::Edge::Kind::kBytes, first, last, -1, to});
  }
  void Join(int32_t from, int32_t to) { AddEdge(from, {Nfa::Edge::Kind::kNothing, 0, 0, -1, to}); }

  bool Expand(const Piece& piece) {
    const Grammar::Node& node = grammar_.node(piece.expr);
    switch (node.kind) {
      case Kind::kText: {
        int32_t at = piece.from;
        for (const char byte : grammar_.text(node)) {
          const int32_t next = states_++;
          AddBytes(at, static_cast<uint8_t>(byte), static_cast<uint8_t>(byte), next);
          at = next;
        }
        Join(at, piece.to);
        return true;
      }
      case Kind::kClass:
        ExpandClass(grammar_.ranges(node), piece);
        return true;
      case Kind::kSequence: {
        int32_t at = piece.from;
        const auto parts = grammar_.parts(node);
        if (work_.size() + parts.size() > Nfa::kMostEdges) return false;
        for (size_t i = 0; i < parts.size(); ++i) {
          const int32_t next = i + 1 == parts.size() ? piece.to : states_++;
          work_.push_back({parts[i], at, next});
          at = next;
        }
        if (parts.empty()) Join(at, piece.to);
        return true;
      }
      case Kind::kChoice:
        if (work_.size() + grammar_.parts(node).size() > Nfa::kMostEdges) return false;
        for (const Grammar::Expr part : grammar_.parts(node)) {
          work_.push_back({part, piece.from, piece.to});
        }
        return true;
      case Kind::kRepeat:
        return ExpandRepeat(node, piece);
      case Kind::kRule: {
        const auto rule = static_cast<Grammar::Rule>(node.begin);
        if (inlined_[node.begin]) {
          work_.push_back({grammar_.what(rule), piece.from, piece.to});
        } else {
          AddEdge(piece.from, {Nfa::Edge::Kind::kCall, 0, 0, rule, piece.to});
        }
        return true;
      }
    }
    return true;
  }

  // Copies one after the other; those that may be left out lead to the end too, each by itself, so
  // that a set of states stays small.
  bool ExpandRepeat(const Grammar::Node& node, const Piece& piece) {
    const auto what = static_cast<Grammar::Expr>(node.begin);
    const bool endless = node.most == Grammar::kNoLimit;
    const uint64_t copies = endless ? node.least : node.most;
    if (work_.size() + 2 * copies > Nfa::kMostEdges) return false;
    int32_t at = states_++;
    Join(piece.from, at);
    for (uint64_t i = 0; i < copies; ++i) {
      if (i >= node.least) Join(at, piece.to);
      const int32_t next = states_++;
      work_.push_back({what, at, next});
      at = next;
    }
    if (endless) work_.push_back({what, at, at});
    Join(at, piece.to);
    return true;
  }

  void ExpandClass(std::span<const CodePoints> ranges, const Piece& piece) {
    // The same bytes before the same state are one edge: keyed by both.
    std::map<uint64_t, int32_t> tails;
    for (const CodePoints& range : ranges) {
      SplitUtf8(range, [&](const Utf8Range& bytes) {
        int32_t to = piece.to;
        for (int i = bytes.length - 1; i > 0; --i) {
          const auto at = static_cast<size_t>(i);
          const uint64_t key = uint64_t{static_cast<uint32_t>(to)} << 16 |
                               uint64_t{bytes.first[at]} << 8 | bytes.last[at];
          const auto [found, added] = tails.try_emplace(key, states_);
          if (added) AddBytes(states_++, bytes.first[at], bytes.last[at], to);
          to = found->second;
        }
        AddBytes(piece.from, bytes.first[0], bytes.last[0], to);
      });
    }
  }

  const Grammar& grammar_;
  const std::vector<bool>& inlined_;
  const std::vector<bool>& productive_;
  std::vector<Piece> work_;
};

}  // namespace

StatusOr<Nfa> Nfa::Build(const Grammar& grammar, Grammar::Rule rule,
                         const std::vector<bool>& inlined, const std::vector<bool>& productive) {
  Builder builder(grammar, inlined, productive);
  if (!builder.Build(rule)) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("the grammar's rule \"", grammar.name(rule),
                        "\" is too large: it has more than ", kMostEdges, " steps"),
                 "Use smaller bounds of repetitions, or none.");
  }
  // Sorted by where they begin.
  Nfa nfa;
  nfa.begin_.resize(static_cast<size_t>(builder.states_) + 1);
  for (const int32_t from : builder.from_) ++nfa.begin_[static_cast<size_t>(from)];
  uint32_t sum = 0;
  for (uint32_t& begin : nfa.begin_) {
    sum += begin;
    begin = sum;
  }
  nfa.edges_.resize(builder.edges_.size());
  for (size_t i = builder.edges_.size(); i-- > 0;) {
    nfa.edges_[--nfa.begin_[static_cast<size_t>(builder.from_[i])]] = builder.edges_[i];
  }
  return nfa;
}

}  // namespace hob::text
