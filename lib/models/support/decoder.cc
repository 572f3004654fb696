// SPDX-License-Identifier: Apache-2.0
#include "lib/models/support/decoder.h"

namespace hob::models {

StatusOr<ValueId> DecoderBuilder::Embedding(double scale) {
  HOB_ASSIGN_OR_RETURN(const ValueId table, Weight("token_embd.weight"));
  Attributes attributes;
  if (scale != 1) attributes.Set("scale", scale);
  return graph_.Add("embedding", "embedding", -1, {table}, p_.shape.width, std::move(attributes));
}

ValueId DecoderBuilder::Angles(const std::string& name, double base, const RopeScaling* scaling) {
  Attributes attributes;
  attributes.Set("dimensions", p_.rope_dimensions);
  attributes.Set("base", base);
  ValueId divisors = kNoValue;
  if (scaling != nullptr) {
    WriteRopeScaling(*scaling, attributes);
    divisors = OptionalWeight("rope_freqs.weight");  // Llama 3.1 and later
  }
  return graph_.Add("rope_angles", name, -1, {divisors}, p_.rope_dimensions, std::move(attributes));
}

StatusOr<ValueId> DecoderBuilder::Norm(const std::string& name, int32_t layer, ValueId x,
                                       int64_t columns, int64_t rows) {
  return NormBy(name, layer, x, columns, rows, false);
}

StatusOr<ValueId> DecoderBuilder::HeadNorm(const std::string& name, int32_t layer, ValueId x,
                                           int64_t columns) {
  return NormBy(name, layer, x, columns, kTokensDim, true);
}

StatusOr<ValueId> DecoderBuilder::NormBy(const std::string& name, int32_t layer, ValueId x,
                                         int64_t columns, int64_t rows, bool heads) {
  HOB_ASSIGN_OR_RETURN(const ValueId weight, Weight(name + ".weight"));
  // The operator would take any divisor of the columns.
  const std::vector<int64_t>& shape = graph_.values[static_cast<size_t>(weight)].shape;
  if (shape.back() != columns && !(heads && shape.back() == p_.shape.head_dim)) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("tensor ", name, ".weight has ", shape.back(),
                              " elements for a norm of ", columns));
  }
  Attributes attributes;
  attributes.Set("epsilon", p_.epsilon);
  return graph_.Add("rms_norm", name, layer, {x, weight}, columns, std::move(attributes), rows);
}

StatusOr<ValueId> DecoderBuilder::Linear(const std::string& name, int32_t layer, ValueId x,
                                         int64_t outputs) {
  HOB_ASSIGN_OR_RETURN(const ValueId weight, Weight(name + ".weight"));
  return Linear(name, layer, x, weight, outputs, kTokensDim);
}

ValueId DecoderBuilder::Linear(const std::string& name, int32_t layer, ValueId x, ValueId weight,
                               int64_t outputs, int64_t rows) {
  Attributes attributes;
  attributes.Set("weights", int64_t{1});
  return graph_.Add("matmul", name, layer, {x, weight, OptionalWeight(name + ".bias")}, outputs,
                    std::move(attributes), rows);
}

ValueId DecoderBuilder::Rope(const std::string& name, int32_t layer, ValueId x, int64_t columns,
                             ValueId angles, Pairs pairs) {
  Attributes attributes;
  attributes.Set("head_dim", int64_t{p_.shape.head_dim});
  attributes.Set("neox", static_cast<int64_t>(pairs));
  return graph_.Add("rope", name, layer, {x, angles}, columns, std::move(attributes));
}

ValueId DecoderBuilder::Attention(int32_t layer, ValueId q, ValueId k, ValueId v, double scale,
                                  int64_t window) {
  Attributes attributes;
  attributes.Set("heads", int64_t{p_.shape.heads});
  attributes.Set("kv_heads", int64_t{p_.shape.kv_heads});
  attributes.Set("head_dim", int64_t{p_.shape.head_dim});
  attributes.Set("scale", scale);
  attributes.Set("window", window);
  return graph_.Add("attention", LayerName(layer, "attention"), layer, {q, k, v}, p_.q_width(),
                    std::move(attributes));
}

StatusOr<ValueId> DecoderBuilder::FeedForward(int32_t layer, ValueId x, Gate gate_kind) {
  HOB_ASSIGN_OR_RETURN(const ValueId gate,
                       Linear(LayerName(layer, "ffn_gate"), layer, x, p_.feed_forward));
  HOB_ASSIGN_OR_RETURN(const ValueId up,
                       Linear(LayerName(layer, "ffn_up"), layer, x, p_.feed_forward));
  Attributes activation;
  activation.Set("activation", static_cast<int64_t>(gate_kind));
  const ValueId gated = graph_.Add("swiglu", LayerName(layer, "ffn_swiglu"), layer, {gate, up},
                                   p_.feed_forward, std::move(activation));
  return Linear(LayerName(layer, "ffn_down"), layer, gated, p_.shape.width);
}

ValueId DecoderBuilder::Add(const std::string& name, int32_t layer, ValueId a, ValueId b) {
  return graph_.Add("add", name, layer, {a, b}, p_.shape.width);
}

StatusOr<Graph> DecoderBuilder::Finish(ValueId x) {
  x = graph_.Add("select_rows", "select_rows", -1, {x}, p_.shape.width, {}, kLogitRowsDim);
  HOB_ASSIGN_OR_RETURN(x, Norm("output_norm", -1, x, p_.shape.width, kLogitRowsDim));
  // Without an output matrix the embedding's is used (tied weights).
  ValueId head = OptionalWeight("output.weight");
  if (head == kNoValue) head = OptionalWeight("token_embd.weight");
  x = Linear("output", -1, x, head, p_.shape.vocabulary, kLogitRowsDim);
  graph_.values[static_cast<size_t>(x)].kind = ValueKind::kOutput;
  return std::move(graph_);
}

StatusOr<ValueId> DecoderBuilder::Weight(const std::string& name) {
  const ValueId id = OptionalWeight(name);
  if (id == kNoValue) {
    return Error(
        StatusCode::kInvalidArgument,
        absl::StrCat("tensor ", name, " is missing from this ", file_.architecture, " model"));
  }
  return id;
}

ValueId DecoderBuilder::OptionalWeight(const std::string& name) {
  const Tensor* tensor = file_.FindTensor(name);
  if (tensor == nullptr) return kNoValue;
  const auto [entry, added] = weights_.try_emplace(tensor, kNoValue);
  if (added) entry->second = graph_.AddWeight(*tensor);
  return entry->second;
}

}  // namespace hob::models
