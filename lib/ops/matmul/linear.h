// SPDX-License-Identifier: Apache-2.0
// One weight matrix made ready for one provider. The matmul operators are built of these.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "lib/ops/op.h"

namespace hob::ops::matmul {

// What is added to each output: values[r][n − begin], rows `stride` floats apart. May be none.
struct Addend {
  const float* values = nullptr;
  int64_t stride = 0;
};

// Immutable after creation: several threads may call Compute on disjoint tiles, each with its own
// scratch.
class Linear {
 public:
  virtual ~Linear() = default;

  // Outputs are handed out in tiles of this many, a multiple of 32 unless it is all of them.
  virtual int64_t tile() const = 0;
  virtual size_t scratch_bytes() const = 0;  // of one call, kAlignment-aligned
  virtual size_t packed_bytes() const = 0;
  virtual std::string_view provider() const = 0;
  virtual DType activation() const = 0;  // kF32, kQ8Act or kQ16Act: what `x` must be

  // out[r][n − begin] (= x[r]·W[n] + addend) for rows r and outputs begin ≤ n < end; begin is a
  // multiple of tile(). x rows are ActivationRowBytes() apart; out rows `out_stride` floats. `next`
  // is what the thread will read after these weights, null for what follows them in memory.
  virtual void Compute(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
                       int64_t out_stride, const Addend& addend, uint8_t* scratch,
                       const uint8_t* next) const = 0;

  // Where the weights of outputs from n on lie, if they are read in order from there; else null.
  virtual const uint8_t* WeightsAt(int64_t n) const {
    (void)n;
    return nullptr;
  }
};

// Adds it to rows of `columns` outputs: for providers whose product cannot.
void AddRows(const Addend& addend, int64_t rows, int64_t columns, float* out, int64_t out_stride);

// Each provider's maker; returns null when it does not take this weight with this activation on
// this CPU. Errors: RESOURCE_EXHAUSTED.
using LinearMaker = StatusOr<std::unique_ptr<Linear>> (*)(const Operand& weight, DType activation,
                                                          const PlanContext& context);
StatusOr<std::unique_ptr<Linear>> MakePanelLinear(const Operand& weight, DType activation,
                                                  const PlanContext& context);
StatusOr<std::unique_ptr<Linear>> MakeXnnpackLinear(const Operand& weight, DType activation,
                                                    const PlanContext& context);
StatusOr<std::unique_ptr<Linear>> MakeSimdLinear(const Operand& weight, DType activation,
                                                 const PlanContext& context);
StatusOr<std::unique_ptr<Linear>> MakeScalarLinear(const Operand& weight, DType activation,
                                                   const PlanContext& context);

// The best provider allowed by `context.choice`, or UNIMPLEMENTED naming node and type.
StatusOr<std::unique_ptr<Linear>> MakeLinear(std::string_view node, const Operand& weight,
                                             DType activation, const PlanContext& context);

// Whether the hot path multiplies weights of this type and width by int8 terms (else by f32
// activations).
bool WantsInt8Activations(DType weight, int64_t columns);

}  // namespace hob::ops::matmul
