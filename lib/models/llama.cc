// SPDX-License-Identifier: Apache-2.0
// The Llama family: decoder-only transformers with RMS norm before each half, rotary positions,
// grouped-query attention and a gated feed-forward (Touvron et al. 2023; Llama 3, Grattafiori et
// al. 2024). SmolLM2 and Mistral are the same graph; Qwen2 adds biases to q, k, v; Qwen3 norms q
// and k per head.
#include <cmath>

#include "lib/models/family.h"

namespace hob::models::llama {
namespace {

// What differs between the architectures of this file.
struct Variant {
  std::string_view architecture;
  bool neox;  // rotary pairs (i, i + d/2), else (2i, 2i + 1) as GGUF permutes Llama's q and k
};
constexpr Variant kVariants[] = {
    {"llama", false}, {"mistral", false}, {"qwen2", true}, {"qwen3", true}};

const Variant* FindVariant(std::string_view architecture) {
  for (const Variant& variant : kVariants) {
    if (variant.architecture == architecture) return &variant;
  }
  return nullptr;
}

struct Hyperparameters {
  ModelShape shape;
  int64_t feed_forward = 0;
  int64_t rope_dimensions = 0;
  double rope_base = 10000;
  double rope_scale = 1;  // positions are multiplied by it (linear scaling)
  double epsilon = 1e-5;
  int64_t window = 0;  // sliding-window attention; 0: none
};

class Builder {
 public:
  Builder(const ModelFile& file, const Variant& variant) : file_(file), variant_(variant) {}

  StatusOr<Graph> Build() {
    HOB_RETURN_IF_ERROR(ReadHyperparameters());
    graph_.shape = h_.shape;
    HOB_ASSIGN_OR_RETURN(const ValueId embedding, Weight("token_embd.weight"));
    ValueId x = graph_.Add("embedding", "embedding", -1, {embedding}, h_.shape.width);

    // Llama 3.1 and later scale frequencies by a tensor of factors.
    const ValueId factors = OptionalWeight("rope_freqs.weight");
    Attributes angles;
    angles.Set("dimensions", h_.rope_dimensions);
    angles.Set("base", h_.rope_base);
    angles.Set("scale", h_.rope_scale);
    angles_ = graph_.Add("rope_angles", "rope_angles", -1, {factors}, h_.rope_dimensions,
                         std::move(angles));

    for (int32_t layer = 0; layer < h_.shape.layers; ++layer) {
      HOB_ASSIGN_OR_RETURN(x, Layer(layer, x));
    }

    x = graph_.Add("select_rows", "select_rows", -1, {x}, h_.shape.width, {}, kLogitRowsDim);
    HOB_ASSIGN_OR_RETURN(x, Norm("output_norm", -1, x, h_.shape.width, kLogitRowsDim));
    // Without an output matrix the embedding's is used (tied weights).
    ValueId head = OptionalWeight("output.weight");
    if (head == kNoValue) head = embedding;
    HOB_ASSIGN_OR_RETURN(x, Linear("output", -1, x, head, h_.shape.vocabulary, kLogitRowsDim));
    graph_.values[static_cast<size_t>(x)].kind = ValueKind::kOutput;
    return std::move(graph_);
  }

 private:
  Status ReadHyperparameters() {
    const Metadata& meta = file_.metadata;
    const auto key = [&](std::string_view name) {
      return absl::StrCat(file_.architecture, ".", std::string(name));
    };
    constexpr int64_t kBig = 1 << 20;
    HOB_ASSIGN_OR_RETURN(const int64_t layers, meta.Int(key("block_count"), 1, 4096));
    HOB_ASSIGN_OR_RETURN(const int64_t context, meta.Int(key("context_length"), 1, 1 << 26));
    HOB_ASSIGN_OR_RETURN(const int64_t width, meta.Int(key("embedding_length"), 1, kBig));
    HOB_ASSIGN_OR_RETURN(h_.feed_forward, meta.Int(key("feed_forward_length"), 1, kBig));
    HOB_ASSIGN_OR_RETURN(const int64_t heads, meta.Int(key("attention.head_count"), 1, 4096));
    HOB_ASSIGN_OR_RETURN(const int64_t kv_heads,
                         meta.Int(key("attention.head_count_kv"), 1, 4096, heads));
    if (heads % kv_heads != 0) {
      return Error(StatusCode::kInvalidArgument,
                   absl::StrCat(heads, " attention heads are not a multiple of ", kv_heads,
                                " key-value heads"));
    }
    HOB_ASSIGN_OR_RETURN(const int64_t head_dim, meta.Int(key("attention.key_length"), 1, 4096,
                                                          std::max<int64_t>(1, width / heads)));
    HOB_ASSIGN_OR_RETURN(const int64_t value_dim,
                         meta.Int(key("attention.value_length"), 1, 4096, head_dim));
    if (value_dim != head_dim) {
      return Error(StatusCode::kUnimplemented,
                   absl::StrCat("keys of ", head_dim, " and values of ", value_dim,
                                " channels: they must be equal"));
    }
    HOB_ASSIGN_OR_RETURN(h_.rope_dimensions,
                         meta.Int(key("rope.dimension_count"), 2, head_dim, head_dim));
    HOB_ASSIGN_OR_RETURN(h_.rope_base, meta.Real(key("rope.freq_base"), 10000.0));
    HOB_ASSIGN_OR_RETURN(h_.epsilon, meta.Real(key("attention.layer_norm_rms_epsilon"), 1e-5));
    HOB_ASSIGN_OR_RETURN(h_.window, meta.Int(key("attention.sliding_window"), 0, 1 << 26, 0));
    HOB_RETURN_IF_ERROR(ReadRopeScaling(key("rope.scaling.type"), key("rope.scaling.factor")));
    const Tensor* embedding = file_.FindTensor("token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2) {
      return Error(StatusCode::kInvalidArgument,
                   "tensor token_embd.weight is missing or no matrix");
    }
    const auto as_int = [](int64_t value) { return static_cast<int32_t>(value); };
    h_.shape = {.vocabulary = as_int(embedding->shape[0]),
                .context_length = as_int(context),
                .layers = as_int(layers),
                .width = as_int(width),
                .heads = as_int(heads),
                .kv_heads = as_int(kv_heads),
                .head_dim = as_int(head_dim)};
    return absl::OkStatus();
  }

  Status ReadRopeScaling(const std::string& type_key, const std::string& factor_key) {
    HOB_ASSIGN_OR_RETURN(const std::string type, file_.metadata.Text(type_key, "none"));
    if (type == "none") return absl::OkStatus();
    if (type != "linear") {
      return Error(StatusCode::kUnimplemented,
                   absl::StrCat(type_key, " is \"", type, "\": only linear scaling is supported"));
    }
    HOB_ASSIGN_OR_RETURN(const double factor, file_.metadata.Real(factor_key));
    if (!(factor > 0) || !std::isfinite(factor)) {
      return Error(StatusCode::kInvalidArgument, absl::StrCat(factor_key, " is not above 0"));
    }
    h_.rope_scale = 1.0 / factor;
    return absl::OkStatus();
  }

  StatusOr<ValueId> Layer(int32_t layer, ValueId x) {
    const ModelShape& s = h_.shape;
    const int64_t q_width = int64_t{s.heads} * s.head_dim;
    const int64_t kv_width = int64_t{s.kv_heads} * s.head_dim;
    const auto name = [&](std::string_view part) {
      return absl::StrCat("blk.", layer, ".", std::string(part));
    };

    HOB_ASSIGN_OR_RETURN(const ValueId in, Norm(name("attn_norm"), layer, x, s.width));
    HOB_ASSIGN_OR_RETURN(ValueId q, Linear(name("attn_q"), layer, in, q_width));
    HOB_ASSIGN_OR_RETURN(ValueId k, Linear(name("attn_k"), layer, in, kv_width));
    HOB_ASSIGN_OR_RETURN(const ValueId v, Linear(name("attn_v"), layer, in, kv_width));
    if (file_.FindTensor(name("attn_q_norm.weight")) != nullptr) {
      HOB_ASSIGN_OR_RETURN(q, Norm(name("attn_q_norm"), layer, q, q_width));
      HOB_ASSIGN_OR_RETURN(k, Norm(name("attn_k_norm"), layer, k, kv_width));
    }
    q = Rope(name("rope_q"), layer, q, q_width);
    k = Rope(name("rope_k"), layer, k, kv_width);
    Attributes attention;
    attention.Set("heads", int64_t{s.heads});
    attention.Set("kv_heads", int64_t{s.kv_heads});
    attention.Set("head_dim", int64_t{s.head_dim});
    attention.Set("scale", 1.0 / std::sqrt(static_cast<double>(s.head_dim)));
    attention.Set("window", h_.window);
    const ValueId mixed =
        graph_.Add("attention", name("attention"), layer, {q, k, v}, q_width, std::move(attention));
    HOB_ASSIGN_OR_RETURN(const ValueId projected,
                         Linear(name("attn_output"), layer, mixed, s.width));
    x = graph_.Add("add", name("attn_residual"), layer, {projected, x}, s.width);

    HOB_ASSIGN_OR_RETURN(const ValueId ffn_in, Norm(name("ffn_norm"), layer, x, s.width));
    HOB_ASSIGN_OR_RETURN(const ValueId gate,
                         Linear(name("ffn_gate"), layer, ffn_in, h_.feed_forward));
    HOB_ASSIGN_OR_RETURN(const ValueId up, Linear(name("ffn_up"), layer, ffn_in, h_.feed_forward));
    Attributes silu;
    silu.Set("activation", int64_t{0});
    const ValueId gated = graph_.Add("swiglu", name("ffn_swiglu"), layer, {gate, up},
                                     h_.feed_forward, std::move(silu));
    HOB_ASSIGN_OR_RETURN(const ValueId down, Linear(name("ffn_down"), layer, gated, s.width));
    return graph_.Add("add", name("ffn_residual"), layer, {down, x}, s.width);
  }

  StatusOr<ValueId> Norm(const std::string& name, int32_t layer, ValueId x, int64_t columns,
                         int64_t rows = kTokensDim) {
    HOB_ASSIGN_OR_RETURN(const ValueId weight, Weight(name + ".weight"));
    Attributes attributes;
    attributes.Set("epsilon", h_.epsilon);
    return graph_.Add("rms_norm", name, layer, {x, weight}, columns, std::move(attributes), rows);
  }

  StatusOr<ValueId> Linear(const std::string& name, int32_t layer, ValueId x, int64_t outputs) {
    HOB_ASSIGN_OR_RETURN(const ValueId weight, Weight(name + ".weight"));
    return Linear(name, layer, x, weight, outputs, kTokensDim);
  }

  StatusOr<ValueId> Linear(const std::string& name, int32_t layer, ValueId x, ValueId weight,
                           int64_t outputs, int64_t rows) {
    Attributes attributes;
    attributes.Set("weights", int64_t{1});
    return graph_.Add("matmul", name, layer, {x, weight, OptionalWeight(name + ".bias")}, outputs,
                      std::move(attributes), rows);
  }

  ValueId Rope(const std::string& name, int32_t layer, ValueId x, int64_t columns) {
    Attributes attributes;
    attributes.Set("head_dim", int64_t{h_.shape.head_dim});
    attributes.Set("neox", int64_t{variant_.neox ? 1 : 0});
    return graph_.Add("rope", name, layer, {x, angles_}, columns, std::move(attributes));
  }

  StatusOr<ValueId> Weight(const std::string& name) {
    const ValueId id = OptionalWeight(name);
    if (id == kNoValue) {
      return Error(
          StatusCode::kInvalidArgument,
          absl::StrCat("tensor ", name, " is missing from this ", file_.architecture, " model"));
    }
    return id;
  }

  ValueId OptionalWeight(const std::string& name) {
    const Tensor* tensor = file_.FindTensor(name);
    return tensor == nullptr ? kNoValue : graph_.AddWeight(*tensor);
  }

  const ModelFile& file_;
  const Variant& variant_;
  Hyperparameters h_;
  Graph graph_;
  ValueId angles_ = kNoValue;
};

bool Builds(std::string_view architecture) { return FindVariant(architecture) != nullptr; }

StatusOr<Graph> Build(const ModelFile& file) {
  return Builder(file, *FindVariant(file.architecture)).Build();
}

}  // namespace

extern const Family kFamily;
const Family kFamily = {Builds, "llama, mistral, qwen2, qwen3", Build};

}  // namespace hob::models::llama
