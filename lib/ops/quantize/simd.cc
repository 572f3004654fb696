// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/quantize/quantize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/quantize/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/quantize/quantize_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::quantize {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

RowFunction Get() { return nullptr; }

#else

void Row(const float* x, size_t k, int64_t terms, uint8_t* row) {
  ops::HWY_NAMESPACE::QuantizeBlocks(x, k / 32, Q8Row(row, k, terms), 0);
}

RowFunction Get() { return &Row; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::quantize
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::quantize {

RowFunction SimdRow(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::quantize
#endif
