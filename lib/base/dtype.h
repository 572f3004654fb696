// SPDX-License-Identifier: Apache-2.0
// Element types of tensors. File types keep GGUF's numbers (ggml_type), so a reader casts after a
// range check; types of hob's own begin at 1000.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hob {

enum class DType : int32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,   // 32 weights: f16 d, 16 bytes of nibbles; w = d·(q − 8)
  kQ4_1 = 3,   // 32 weights: f16 d, f16 m, nibbles; w = d·q + m
  kQ5_0 = 6,   // 32 weights: f16 d, 32 high bits, nibbles; w = d·(q − 16)
  kQ5_1 = 7,   // 32 weights: f16 d, f16 m, 32 high bits, nibbles; w = d·q + m
  kQ8_0 = 8,   // 32 weights: f16 d, 32 int8; w = d·q
  kQ4_K = 12,  // 256 weights: f16 d, f16 dmin, 8 × (6-bit scale, 6-bit min), nibbles
  kQ5_K = 13,  // 256 weights: as Q4_K with 256 high bits
  kQ6_K = 14,  // 256 weights: nibbles, 2-bit high parts, 16 int8 scales, f16 d
  kI32 = 26,
  kBF16 = 30,

  kQC8 = 1000,     // per-channel int8: as rows or panels (hob-format.md)
  kQ8Act = 1001,   // activations as int8: Q8ActLayout
  kQ16Act = 1002,  // activations to 16 bits as two int8 terms: Q8ActLayout
};

struct DTypeInfo {
  std::string_view name;    // GGUF's name: "Q4_1"
  uint32_t block_elements;  // weights a block
  uint32_t block_bytes;     // bytes a block
};

// Name and block size of `type`, or nullptr when hob does not know the type.
const DTypeInfo* FindDType(DType type);

// Name of a GGUF type number that ggml defines, whether hob runs it or not ("Q2_K", "IQ4_XS"), or
// "unknown": for messages.
std::string_view GgufTypeName(uint32_t ggml_type);

}  // namespace hob
