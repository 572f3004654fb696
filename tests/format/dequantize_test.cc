// SPDX-License-Identifier: Apache-2.0
// tests/format/data/dequantize.gguf holds random blocks of each format and what gguf-py makes of
// them (tests/tools/make_dequantize_fixture.py): an independent writer and an independent decoder.
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "lib/base/block_formats.h"
#include "lib/format/model_file.h"
#include "tests/support/shared_dir.h"

namespace hob {
namespace {

TEST_CASE("every block format decodes bit for bit as gguf-py does") {
  const auto path = testing::SourceDir() / "tests/format/data/dequantize.gguf";
  const auto model = OpenModelFile(path.string());
  INFO(model.status());
  REQUIRE(model.ok());
  size_t types = 0;
  for (const Tensor& tensor : (*model)->tensors) {
    const Tensor* expected = (*model)->FindTensor(tensor.name + ".values");
    if (expected == nullptr) continue;
    CAPTURE(tensor.name);
    CHECK(FindDType(tensor.type)->name == tensor.name);
    REQUIRE(tensor.shape == std::vector<int64_t>{2, 512});
    REQUIRE(expected->type == DType::kF32);
    REQUIRE(expected->shape == tensor.shape);
    const size_t count = 1024;
    std::vector<float> values(count);
    REQUIRE(Dequantize(tensor.type, tensor.data.data(), count, values.data()));
    CHECK(std::memcmp(values.data(), expected->data.data(), count * sizeof(float)) == 0);
    ++types;
  }
  CHECK(types == 10);
}

}  // namespace
}  // namespace hob
