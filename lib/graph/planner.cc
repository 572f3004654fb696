// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/planner.h"

#include <algorithm>

#include "lib/base/allocator.h"
#include "lib/base/block_formats.h"
#include "lib/base/checked.h"

namespace hob {

size_t ActivationBytes(const Value& value, int64_t rows) {
  const size_t columns = static_cast<size_t>(value.shape.back());
  const size_t row = ActivationRowBytes(value.type, columns);
  constexpr size_t kSlack = kAlignment;
  const auto bytes = CheckedMulAdd(row, static_cast<size_t>(rows), kSlack);
  return bytes ? CheckedAlignUp(*bytes, kAlignment).value_or(kNoSuchSize) : kNoSuchSize;
}

namespace {

// Where a value ends; past all memory (which no allocator gives) if no number says it.
size_t End(size_t offset, size_t bytes) { return CheckedAdd(offset, bytes).value_or(kNoSuchSize); }

}  // namespace

// Greedy by size: the largest first, each at the lowest offset that is free during its lifetime
// (Pisarchyk & Lee 2020).
MemoryPlan PlanMemory(const Graph& graph, int64_t max_rows) {
  struct Item {
    size_t value, bytes, first, last, offset;
  };
  constexpr size_t kUnused = static_cast<size_t>(-1);
  std::vector<size_t> first(graph.values.size(), kUnused), last(graph.values.size(), 0);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].outputs) {
      first[static_cast<size_t>(id)] = n;
      last[static_cast<size_t>(id)] = n;
    }
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id != kNoValue) last[static_cast<size_t>(id)] = n;
    }
  }
  std::vector<Item> items;
  for (size_t v = 0; v < graph.values.size(); ++v) {
    if (graph.values[v].kind == ValueKind::kActivation && first[v] != kUnused) {
      items.push_back({v, ActivationBytes(graph.values[v], max_rows), first[v], last[v], 0});
    }
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.bytes > b.bytes; });
  MemoryPlan plan;
  plan.offsets.resize(graph.values.size(), 0);
  std::vector<Item> placed;  // by offset
  for (Item& item : items) {
    size_t offset = 0, end = item.bytes;
    for (const Item& other : placed) {
      const bool together = item.first <= other.last && other.first <= item.last;
      if (together && end > other.offset && End(other.offset, other.bytes) > offset) {
        offset = End(other.offset, other.bytes);
        end = End(offset, item.bytes);
      }
    }
    item.offset = offset;
    plan.offsets[item.value] = offset;
    plan.bytes = std::max(plan.bytes, end);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), item,
                         [](const Item& a, const Item& b) { return a.offset < b.offset; }),
        item);
  }
  return plan;
}

}  // namespace hob
