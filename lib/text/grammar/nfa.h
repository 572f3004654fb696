// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/grammar/grammar.h"

namespace hob::text {

// One rule's expression as a nondeterministic automaton (Thompson 1968), whose edges are bytes,
// calls of rules, or nothing.
class Nfa {
 public:
  static constexpr size_t kMostEdges = 1u << 21;

  struct Edge {
    enum class Kind : uint8_t { kNothing, kBytes, kCall };
    Kind kind = Kind::kNothing;
    uint8_t first = 0, last = 0;  // kBytes
    int32_t rule = -1;            // kCall
    int32_t to = 0;
  };

  // Rules that are `inlined` become part of it; what is not `productive` is left out.
  // INVALID_ARGUMENT if it is too large.
  static StatusOr<Nfa> Build(const Grammar& grammar, Grammar::Rule rule,
                             const std::vector<bool>& inlined, const std::vector<bool>& productive);

  static constexpr int32_t kStart = 0, kEnd = 1;
  size_t size() const { return begin_.size() - 1; }
  std::span<const Edge> edges(int32_t state) const {
    const auto at = static_cast<size_t>(state);
    return std::span(edges_).subspan(begin_[at], begin_[at + 1] - begin_[at]);
  }

 private:
  std::vector<Edge> edges_;
  std::vector<uint32_t> begin_;
};

}  // namespace hob::text
