// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "lib/ops/quantize/quantize_row.h"
#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec Spec(int64_t columns, DType type = DType::kQ8Act) {
  OpSpec spec;
  spec.name = "quantize";
  spec.inputs = {Rows(columns)};
  spec.outputs = {Rows(columns, type)};
  return spec;
}

constexpr DType kTypes[] = {DType::kQ8Act, DType::kQ16Act};

// Values that meet every case: all zero, tiny, huge, ties, one outlier.
std::vector<float> Values(size_t rows, size_t columns) {
  std::vector<float> x = Random(rows * columns, 1);
  for (size_t b = 0; b < x.size() / 32; ++b) {
    float* block = &x[32 * b];
    const float scales[] = {1.0f, 0.0f, 1e-40f, 1e-29f, 1e37f, 1e-3f, 1.0f, 1.0f};
    for (int i = 0; i < 32; ++i) block[i] *= scales[b % 8];
    if (b % 8 == 6) {
      for (int i = 0; i < 32; ++i) block[i] = 0.5f + static_cast<float>(i - 16);
      block[31] = 127.0f;  // kQ8Act's scale is 1: the others lie between two integers
    }
    if (b % 8 == 7) block[5] = -1000.0f;
  }
  return x;
}

TEST_CASE("quantize: near the input, exact sums, the same bits from every provider") {
  auto pool = MakePool(2);
  for (const DType type : kTypes) {
    for (const int64_t columns : {32, 64, 96, 576, 1536, 1568}) {
      for (const int64_t rows : {1, 3, 64}) {
        const auto k = static_cast<size_t>(columns);
        const std::vector<float> x = Values(static_cast<size_t>(rows), k);
        const PlainStep step(static_cast<int32_t>(rows), 0);
        std::vector<uint8_t> expected;
        for (const NamedChoice& choice : Choices()) {
          CAPTURE(choice.name, columns, rows, type);
          Runner runner("quantize", Spec(columns, type), choice.choice, *pool);
          CHECK((runner.provider() == choice.choice.provider));
          const auto out = runner.Run(step.step, {x}, rows);
          if (expected.empty()) expected = out;
          CHECK((out == expected));
        }
        const int64_t terms = Int8Terms(type);
        double worst = 0;
        bool sums = true, range = true;
        for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
          const size_t bytes = Q8ActLayout(k, static_cast<size_t>(terms)).bytes;
          const ops::Q8Row row(expected.data() + r * bytes, k, terms);
          for (size_t b = 0; b < k / 32; ++b) {
            int32_t sum[2] = {row.sum[2 * b], row.sum[2 * b + 1]};
            for (size_t i = 32 * b; i < 32 * b + 32; ++i) {
              const int32_t a = terms == 2 ? kQ16Base * row.q[i] + row.low[i] : row.q[i];
              range = range && row.q[i] >= -127 && row.low[i] >= -127;
              sum[(i / 16) % 2] -= a;
              const double error = std::abs(double{row.scale[b]} * a - x[r * k + i]);
              if (row.scale[b] > 0) worst = std::max(worst, error / row.scale[b]);
            }
            sums = sums && sum[0] == 0 && sum[1] == 0;
          }
        }
        CHECK(sums);
        CHECK(range);
        // Half a step, and what the rounding of scale and 1 / scale moves the largest by.
        CHECK(worst <= (terms == 2 ? 0.508 : 0.50003));
      }
    }
  }
}

TEST_CASE("quantize: every 16-bit integer comes back from its two terms") {
  std::vector<float> x;
  for (int32_t a = -kQ16Max; a <= kQ16Max; ++a) {
    if (x.size() % 32 == 0) x.push_back(static_cast<float>(kQ16Max));  // scale 1
    x.push_back(static_cast<float>(a));
  }
  x.resize((x.size() + 31) / 32 * 32, static_cast<float>(kQ16Max));
  const auto columns = static_cast<int64_t>(x.size());
  auto pool = MakePool(1);
  const PlainStep step(1, 0);
  for (const NamedChoice& choice : Choices()) {
    CAPTURE(choice.name);
    Runner runner("quantize", Spec(columns, DType::kQ16Act), choice.choice, *pool);
    auto out = runner.Run(step.step, {x}, 1);
    const ops::Q8Row row(out.data(), x.size(), 2);
    size_t wrong = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const bool right = row.scale[i / 32] == 1.0f && row.q[i] >= -127 && row.low[i] >= -127 &&
                         kQ16Base * row.q[i] + row.low[i] == static_cast<int32_t>(x[i]);
      wrong += right ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("quantize: a block with an infinity or a NaN is marked, its neighbours are not") {
  auto pool = MakePool(1);
  for (const DType type : kTypes) {
    for (const float bad :
         {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
          std::numeric_limits<float>::quiet_NaN()}) {
      std::vector<float> x = Random(96, 5);
      x[40] = bad;
      const PlainStep step(1, 0);
      std::vector<uint8_t> expected;
      for (const NamedChoice& choice : Choices()) {
        CAPTURE(choice.name, bad, type);
        Runner runner("quantize", Spec(96, type), choice.choice, *pool);
        auto out = runner.Run(step.step, {x}, 1);
        if (expected.empty()) expected = out;
        CHECK((out == expected));
        const ops::Q8Row row(out.data(), 96, Int8Terms(type));
        CHECK(std::isfinite(row.scale[0]));
        CHECK(std::isnan(row.scale[1]));
        CHECK(std::isfinite(row.scale[2]));
        bool zero = true;
        for (size_t i = 32; i < 64; ++i) zero = zero && row.q[i] == 0 && row.low[i] == 0;
        CHECK(zero);
      }
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

}  // namespace
}  // namespace hob::test
