// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/quantize/quantize_row.h"
#include "lib/ops/rms_norm/rms_norm.h"

namespace hob::ops::rms_norm {

void ScalarRow(const Params& params, const float* x, const float* weight, uint8_t* out) {
  const size_t width = params.width;
  const Q8Row q8(out, params.groups * width, params.terms);
  for (size_t g = 0; g < params.groups; ++g, x += width) {
    float lanes[16] = {};
    for (size_t i = 0; i < width; ++i) lanes[i % 16] += x[i] * x[i];
    for (size_t half = 8; half > 0; half /= 2) {
      for (size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    const float mean = lanes[0] / static_cast<float>(width);
    const float factor = 1.0f / std::sqrt(mean + params.epsilon);
    if (params.terms == 0) {
      float* y = reinterpret_cast<float*>(out) + g * width;
      for (size_t i = 0; i < width; ++i) y[i] = x[i] * factor * weight[i];
      continue;
    }
    for (size_t i = 0; i < width; i += 32) {
      float y[32];
      for (size_t j = 0; j < 32; ++j) y[j] = x[i + j] * factor * weight[i + j];
      QuantizeBlockScalar(y, q8, g * width + i);
    }
  }
}

}  // namespace hob::ops::rms_norm
