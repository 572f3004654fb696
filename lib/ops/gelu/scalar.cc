// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "lib/ops/gelu/gelu.h"
#include "lib/ops/quantize/quantize_row.h"

namespace hob::ops::gelu {
namespace {

float Gelu(float x) {
  constexpr double kRootHalf = 0.70710678118654752440;
  return static_cast<float>(0.5 * x * std::erfc(-kRootHalf * x));
}

}  // namespace

void ScalarRow(const Params& params, const float* x, uint8_t* out) {
  if (params.terms == 0) {
    auto* y = reinterpret_cast<float*>(out);
    for (size_t i = 0; i < params.columns; ++i) y[i] = Gelu(x[i]);
    return;
  }
  const Q8Row q8(out, params.columns, params.terms);
  for (size_t i = 0; i < params.columns; i += 32) {
    float y[32];
    for (size_t j = 0; j < 32; ++j) y[j] = Gelu(x[i + j]);
    QuantizeBlockScalar(y, q8, i);
  }
}

}  // namespace hob::ops::gelu
