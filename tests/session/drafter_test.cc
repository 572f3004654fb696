// SPDX-License-Identifier: Apache-2.0
#include "lib/session/drafter.h"

#include <catch2/catch_test_macros.hpp>

#include "lib/session/model.h"
#include "tests/support/shared_dir.h"

namespace hob {
namespace {

TEST_CASE("a text with a token that the draft model does not have gets no guesses") {
  // Models of a family can have one vocabulary, but last matrices padded to other sizes.
  auto runtime = Runtime::Create({.threads = 1});
  REQUIRE(runtime.ok());
  const std::string path =
      (testing::SourceDir() / "tests" / "fixtures" / "smollm-q4_1.gguf").string();
  auto draft = Model::Open(*runtime, path, {}), target = Model::Open(*runtime, path, {});
  REQUIRE(draft.ok());
  REQUIRE(target.ok());
  auto drafter = Drafter::Create(**draft, **target, 3);
  REQUIRE(drafter.ok());
  const Batcher& batcher = *(*target)->batcher();
  std::vector<int32_t> guesses;
  bool ended = false;
  (*drafter)->Begin([&] { ended = true; });
  const int32_t padding = (*draft)->batcher()->executor().shape().vocabulary;
  CHECK((*drafter)->Guess(std::vector<int32_t>{1, padding, 2}, 3, batcher, guesses));
  CHECK(guesses.empty());
  CHECK((*drafter)->Next(3).rows() == 0);
  CHECK(!(*drafter)->Guess(std::vector<int32_t>{1, padding - 1, 2}, 3, batcher, guesses));
  CHECK((*drafter)->Next(3).rows() == 3);
  (*drafter)->End(absl::OkStatus());
  CHECK(ended);
  CHECK((*drafter)->Guess(std::vector<int32_t>{1, 2}, 3, batcher, guesses));
  CHECK(guesses.empty());
}

}  // namespace
}  // namespace hob
