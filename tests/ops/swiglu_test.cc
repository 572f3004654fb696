// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec Spec(int64_t columns, int64_t activation, DType output = DType::kF32) {
  OpSpec spec;
  spec.name = "swiglu";
  spec.attributes.Set("activation", activation);
  spec.inputs = {Rows(columns), Rows(columns)};
  spec.outputs = {Rows(columns, output)};
  return spec;
}

double Reference(int64_t activation, double gate, double up) {
  if (activation == 0) return gate / (1.0 + std::exp(-gate)) * up;
  const double inner =
      std::sqrt(2.0 / 3.14159265358979323846) * (gate + 0.044715 * gate * gate * gate);
  return 0.5 * gate * (1.0 + std::tanh(inner)) * up;
}

TEST_CASE("swiglu: every provider is near the double reference") {
  auto pool = MakePool(2);
  for (const int64_t activation : {0, 1}) {
    for (const size_t columns : {1, 5, 16, 31, 257, 1536}) {
      for (const int32_t rows : {1, 2, 33}) {
        const size_t count = static_cast<size_t>(rows) * columns;
        const std::vector<float> gate = Random(count, 1, 12.0f), up = Random(count, 2, 2.0f);
        std::vector<double> expected(count);
        for (size_t i = 0; i < count; ++i) expected[i] = Reference(activation, gate[i], up[i]);
        const PlainStep step(rows, 0);
        for (const NamedChoice& choice : Choices()) {
          CAPTURE(choice.name, activation, columns, rows);
          Runner runner("swiglu", Spec(static_cast<int64_t>(columns), activation), choice.choice,
                        *pool);
          CHECK((runner.provider() == choice.choice.provider));
          const auto out = runner.Run(step.step, {gate, up}, rows);
          CHECK(WorstError(runner.RunFloats(step.step, {gate, up}, rows), expected, 1e-5) < 2e-6);
          const PlainStep one(1, 0);
          const size_t last = static_cast<size_t>(rows - 1) * columns;
          CHECK((runner.Run(one.step, {Slice(gate, last, columns), Slice(up, last, columns)}, 1) ==
                 Slice(out, last * 4, columns * 4)));
        }
      }
    }
  }
}

TEST_CASE("swiglu: large gates saturate") {
  auto pool = MakePool(1);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> gate = {-1e4f, -200.0f, -88.0f, 88.0f, 200.0f, 1e4f, 1e30f, 0.0f};
  const std::vector<float> up(8, 1.0f);
  for (const int64_t activation : {0, 1}) {
    for (const NamedChoice& choice : Choices()) {
      CAPTURE(choice.name, activation);
      Runner runner("swiglu", Spec(8, activation), choice.choice, *pool);
      const PlainStep step(1, 0);
      const auto out = runner.RunFloats(step.step, {gate, up}, 1);
      for (size_t i = 0; i < 3; ++i) CHECK(std::abs(out[i]) < 1e-30f);
      for (size_t i = 3; i < 7; ++i) CHECK(out[i] == gate[i]);
      CHECK(out[7] == 0.0f);
      const auto nan = runner.RunFloats(step.step, {std::vector<float>(8, infinity * 0), up}, 1);
      CHECK(std::isnan(nan[3]));
    }
  }
}

TEST_CASE("swiglu: quantised output is the quantised f32 output") {
  auto pool = MakePool(1);
  for (const int64_t columns : {32, 256, 288, 1536}) {
    const auto count = static_cast<size_t>(2 * columns);
    const std::vector<float> gate = Random(count, 1, 4.0f), up = Random(count, 2);
    const PlainStep step(2, 0);
    for (const NamedChoice& choice : Choices()) {
      Runner plain("swiglu", Spec(columns, 0), choice.choice, *pool);
      const auto floats = plain.RunFloats(step.step, {gate, up}, 2);
      for (const DType type : {DType::kQ8Act, DType::kQ16Act}) {
        CAPTURE(choice.name, columns, type);
        OpSpec spec;
        spec.inputs = {Rows(columns)};
        spec.outputs = {Rows(columns, type)};
        Runner quantize("quantize", spec, choice.choice, *pool);
        Runner fused("swiglu", Spec(columns, 0, type), choice.choice, *pool);
        CHECK((fused.Run(step.step, {gate, up}, 2) == quantize.Run(step.step, {floats}, 2)));
      }
    }
  }
}

TEST_CASE("swiglu: broken nodes are refused") {
  REQUIRE(CheckOp("swiglu", Spec(64, 0)).ok());
  CHECK_FALSE(CheckOp("swiglu", Spec(64, 2)).ok());
  CHECK_FALSE(CheckOp("swiglu", Spec(33, 0, DType::kQ8Act)).ok());
  OpSpec spec = Spec(64, 0);
  spec.inputs[1] = Rows(63);
  CHECK_FALSE(CheckOp("swiglu", spec).ok());
}

}  // namespace
}  // namespace hob::test
