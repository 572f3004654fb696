// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/support.h"

namespace hob::test {
namespace {

constexpr int64_t kTokens = 11, kColumns = 512;

struct Table {
  explicit Table(DType type) : bytes(Bytes(type)) {
    std::mt19937 generator(static_cast<uint32_t>(type));
    // Small exponents, so that no scale is an infinity or a NaN.
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(generator() >> 8) & 0xbb;
    tensor.name = "token_embd.weight";
    tensor.type = type;
    tensor.shape = {kTokens, kColumns};
    tensor.data = bytes;
  }
  static size_t Bytes(DType type) {
    const DTypeInfo* info = FindDType(type);
    REQUIRE(info != nullptr);
    return kTokens * kColumns / info->block_elements * info->block_bytes;
  }
  std::vector<uint8_t> bytes;
  Tensor tensor;
};

OpSpec Spec(const Table& table) {
  OpSpec spec;
  spec.name = "embedding";
  spec.inputs = {Weight(table.tensor)};
  spec.outputs = {Rows(kColumns)};
  return spec;
}

TEST_CASE("embedding: the rows of the tokens, scaled") {
  auto pool = MakePool(2);
  const std::vector<int32_t> tokens = {3, 0, 10, 3, 7, 1};
  Step step;
  step.tokens = tokens;
  for (const DType type :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
        DType::kQ5_1, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const Table table(type);
    std::vector<float> all(kTokens * kColumns);
    REQUIRE(Dequantize(type, table.bytes.data(), all.size(), all.data()));
    for (const float scale : {1.0f, 24.0f}) {
      CAPTURE(static_cast<int>(type), scale);
      OpSpec spec = Spec(table);
      if (scale != 1.0f) spec.attributes.Set("scale", double{scale});
      Runner runner("embedding", spec, Choices().back().choice, *pool);
      const auto out = runner.RunFloats(step, {{}}, static_cast<int64_t>(tokens.size()));
      bool equal = true;
      for (size_t i = 0; i < out.size(); ++i) {
        const size_t at = static_cast<size_t>(tokens[i / kColumns]) * kColumns + i % kColumns;
        equal = equal && out[i] == all[at] * scale;
      }
      CHECK(equal);
    }
  }
}

TEST_CASE("embedding: broken nodes are refused") {
  Table table(DType::kQ8_0);
  REQUIRE(CheckOp("embedding", Spec(table)).ok());
  OpSpec spec = Spec(table);
  spec.outputs[0].shape = {kTokensDim, kColumns - 32};
  CHECK_FALSE(CheckOp("embedding", spec).ok());
  spec = Spec(table);
  spec.outputs[0].shape = {kLogitRowsDim, kColumns};
  CHECK_FALSE(CheckOp("embedding", spec).ok());
  spec = Spec(table);
  spec.inputs[0] = Rows(kColumns);
  CHECK_FALSE(CheckOp("embedding", spec).ok());
  spec = Spec(table);
  spec.inputs[0].type = DType::kI32;
  CHECK_FALSE(CheckOp("embedding", spec).ok());
  spec = Spec(table);
  spec.inputs[0].shape = {INT64_MAX, kColumns};
  CHECK_FALSE(CheckOp("embedding", spec).ok());
  spec = Spec(table);
  spec.inputs[0].shape = {kTokens, 33};
  CHECK_FALSE(CheckOp("embedding", spec).ok());
  spec = Spec(table);
  spec.attributes.Set("scale", std::nan(""));
  CHECK_FALSE(CheckOp("embedding", spec).ok());
  table.tensor.data = table.tensor.data.first(table.bytes.size() - 1);
  CHECK_FALSE(CheckOp("embedding", Spec(table)).ok());
}

}  // namespace
}  // namespace hob::test
