// SPDX-License-Identifier: Apache-2.0
#include "lib/base/quantize_blocks.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "lib/base/block_formats.h"
#include "lib/base/f16.h"

using namespace hob;

namespace {

constexpr DType kTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                            DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0};

std::vector<float> Random(size_t count, float scale) {
  std::mt19937 generator(7);
  std::vector<float> values(count);
  for (float& v : values) v = (static_cast<float>(generator() >> 8) * 0x1p-23f - 1.0f) * scale;
  return values;
}

std::vector<uint8_t> Quantize(DType type, const std::vector<float>& w, int64_t rows) {
  const DTypeInfo* info = FindDType(type);
  std::vector<uint8_t> out(w.size() / info->block_elements * info->block_bytes);
  const Status status = QuantizeRows(type, w, rows, static_cast<int64_t>(w.size()) / rows, out);
  INFO(status.message());
  REQUIRE(status.ok());
  return out;
}

std::vector<float> Values(DType type, const std::vector<uint8_t>& bytes, size_t count) {
  std::vector<float> out(count);
  REQUIRE(Dequantize(type, bytes.data(), count, out.data()));
  return out;
}

}  // namespace

TEST_CASE("quantised weights are within half a step, and again themselves") {
  for (const DType type : kTypes) {
    for (const float scale : {1.0f, 0.1f, 300.0f}) {
      INFO(FindDType(type)->name << " " << scale);
      const std::vector<float> w = Random(8 * 96, scale);
      const std::vector<uint8_t> bytes = Quantize(type, w, 8);
      const std::vector<float> back = Values(type, bytes, w.size());
      // A step of the widest block is at most the range, −scale … scale, in so many steps.
      const double steps = type == DType::kQ4_0   ? 8
                           : type == DType::kQ4_1 ? 15.0 / 2
                           : type == DType::kQ5_0 ? 16
                           : type == DType::kQ5_1 ? 31.0 / 2
                           : type == DType::kQ8_0 ? 127
                                                  : 128;
      for (size_t i = 0; i < w.size(); ++i) {
        // Symmetric types lack the highest step on the side away from the largest value.
        const double bound =
            scale / steps * (type == DType::kQ4_0 || type == DType::kQ5_0 ? 1 : 0.52);
        REQUIRE(std::abs(static_cast<double>(back[i]) - w[i]) <= bound);
      }
      if (type == DType::kF32) CHECK(back == w);
    }
  }
}

TEST_CASE("zeros, equal values and tiny ones have no division by zero in them") {
  for (const DType type : kTypes) {
    INFO(FindDType(type)->name);
    for (const float value : {0.0f, 0.5f, -0.5f, 1e-30f, 1e-42f, -0.0f}) {
      const std::vector<float> back =
          Values(type, Quantize(type, std::vector<float>(32, value), 1), 32);
      for (const float b : back) REQUIRE(std::abs(b - value) <= 0.005f);
    }
  }
}

TEST_CASE("the known bytes of a block") {
  std::vector<float> w(32);
  for (size_t i = 0; i < 32; ++i) w[i] = static_cast<float>(i) - 16;  // −16 … 15
  const std::vector<uint8_t> q5 = Quantize(DType::kQ5_0, w, 1);
  CHECK((q5[0] | q5[1] << 8) == F32ToF16(1.0f));
  CHECK(Values(DType::kQ5_0, q5, 32) == w);
  const std::vector<uint8_t> q8 = Quantize(DType::kQ8_0, w, 1);
  CHECK((q8[0] | q8[1] << 8) == F32ToF16(16.0f / 127));
  CHECK(static_cast<int8_t>(q8[2]) == -127);
  const std::vector<uint8_t> q41 = Quantize(DType::kQ4_1, w, 1);
  CHECK((q41[0] | q41[1] << 8) == F32ToF16(31.0f / 15));
  CHECK((q41[2] | q41[3] << 8) == F32ToF16(-16.0f));
}

TEST_CASE("values that a type cannot hold are refused with their place") {
  for (const DType type : kTypes) {
    for (const float bad :
         {std::nanf(""), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()}) {
      std::vector<float> w = Random(4 * 64, 1);
      w[2 * 64 + 33] = bad;
      if (type == DType::kF32 && bad == std::numeric_limits<float>::max()) continue;
      const DTypeInfo* info = FindDType(type);
      std::vector<uint8_t> out(w.size() / info->block_elements * info->block_bytes);
      const Status status = QuantizeRows(type, w, 4, 64, out);
      INFO(info->name << " " << status.message());
      CHECK(status.code() == StatusCode::kInvalidArgument);
      CHECK(status.message().find("row 2") != std::string::npos);
    }
  }
}

TEST_CASE("wrong sizes and types are refused") {
  std::vector<float> w(64);
  std::vector<uint8_t> out(36);
  CHECK(QuantizeRows(DType::kQ4_0, w, 2, 32, out).ok());
  CHECK(QuantizeRows(DType::kQ4_0, w, 4, 16, out).code() == StatusCode::kInvalidArgument);
  CHECK(QuantizeRows(DType::kQ4_0, w, 3, 32, out).code() == StatusCode::kInvalidArgument);
  CHECK(QuantizeRows(DType::kQ4_0, w, 0, 32, out).code() == StatusCode::kInvalidArgument);
  CHECK(QuantizeRows(DType::kQ8_0, w, 2, 32, out).code() == StatusCode::kInvalidArgument);
  CHECK(QuantizeRows(DType::kQ4_K, w, 2, 32, out).code() == StatusCode::kUnimplemented);
  CHECK(QuantizeRows(static_cast<DType>(77), w, 2, 32, out).code() == StatusCode::kUnimplemented);
}
