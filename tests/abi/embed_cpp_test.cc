// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>
#include <hob/hob_experimental.hpp>

#include "tests/abi/bert_writer.h"
#include "tests/support/temporary_folder.h"

TEST_CASE("an embedder in C++") {
  const hob::test::TemporaryFolder folder;
  hob::test::WriteBertFolder(folder / "m");
  const auto runtime = hob::Runtime::Create();
  REQUIRE(runtime.ok());
  const auto model = hob::Model::Open(*runtime, folder / "m");
  REQUIRE(model.ok());
  const auto embedder = hob::Embedder::Create(*model);
  REQUIRE(embedder.ok());
  CHECK(embedder->Info()->dimension == 64);
  CHECK(*embedder->CountTokens("a b") == 4);
  const std::string_view texts[] = {"hello", "a b c"};
  uint64_t tokens = 0;
  const auto rows = embedder->Embed(texts, &tokens);
  REQUIRE(rows.ok());
  CHECK(tokens == 12);
  REQUIRE(rows->size() == 128);
  const auto one = embedder->Embed("a b c");
  REQUIRE(one.ok());
  CHECK((*one == std::vector<float>(rows->begin() + 64, rows->end())));
  CHECK(embedder->Embed("\xC3").code() == HOB_INVALID_ARGUMENT);
}
