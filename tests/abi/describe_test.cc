// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "tests/abi/client.h"

using namespace hob::test;

TEST_CASE("a model is described as JSON") {
  const RuntimePtr runtime = MakeRuntime();
  for (const bool vocabulary_only : {false, true}) {
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.vocabulary_only = vocabulary_only ? 1 : 0;
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture(), &options);
    char* text = nullptr;
    size_t size = 0;
    REQUIRE_OK(hob_model_describe(&text, &size, model.get(), &error));
    const nlohmann::json json = nlohmann::json::parse(std::string_view(text, size));
    hob_free(text);
    CHECK(json["architecture"] == "llama");
    CHECK(json["hyperparameters"]["llama.block_count"] == 2);
    CHECK(json["vocabulary"]["tokens"] == 288);
    REQUIRE(json["tensors"].size() > 5);
    CHECK(json["tensors"][0]["shape"].size() == 2);
    CHECK(json["graph"].empty() == vocabulary_only);
    CHECK(json["memory"].contains("scratch_bytes") == !vocabulary_only);
  }
}
