// SPDX-License-Identifier: Apache-2.0
// The fixtures with float weights as Hugging Face folders: the logits of transformers.
#include <catch2/catch_test_macros.hpp>

#include "tests/golden/fixture.h"
#include "tests/support/hf_folder.h"

namespace hob::testing {
namespace {

Matrix Logits(const Fixture& fixture, DType activations) {
  StatusOr<Runner> runner = MakeRunner(fixture, activations);
  INFO(runner.status().ToString());
  REQUIRE(runner.ok());
  return Evaluate(*runner, fixture.tokens, fixture.tokens.size());
}

TEST_CASE("a Hugging Face folder answers as its GGUF file") {
  int seen = 0;
  for (const Fixture& fixture : LoadFixtures()) {
    // Norms of the folder's Gemma are what is added to 1, which rounds.
    const bool same_bits = fixture.name == "qwen2-bf16" || fixture.name == "qwen3-f16";
    if (!same_bits && fixture.name != "llama-float" && fixture.name != "gemma3-f16") continue;
    ++seen;
    DYNAMIC_SECTION(fixture.name) {
      const auto gguf = OpenModelFile(fixture.path);
      REQUIRE(gguf.ok());
      const test::TemporaryFolder folder;
      test::WriteHfFolder(**gguf, folder / "m", 2);
      Fixture hf = fixture;
      hf.path = folder / "m";
      const Matrix precise = Logits(hf, DType::kF32);
      CHECK(MaxDifference(precise, fixture.logits) <= fixture.precise_abs);
      const Matrix usual = Logits(hf, DType::kQ16Act), reference = Logits(fixture, DType::kQ16Act);
      CHECK(RelativeRms(usual, reference) <= 1.5e-3);
      if (same_bits) {
        CHECK(SameBits(precise, Logits(fixture, DType::kF32)));
        CHECK(SameBits(usual, reference));
      }
    }
  }
  CHECK(seen == 4);
}

}  // namespace
}  // namespace hob::testing
