// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "lib/ops/quantize/quantize_row.h"
#include "lib/ops/swiglu/swiglu.h"

namespace hob::ops::swiglu {
namespace {

float Gated(Activation activation, float gate, float up) {
  const float z =
      activation == Activation::kSilu ? gate : gate * (kGeluLinear + kGeluCubic * (gate * gate));
  return gate / (1.0f + std::exp(-z)) * up;
}

}  // namespace

void ScalarRow(const Params& params, const float* gate, const float* up, uint8_t* out) {
  if (params.terms == 0) {
    auto* y = reinterpret_cast<float*>(out);
    for (size_t i = 0; i < params.columns; ++i) y[i] = Gated(params.activation, gate[i], up[i]);
    return;
  }
  const Q8Row q8(out, params.columns, params.terms);
  for (size_t i = 0; i < params.columns; i += 32) {
    float y[32];
    for (size_t j = 0; j < 32; ++j) y[j] = Gated(params.activation, gate[i + j], up[i + j]);
    QuantizeBlockScalar(y, q8, i);
  }
}

}  // namespace hob::ops::swiglu
