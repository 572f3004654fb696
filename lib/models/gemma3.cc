// SPDX-License-Identifier: Apache-2.0
// Gemma 3 (Gemma Team, 2025), text alone: embeddings times √width; RMS norms before and after each
// half, and of q and k per head; a GELU gate; five layers that see a window of positions to one
// that sees all, each kind with a rotary base of its own.
#include <cmath>
#include <variant>
#include <vector>

#include "lib/models/family.h"
#include "lib/models/support/decoder.h"

namespace hob::models::gemma3 {
namespace {

struct Parameters : DecoderParameters {
  std::vector<bool> local;  // a layer: sees the window alone
  double local_rope_base = 10000;
  double attention_scale = 0;
};

// attention.sliding_window_pattern is a bool a layer, or a period whose last layer is global.
StatusOr<std::vector<bool>> ReadLocalLayers(const ModelFile& file, const DecoderParameters& p) {
  const auto layers = static_cast<size_t>(p.shape.layers);
  if (p.window == 0) return std::vector<bool>(layers, false);
  const std::string key = MetadataKey(file, "attention.sliding_window_pattern");
  if (const MetaValue* value = file.metadata.Find(key); value != nullptr) {
    if (const auto* pattern = std::get_if<std::vector<bool>>(value)) {
      if (pattern->size() == layers) return *pattern;
      return Error(StatusCode::kInvalidArgument, absl::StrCat(key, " has ", pattern->size(),
                                                              " elements for ", layers, " layers"));
    }
  }
  HOB_ASSIGN_OR_RETURN(const int64_t period, file.metadata.Int(key, 1, 4096, 6));
  std::vector<bool> local(layers);
  for (size_t i = 0; i < layers; ++i) local[i] = (i + 1) % static_cast<size_t>(period) != 0;
  return local;
}

// Layers of the 27B model, whose queries are scaled by width / heads and not by their own width.
// The format has no key for it.
constexpr int32_t kLayers27B = 62;

StatusOr<Parameters> Read(const ModelFile& file) {
  const Metadata& meta = file.metadata;
  HOB_ASSIGN_OR_RETURN(const DecoderParameters base, ReadDecoderParameters(file, 1e6));
  Parameters p{base};
  HOB_ASSIGN_OR_RETURN(p.local, ReadLocalLayers(file, p));
  HOB_ASSIGN_OR_RETURN(p.local_rope_base,
                       meta.Real(MetadataKey(file, "rope.freq_base_swa"), 10000.0));
  const double channels =
      p.shape.layers == kLayers27B ? p.shape.width / p.shape.heads : p.shape.head_dim;
  HOB_ASSIGN_OR_RETURN(p.attention_scale, meta.Real(MetadataKey(file, "attention.scale"),
                                                    1.0 / std::sqrt(std::max(channels, 1.0))));
  for (const std::string_view name : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    HOB_ASSIGN_OR_RETURN(const double cap, meta.Real(MetadataKey(file, name), 0.0));
    if (cap != 0) {
      return Error(StatusCode::kUnimplemented,
                   absl::StrCat(MetadataKey(file, name), " is set: Gemma 3 has no such cap"));
    }
  }
  return p;
}

StatusOr<ValueId> Layer(DecoderBuilder& b, const Parameters& p, ValueId angles, int32_t layer,
                        ValueId x) {
  const int64_t width = p.shape.width;
  const auto name = [&](std::string_view part) { return LayerName(layer, part); };

  HOB_ASSIGN_OR_RETURN(const ValueId in, b.Norm(name("attn_norm"), layer, x, width));
  HOB_ASSIGN_OR_RETURN(ValueId q, b.Linear(name("attn_q"), layer, in, p.q_width()));
  HOB_ASSIGN_OR_RETURN(ValueId k, b.Linear(name("attn_k"), layer, in, p.kv_width()));
  HOB_ASSIGN_OR_RETURN(const ValueId v, b.Linear(name("attn_v"), layer, in, p.kv_width()));
  HOB_ASSIGN_OR_RETURN(q, b.HeadNorm(name("attn_q_norm"), layer, q, p.q_width()));
  HOB_ASSIGN_OR_RETURN(k, b.HeadNorm(name("attn_k_norm"), layer, k, p.kv_width()));
  q = b.Rope(name("rope_q"), layer, q, p.q_width(), angles, Pairs::kHalves);
  k = b.Rope(name("rope_k"), layer, k, p.kv_width(), angles, Pairs::kHalves);
  const int64_t window = p.local[static_cast<size_t>(layer)] ? p.window : 0;
  const ValueId mixed = b.Attention(layer, q, k, v, p.attention_scale, window);
  HOB_ASSIGN_OR_RETURN(ValueId half, b.Linear(name("attn_output"), layer, mixed, width));
  HOB_ASSIGN_OR_RETURN(half, b.Norm(name("post_attention_norm"), layer, half, width));
  x = b.Add(name("attn_residual"), layer, half, x);

  HOB_ASSIGN_OR_RETURN(half, b.Norm(name("ffn_norm"), layer, x, width));
  HOB_ASSIGN_OR_RETURN(half, b.FeedForward(layer, half, Gate::kGeluTanh));
  HOB_ASSIGN_OR_RETURN(half, b.Norm(name("post_ffw_norm"), layer, half, width));
  return b.Add(name("ffn_residual"), layer, half, x);
}

bool Builds(std::string_view architecture) { return architecture == "gemma3"; }

StatusOr<Graph> Build(const ModelFile& file) {
  HOB_ASSIGN_OR_RETURN(const Parameters p, Read(file));
  DecoderBuilder b(file, p);
  HOB_ASSIGN_OR_RETURN(ValueId x, b.Embedding(std::sqrt(static_cast<double>(p.shape.width))));
  // A window is never longer than what the local layers were trained on: theirs stay unscaled.
  const ValueId global = b.Angles("rope_angles", p.rope_base, &p.rope_scaling);
  const ValueId local = b.Angles("rope_angles_local", p.local_rope_base, nullptr);
  for (int32_t layer = 0; layer < p.shape.layers; ++layer) {
    const ValueId angles = p.local[static_cast<size_t>(layer)] ? local : global;
    HOB_ASSIGN_OR_RETURN(x, Layer(b, p, angles, layer, x));
  }
  return b.Finish(x);
}

}  // namespace

extern const Family kFamily;
const Family kFamily = {Builds, "gemma3", Build};

}  // namespace hob::models::gemma3
