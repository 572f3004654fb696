// SPDX-License-Identifier: Apache-2.0
// A model as a list of operators over values. Built from hyperparameters by a family in lib/models,
// or read from a `.hob` file; rewritten by the passes; run by the executor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/attributes.h"
#include "lib/base/status.h"
#include "lib/format/model_file.h"
#include "lib/ops/op.h"

namespace hob {

using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // an optional input left out

enum class ValueKind : uint8_t {
  kActivation = 0,  // lives in the memory plan
  kWeight = 1,      // a tensor of the model file
  kOutput = 2,      // the step's logits; of an encoder the texts' embeddings
};

struct Value {
  std::string name;
  ValueKind kind = ValueKind::kActivation;
  DType type = DType::kF32;
  std::vector<int64_t> shape;  // shape[0] may be kTokensDim or kLogitRowsDim
  std::string tensor = {};     // for weights: its name in the model file
};

struct Node {
  std::string op;
  std::string name;
  int32_t layer = -1;
  std::vector<ValueId> inputs;  // kNoValue: absent
  std::vector<ValueId> outputs;
  Attributes attributes = {};
};

// What a runner must know of a model beside its nodes.
struct ModelShape {
  int32_t vocabulary = 0;
  int32_t context_length = 0;
  int32_t layers = 0;
  int32_t width = 0;
  int32_t heads = 0;
  int32_t kv_heads = 0;
  int32_t head_dim = 0;
  // Columns of a text's embedding: an encoder, without cache and logits. 0: a decoder.
  int32_t embedding = 0;

  bool encoder() const { return embedding > 0; }
  // Columns of the graph's output.
  int32_t output() const { return encoder() ? embedding : vocabulary; }
};

struct Graph {
  ModelShape shape;
  std::vector<Value> values;
  std::vector<Node> nodes;  // in order of execution

  ValueId AddValue(Value value);
  // A new weight value for `tensor`.
  ValueId AddWeight(const Tensor& tensor);
  // Adds a node with one new activation output [rows, columns] and returns that output.
  ValueId Add(std::string_view op, std::string_view name, int32_t layer,
              std::vector<ValueId> inputs, int64_t columns, Attributes attributes = {},
              int64_t rows = kTokensDim);
};

// Checks everything: ids in range, each value written before it is read and once, weights present
// in `file` with the shape and type claimed, operators known and satisfied. INVALID_ARGUMENT.
Status CheckGraph(const Graph& graph, const ModelFile& file);

// The node's operator's view of it.
OpSpec MakeSpec(const Graph& graph, const Node& node, const ModelFile& file);

// The graph of `file`: the one stored in it, or the one its family builds. Checked.
StatusOr<Graph> BuildGraph(const ModelFile& file);

// To and from the form stored in `.hob` files.
std::shared_ptr<fbs::GraphT> GraphToFile(const Graph& graph);
StatusOr<Graph> GraphFromFile(const fbs::GraphT& stored);

}  // namespace hob
