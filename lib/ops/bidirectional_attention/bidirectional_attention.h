// SPDX-License-Identifier: Apache-2.0
// What the kernels share. A text is a sequence of the step, whole: each of its rows attends to all
// of its rows, and nothing is kept afterwards. A row's result depends on its text alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "lib/base/block_formats.h"
#include "lib/ops/op.h"

namespace hob::ops::bidirectional_attention {

inline constexpr int32_t kMaxHeadDim = 512;
inline constexpr size_t kBlockLines = 6;  // query rows that are worked on together

struct Params {
  size_t heads = 0;
  size_t width = 0;  // of a head
  float scale = 0;
  int64_t terms = 0;  // of the output, Int8Terms: 0 is f32

  size_t columns() const { return heads * width; }
  size_t OutputStride() const {
    return terms == 0 ? columns() * sizeof(float)
                      : Q8ActLayout(columns(), static_cast<size_t>(terms)).stride();
  }
};

std::unique_ptr<Kernel> MakeScalar(const Params& params, const PlanContext& context);

// What computes one head of one text, from q, k, v [rows][columns], to f32 rows of `out`, all
// `stride` floats apart; `scratch` is ScratchFloats() for it.
using HeadFunction = void (*)(const Params& params, const float* q, const float* k, const float* v,
                              size_t rows, size_t stride, float* out, float* scratch);
// For texts of up to so many rows.
size_t ScratchFloats(const Params& params, size_t rows);
// Null if the CPU has no vectors known. Heads of a multiple of 8 channels.
HeadFunction SimdHead(const CpuFeatures& cpu);

}  // namespace hob::ops::bidirectional_attention
