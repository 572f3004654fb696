// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lib/models/support/decoder.h"
#include "lib/models/support/rope_metadata.h"

namespace hob::models {

std::string MetadataKey(const ModelFile& file, std::string_view name) {
  return absl::StrCat(file.architecture, ".", std::string(name));
}

StatusOr<DecoderParameters> ReadDecoderParameters(const ModelFile& file, double rope_base) {
  DecoderParameters p;
  const Metadata& meta = file.metadata;
  const auto key = [&](std::string_view name) { return MetadataKey(file, name); };
  constexpr int64_t kBig = 1 << 20;
  HOB_ASSIGN_OR_RETURN(const int64_t layers, meta.Int(key("block_count"), 1, 1024));
  HOB_ASSIGN_OR_RETURN(int64_t context, meta.Int(key("context_length"), 1, kMaxContext));
  HOB_ASSIGN_OR_RETURN(const int64_t width, meta.Int(key("embedding_length"), 1, kBig));
  HOB_ASSIGN_OR_RETURN(p.feed_forward, meta.Int(key("feed_forward_length"), 1, kBig));
  HOB_ASSIGN_OR_RETURN(const int64_t experts, meta.Int(key("expert_count"), 0, kBig, 0));
  if (experts > 0) {
    return Error(StatusCode::kUnimplemented,
                 absl::StrCat(key("expert_count"), " is ", experts,
                              ": models that are a mixture of experts are not supported"),
                 "use a dense model");
  }
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
  HOB_ASSIGN_OR_RETURN(p.rope_dimensions,
                       meta.Int(key("rope.dimension_count"), 2, head_dim, head_dim));
  HOB_ASSIGN_OR_RETURN(p.rope_base, meta.Real(key("rope.freq_base"), rope_base));
  HOB_ASSIGN_OR_RETURN(p.epsilon, meta.Real(key("attention.layer_norm_rms_epsilon"), 1e-5));
  HOB_ASSIGN_OR_RETURN(p.window, meta.Int(key("attention.sliding_window"), 0, kMaxContext, 0));
  HOB_ASSIGN_OR_RETURN(p.rope_scaling, ReadRopeMetadata(file, context));
  if (p.rope_scaling.type != RopeScalingType::kNone) {
    // Files differ in whether context_length is that before or after scaling.
    const double scaled =
        std::floor(static_cast<double>(p.rope_scaling.original_context) * p.rope_scaling.factor);
    context = static_cast<int64_t>(
        std::clamp(scaled, static_cast<double>(context), static_cast<double>(kMaxContext)));
  }
  const Tensor* embedding = file.FindTensor("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    return Error(StatusCode::kInvalidArgument, "tensor token_embd.weight is missing or no matrix");
  }
  const auto as_int = [](int64_t value) { return static_cast<int32_t>(value); };
  p.shape = {.vocabulary = as_int(embedding->shape[0]),
             .context_length = as_int(context),
             .layers = as_int(layers),
             .width = as_int(width),
             .heads = as_int(heads),
             .kv_heads = as_int(kv_heads),
             .head_dim = as_int(head_dim)};
  return p;
}

}  // namespace hob::models
