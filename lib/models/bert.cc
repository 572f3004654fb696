// SPDX-License-Identifier: Apache-2.0
// BERT (Devlin et al. 2018): an encoder whose rows see the whole text, with learned positions, and
// a layer norm after each half. What it gives for a text is one row, pooled as sentence encoders
// are trained for (Reimers and Gurevych, Sentence-BERT, 2019).
#include <cmath>
#include <string>

#include "lib/models/family.h"
#include "lib/models/support/decoder.h"

namespace hob::models::bert {
namespace {

struct Parameters {
  ModelShape shape;
  int64_t feed_forward = 0;
  double epsilon = 1e-12;
  Pooling pooling = Pooling::kMean;
};

StatusOr<Pooling> ReadPooling(const ModelFile& file) {
  const std::string key = MetadataKey(file, "pooling_type");
  HOB_ASSIGN_OR_RETURN(const int64_t type, file.metadata.Int(key, 0, 64, 1));
  if (type <= static_cast<int64_t>(Pooling::kFirst)) {
    return type == 0 ? Pooling::kMean : static_cast<Pooling>(type);  // 0: the file leaves it open
  }
  return Error(StatusCode::kUnimplemented,
               absl::StrCat(key, " is ", type, "; hob pools by mean (1) or the first row (2)"));
}

StatusOr<Parameters> Read(const ModelFile& file) {
  Parameters p;
  const Metadata& meta = file.metadata;
  const auto key = [&](std::string_view name) { return MetadataKey(file, name); };
  constexpr int64_t kBig = 1 << 20;
  HOB_ASSIGN_OR_RETURN(const int64_t layers, meta.Int(key("block_count"), 1, 1024));
  HOB_ASSIGN_OR_RETURN(const int64_t context, meta.Int(key("context_length"), 1, kMaxContext));
  HOB_ASSIGN_OR_RETURN(const int64_t width, meta.Int(key("embedding_length"), 1, kBig));
  HOB_ASSIGN_OR_RETURN(p.feed_forward, meta.Int(key("feed_forward_length"), 1, kBig));
  HOB_ASSIGN_OR_RETURN(const int64_t heads, meta.Int(key("attention.head_count"), 1, 4096));
  if (width % heads != 0) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat(heads, " attention heads do not divide a width of ", width));
  }
  HOB_ASSIGN_OR_RETURN(p.epsilon, meta.Real(key("attention.layer_norm_epsilon"), 1e-12));
  HOB_ASSIGN_OR_RETURN(p.pooling, ReadPooling(file));
  const Tensor* table = file.FindTensor("token_embd.weight");
  if (table == nullptr || table->shape.size() != 2) {
    return Error(StatusCode::kInvalidArgument, "tensor token_embd.weight is missing or no matrix");
  }
  const auto as_int = [](int64_t value) { return static_cast<int32_t>(value); };
  p.shape = {.vocabulary = as_int(table->shape[0]),
             .context_length = as_int(context),
             .layers = as_int(layers),
             .width = as_int(width),
             .heads = as_int(heads),
             .kv_heads = 0,
             .head_dim = as_int(width / heads),
             .embedding = as_int(width)};
  return p;
}

class Builder {
 public:
  Builder(const ModelFile& file, const Parameters& p) : file_(file), p_(p) {
    graph_.shape = p.shape;
  }

  StatusOr<Graph> Build() {
    HOB_ASSIGN_OR_RETURN(ValueId x, Embed("token_embd.weight", "embedding", 0));
    HOB_ASSIGN_OR_RETURN(const ValueId positions,
                         Embed("position_embd.weight", "position_embedding", 1));
    HOB_ASSIGN_OR_RETURN(const ValueId kinds, Embed("token_types.weight", "type_embedding", 2));
    x = Add("position_sum", -1, x, positions);
    x = Add("type_sum", -1, x, kinds);
    HOB_ASSIGN_OR_RETURN(x, Norm("token_embd_norm", -1, x));
    for (int32_t layer = 0; layer < p_.shape.layers; ++layer) {
      HOB_ASSIGN_OR_RETURN(x, Layer(layer, x));
    }
    Attributes attributes;
    attributes.Set("type", static_cast<int64_t>(p_.pooling));
    x = graph_.Add("pool", "pool", -1, {x}, p_.shape.embedding, std::move(attributes),
                   kLogitRowsDim);
    graph_.values[static_cast<size_t>(x)].kind = ValueKind::kOutput;
    return std::move(graph_);
  }

 private:
  StatusOr<ValueId> Layer(int32_t layer, ValueId x) {
    const int64_t width = p_.shape.width;
    const auto name = [&](std::string_view part) { return LayerName(layer, part); };

    HOB_ASSIGN_OR_RETURN(const ValueId q, Linear(name("attn_q"), layer, x, width));
    HOB_ASSIGN_OR_RETURN(const ValueId k, Linear(name("attn_k"), layer, x, width));
    HOB_ASSIGN_OR_RETURN(const ValueId v, Linear(name("attn_v"), layer, x, width));
    Attributes attributes;
    attributes.Set("heads", int64_t{p_.shape.heads});
    attributes.Set("head_dim", int64_t{p_.shape.head_dim});
    attributes.Set("scale", 1.0 / std::sqrt(static_cast<double>(p_.shape.head_dim)));
    const ValueId mixed = graph_.Add("bidirectional_attention", name("attention"), layer, {q, k, v},
                                     width, std::move(attributes));
    HOB_ASSIGN_OR_RETURN(ValueId half, Linear(name("attn_output"), layer, mixed, width));
    half = Add(name("attn_residual"), layer, half, x);
    HOB_ASSIGN_OR_RETURN(x, Norm(name("attn_output_norm"), layer, half));

    HOB_ASSIGN_OR_RETURN(half, Linear(name("ffn_up"), layer, x, p_.feed_forward));
    half = graph_.Add("gelu", name("ffn_gelu"), layer, {half}, p_.feed_forward);
    HOB_ASSIGN_OR_RETURN(half, Linear(name("ffn_down"), layer, half, width));
    half = Add(name("ffn_residual"), layer, half, x);
    return Norm(name("layer_output_norm"), layer, half);
  }

  StatusOr<ValueId> Weight(const std::string& name) {
    const Tensor* tensor = file_.FindTensor(name);
    if (tensor != nullptr) return graph_.AddWeight(*tensor);
    return Error(
        StatusCode::kInvalidArgument,
        absl::StrCat("tensor ", name, " is missing from this ", file_.architecture, " model"));
  }

  StatusOr<ValueId> Embed(const std::string& table, std::string_view name, int64_t of) {
    HOB_ASSIGN_OR_RETURN(const ValueId weight, Weight(table));
    Attributes attributes;
    if (of != 0) attributes.Set("of", of);
    return graph_.Add("embedding", name, -1, {weight}, p_.shape.width, std::move(attributes));
  }

  StatusOr<ValueId> Linear(const std::string& name, int32_t layer, ValueId x, int64_t outputs) {
    HOB_ASSIGN_OR_RETURN(const ValueId weight, Weight(name + ".weight"));
    HOB_ASSIGN_OR_RETURN(const ValueId bias, Weight(name + ".bias"));
    Attributes attributes;
    attributes.Set("weights", int64_t{1});
    return graph_.Add("matmul", name, layer, {x, weight, bias}, outputs, std::move(attributes));
  }

  StatusOr<ValueId> Norm(const std::string& name, int32_t layer, ValueId x) {
    HOB_ASSIGN_OR_RETURN(const ValueId weight, Weight(name + ".weight"));
    HOB_ASSIGN_OR_RETURN(const ValueId bias, Weight(name + ".bias"));
    Attributes attributes;
    attributes.Set("epsilon", p_.epsilon);
    return graph_.Add("layer_norm", name, layer, {x, weight, bias}, p_.shape.width,
                      std::move(attributes));
  }

  ValueId Add(const std::string& name, int32_t layer, ValueId a, ValueId b) {
    return graph_.Add("add", name, layer, {a, b}, p_.shape.width);
  }

  const ModelFile& file_;
  const Parameters& p_;
  Graph graph_;
};

bool Builds(std::string_view architecture) { return architecture == "bert"; }

StatusOr<Graph> Build(const ModelFile& file) {
  HOB_ASSIGN_OR_RETURN(const Parameters p, Read(file));
  return Builder(file, p).Build();
}

}  // namespace

extern const Family kFamily;
const Family kFamily = {Builds, "bert", Build};

}  // namespace hob::models::bert
