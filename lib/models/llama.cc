// SPDX-License-Identifier: Apache-2.0
// The Llama family: decoder-only transformers with RMS norm before each half, rotary positions,
// grouped-query attention and a gated feed-forward (Touvron et al. 2023; Llama 3, Grattafiori et
// al. 2024). SmolLM2 and Mistral are the same graph; Qwen2 adds biases to q, k, v; Qwen3 norms q
// and k per head.
#include <cmath>

#include "lib/models/family.h"
#include "lib/models/support/decoder.h"

namespace hob::models::llama {
namespace {

// What differs between the architectures of this file.
struct Variant {
  std::string_view architecture;
  Pairs pairs;
};
constexpr Variant kVariants[] = {{"llama", Pairs::kNeighbours},
                                 {"mistral", Pairs::kNeighbours},
                                 {"qwen2", Pairs::kHalves},
                                 {"qwen3", Pairs::kHalves}};

const Variant* FindVariant(std::string_view architecture) {
  for (const Variant& variant : kVariants) {
    if (variant.architecture == architecture) return &variant;
  }
  return nullptr;
}

StatusOr<ValueId> Layer(DecoderBuilder& b, const DecoderParameters& p, Pairs pairs, ValueId angles,
                        int32_t layer, ValueId x) {
  const int64_t width = p.shape.width;
  const auto name = [&](std::string_view part) { return LayerName(layer, part); };

  HOB_ASSIGN_OR_RETURN(const ValueId in, b.Norm(name("attn_norm"), layer, x, width));
  HOB_ASSIGN_OR_RETURN(ValueId q, b.Linear(name("attn_q"), layer, in, p.q_width()));
  HOB_ASSIGN_OR_RETURN(ValueId k, b.Linear(name("attn_k"), layer, in, p.kv_width()));
  HOB_ASSIGN_OR_RETURN(const ValueId v, b.Linear(name("attn_v"), layer, in, p.kv_width()));
  if (b.HasWeight(name("attn_q_norm"))) {
    HOB_ASSIGN_OR_RETURN(q, b.HeadNorm(name("attn_q_norm"), layer, q, p.q_width()));
    HOB_ASSIGN_OR_RETURN(k, b.HeadNorm(name("attn_k_norm"), layer, k, p.kv_width()));
  }
  q = b.Rope(name("rope_q"), layer, q, p.q_width(), angles, pairs);
  k = b.Rope(name("rope_k"), layer, k, p.kv_width(), angles, pairs);
  const double scale = 1.0 / std::sqrt(static_cast<double>(p.shape.head_dim));
  const ValueId mixed = b.Attention(layer, q, k, v, scale, p.window);
  HOB_ASSIGN_OR_RETURN(const ValueId projected, b.Linear(name("attn_output"), layer, mixed, width));
  x = b.Add(name("attn_residual"), layer, projected, x);

  HOB_ASSIGN_OR_RETURN(const ValueId ffn_in, b.Norm(name("ffn_norm"), layer, x, width));
  HOB_ASSIGN_OR_RETURN(const ValueId down, b.FeedForward(layer, ffn_in, Gate::kSilu));
  return b.Add(name("ffn_residual"), layer, down, x);
}

// rope.pairs says where q and k are not ordered as GGUF has them for the architecture.
StatusOr<Pairs> ReadPairs(const ModelFile& file) {
  const Pairs usual = FindVariant(file.architecture)->pairs;
  const std::string key = MetadataKey(file, "rope.pairs");
  HOB_ASSIGN_OR_RETURN(const std::string name,
                       file.metadata.Text(key, usual == Pairs::kHalves ? "halves" : "neighbours"));
  if (name == "halves") return Pairs::kHalves;
  if (name == "neighbours") return Pairs::kNeighbours;
  return Error(StatusCode::kInvalidArgument,
               absl::StrCat(key, " is neither \"halves\" nor \"neighbours\""));
}

bool Builds(std::string_view architecture) { return FindVariant(architecture) != nullptr; }

StatusOr<Graph> Build(const ModelFile& file) {
  HOB_ASSIGN_OR_RETURN(const DecoderParameters p, ReadDecoderParameters(file));
  DecoderBuilder b(file, p);
  HOB_ASSIGN_OR_RETURN(ValueId x, b.Embedding());
  const ValueId angles = b.Angles("rope_angles", p.rope_base, &p.rope_scaling);
  HOB_ASSIGN_OR_RETURN(const Pairs pairs, ReadPairs(file));
  for (int32_t layer = 0; layer < p.shape.layers; ++layer) {
    HOB_ASSIGN_OR_RETURN(x, Layer(b, p, pairs, angles, layer, x));
  }
  return b.Finish(x);
}

}  // namespace

extern const Family kFamily;
const Family kFamily = {Builds, "llama, mistral, qwen2, qwen3", Build};

}  // namespace hob::models::llama
