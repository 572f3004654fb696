// SPDX-License-Identifier: Apache-2.0
#include "lib/models/support/rope_metadata.h"

#include <cmath>

namespace hob::models {

StatusOr<RopeScaling> ReadRopeMetadata(const ModelFile& file, int64_t context) {
  const Metadata& meta = file.metadata;
  const auto key = [&](std::string_view name) {
    return absl::StrCat(file.architecture, ".rope.scaling.", std::string(name));
  };
  RopeScaling scaling;
  // A factor alone is linear: files of before the type was written.
  const bool has_factor = meta.Find(key("factor")) != nullptr;
  HOB_ASSIGN_OR_RETURN(const std::string type,
                       meta.Text(key("type"), has_factor ? "linear" : "none"));
  const auto known = FindRopeScaling(type);
  if (!known.has_value()) {
    return Error(
        StatusCode::kUnimplemented,
        absl::StrCat("rope scaling of type \"", type, "\" (", key("type"), ") is not supported"),
        absl::StrCat("hob knows ", std::string(kRopeScalingNames),
                     "; an option of opening a model can choose one of them instead"));
  }
  scaling.type = *known;
  const bool divided = file.FindTensor("rope_freqs.weight") != nullptr;
  HOB_ASSIGN_OR_RETURN(scaling.original_context,
                       meta.Int(key("original_context_length"), 0, kMaxContext,
                                // Yarn and Llama 3 cannot do without.
                                (scaling.type == RopeScalingType::kNone && !divided) ||
                                        scaling.type == RopeScalingType::kYarn ||
                                        scaling.type == RopeScalingType::kLlama3
                                    ? context
                                    : 0));
  HOB_ASSIGN_OR_RETURN(scaling.attention_factor, meta.Real(key("attn_factor"), 1.0));
  if (scaling.type == RopeScalingType::kNone) return scaling;

  HOB_ASSIGN_OR_RETURN(scaling.factor, meta.Real(key("factor")));
  if (!(scaling.factor > 0) || !std::isfinite(scaling.factor)) {
    return Error(StatusCode::kInvalidArgument, absl::StrCat(key("factor"), " is not above 0"));
  }
  if (scaling.type == RopeScalingType::kYarn) {
    HOB_ASSIGN_OR_RETURN(scaling.beta_fast, meta.Real(key("yarn_beta_fast"), scaling.beta_fast));
    HOB_ASSIGN_OR_RETURN(scaling.beta_slow, meta.Real(key("yarn_beta_slow"), scaling.beta_slow));
    HOB_ASSIGN_OR_RETURN(scaling.extrapolation,
                         meta.Real(key("yarn_ext_factor"), scaling.extrapolation));
    // mscale_all_dim of a configuration: what its attention takes back of the formula.
    HOB_ASSIGN_OR_RETURN(const double taken_back, meta.Real(key("yarn_log_multiplier"), 0.0));
    const double formula = YarnAttentionFactor(scaling.factor) /
                           (1 + taken_back * (YarnAttentionFactor(scaling.factor) - 1));
    // Converters write a configuration's attention_factor there, which stands for the formula.
    HOB_ASSIGN_OR_RETURN(const double attention, meta.Real(key("yarn_attn_factor"), formula));
    scaling.attention_factor *= attention;
  }
  if (scaling.type == RopeScalingType::kLlama3) {
    HOB_ASSIGN_OR_RETURN(scaling.low_turns, meta.Real(key("low_freq_factor"), scaling.low_turns));
    HOB_ASSIGN_OR_RETURN(scaling.high_turns,
                         meta.Real(key("high_freq_factor"), scaling.high_turns));
  }
  return scaling;
}

}  // namespace hob::models
