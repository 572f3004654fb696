// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec Spec(int64_t columns, DType output = DType::kF32) {
  OpSpec spec;
  spec.name = "gelu";
  spec.inputs = {Rows(columns)};
  spec.outputs = {Rows(columns, output)};
  return spec;
}

TEST_CASE("gelu: every digit of x·Φ(x), on both sides of 0") {
  auto pool = MakePool(2);
  // From one tail to the other; below −13 the result is under the smallest normal number.
  std::vector<float> x;
  for (int i = -1300; i <= 3000; ++i) x.push_back(static_cast<float>(i) / 100.0f);
  x.insert(x.end(), {-1e-30f, 1e-30f, -1e-6f, 1e-6f, 1e30f});
  std::vector<double> expected;
  for (const float value : x) {
    expected.push_back(0.5 * value * std::erfc(-double{value} / std::sqrt(2.0)));
  }
  const PlainStep step(1, 0);
  for (const NamedChoice& choice : Choices()) {
    CAPTURE(choice.name);
    Runner runner("gelu", Spec(static_cast<int64_t>(x.size())), choice.choice, *pool);
    CHECK((runner.provider() == choice.choice.provider));
    // At −13 the exponent's own rounding, of 84, is 6e-6 of the result.
    CHECK(WorstError(runner.RunFloats(step.step, {x}, 1), expected, 1e-37) < 1e-5);
    std::vector<float> usual(x.begin() + 900, x.begin() + 1700);  // −4 to 4
    const std::vector<double> wanted(expected.begin() + 900, expected.begin() + 1700);
    Runner middle("gelu", Spec(static_cast<int64_t>(usual.size())), choice.choice, *pool);
    CHECK(WorstError(middle.RunFloats(step.step, {usual}, 1), wanted, 1e-37) < 1.5e-6);
  }
}

TEST_CASE("gelu: a row's bits are its own, quantised or not") {
  auto pool = MakePool(2);
  for (const size_t columns : {1, 5, 17, 96, 1536}) {
    constexpr int32_t kRows = 9;
    const std::vector<float> x = Random(kRows * columns, 1, 6.0f);
    const PlainStep step(kRows, 0), one(1, 0);
    for (const NamedChoice& choice : Choices()) {
      CAPTURE(choice.name, columns);
      const auto width = static_cast<int64_t>(columns);
      Runner runner("gelu", Spec(width), choice.choice, *pool);
      const auto out = runner.RunFloats(step.step, {x}, kRows);
      const auto last = runner.RunFloats(one.step, {Slice(x, 8 * columns, columns)}, 1);
      CHECK((last == Slice(out, 8 * columns, columns)));
      if (columns % 32 != 0) {
        CHECK_FALSE(CheckOp("gelu", Spec(width, DType::kQ16Act)).ok());
        continue;
      }
      for (const DType type : {DType::kQ8Act, DType::kQ16Act}) {
        OpSpec spec;
        spec.inputs = {Rows(width)};
        spec.outputs = {Rows(width, type)};
        Runner quantize("quantize", spec, choice.choice, *pool);
        Runner fused("gelu", Spec(width, type), choice.choice, *pool);
        CHECK((fused.Run(step.step, {x}, kRows) == quantize.Run(step.step, {out}, kRows)));
      }
    }
  }
}

TEST_CASE("gelu: broken nodes are refused") {
  REQUIRE(CheckOp("gelu", Spec(8)).ok());
  OpSpec spec = Spec(8);
  spec.outputs[0] = Rows(9);
  CHECK_FALSE(CheckOp("gelu", spec).ok());
  spec = Spec(8);
  spec.inputs.push_back(Rows(8));
  CHECK_FALSE(CheckOp("gelu", spec).ok());
}

}  // namespace
}  // namespace hob::test
