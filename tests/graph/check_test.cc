// SPDX-License-Identifier: Apache-2.0
// Graphs come from files too: what does not hold is refused before anything is planned.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "lib/graph/graph.h"
#include "tests/support/shared_dir.h"

namespace hob {
namespace {

TEST_CASE("a table of fewer rows than the vocabulary has tokens is refused") {
  const auto file = OpenModelFile(testing::SourceDir() / "tests/fixtures/smollm-q4_1.gguf");
  REQUIRE(file.ok());
  auto graph = BuildGraph(**file);
  REQUIRE(graph.ok());
  REQUIRE(CheckGraph(*graph, **file).ok());
  const auto embedding = std::ranges::find(graph->nodes, "embedding", &Node::op);
  REQUIRE(embedding != graph->nodes.end());
  // Another weight of the same width, of which there are as many rows as it has keys.
  const int64_t width = graph->shape.width;
  const auto narrow = std::ranges::find_if(graph->values, [&](const Value& value) {
    return value.kind == ValueKind::kWeight && value.shape.size() == 2 && value.shape[1] == width &&
           value.shape[0] < graph->shape.vocabulary;
  });
  REQUIRE(narrow != graph->values.end());
  embedding->inputs[0] = static_cast<ValueId>(narrow - graph->values.begin());
  const Status status = CheckGraph(*graph, **file);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("fewer rows than the vocabulary") != std::string::npos);
}

}  // namespace
}  // namespace hob
