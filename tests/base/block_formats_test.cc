// SPDX-License-Identifier: Apache-2.0
// Blocks put together by hand. tests/format/dequantize_test.cc compares with gguf-py's results.
#include "lib/base/block_formats.h"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <vector>

#include "lib/base/f16.h"

namespace hob {
namespace {

template <typename Block>
std::vector<float> Decoded(DType type, const Block& block) {
  std::vector<float> out(FindDType(type)->block_elements);
  REQUIRE(Dequantize(type, reinterpret_cast<const uint8_t*>(&block), out.size(), out.data()));
  return out;
}

TEST_CASE("Q4_0: low nibbles are the first 16 weights, 8 is zero") {
  BlockQ4_0 block = {};
  block.d = F32ToF16(0.5f);
  block.qs[0] = 0xf0;
  block.qs[15] = 0x8a;
  const auto w = Decoded(DType::kQ4_0, block);
  CHECK(w[0] == -4.0f);
  CHECK(w[16] == 3.5f);
  CHECK(w[15] == 1.0f);
  CHECK(w[31] == 0.0f);
}

TEST_CASE("Q4_1: scale and minimum") {
  BlockQ4_1 block = {};
  block.d = F32ToF16(2.0f);
  block.m = F32ToF16(-1.0f);
  block.qs[3] = 0x5c;
  const auto w = Decoded(DType::kQ4_1, block);
  CHECK(w[3] == 23.0f);
  CHECK(w[19] == 9.0f);
  CHECK(w[0] == -1.0f);
}

TEST_CASE("Q5_0 and Q5_1: the fifth bits are in order of the weights") {
  BlockQ5_0 q5_0 = {};
  q5_0.d = F32ToF16(1.0f);
  q5_0.qs[1] = 0x21;
  q5_0.qh[0] = 1 << 1;  // weight 1
  q5_0.qh[2] = 1 << 2;  // weight 18
  const auto w = Decoded(DType::kQ5_0, q5_0);
  CHECK(w[1] == 1.0f);     // 17 − 16
  CHECK(w[17] == -14.0f);  // 2 − 16
  CHECK(w[18] == 0.0f);
  CHECK(w[0] == -16.0f);

  BlockQ5_1 q5_1 = {};
  q5_1.d = F32ToF16(0.25f);
  q5_1.m = F32ToF16(3.0f);
  q5_1.qs[15] = 0xf0;
  q5_1.qh[3] = 0x80;  // weight 31
  const auto v = Decoded(DType::kQ5_1, q5_1);
  CHECK(v[31] == 31 * 0.25f + 3.0f);
  CHECK(v[15] == 3.0f);
}

TEST_CASE("Q8_0: signed bytes") {
  BlockQ8_0 block = {};
  block.d = F32ToF16(0.125f);
  block.qs[0] = -128;
  block.qs[31] = 127;
  const auto w = Decoded(DType::kQ8_0, block);
  CHECK(w[0] == -16.0f);
  CHECK(w[31] == 15.875f);
}

TEST_CASE("Q4_K: eight groups with scales and mins of six bits") {
  BlockQ4_K block = {};
  block.d = F32ToF16(1.0f);
  block.dmin = F32ToF16(0.5f);
  block.scales[0] = 3 | 2 << 6;  // scale 0 = 3; upper bits of scale 4 = 2
  block.scales[4] = 5 | 1 << 6;  // min 0 = 5; upper bits of min 4 = 1
  block.scales[8] = 0x74;        // lower bits of scale 4 = 4, of min 4 = 7
  block.qs[0] = 0x09;            // weight 0 = 9, weight 32 = 0
  block.qs[64] = 0x0b;           // weight 128 (group 4) = 11
  const auto w = Decoded(DType::kQ4_K, block);
  CHECK(w[0] == 3 * 9 - 0.5f * 5);
  CHECK(w[1] == -0.5f * 5);
  CHECK(w[32] == 0.0f);  // group 1 has scale and min 0
  CHECK(w[128] == 36 * 11 - 0.5f * 23);
}

TEST_CASE("Q5_K: a bit plane for each group") {
  BlockQ5_K block = {};
  block.d = F32ToF16(1.0f);
  block.scales[1] = 2;   // scale 1 = 2
  block.scales[3] = 1;   // scale 3 = 1
  block.qs[0] = 0x30;    // weight 32 = 3
  block.qh[0] = 1 << 1;  // its fifth bit
  block.qh[5] = 1 << 3;  // weight 96 + 5
  const auto w = Decoded(DType::kQ5_K, block);
  CHECK(w[32] == 2 * 19);
  CHECK(w[101] == 16.0f);
  CHECK(w[0] == 0.0f);
}

TEST_CASE("Q6_K: four runs of 32 in each half, a scale for 16 weights") {
  BlockQ6_K block = {};
  block.d = F32ToF16(0.5f);
  for (int8_t& scale : block.scales) scale = 1;
  block.scales[3] = -2;        // weights 48 … 63
  block.scales[13] = 4;        // second half, run 2, upper 16: weights 208 … 223
  block.ql[48] = 0x05;         // first half, run 1, weight 16 (48 of all): low 5
  block.qh[16] = 3 << 2;       // its upper bits: 3
  block.ql[64 + 17] = 0x90;    // second half, run 2: low 9
  block.qh[32 + 17] = 2 << 4;  // upper bits 2
  const auto w = Decoded(DType::kQ6_K, block);
  CHECK(w[48] == 0.5f * -2 * (53 - 32));
  CHECK(w[128 + 64 + 17] == 0.5f * 4 * (41 - 32));
  CHECK(w[0] == 0.5f * -32);
}

TEST_CASE("floats") {
  const float f32[2] = {1.5f, -2.25f};
  float out[2];
  REQUIRE(Dequantize(DType::kF32, reinterpret_cast<const uint8_t*>(f32), 2, out));
  CHECK(out[1] == -2.25f);
  const uint16_t f16[2] = {F32ToF16(0.1f), 0x0001};
  REQUIRE(Dequantize(DType::kF16, reinterpret_cast<const uint8_t*>(f16), 2, out));
  CHECK(out[0] == F16ToF32(F32ToF16(0.1f)));
  CHECK(out[1] == 0x1p-24f);
  const uint16_t bf16[2] = {0x3f80, 0xc040};
  REQUIRE(Dequantize(DType::kBF16, reinterpret_cast<const uint8_t*>(bf16), 2, out));
  CHECK(out[0] == 1.0f);
  CHECK(out[1] == -3.0f);
}

TEST_CASE("what has no float value, or is no whole block, is refused") {
  const uint8_t bytes[256] = {};
  float out[64];
  CHECK(!Dequantize(DType::kI32, bytes, 4, out));
  CHECK(!Dequantize(DType::kQC8, bytes, 4, out));
  CHECK(!Dequantize(DType::kQ8Act, bytes, 32, out));
  CHECK(!Dequantize(static_cast<DType>(10), bytes, 32, out));
  CHECK(!Dequantize(DType::kQ4_0, bytes, 33, out));
  CHECK(!Dequantize(DType::kQ4_K, bytes, 32, out));
}

TEST_CASE("every half converts to float and back") {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const auto half = static_cast<uint16_t>(h);
    const bool nan = (half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0;
    if (!nan && F32ToF16(F16ToF32(half)) != half) {
      CAPTURE(h);
      FAIL();
    }
  }
  CHECK(F32ToF16(65520.0f) == 0x7c00);
  CHECK(F32ToF16(65519.0f) == 0x7bff);
  CHECK(F32ToF16(0x1p-25f) == 0);  // halfway, to even
  CHECK(F32ToF16(0x1.8p-25f) == 1);
}

}  // namespace
}  // namespace hob
