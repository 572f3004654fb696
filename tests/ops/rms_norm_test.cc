// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec Spec(int64_t columns, const FloatTensor& weight, DType output = DType::kF32) {
  OpSpec spec;
  spec.name = "norm";
  spec.attributes.Set("epsilon", 1e-5);
  spec.inputs = {Rows(columns), Weight(weight.tensor)};
  spec.outputs = {Rows(columns, output)};
  return spec;
}

std::vector<double> Reference(const std::vector<float>& x, const std::vector<float>& weight) {
  const size_t width = weight.size();
  std::vector<double> y(x.size());
  for (size_t at = 0; at < x.size(); at += width) {
    double sum = 0;
    for (size_t i = 0; i < width; ++i) sum += double{x[at + i]} * x[at + i];
    const double factor = 1.0 / std::sqrt(sum / static_cast<double>(width) + 1e-5);
    for (size_t i = 0; i < width; ++i) y[at + i] = x[at + i] * factor * weight[i];
  }
  return y;
}

TEST_CASE("rms_norm: near the double reference, the same bits from every provider") {
  auto pool = MakePool(2);
  struct Shape {
    size_t groups, width;
  };
  for (const Shape shape : {Shape{1, 1}, Shape{1, 7}, Shape{1, 16}, Shape{1, 33}, Shape{1, 576},
                            Shape{1, 2048}, Shape{9, 64}, Shape{3, 40}, Shape{2, 5}}) {
    const size_t columns = shape.groups * shape.width;
    const FloatTensor weight(Random(shape.width, 2), {static_cast<int64_t>(shape.width)});
    for (const int32_t rows : {1, 2, 37}) {
      const std::vector<float> x = Random(static_cast<size_t>(rows) * columns, 1, 3.0f);
      const PlainStep step(rows, 0);
      std::vector<uint8_t> expected;
      for (const NamedChoice& choice : Choices()) {
        CAPTURE(choice.name, shape.groups, shape.width, rows);
        Runner runner("rms_norm", Spec(static_cast<int64_t>(columns), weight), choice.choice,
                      *pool);
        CHECK((runner.provider() == choice.choice.provider));
        CHECK(WorstError(runner.RunFloats(step.step, {x, {}}, rows), Reference(x, weight.values),
                         1e-6) < 2e-6);
        const auto out = runner.Run(step.step, {x, {}}, rows);
        if (expected.empty()) expected = out;
        CHECK((out == expected));
        const PlainStep one(1, 0);
        const size_t last = static_cast<size_t>(rows - 1);
        const auto alone = runner.Run(one.step, {Slice(x, last * columns, columns), {}}, 1);
        CHECK((alone == Slice(out, last * columns * 4, columns * 4)));
      }
    }
  }
}

TEST_CASE("rms_norm: quantised output is the quantised f32 output") {
  auto pool = MakePool(1);
  for (const size_t width : {32, 96, 256, 288, 576, 2048}) {
    const auto columns = static_cast<int64_t>(2 * width);
    const FloatTensor weight(Random(width, 2), {static_cast<int64_t>(width)});
    const std::vector<float> x = Random(3 * 2 * width, 4);
    const PlainStep step(3, 0);
    for (const NamedChoice& choice : Choices()) {
      Runner plain("rms_norm", Spec(columns, weight), choice.choice, *pool);
      const auto floats = plain.RunFloats(step.step, {x, {}}, 3);
      for (const DType type : {DType::kQ8Act, DType::kQ16Act}) {
        CAPTURE(choice.name, width, type);
        OpSpec spec;
        spec.inputs = {Rows(columns)};
        spec.outputs = {Rows(columns, type)};
        Runner quantize("quantize", spec, choice.choice, *pool);
        Runner fused("rms_norm", Spec(columns, weight, type), choice.choice, *pool);
        CHECK((fused.Run(step.step, {x, {}}, 3) == quantize.Run(step.step, {floats}, 3)));
      }
    }
  }
}

TEST_CASE("rms_norm: broken nodes are refused") {
  const FloatTensor weight(Random(64, 2), {64});
  REQUIRE(CheckOp("rms_norm", Spec(128, weight)).ok());
  CHECK_FALSE(CheckOp("rms_norm", Spec(96, weight)).ok());
  const FloatTensor odd(Random(48, 2), {48});
  CHECK_FALSE(CheckOp("rms_norm", Spec(96, odd, DType::kQ8Act)).ok());
  CHECK_FALSE(CheckOp("rms_norm", Spec(96, odd, DType::kQ16Act)).ok());
  OpSpec spec = Spec(128, weight);
  spec.attributes = {};
  CHECK_FALSE(CheckOp("rms_norm", spec).ok());
  spec = Spec(128, weight);
  spec.attributes.Set("epsilon", -1.0);
  CHECK_FALSE(CheckOp("rms_norm", spec).ok());
  spec = Spec(128, weight);
  spec.inputs[1] = Rows(64);
  CHECK_FALSE(CheckOp("rms_norm", spec).ok());
  FloatTensor matrix(Random(64, 2), {1, 64});
  CHECK_FALSE(CheckOp("rms_norm", Spec(128, matrix)).ok());

  // A weight whose bytes are fewer than its shape says.
  FloatTensor cut(Random(64, 2), {64});
  cut.tensor.data = cut.tensor.data.first(100);
  const KernelChoice choice;
  auto pool = MakePool(1);
  const PlanContext context{&choice, pool.get(), std::make_shared<Allocator>(), {}, 1};
  CHECK_FALSE(FindOp("rms_norm")->make(Spec(128, cut), context).ok());
}

}  // namespace
}  // namespace hob::test
