// SPDX-License-Identifier: Apache-2.0
// rope_angles: for each row's position p the cosines of d/2 angles, then their sines, f32 [T, d].
// angle i = p·scale·base^(−2i/d) / divisor[i], base and frequencies changed as scaling.h says;
// both multiplied by the attention factor. Attributes dimensions (d), base, scale (1 when left out)
// and those of scaling.h; optional input divisor [d/2]. Computed in double, once a step, for all
// layers. One provider. Source: Su et al., RoFormer, 2021; divisors: the rope_freqs tensor of Llama
// 3.1 files.
#include <cmath>
#include <vector>

#include "lib/ops/rope_angles/scaling.h"
#include "lib/ops/rows.h"

namespace hob::ops::rope_angles {
namespace {

constexpr int64_t kMaxDimensions = 65536;

struct Settings {
  int64_t dimensions;
  double base, scale;
  RopeScaling scaling;
};

StatusOr<Settings> Read(const OpSpec& spec) {
  Settings settings;
  HOB_ASSIGN_OR_RETURN(settings.dimensions, spec.attributes.Int("dimensions", 2, kMaxDimensions));
  HOB_ASSIGN_OR_RETURN(settings.base, spec.attributes.Real("base", 1.0, 1e15));
  settings.scale = 1.0;
  if (spec.attributes.Find("scale") != nullptr) {
    HOB_ASSIGN_OR_RETURN(settings.scale, spec.attributes.Real("scale", 1e-9, 1e9));
  }
  HOB_ASSIGN_OR_RETURN(settings.scaling, ReadRopeScaling(spec.attributes));
  HOB_RETURN_IF_ERROR(CheckRopeScaling(settings.scaling, settings.dimensions, settings.base));
  return settings;
}

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 0, 1, 1));
  auto settings = Read(spec);
  if (!settings.ok()) return Annotate(settings.status(), absl::StrCat("node ", spec.name));
  if (settings->dimensions % 2 != 0) return SpecError(spec, "dimensions is odd");
  if (!spec.inputs.empty() && spec.inputs[0].present) {
    HOB_RETURN_IF_ERROR(
        CheckVector(spec, spec.inputs[0], "the divisors", settings->dimensions / 2));
  }
  HOB_RETURN_IF_ERROR(CheckOutput(spec, settings->dimensions, /*quantized=*/false));
  if (spec.outputs[0].shape[0] != kTokensDim) {
    return SpecError(spec, "the output does not have a step's rows");
  }
  return absl::OkStatus();
}

class RopeAnglesKernel final : public Kernel {
 public:
  RopeAnglesKernel(std::vector<double> frequencies, double factor)
      : frequencies_(std::move(frequencies)), factor_(factor) {}

  void Run(const RunContext& context) override {
    const size_t half = frequencies_.size();
    auto* out = reinterpret_cast<float*>(context.outputs[0]);
    for (const SequenceRows& sequence : context.step->sequences) {
      ForRows(context, sequence.rows, half * 40, [&](size_t begin, size_t end) {
        for (size_t r = begin; r < end; ++r) {
          float* y = out + (static_cast<size_t>(sequence.first_row) + r) * 2 * half;
          const double position = static_cast<double>(sequence.position) + static_cast<double>(r);
          for (size_t i = 0; i < half; ++i) {
            const double angle = position * frequencies_[i];
            y[i] = static_cast<float>(factor_ * std::cos(angle));
            y[half + i] = static_cast<float>(factor_ * std::sin(angle));
          }
        }
      });
    }
  }
  std::string_view provider() const override { return "scalar"; }

 private:
  std::vector<double> frequencies_;  // radians a position
  double factor_;                    // of cosines and sines
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  HOB_ASSIGN_OR_RETURN(const Settings settings, Read(spec));
  const auto half = static_cast<size_t>(settings.dimensions / 2);
  std::vector<float> divisors(half, 1.0f);
  if (!spec.inputs.empty() && spec.inputs[0].present) {
    HOB_ASSIGN_OR_RETURN(const Buffer copy, CopyVector(spec, spec.inputs[0], context));
    std::memcpy(divisors.data(), copy.data(), half * sizeof(float));
  }
  std::vector<double> frequencies =
      RopeFrequencies(settings.dimensions, settings.base, settings.scaling);
  for (size_t i = 0; i < half; ++i) {
    if (!(std::abs(divisors[i]) >= 1e-20f)) {
      return SpecError(spec, "a divisor is zero or no number");
    }
    frequencies[i] = settings.scale * frequencies[i] / divisors[i];
  }
  std::unique_ptr<Kernel> kernel =
      std::make_unique<RopeAnglesKernel>(std::move(frequencies), settings.scaling.attention_factor);
  return kernel;
}

constexpr std::string_view kAttributes[] = {"dimensions", "base", "scale"};

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"rope_angles", &Check, &Make, kAttributes};

}  // namespace hob::ops::rope_angles
