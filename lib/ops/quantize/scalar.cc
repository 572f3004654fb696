// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/quantize/quantize.h"
#include "lib/ops/quantize/quantize_row.h"

namespace hob::ops::quantize {

void ScalarRow(const float* x, size_t k, int64_t terms, uint8_t* row) {
  QuantizeRowScalar(x, k, terms, row);
}

}  // namespace hob::ops::quantize
