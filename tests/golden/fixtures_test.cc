// SPDX-License-Identifier: Apache-2.0
// Small models of every variant and tensor type against transformers' logits, and what must not
// change a row's logits: chunks, threads, other sequences.
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "lib/isa/cpu.h"
#include "tests/golden/fixture.h"

namespace hob::testing {
namespace {

// What can be forced on this machine: an environment variable and its value.
struct Force {
  const char* variable;
  std::string value;
};

std::vector<Force> Forces() {
  const CpuFeatures cpu = CpuFeatures::Detect();
  std::vector<Force> forces = {
      {"HOB_PROVIDER", ""}, {"HOB_PROVIDER", "scalar"}, {"HOB_PROVIDER", "simd"}};
  if (cpu.avx2) {
    forces.push_back({"HOB_PROVIDER", "avx2"});
    forces.push_back({"HOB_ISA", "sse4"});
  }
  if (cpu.avx512) forces.push_back({"HOB_ISA", "avx2"});
  if (cpu.avx512vnni) {
    forces.push_back({"HOB_PROVIDER", "avx512vnni"});
    forces.push_back({"HOB_ISA", "avx512"});
  }
  return forces;
}

// A provider made for one instruction set may lack an operator; the portable ones have them all.
bool MayLackOperators(const Force& force) {
  return std::string(force.variable) == "HOB_PROVIDER" && force.value != "" &&
         force.value != "scalar" && force.value != "simd";
}

// `check` on a runner of each fixture, however forced.
template <typename F>
void ForEach(const std::vector<Fixture>& fixtures, const std::vector<Force>& forces,
             DType activations, F&& check, DType cache = DType::kF16) {
  for (const Force& force : forces) {
    const ScopedEnvironment environment(force.variable, force.value);
    for (const Fixture& fixture : fixtures) {
      DYNAMIC_SECTION(fixture.name << " " << force.variable << "=" << force.value << " "
                                   << static_cast<int>(activations)) {
        StatusOr<Runner> runner = MakeRunner(fixture, activations, 2, cache);
        if (runner.status().code() == StatusCode::kUnimplemented && MayLackOperators(force)) {
          continue;
        }
        INFO(runner.status().ToString());
        REQUIRE(runner.ok());
        check(fixture, *runner);
      }
    }
  }
}

const std::vector<Fixture>& Fixtures() {
  static const std::vector<Fixture>* fixtures = new std::vector<Fixture>(LoadFixtures());
  return *fixtures;
}

TEST_CASE("f32 activations give transformers' logits") {
  ForEach(Fixtures(), Forces(), DType::kF32, [](const Fixture& fixture, const Runner& runner) {
    const Matrix logits = Evaluate(runner, fixture.tokens, fixture.tokens.size());
    REQUIRE(logits.rows == fixture.logits.rows);
    REQUIRE(logits.columns == fixture.logits.columns);
    CHECK(MaxDifference(logits, fixture.logits) <= fixture.precise_abs);
    CHECK(MaxDifference(Evaluate(runner, fixture.tokens, 1), fixture.logits) <=
          fixture.precise_abs);
  });
}

TEST_CASE("int16 activations give transformers' logits but for the f16 cache") {
  ForEach(Fixtures(), Forces(), DType::kQ16Act, [](const Fixture& fixture, const Runner& runner) {
    const Matrix logits = Evaluate(runner, fixture.tokens, fixture.tokens.size());
    CHECK(RelativeRms(logits, fixture.logits) <= 1.5e-3);
  });
}

TEST_CASE("int8 activations stay near transformers' logits") {
  ForEach(Fixtures(), Forces(), DType::kQ8Act, [](const Fixture& fixture, const Runner& runner) {
    const Matrix logits = Evaluate(runner, fixture.tokens, fixture.tokens.size());
    CHECK(RelativeRms(logits, fixture.logits) <= fixture.int8_rms);
  });
}

TEST_CASE("chunks do not change logits") {
  for (const DType activations : {DType::kQ16Act, DType::kQ8Act}) {
    ForEach(Fixtures(), Forces(), activations, [](const Fixture& fixture, const Runner& runner) {
      const Matrix whole = Evaluate(runner, fixture.tokens, fixture.tokens.size());
      CHECK(SameBits(Evaluate(runner, fixture.tokens, 1), whole));
      CHECK(SameBits(Evaluate(runner, fixture.tokens, 7), whole));
    });
  }
}

TEST_CASE("an int8 cache gives transformers' logits, however a prompt is cut") {
  for (const DType activations : {DType::kQ16Act, DType::kQ8Act}) {
    const auto check = [&](const Fixture& fixture, const Runner& runner) {
      const Matrix whole = Evaluate(runner, fixture.tokens, fixture.tokens.size());
      const double bound = activations == DType::kQ8Act ? fixture.int8_rms : 0;
      CHECK(RelativeRms(whole, fixture.logits) <= bound + 3e-2);
      CHECK(SameBits(Evaluate(runner, fixture.tokens, 1), whole));
      CHECK(SameBits(Evaluate(runner, fixture.tokens, 7), whole));
    };
    ForEach(Fixtures(), Forces(), activations, check, DType::kQC8);
  }
}

TEST_CASE("threads do not change logits") {
  for (const Fixture& fixture : Fixtures()) {
    DYNAMIC_SECTION(fixture.name) {
      Matrix first;
      for (const size_t threads : {1, 2, 3, 5}) {
        StatusOr<Runner> runner = MakeRunner(fixture, DType::kQ16Act, threads);
        INFO(runner.status().ToString());
        REQUIRE(runner.ok());
        const Matrix logits = Evaluate(*runner, fixture.tokens, 16);
        if (threads == 1) first = logits;
        CHECK(SameBits(logits, first));
      }
    }
  }
}

TEST_CASE("other sequences of a step do not change logits") {
  ForEach(Fixtures(), Forces(), DType::kQ16Act, [](const Fixture& fixture, const Runner& runner) {
    const std::vector<int32_t>& tokens = fixture.tokens;
    const std::vector<int32_t> reversed(tokens.rbegin(), tokens.rend());
    const Matrix alone = Evaluate(runner, tokens, tokens.size());
    const Matrix alone_reversed = Evaluate(runner, reversed, reversed.size());

    // Each step: three rows of one sequence, one of a second, two of a third.
    Sequence a(runner, tokens.size()), b(runner, tokens.size()), c(runner, tokens.size());
    for (size_t i = 0; 3 * i + 3 <= tokens.size(); ++i) {
      const std::vector<int32_t> rows = {tokens[3 * i], tokens[3 * i + 1], tokens[3 * i + 2],
                                         reversed[i],   tokens[2 * i],     tokens[2 * i + 1]};
      const Matrix logits = RunStep(runner, rows, {a.Next(0, 3), b.Next(3, 1), c.Next(4, 2)});
      const auto same = [&logits](int64_t row, const Matrix& expected, size_t position) {
        return std::memcmp(logits.row(row), expected.row(static_cast<int64_t>(position)),
                           static_cast<size_t>(logits.columns) * sizeof(float)) == 0;
      };
      for (size_t r = 0; r < 3; ++r) CHECK(same(static_cast<int64_t>(r), alone, 3 * i + r));
      CHECK(same(3, alone_reversed, i));
      for (size_t r = 0; r < 2; ++r) CHECK(same(static_cast<int64_t>(4 + r), alone, 2 * i + r));
    }
  });
}

TEST_CASE("only the rows asked for get logits") {
  for (const Fixture& fixture : Fixtures()) {
    DYNAMIC_SECTION(fixture.name) {
      StatusOr<Runner> runner = MakeRunner(fixture, DType::kQ16Act);
      INFO(runner.status().ToString());
      REQUIRE(runner.ok());
      const Matrix all = Evaluate(*runner, fixture.tokens, fixture.tokens.size());

      Sequence sequence(*runner, fixture.tokens.size());
      const int32_t last = static_cast<int32_t>(fixture.tokens.size()) - 1;
      const std::vector<int32_t> rows = {3, last};
      const std::vector<SequenceRows> sequences = {sequence.Next(0, last + 1)};
      Matrix some{2, all.columns, std::vector<float>(static_cast<size_t>(2 * all.columns))};
      Step step;
      step.tokens = fixture.tokens;
      step.sequences = sequences;
      step.logit_rows = rows;
      step.logits = some.values.data();
      REQUIRE(runner->executor->Run(step).ok());
      Matrix expected{2, all.columns, {}};
      for (const int32_t row : rows) {
        expected.values.insert(expected.values.end(), all.row(row), all.row(row) + all.columns);
      }
      CHECK(SameBits(some, expected));

      // None: the cache alone is filled.
      Sequence another(*runner, fixture.tokens.size());
      const std::vector<SequenceRows> filled = {another.Next(0, last)};
      const std::vector<int32_t> prompt(fixture.tokens.begin(), fixture.tokens.end() - 1);
      step.tokens = prompt;
      step.sequences = filled;
      step.logit_rows = {};
      step.logits = nullptr;
      REQUIRE(runner->executor->Run(step).ok());
      const Matrix next = RunStep(*runner, {fixture.tokens.back()}, {another.Next(0, 1)});
      CHECK(std::memcmp(next.row(0), all.row(last), next.values.size() * sizeof(float)) == 0);
    }
  }
}

}  // namespace
}  // namespace hob::testing
