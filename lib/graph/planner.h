// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "lib/graph/graph.h"

namespace hob {

// Where each activation lies in one block of memory: values whose lifetimes overlap do not overlap.
struct MemoryPlan {
  std::vector<size_t> offsets;  // by value id; of activations only
  size_t bytes = 0;
};

// Bytes of an activation of `rows` rows, with room for vector code to read past the end.
size_t ActivationBytes(const Value& value, int64_t rows);

MemoryPlan PlanMemory(const Graph& graph, int64_t max_rows);

}  // namespace hob
