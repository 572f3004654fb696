// SPDX-License-Identifier: Apache-2.0
// attention: q [T, H·D], k [T, G·D], v [T, G·D] → f32, kQ8Act or kQ16Act [T, H·D]. Writes k
// and v of the step's rows to the KV pages of node.layer, then each row attends to the positions up
// to its own. Attributes heads (H), kv_heads (G, divides H), head_dim (D), scale, window (0: all
// positions).
#include "lib/ops/attention/attention.h"
#include "lib/ops/rows.h"

namespace hob::ops::attention {
namespace {

constexpr int64_t kMaxHeads = 4096;

StatusOr<Params> Read(const OpSpec& spec) {
  Params params;
  HOB_ASSIGN_OR_RETURN(const int64_t heads, spec.attributes.Int("heads", 1, kMaxHeads));
  HOB_ASSIGN_OR_RETURN(const int64_t kv_heads, spec.attributes.Int("kv_heads", 1, heads));
  HOB_ASSIGN_OR_RETURN(const int64_t head_dim, spec.attributes.Int("head_dim", 1, kMaxHeadDim));
  HOB_ASSIGN_OR_RETURN(const double scale, spec.attributes.Real("scale", 1e-6, 1e6));
  int64_t window = 0;
  if (spec.attributes.Find("window") != nullptr) {
    HOB_ASSIGN_OR_RETURN(window, spec.attributes.Int("window", 0, INT32_MAX));
  }
  params.heads = static_cast<int32_t>(heads);
  params.kv_heads = static_cast<int32_t>(kv_heads);
  params.group = static_cast<int32_t>(heads / kv_heads);
  params.head_dim = static_cast<int32_t>(head_dim);
  params.window = static_cast<int32_t>(window);
  params.layer = spec.layer;
  params.scale = static_cast<float>(scale);
  params.terms = Int8Terms(spec.outputs[0].type);
  return params;
}

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 3, 3, 1));
  auto read = Read(spec);
  if (!read.ok()) return Annotate(read.status(), absl::StrCat("node ", spec.name));
  const Params& params = *read;
  if (params.heads % params.kv_heads != 0) {
    return SpecError(
        spec, absl::StrCat(params.kv_heads, " KV heads do not divide ", params.heads, " heads"));
  }
  if (spec.layer < 0) return SpecError(spec, "has no layer");
  const auto queries = static_cast<int64_t>(params.query_columns());
  const auto keys = static_cast<int64_t>(params.key_columns());
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[0], "the queries", DType::kF32, queries));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[1], "the keys", DType::kF32, keys));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[2], "the values", DType::kF32, keys));
  HOB_RETURN_IF_ERROR(CheckOutput(spec, queries, /*quantized=*/true));
  if (spec.outputs[0].shape[0] != kTokensDim) {
    return SpecError(spec, "the output does not have a step's rows");
  }
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  HOB_ASSIGN_OR_RETURN(Params params, Read(spec));
  params.kv = context.kv;
  params.query_terms = params.terms == 1 ? 1 : 2;  // as precise as the activations
  const KvLayout& kv = context.kv;
  if (params.layer >= kv.layers || params.kv_heads > kv.heads || params.head_dim > kv.head_dim ||
      !KvLayout::Holds(kv.type)) {
    return SpecError(spec, "does not fit the KV cache's layout");
  }
  if (WantsSimd(*context.choice)) {
    if (auto kernel = MakeSimd(params, context); kernel != nullptr) return kernel;
  }
  return MakeScalar(params, context);
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"attention", &Check, &Make};

}  // namespace hob::ops::attention
