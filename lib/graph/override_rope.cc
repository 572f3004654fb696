// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/override_rope.h"

#include <cmath>

namespace hob {
namespace {

constexpr double kMaxFactor = 65536;

Status CheckNumbers(const RopeOverride& wanted) {
  const auto bad = [](const std::string& what) {
    return Error(StatusCode::kInvalidArgument, absl::StrCat("rope scaling: ", what));
  };
  if (!wanted.type.has_value()) {
    if (wanted.factor == 0 && wanted.original_context == 0) return absl::OkStatus();
    return bad("a factor or an original context is given, but no type");
  }
  if (wanted.original_context < 0 || wanted.original_context > kMaxContext) {
    return bad(absl::StrCat("the original context is ", wanted.original_context, ", not 0 to ",
                            kMaxContext));
  }
  if (*wanted.type == RopeScalingType::kNone) {
    if (wanted.factor == 0 || wanted.factor == 1) return absl::OkStatus();
    return bad("type none takes no factor");
  }
  if (!(wanted.factor >= 1 && wanted.factor <= kMaxFactor)) {
    return bad(absl::StrCat("the factor is ", wanted.factor, ", not 1 to ", kMaxFactor));
  }
  return absl::OkStatus();
}

}  // namespace

Status OverrideRope(const RopeOverride& wanted, Graph& graph) {
  HOB_RETURN_IF_ERROR(CheckNumbers(wanted));
  if (!wanted.type.has_value()) return absl::OkStatus();
  double context = 0;
  for (Node& node : graph.nodes) {
    if (node.op != "rope_angles" || node.attributes.Find("original_context") == nullptr) continue;
    RopeScaling scaling{.type = *wanted.type, .original_context = wanted.original_context};
    if (scaling.type != RopeScalingType::kNone) scaling.factor = wanted.factor;
    if (scaling.original_context == 0) {
      scaling.original_context = node.attributes.IntOr("original_context", 0);
    }
    if (scaling.original_context == 0) {
      return Error(StatusCode::kInvalidArgument,
                   "rope scaling: the model is scaled by its file, which does not say what context "
                   "it had before",
                   "give the original context (see the model's card)");
    }
    if (scaling.type == RopeScalingType::kYarn) {
      scaling.attention_factor = YarnAttentionFactor(scaling.factor);
    }
    Attributes attributes;
    HOB_ASSIGN_OR_RETURN(const int64_t dimensions, node.attributes.Int("dimensions", 2, INT32_MAX));
    HOB_ASSIGN_OR_RETURN(const double base, node.attributes.Real("base", 1.0, 1e15));
    HOB_RETURN_IF_ERROR(CheckRopeScaling(scaling, dimensions, base));
    attributes.Set("dimensions", dimensions);
    attributes.Set("base", base);
    WriteRopeScaling(scaling, attributes);
    node.attributes = std::move(attributes);
    node.inputs.assign(1, kNoValue);
    context = std::floor(static_cast<double>(scaling.original_context) * scaling.factor);
  }
  if (context == 0) {
    return Error(StatusCode::kFailedPrecondition,
                 "rope scaling: the model's graph has no rotary positions that can be scaled",
                 "convert the model again, or open the file that it was converted from");
  }
  if (context > static_cast<double>(kMaxContext)) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("rope scaling: a context of ", context, " tokens; at most ",
                              kMaxContext, " are possible"));
  }
  graph.shape.context_length = static_cast<int32_t>(context);
  return absl::OkStatus();
}

}  // namespace hob
