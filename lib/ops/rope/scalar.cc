// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/rope/rope.h"

namespace hob::ops::rope {

void ScalarRow(const Params& params, const float* x, const float* angles, float* y) {
  const size_t half = params.dimensions / 2;
  const float* cosine = angles;
  const float* sine = angles + half;
  const size_t first = params.neox ? 1 : 2, second = params.neox ? half : 1;
  for (size_t h = 0; h < params.heads; ++h, x += params.head_dim, y += params.head_dim) {
    for (size_t i = 0; i < half; ++i) {
      const float a = x[i * first], b = x[i * first + second];
      y[i * first] = a * cosine[i] - b * sine[i];
      y[i * first + second] = a * sine[i] + b * cosine[i];
    }
    for (size_t i = params.dimensions; i < params.head_dim; ++i) y[i] = x[i];
  }
}

}  // namespace hob::ops::rope
