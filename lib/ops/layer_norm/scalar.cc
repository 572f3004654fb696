// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/layer_norm/layer_norm.h"
#include "lib/ops/quantize/quantize_row.h"

namespace hob::ops::layer_norm {
namespace {

// Σ term(i) in the order that every provider has.
template <typename F>
float SumInLanes(size_t count, F&& term) {
  float lanes[16] = {};
  for (size_t i = 0; i < count; ++i) lanes[i % 16] += term(i);
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

}  // namespace

void ScalarRow(const Params& params, const float* x, uint8_t* out) {
  const size_t width = params.width;
  const auto count = static_cast<float>(width);
  const float mean = SumInLanes(width, [&](size_t i) { return x[i]; }) / count;
  const float variance = SumInLanes(width,
                                    [&](size_t i) {
                                      const float distance = x[i] - mean;
                                      return distance * distance;
                                    }) /
                         count;
  const float factor = 1.0f / std::sqrt(variance + params.epsilon);
  const auto value = [&](size_t i) {
    return (x[i] - mean) * factor * params.weight[i] + params.bias[i];
  };
  if (params.terms == 0) {
    auto* y = reinterpret_cast<float*>(out);
    for (size_t i = 0; i < width; ++i) y[i] = value(i);
    return;
  }
  const Q8Row q8(out, width, params.terms);
  for (size_t i = 0; i < width; i += 32) {
    float y[32];
    for (size_t j = 0; j < 32; ++j) y[j] = value(i + j);
    QuantizeBlockScalar(y, q8, i);
  }
}

}  // namespace hob::ops::layer_norm
