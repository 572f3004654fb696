// SPDX-License-Identifier: Apache-2.0
// A graph that an app makes of its own, piece by piece: rows come in, go through operators and
// come out. Each piece is checked when it is added.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/format/model_file.h"
#include "lib/graph/graph.h"

namespace hob {

class GraphBuilder {
 public:
  // The operators of the frame that a program's passes see; no app can name them.
  static constexpr std::string_view kInputs = "(inputs)", kOutputs = "(outputs)";
  static constexpr size_t kMaxValues = 1 << 16;
  static constexpr size_t kWeightAlignment = 8;  // as of tensors in the least aligned file

  // All errors are INVALID_ARGUMENT, or UNIMPLEMENTED by name; what fails changes nothing.

  // f32 rows of `columns`.
  StatusOr<ValueId> AddInput(std::string_view name, int64_t columns);
  // Rows of a weight as a file has them, kWeightAlignment-aligned; `owner` keeps them, or is null
  // where the app does. An empty name is replaced.
  StatusOr<ValueId> AddWeight(std::string_view name, DType type, std::vector<int64_t> shape,
                              std::span<const uint8_t> data, std::shared_ptr<const void> owner);
  // A node with an f32 output for each of `columns`; returns the first one's id, the others follow
  // it.
  StatusOr<ValueId> AddNode(std::string_view op, std::string_view name, std::vector<ValueId> inputs,
                            Attributes attributes, std::span<const int64_t> columns);
  // A value that leaves the graph, in the order of these calls.
  Status AddOutput(ValueId value);

  const Graph& graph() const { return graph_; }
  const ModelFile& weights() const { return weights_; }
  // By index in weights().tensors.
  const std::vector<std::shared_ptr<const void>>& owners() const { return owners_; }
  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }

  // The element types that weights may have.
  static bool HoldsWeights(DType type);

 private:
  Status CheckRoom(size_t more) const;
  Status CheckColumns(std::string_view what, int64_t columns) const;

  Graph graph_;
  ModelFile weights_;
  std::vector<std::shared_ptr<const void>> owners_;
  std::vector<ValueId> inputs_, outputs_;
};

}  // namespace hob
