// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec Spec(int64_t columns) {
  OpSpec spec;
  spec.name = "quantize";
  spec.inputs = {Rows(columns)};
  spec.outputs = {Rows(columns, DType::kQ8Act)};
  return spec;
}

// Values that meet every case: all zero, tiny, huge, ties, one outlier.
std::vector<float> Values(size_t rows, size_t columns) {
  std::vector<float> x = Random(rows * columns, 1);
  for (size_t b = 0; b < x.size() / 32; ++b) {
    float* block = &x[32 * b];
    const float scales[] = {1.0f, 0.0f, 1e-40f, 1e-29f, 1e37f, 1e-3f, 1.0f, 1.0f};
    for (int i = 0; i < 32; ++i) block[i] *= scales[b % 8];
    if (b % 8 == 6) {
      for (int i = 0; i < 32; ++i) block[i] = 0.5f + static_cast<float>(i - 16);
      block[31] = 127.0f;  // scale 1: the others lie between two integers
    }
    if (b % 8 == 7) block[5] = -1000.0f;
  }
  return x;
}

TEST_CASE("quantize: near the input, exact sums, the same bits from every provider") {
  auto pool = MakePool(2);
  for (const int64_t columns : {32, 64, 96, 576, 1536, 1568}) {
    for (const int64_t rows : {1, 3, 64}) {
      const auto k = static_cast<size_t>(columns);
      const std::vector<float> x = Values(static_cast<size_t>(rows), k);
      const PlainStep step(static_cast<int32_t>(rows), 0);
      std::vector<uint8_t> expected;
      for (const NamedChoice& choice : Choices()) {
        CAPTURE(choice.name, columns, rows);
        Runner runner("quantize", Spec(columns), choice.choice, *pool);
        CHECK((runner.provider() == choice.choice.provider));
        const auto out = runner.Run(step.step, {x}, rows);
        if (expected.empty()) expected = out;
        CHECK((out == expected));
      }
      const Q8ActLayout layout(k);
      double worst = 0;
      bool sums = true;
      for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
        const uint8_t* row = expected.data() + r * layout.bytes;
        const auto* q = reinterpret_cast<const int8_t*>(row);
        for (size_t b = 0; b < k / 32; ++b) {
          float scale;
          std::memcpy(&scale, row + layout.scale_offset + 4 * b, 4);
          int32_t sum[2];
          std::memcpy(sum, row + layout.sum_offset + 8 * b, 8);
          for (size_t i = 32 * b; i < 32 * b + 32; ++i) {
            sum[(i / 16) % 2] -= q[i];
            const double error = std::abs(double{scale} * q[i] - x[r * k + i]);
            if (scale > 0) worst = std::max(worst, error / scale);
          }
          sums = sums && sum[0] == 0 && sum[1] == 0;
        }
      }
      CHECK(sums);
      CHECK(worst <= 0.50001);
    }
  }
}

TEST_CASE("quantize: a block with an infinity or a NaN is marked, its neighbours are not") {
  auto pool = MakePool(1);
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x = Random(96, 5);
    x[40] = bad;
    const PlainStep step(1, 0);
    std::vector<uint8_t> expected;
    for (const NamedChoice& choice : Choices()) {
      CAPTURE(choice.name, bad);
      Runner runner("quantize", Spec(96), choice.choice, *pool);
      const auto out = runner.Run(step.step, {x}, 1);
      if (expected.empty()) expected = out;
      CHECK((out == expected));
      float scales[3];
      std::memcpy(scales, out.data() + Q8ActLayout(96).scale_offset, sizeof(scales));
      CHECK(std::isfinite(scales[0]));
      CHECK(std::isnan(scales[1]));
      CHECK(std::isfinite(scales[2]));
    }
  }
}

TEST_CASE("quantize: broken nodes are refused") {
  REQUIRE(CheckOp("quantize", Spec(64)).ok());
  CHECK_FALSE(CheckOp("quantize", Spec(33)).ok());
  CHECK_FALSE(CheckOp("quantize", Spec(0)).ok());
  OpSpec spec = Spec(64);
  spec.outputs[0].type = DType::kF32;
  CHECK_FALSE(CheckOp("quantize", spec).ok());
  spec = Spec(64);
  spec.inputs[0].shape = {kLogitRowsDim, 64};
  CHECK_FALSE(CheckOp("quantize", spec).ok());
  const FloatTensor weight(Random(64, 1), {1, 64});
  spec.inputs[0] = Weight(weight.tensor);
  spec.outputs[0].shape = {1, 64};
  CHECK_FALSE(CheckOp("quantize", spec).ok());
}

TEST_CASE("quantize twice: the second row is what the first leaves, to about 15 bits") {
  auto pool = MakePool(2);
  const int64_t columns = 96, rows = 5;
  const auto k = static_cast<size_t>(columns);
  const std::vector<float> x = Random(static_cast<size_t>(rows) * k, 3);
  const PlainStep step(static_cast<int32_t>(rows), 0);
  OpSpec spec = Spec(columns);
  spec.outputs = {Rows(columns, DType::kQ8x2Act)};
  std::vector<uint8_t> expected;
  for (const NamedChoice& choice : Choices()) {
    CAPTURE(choice.name);
    Runner once("quantize", Spec(columns), choice.choice, *pool);
    Runner twice("quantize", spec, choice.choice, *pool);
    const auto single = once.Run(step.step, {x}, rows);
    const auto out = twice.Run(step.step, {x}, rows);
    if (expected.empty()) expected = out;
    CHECK((out == expected));
    const Q8ActLayout layout(k);
    const size_t stride = layout.stride();
    for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
      const uint8_t* first = out.data() + 2 * r * stride;
      const uint8_t* second = first + stride;
      CHECK(std::memcmp(first, single.data() + r * layout.bytes, layout.bytes) == 0);
      const auto value = [&](const uint8_t* row, size_t i) {
        const auto* scale = reinterpret_cast<const float*>(row + layout.scale_offset);
        return static_cast<double>(scale[i / 32]) * reinterpret_cast<const int8_t*>(row)[i];
      };
      for (size_t b = 0; b < k; b += 32) {
        double largest = 0, worst = 0;
        for (size_t i = b; i < b + 32; ++i) {
          const double given = static_cast<double>(x[r * k + i]);
          largest = std::max(largest, std::abs(given));
          worst = std::max(worst, std::abs(given - value(first, i) - value(second, i)));
        }
        CHECK(worst <= largest / (127.0 * 250.0));  // half a step of half a step, in 254ths
      }
    }
  }
}

}  // namespace
}  // namespace hob::test
