// SPDX-License-Identifier: Apache-2.0
// rope and rope_angles.
#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec AngleSpec(int64_t dimensions, double base, double scale) {
  OpSpec spec;
  spec.name = "angles";
  spec.attributes.Set("dimensions", dimensions);
  spec.attributes.Set("base", base);
  spec.attributes.Set("scale", scale);
  spec.outputs = {Rows(dimensions)};
  return spec;
}

OpSpec RopeSpec(int64_t heads, int64_t head_dim, int64_t dimensions, int64_t neox) {
  OpSpec spec;
  spec.name = "rope";
  spec.attributes.Set("head_dim", head_dim);
  spec.attributes.Set("neox", neox);
  spec.inputs = {Rows(heads * head_dim), Rows(dimensions)};
  spec.outputs = {Rows(heads * head_dim)};
  return spec;
}

TEST_CASE("rope_angles: cosines and sines of each row's position") {
  const FloatTensor factors({1.0f, 2.0f, 8.0f, 0.5f}, {4});
  // Two sequences: positions 5, 6, 7 and 4000.
  const std::vector<int32_t> tokens(4);
  const SequenceRows sequences[] = {{.first_row = 0, .rows = 3, .position = 5},
                                    {.first_row = 3, .rows = 1, .position = 4000}};
  const double positions[] = {5, 6, 7, 4000};
  Step step;
  step.tokens = tokens;
  step.sequences = sequences;
  auto pool = MakePool(2);
  for (const bool with_factors : {false, true}) {
    for (const double scale : {1.0, 0.25}) {
      OpSpec spec = AngleSpec(8, 10000.0, scale);
      if (with_factors) spec.inputs = {Weight(factors.tensor)};
      Runner runner("rope_angles", spec, Choices().back().choice, *pool);
      const auto out = runner.RunFloats(step, {{}}, 4);
      std::vector<double> expected(32);
      for (size_t r = 0; r < 4; ++r) {
        for (size_t i = 0; i < 4; ++i) {
          double angle =
              positions[r] * scale * std::pow(10000.0, -2.0 * static_cast<double>(i) / 8);
          if (with_factors) angle /= factors.values[i];
          expected[r * 8 + i] = std::cos(angle);
          expected[r * 8 + 4 + i] = std::sin(angle);
        }
      }
      CHECK(WorstError(out, expected, 1.0) < 1e-7);
    }
  }
}

TEST_CASE("rope: near the double reference, the same bits from every provider") {
  struct Shape {
    size_t heads, head_dim, dimensions;
  };
  for (const Shape shape : {Shape{9, 64, 64}, Shape{2, 128, 128}, Shape{3, 80, 32}, Shape{1, 2, 2},
                            Shape{4, 10, 6}, Shape{2, 96, 72}}) {
    for (const size_t neox : {0, 1}) {
      for (const int32_t rows : {1, 3, 70}) {
        const size_t columns = shape.heads * shape.head_dim, half = shape.dimensions / 2;
        const std::vector<float> x = Random(static_cast<size_t>(rows) * columns, 1, 3.0f);
        const std::vector<float> angles =
            Random(static_cast<size_t>(rows) * shape.dimensions, 2);  // any factors will do
        std::vector<double> expected(x.begin(), x.end());
        for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
          for (size_t h = 0; h < shape.heads; ++h) {
            const size_t at = r * columns + h * shape.head_dim;
            for (size_t i = 0; i < half; ++i) {
              const size_t a = at + (neox != 0 ? i : 2 * i), b = neox != 0 ? a + half : a + 1;
              const double c = angles[r * shape.dimensions + i];
              const double s = angles[r * shape.dimensions + half + i];
              expected[a] = x[a] * c - x[b] * s;
              expected[b] = x[a] * s + x[b] * c;
            }
          }
        }
        const PlainStep step(rows, 0);
        std::vector<uint8_t> first;
        for (const size_t threads : {1, 2}) {
          auto pool = MakePool(threads);
          for (const NamedChoice& choice : Choices()) {
            CAPTURE(choice.name, shape.heads, shape.head_dim, shape.dimensions, neox, rows);
            Runner runner(
                "rope",
                RopeSpec(static_cast<int64_t>(shape.heads), static_cast<int64_t>(shape.head_dim),
                         static_cast<int64_t>(shape.dimensions), static_cast<int64_t>(neox)),
                choice.choice, *pool);
            CHECK((runner.provider() == choice.choice.provider));
            const auto out = runner.Run(step.step, {x, angles}, rows);
            if (first.empty()) first = out;
            CHECK((out == first));
            CHECK(WorstError(runner.RunFloats(step.step, {x, angles}, rows), expected, 1.0) < 1e-6);
          }
        }
      }
    }
  }
}

TEST_CASE("rope: broken nodes are refused") {
  REQUIRE(CheckOp("rope", RopeSpec(2, 64, 64, 0)).ok());
  CHECK_FALSE(CheckOp("rope", RopeSpec(2, 64, 66, 0)).ok());
  CHECK_FALSE(CheckOp("rope", RopeSpec(2, 64, 63, 0)).ok());
  CHECK_FALSE(CheckOp("rope", RopeSpec(2, 64, 64, 2)).ok());
  OpSpec spec = RopeSpec(2, 64, 64, 0);
  spec.attributes.Set("head_dim", int64_t{100});
  CHECK_FALSE(CheckOp("rope", spec).ok());
  spec = RopeSpec(2, 64, 64, 0);
  spec.outputs[0] = Rows(64);
  CHECK_FALSE(CheckOp("rope", spec).ok());

  REQUIRE(CheckOp("rope_angles", AngleSpec(64, 1e4, 1.0)).ok());
  CHECK_FALSE(CheckOp("rope_angles", AngleSpec(63, 1e4, 1.0)).ok());
  CHECK_FALSE(CheckOp("rope_angles", AngleSpec(64, 0.0, 1.0)).ok());
  CHECK_FALSE(CheckOp("rope_angles", AngleSpec(64, std::nan(""), 1.0)).ok());
  CHECK_FALSE(CheckOp("rope_angles", AngleSpec(64, 1e4, 0.0)).ok());
  const FloatTensor factors({1.0f, 0.0f}, {2});
  spec = AngleSpec(4, 1e4, 1.0);
  spec.inputs = {Weight(factors.tensor)};
  REQUIRE(CheckOp("rope_angles", spec).ok());
  const KernelChoice choice;
  auto pool = MakePool(1);
  const PlanContext context{&choice, pool.get(), std::make_shared<Allocator>(), {}, 1};
  CHECK_FALSE(FindOp("rope_angles")->make(spec, context).ok());
}

}  // namespace
}  // namespace hob::test
