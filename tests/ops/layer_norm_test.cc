// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec Spec(const FloatTensor& weight, const FloatTensor& bias, DType output = DType::kF32) {
  const int64_t columns = weight.tensor.shape.back();
  OpSpec spec;
  spec.name = "norm";
  spec.attributes.Set("epsilon", 1e-5);
  spec.inputs = {Rows(columns), Weight(weight.tensor), Weight(bias.tensor)};
  spec.outputs = {Rows(columns, output)};
  return spec;
}

std::vector<double> Reference(const std::vector<float>& x, const std::vector<float>& weight,
                              const std::vector<float>& bias) {
  const size_t width = weight.size();
  const auto count = static_cast<double>(width);
  std::vector<double> y(x.size());
  for (size_t at = 0; at < x.size(); at += width) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < width; ++i) mean += x[at + i] / count;
    for (size_t i = 0; i < width; ++i) variance += std::pow(x[at + i] - mean, 2) / count;
    const double factor = 1.0 / std::sqrt(variance + 1e-5);
    for (size_t i = 0; i < width; ++i)
      y[at + i] = (x[at + i] - mean) * factor * weight[i] + bias[i];
  }
  return y;
}

TEST_CASE("layer_norm: near the double reference, the same bits from every provider") {
  auto pool = MakePool(2);
  for (const size_t width : {1, 7, 16, 33, 40, 384, 576, 1024}) {
    const auto columns = static_cast<int64_t>(width);
    const FloatTensor weight(Random(width, 2), {columns}), bias(Random(width, 3), {columns});
    for (const int32_t rows : {1, 2, 37}) {
      std::vector<float> x = Random(static_cast<size_t>(rows) * width, 1, 3.0f);
      for (float& value : x) value += 2.0f;  // a mean that matters
      const PlainStep step(rows, 0);
      std::vector<uint8_t> expected;
      for (const NamedChoice& choice : Choices()) {
        CAPTURE(choice.name, width, rows);
        Runner runner("layer_norm", Spec(weight, bias), choice.choice, *pool);
        CHECK((runner.provider() == choice.choice.provider));
        CHECK(WorstError(runner.RunFloats(step.step, {x, {}, {}}, rows),
                         Reference(x, weight.values, bias.values), 0.1) < 5e-6);
        const auto out = runner.Run(step.step, {x, {}, {}}, rows);
        if (expected.empty()) expected = out;
        CHECK((out == expected));
        const PlainStep one(1, 0);
        const size_t last = static_cast<size_t>(rows - 1);
        const auto alone = runner.Run(one.step, {Slice(x, last * width, width), {}, {}}, 1);
        CHECK((alone == Slice(out, last * width * 4, width * 4)));
      }
    }
  }
}

TEST_CASE("layer_norm: quantised output is the quantised f32 output") {
  auto pool = MakePool(1);
  for (const size_t width : {32, 288, 384}) {
    const auto columns = static_cast<int64_t>(width);
    const FloatTensor weight(Random(width, 2), {columns}), bias(Random(width, 3), {columns});
    const std::vector<float> x = Random(3 * width, 4);
    const PlainStep step(3, 0);
    for (const NamedChoice& choice : Choices()) {
      Runner plain("layer_norm", Spec(weight, bias), choice.choice, *pool);
      const auto floats = plain.RunFloats(step.step, {x, {}, {}}, 3);
      for (const DType type : {DType::kQ8Act, DType::kQ16Act}) {
        CAPTURE(choice.name, width, type);
        OpSpec spec;
        spec.inputs = {Rows(columns)};
        spec.outputs = {Rows(columns, type)};
        Runner quantize("quantize", spec, choice.choice, *pool);
        Runner fused("layer_norm", Spec(weight, bias, type), choice.choice, *pool);
        CHECK((fused.Run(step.step, {x, {}, {}}, 3) == quantize.Run(step.step, {floats}, 3)));
      }
    }
  }
}

TEST_CASE("layer_norm: broken nodes are refused") {
  const FloatTensor weight(Random(64, 2), {64}), bias(Random(64, 3), {64});
  REQUIRE(CheckOp("layer_norm", Spec(weight, bias)).ok());
  const FloatTensor shorter(Random(32, 2), {32});
  CHECK_FALSE(CheckOp("layer_norm", Spec(weight, shorter)).ok());
  const FloatTensor odd(Random(48, 2), {48});
  CHECK(CheckOp("layer_norm", Spec(odd, odd)).ok());
  CHECK_FALSE(CheckOp("layer_norm", Spec(odd, odd, DType::kQ8Act)).ok());
  OpSpec spec = Spec(weight, bias);
  spec.attributes = {};
  CHECK_FALSE(CheckOp("layer_norm", spec).ok());
  spec = Spec(weight, bias);
  spec.attributes.Set("epsilon", -1.0);
  CHECK_FALSE(CheckOp("layer_norm", spec).ok());
  spec = Spec(weight, bias);
  spec.inputs.pop_back();
  CHECK_FALSE(CheckOp("layer_norm", spec).ok());
  spec = Spec(weight, bias);
  spec.inputs[2] = Rows(64);
  CHECK_FALSE(CheckOp("layer_norm", spec).ok());
}

}  // namespace
}  // namespace hob::test
