// SPDX-License-Identifier: Apache-2.0
#include "lib/base/dtype.h"

#include <catch2/catch_test_macros.hpp>

#include "lib/base/block_formats.h"

namespace hob {
namespace {

TEST_CASE("types have the block sizes of their structs") {
  CHECK(FindDType(DType::kQ4_0)->block_bytes == sizeof(BlockQ4_0));
  CHECK(FindDType(DType::kQ4_1)->block_bytes == sizeof(BlockQ4_1));
  CHECK(FindDType(DType::kQ5_0)->block_bytes == sizeof(BlockQ5_0));
  CHECK(FindDType(DType::kQ5_1)->block_bytes == sizeof(BlockQ5_1));
  CHECK(FindDType(DType::kQ8_0)->block_bytes == sizeof(BlockQ8_0));
  CHECK(FindDType(DType::kQ4_K)->block_bytes == sizeof(BlockQ4_K));
  CHECK(FindDType(DType::kQ5_K)->block_bytes == sizeof(BlockQ5_K));
  CHECK(FindDType(DType::kQ6_K)->block_bytes == sizeof(BlockQ6_K));
  CHECK(FindDType(DType::kQ8Act)->block_bytes * 2 == Q8ActLayout(64).bytes);
  CHECK(FindDType(DType::kF32)->block_elements == 1);
}

TEST_CASE("a type that hob knows has the name that GGUF gives it") {
  for (uint32_t type = 0; type < 100; ++type) {
    const DTypeInfo* info = FindDType(static_cast<DType>(type));
    if (info != nullptr) CHECK(info->name == GgufTypeName(type));
  }
}

TEST_CASE("types that hob does not run have names for messages") {
  CHECK(FindDType(static_cast<DType>(10)) == nullptr);
  CHECK(GgufTypeName(10) == "Q2_K");
  CHECK(GgufTypeName(23) == "IQ4_XS");
  CHECK(GgufTypeName(35) == "TQ2_0");
  CHECK(GgufTypeName(39) == "MXFP4");
  CHECK(GgufTypeName(77) == "unknown");
  CHECK(GgufTypeName(0xffffffffu) == "unknown");
}

}  // namespace
}  // namespace hob
