// SPDX-License-Identifier: Apache-2.0
// Scaled rotary frequencies against those of transformers 5.23 (f32), and scaling read from nodes.
#include "lib/ops/rope_angles/scaling.h"
#include "tests/ops/support.h"

namespace hob::test {
namespace {

using enum RopeScalingType;

// 16 dimensions.
struct Case {
  double base;
  RopeScaling scaling;
  std::vector<double> expected;
};

std::vector<Case> Cases() {
  return {
      {1e4,
       {.type = kLinear, .factor = 4},
       {0.25, 0.079056941, 0.0250000004, 0.00790569466, 0.00249999994, 0.000790569466,
        0.000250000012, 7.90569466e-05}},
      // Dynamic NTK of factor 2 at three times the original length: the base grows by 2·3 − 1.
      {1e4,
       {.type = kNtk, .factor = 5},
       {1.0, 0.251273751, 0.0631385073, 0.0158650484, 0.0039864704, 0.0010016954, 0.000251699792,
        6.32455485e-05}},
      {1e4,
       {.type = kYarn, .factor = 4, .original_context = 1024},
       {1.0, 0.316227764, 0.0812500045, 0.0197642371, 0.00437500002, 0.000790569466, 0.000250000012,
        7.90569466e-05}},
      {1e6,
       {.type = kYarn, .factor = 8, .original_context = 1024, .beta_fast = 16, .beta_slow = 2},
       {1.0, 0.177827939, 0.0177878123, 0.000702926656, 0.000125000006, 2.22284925e-05,
        3.95284678e-06, 7.02926684e-07}},
      {1e4,
       {.type = kLlama3, .factor = 8, .original_context = 1024},
       {1.0, 0.316227764, 0.100000001, 0.0316227786, 0.00308676064, 0.000395284733, 0.000125000006,
        3.95284733e-05}},
      {5e5,
       {.type = kLlama3, .factor = 32, .original_context = 512, .low_turns = 2, .high_turns = 16},
       {1.0, 0.191269159, 0.00394501165, 0.000227895784, 4.41941702e-05, 8.57025589e-06,
        1.66196742e-06, 3.22293289e-07}},
  };
}

OpSpec AngleSpec(double base, const RopeScaling& scaling) {
  OpSpec spec;
  spec.name = "angles";
  spec.attributes.Set("dimensions", int64_t{16});
  spec.attributes.Set("base", base);
  WriteRopeScaling(scaling, spec.attributes);
  spec.outputs = {Rows(16)};
  return spec;
}

TEST_CASE("scaled frequencies are transformers'") {
  for (const Case& c : Cases()) {
    CAPTURE(RopeScalingName(c.scaling.type), c.scaling.factor);
    REQUIRE(CheckRopeScaling(c.scaling, 16, c.base).ok());
    const std::vector<double> got = RopeFrequencies(16, c.base, c.scaling);
    REQUIRE(got.size() == c.expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(std::abs(got[i] / c.expected[i] - 1) < 5e-7);
    }
  }
  CHECK(std::abs(YarnAttentionFactor(4) - 1.138629436111989) < 1e-12);
  CHECK(YarnAttentionFactor(1) == 1);
}

TEST_CASE("no factor, no change") {
  const std::vector<double> plain = RopeFrequencies(16, 1e4, {});
  for (const RopeScalingType type : {kLinear, kNtk, kYarn, kLlama3}) {
    const std::vector<double> got =
        RopeFrequencies(16, 1e4, {.type = type, .factor = 1, .original_context = 2048});
    for (size_t i = 0; i < plain.size(); ++i) CHECK(std::abs(got[i] / plain[i] - 1) < 1e-12);
  }
}

TEST_CASE("rope_angles turns by scaled frequencies and multiplies by the attention factor") {
  auto pool = MakePool(2);
  const PlainStep step(3, 1'000'000);
  for (const Case& c : Cases()) {
    RopeScaling scaling = c.scaling;
    scaling.attention_factor = 1.25;
    Runner runner("rope_angles", AngleSpec(c.base, scaling), Choices().back().choice, *pool);
    const auto out = runner.RunFloats(step.step, {{}}, 3);
    const std::vector<double> frequencies = RopeFrequencies(16, c.base, scaling);
    std::vector<double> expected(48);
    for (size_t r = 0; r < 3; ++r) {
      for (size_t i = 0; i < 8; ++i) {
        const double angle = (1e6 + static_cast<double>(r)) * frequencies[i];
        expected[r * 16 + i] = 1.25 * std::cos(angle);
        expected[r * 16 + 8 + i] = 1.25 * std::sin(angle);
      }
    }
    CHECK(WorstError(out, expected, 1.0) < 1e-7);
  }
}

TEST_CASE("scaling survives a node's attributes") {
  const RopeScaling all[] = {
      {},
      {.type = kNone, .original_context = 77, .attention_factor = 0.5},
      {.type = kLinear, .factor = 2.5},
      {.type = kNtk, .factor = 3, .original_context = 4},
      {.type = kYarn,
       .factor = 7,
       .original_context = 99,
       .beta_fast = 8,
       .beta_slow = 3,
       .extrapolation = 0.25},
      {.type = kLlama3, .factor = 9, .original_context = 8192, .low_turns = 1.5, .high_turns = 5}};
  for (const RopeScaling& s : all) {
    Attributes attributes;
    WriteRopeScaling(s, attributes);
    const auto read = ReadRopeScaling(attributes);
    REQUIRE(read.ok());
    CHECK(read->type == s.type);
    CHECK(read->factor == s.factor);
    CHECK(read->original_context == s.original_context);
    CHECK(read->attention_factor == s.attention_factor);
    CHECK(read->beta_fast == s.beta_fast);
    CHECK(read->beta_slow == s.beta_slow);
    CHECK(read->extrapolation == s.extrapolation);
    CHECK(read->low_turns == s.low_turns);
    CHECK(read->high_turns == s.high_turns);
  }
  for (const auto& [type, name] : {std::pair{kYarn, "yarn"}, std::pair{kNone, "none"}}) {
    CHECK(RopeScalingName(type) == name);
    CHECK(FindRopeScaling(name) == type);
  }
  CHECK_FALSE(FindRopeScaling("longrope").has_value());
}

TEST_CASE("rope_angles: broken scaling is refused") {
  const RopeScaling yarn{.type = kYarn, .factor = 4, .original_context = 1024};
  const OpSpec good = AngleSpec(1e4, yarn);
  REQUIRE(CheckOp("rope_angles", good).ok());
  const double nan = std::nan(""), huge = HUGE_VAL;
  const std::pair<const char*, Attributes::Value> broken[] = {
      {"scaling", std::string("dynamic")},
      {"scaling", int64_t{3}},
      {"factor", 0.5},
      {"factor", nan},
      {"factor", huge},
      {"factor", int64_t{4}},
      {"original_context", int64_t{0}},
      {"original_context", int64_t{-1}},
      {"original_context", int64_t{1} << 40},
      {"attention_factor", 0.0},
      {"attention_factor", nan},
      {"beta_fast", 0.5},
      {"beta_slow", 0.0},
      {"beta_slow", 64.0},
      {"extrapolation", 1.5},
      {"base", 1.0},
      {"dimensions", int64_t{18}}};
  for (const auto& [key, value] : broken) {
    CAPTURE(key);
    OpSpec spec = good;
    spec.attributes.Set(key, value);
    CHECK_FALSE(CheckOp("rope_angles", spec).ok());
  }
  CHECK_FALSE(CheckRopeScaling({.type = kLinear, .factor = 0}, 16, 1e4).ok());
  CHECK_FALSE(CheckRopeScaling({.type = kNtk, .factor = 2}, 2, 1e4).ok());
  CHECK_FALSE(CheckRopeScaling({.type = kLlama3, .factor = 8}, 16, 1e4).ok());
  CHECK_FALSE(CheckRopeScaling(
                  {.type = kLlama3, .factor = 8, .original_context = 9, .low_turns = 4}, 16, 1e4)
                  .ok());
  // However small the original context is, there are frequencies, and finite ones.
  for (const int64_t context : {1, 5, 6, 200}) {
    RopeScaling small = yarn;
    small.original_context = context;
    REQUIRE(CheckRopeScaling(small, 2, 1e4).ok());
    for (const int64_t dimensions : {2, 4, 64}) {
      for (const double f : RopeFrequencies(dimensions, 1e4, small)) {
        CHECK((f > 0 && f <= 1));
      }
    }
  }
}

}  // namespace
}  // namespace hob::test
