// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/add/add.h"

namespace hob::ops::add {

void ScalarSpan(const float* a, const float* b, size_t count, float* out) {
  for (size_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

}  // namespace hob::ops::add
