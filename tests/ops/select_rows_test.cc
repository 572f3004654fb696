// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/support.h"

namespace hob::test {
namespace {

OpSpec Spec() {
  OpSpec spec;
  spec.name = "select_rows";
  spec.inputs = {Rows(7)};
  spec.outputs = {Rows(7, DType::kF32, kLogitRowsDim)};
  return spec;
}

TEST_CASE("select_rows: copies the rows of the logits") {
  auto pool = MakePool(1);
  const std::vector<float> x = Random(5 * 7, 1);
  PlainStep plain(5, 0);
  const std::vector<int32_t> wanted = {0, 2, 4};
  plain.step.logit_rows = wanted;
  for (const NamedChoice& choice : Choices()) {
    Runner runner("select_rows", Spec(), choice.choice, *pool);
    const auto out = runner.RunFloats(plain.step, {x}, 3);
    for (size_t r = 0; r < 3; ++r) {
      CHECK((Slice(out, r * 7, 7) == Slice(x, static_cast<size_t>(wanted[r]) * 7, 7)));
    }
  }
  plain.step.logit_rows = {};
  Runner runner("select_rows", Spec(), Choices()[0].choice, *pool);
  CHECK(runner.RunFloats(plain.step, {x}, 0).empty());
}

TEST_CASE("select_rows: broken nodes are refused") {
  REQUIRE(CheckOp("select_rows", Spec()).ok());
  OpSpec spec = Spec();
  spec.outputs[0].shape[0] = kTokensDim;
  CHECK_FALSE(CheckOp("select_rows", spec).ok());
  spec = Spec();
  spec.inputs[0].shape[0] = kLogitRowsDim;
  CHECK_FALSE(CheckOp("select_rows", spec).ok());
  spec = Spec();
  spec.outputs[0].shape[1] = 8;
  CHECK_FALSE(CheckOp("select_rows", spec).ok());
}

}  // namespace
}  // namespace hob::test
