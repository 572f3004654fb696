// SPDX-License-Identifier: Apache-2.0
// What the families of decoder-only transformers share: hyperparameters read from the file, and the
// nodes that their layers are made of.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/graph/graph.h"
#include "lib/ops/rope_angles/scaling.h"

namespace hob::models {

struct DecoderParameters {
  ModelShape shape;
  int64_t feed_forward = 0;
  int64_t rope_dimensions = 0;
  double rope_base = 10000;
  RopeScaling rope_scaling;
  double epsilon = 1e-5;
  int64_t window = 0;  // sliding-window attention; 0: none

  int64_t q_width() const { return int64_t{shape.heads} * shape.head_dim; }
  int64_t kv_width() const { return int64_t{shape.kv_heads} * shape.head_dim; }
};

// Defaults are the format's; `rope_base` is that of a file without one.
StatusOr<DecoderParameters> ReadDecoderParameters(const ModelFile& file, double rope_base = 10000);

// "<architecture>.<name>"
std::string MetadataKey(const ModelFile& file, std::string_view name);

enum class Pairs : int32_t {  // that rope turns
  kNeighbours = 0,            // (2i, 2i + 1), as GGUF permutes Llama's q and k
  kHalves = 1,                // (i, i + d/2)
};
enum class Gate : int32_t { kSilu = 0, kGeluTanh = 1 };

// Adds nodes to `graph`. Weights are named as GGUF names them, without ".weight" and ".bias"; a
// weight that is missing is INVALID_ARGUMENT, a bias is optional.
class DecoderBuilder {
 public:
  DecoderBuilder(const ModelFile& file, const DecoderParameters& parameters)
      : file_(file), p_(parameters) {
    graph_.shape = parameters.shape;
  }

  // The rows of token_embd, times `scale`.
  StatusOr<ValueId> Embedding(double scale = 1);
  // Angles of `base`; scaled as the file or an option says unless `scaling` is null.
  ValueId Angles(const std::string& name, double base, const RopeScaling* scaling);
  // Of all columns together.
  StatusOr<ValueId> Norm(const std::string& name, int32_t layer, ValueId x, int64_t columns,
                         int64_t rows = kTokensDim);
  // Of each head for itself, or of all together: as the weight is wide.
  StatusOr<ValueId> HeadNorm(const std::string& name, int32_t layer, ValueId x, int64_t columns);
  StatusOr<ValueId> Linear(const std::string& name, int32_t layer, ValueId x, int64_t outputs);
  ValueId Rope(const std::string& name, int32_t layer, ValueId x, int64_t columns, ValueId angles,
               Pairs pairs);
  ValueId Attention(int32_t layer, ValueId q, ValueId k, ValueId v, double scale, int64_t window);
  // ffn_down(gate(ffn_gate(x)) · ffn_up(x))
  StatusOr<ValueId> FeedForward(int32_t layer, ValueId x, Gate gate);
  ValueId Add(const std::string& name, int32_t layer, ValueId a, ValueId b);
  // Logits of the rows that they are wanted of; the finished graph.
  StatusOr<Graph> Finish(ValueId x);

  bool HasWeight(const std::string& name) const {
    return file_.FindTensor(name + ".weight") != nullptr;
  }

 private:
  StatusOr<ValueId> Weight(const std::string& name);
  ValueId OptionalWeight(const std::string& name);
  ValueId Linear(const std::string& name, int32_t layer, ValueId x, ValueId weight, int64_t outputs,
                 int64_t rows);
  StatusOr<ValueId> NormBy(const std::string& name, int32_t layer, ValueId x, int64_t columns,
                           int64_t rows, bool heads);

  const ModelFile& file_;
  const DecoderParameters& p_;
  Graph graph_;
  std::unordered_map<const Tensor*, ValueId> weights_;
};

// "blk.<layer>.<part>"
inline std::string LayerName(int32_t layer, std::string_view part) {
  return absl::StrCat("blk.", layer, ".", std::string(part));
}

}  // namespace hob::models
