// SPDX-License-Identifier: Apache-2.0
// Safetensors headers that are made to be misread, one test a class.
#include <catch2/catch_test_macros.hpp>

#include "lib/format/safetensors.h"
#include "tests/support/hf_folder.h"

namespace hob {
namespace {

void Refused(const std::vector<uint8_t>& file, StatusCode code, const char* message) {
  const Status status = format::ParseSafetensors(file).status();
  CAPTURE(status);
  CHECK(status.code() == code);
  CHECK(status.message().find(message) != std::string::npos);
}

void Refused(const std::string& header, size_t data, StatusCode code, const char* message) {
  Refused(test::SafetensorsOf(header, std::vector<uint8_t>(data)), code, message);
}

TEST_CASE("safetensors: 2^32 by 2^32 elements, whose product wraps to nothing") {
  Refused(R"({"t":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
          StatusCode::kInvalidArgument, "product overflows");
  // Bytes and not elements overflow.
  Refused(R"({"t":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
          StatusCode::kInvalidArgument, "product overflows");
}

TEST_CASE("safetensors: tensors that share bytes") {
  Refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
          R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
          12, StatusCode::kInvalidArgument, "'b' at byte 4 of the tensor data overlaps 'a'");
  Refused(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
          R"("b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
          8, StatusCode::kInvalidArgument, "overlaps");
}

TEST_CASE("safetensors: bytes of no tensor, where something else hides") {
  Refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
          R"("b":{"dtype":"U8","shape":[1],"data_offsets":[5,6]}})",
          6, StatusCode::kInvalidArgument, "bytes 1 to 5");
}

TEST_CASE("safetensors: offsets past the file's end") {
  Refused(R"({"t":{"dtype":"F32","shape":[1024],"data_offsets":[0,4096]}})", 16,
          StatusCode::kDataLoss, "ends at byte 4096");
  Refused(R"({"t":{"dtype":"U8","shape":[1],)"
          R"("data_offsets":[9223372036854775806,9223372036854775807]}})",
          16, StatusCode::kDataLoss, "9223372036854775807");
  Refused(R"({"t":{"dtype":"U8","shape":[1],)"
          R"("data_offsets":[18446744073709551615,0]}})",
          16, StatusCode::kInvalidArgument, "two integers");
}

TEST_CASE("safetensors: a dtype that nobody knows") {
  Refused(R"({"t":{"dtype":"F128","shape":[1],"data_offsets":[0,16]}})", 16,
          StatusCode::kUnimplemented, "'F128'");
  Refused(R"({"t":{"dtype":"\u001b[2J","shape":[1],"data_offsets":[0,16]}})", 16,
          StatusCode::kUnimplemented, "\\x1b");
}

TEST_CASE("safetensors: a header nested a million deep") {
  Refused("{\"t\":" + std::string(1000000, '['), 0, StatusCode::kInvalidArgument, "deeper");
  Refused(R"({"t":)" + std::string(100, '[') + std::string(100, ']') + "}", 0,
          StatusCode::kInvalidArgument, "deeper");
}

TEST_CASE("safetensors: a header longer than the file, or than any header") {
  for (const uint64_t length : {uint64_t{17}, uint64_t{100'000'000}}) {
    std::vector<uint8_t> file(24, '{');
    std::memcpy(file.data(), &length, sizeof(length));
    Refused(file, StatusCode::kDataLoss, "ends early");
  }
  for (const uint64_t length : {uint64_t{100'000'001}, uint64_t{1} << 63, ~uint64_t{0}}) {
    std::vector<uint8_t> file(24, '{');
    std::memcpy(file.data(), &length, sizeof(length));
    Refused(file, StatusCode::kInvalidArgument, "above the limit");
  }
  Refused(std::vector<uint8_t>(8), StatusCode::kInvalidArgument, "'{'");
  Refused(std::vector<uint8_t>(7), StatusCode::kDataLoss, "7 bytes");
}

TEST_CASE("safetensors: a name twice, of which readers take different ones") {
  Refused(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
          R"("t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
          2, StatusCode::kInvalidArgument, "'t' twice");
  Refused(R"({"t":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,1]}})", 1,
          StatusCode::kInvalidArgument, "'dtype' twice");
}

TEST_CASE("safetensors: a dimension of zero") {
  Refused(R"({"t":{"dtype":"F32","shape":[0,4294967296],"data_offsets":[0,0]}})", 0,
          StatusCode::kInvalidArgument, "dimension of 0");
}

TEST_CASE("safetensors: a name longer than a tensor's may be") {
  Refused("{\"" + std::string(300, 'n') + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
          1, StatusCode::kInvalidArgument, "300 bytes");
}

}  // namespace
}  // namespace hob
