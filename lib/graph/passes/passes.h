// SPDX-License-Identifier: Apache-2.0
// Rewrites of a checked graph at load, one fusion each. All keep the values that leave the graph.
#pragma once

#include "lib/graph/graph.h"

namespace hob {

// Puts a quantize node, to kQ8Act or kQ16Act, before each matmul whose weights are multiplied in
// int8.
void QuantizeActivations(Graph& graph, DType type);
// Matmuls that read the same value become one node: q, k, v; gate and up.
void MergeMatmuls(Graph& graph);
// Norms, attention and activations write quantised activations themselves.
void FuseQuantize(Graph& graph);
// gate and up with SiLU·mul in one: matmul_swiglu.
void FuseSwiglu(Graph& graph);
// A residual addition happens where the product is written.
void FuseResidual(Graph& graph);

// All of them, in order, for activations of `type`: kQ16Act, kQ8Act, or kF32 for none quantised.
inline void RunPasses(Graph& graph, DType type) {
  if (type != DType::kF32) QuantizeActivations(graph, type);
  MergeMatmuls(graph);
  FuseQuantize(graph);
  FuseSwiglu(graph);
  FuseResidual(graph);
}

// Helpers: for each value the node that writes it (−1: none) and how many nodes read it.
std::vector<int32_t> Writers(const Graph& graph);
std::vector<int32_t> ReaderCounts(const Graph& graph);
// Drops the nodes that are marked.
void RemoveNodes(Graph& graph, const std::vector<bool>& remove);

}  // namespace hob
