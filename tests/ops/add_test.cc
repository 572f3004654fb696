// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec Spec(int64_t columns, int64_t rows = kTokensDim) {
  OpSpec spec;
  spec.name = "add";
  spec.inputs = {Rows(columns, DType::kF32, rows), Rows(columns, DType::kF32, rows)};
  spec.outputs = {Rows(columns, DType::kF32, rows)};
  return spec;
}

TEST_CASE("add: exact") {
  for (const size_t threads : {1, 2}) {
    auto pool = MakePool(threads);
    for (const size_t columns : {1, 3, 16, 577}) {
      for (const int32_t rows : {1, 5, 300}) {
        const size_t count = static_cast<size_t>(rows) * columns;
        const std::vector<float> a = Random(count, 1), b = Random(count, 2);
        std::vector<float> expected(count);
        for (size_t i = 0; i < count; ++i) expected[i] = a[i] + b[i];
        const PlainStep step(rows, 0);
        for (const NamedChoice& choice : Choices()) {
          CAPTURE(choice.name, columns, rows);
          Runner runner("add", Spec(static_cast<int64_t>(columns)), choice.choice, *pool);
          CHECK((runner.provider() == choice.choice.provider));
          CHECK((runner.RunFloats(step.step, {a, b}, rows) == expected));
        }
      }
    }
  }
}

TEST_CASE("add: broken nodes are refused") {
  REQUIRE(CheckOp("add", Spec(8)).ok());
  REQUIRE(CheckOp("add", Spec(8, kLogitRowsDim)).ok());
  CHECK_FALSE(CheckOp("add", Spec(8, 4)).ok());
  CHECK_FALSE(CheckOp("add", Spec(-8)).ok());
  CHECK_FALSE(CheckOp("add", Spec(INT64_MAX)).ok());
  OpSpec spec = Spec(8);
  spec.inputs[1].shape = {kLogitRowsDim, 8};
  CHECK_FALSE(CheckOp("add", spec).ok());
  spec = Spec(8);
  spec.inputs[0].shape = {8};
  CHECK_FALSE(CheckOp("add", spec).ok());
  spec = Spec(8);
  spec.inputs[0].shape = {};
  CHECK_FALSE(CheckOp("add", spec).ok());
  spec = Spec(8);
  spec.outputs.clear();
  CHECK_FALSE(CheckOp("add", spec).ok());
}

}  // namespace
}  // namespace hob::test
