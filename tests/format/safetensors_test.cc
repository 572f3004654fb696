// SPDX-License-Identifier: Apache-2.0
#include "lib/format/safetensors.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/hf_folder.h"

namespace hob::format {
namespace {

using test::SafetensorsOf;

std::vector<uint8_t> Zeros(size_t bytes) { return std::vector<uint8_t>(bytes); }

TEST_CASE("tensors are found where the header says, in any order and alignment") {
  const std::string header =
      R"({"b":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},"__metadata__":{"format":"pt"},)"
      R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  std::vector<uint8_t> data;
  for (uint8_t i = 0; i < 14; ++i) data.push_back(i);
  for (const char* pad : {"", " ", "       "}) {
    const auto file = SafetensorsOf(header + pad, data);
    CHECK(IsSafetensors(file));
    const auto entries = ParseSafetensors(file);
    INFO(entries.status());
    REQUIRE(entries.ok());
    REQUIRE(entries->size() == 2);
    CHECK((*entries)[0].name == "a");
    CHECK((*entries)[0].shape == std::vector<int64_t>{1, 2});
    CHECK((*entries)[0].data[7] == 7);
    CHECK((*entries)[1].dtype == "F16");
    CHECK((*entries)[1].data[0] == 8);
    CHECK((*entries)[1].data.size() == 6);
  }
}

TEST_CASE("a file without tensors is none the worse") {
  CHECK(ParseSafetensors(SafetensorsOf("{}", {}))->empty());
}

TEST_CASE("every prefix of a file is refused, and no byte past it is read") {
  const auto whole = SafetensorsOf({{"a", "F32", {2, 2}, Zeros(16)}, {"b", "BF16", {4}, Zeros(8)}});
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<uint8_t> part(whole.begin(),
                                    whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(ParseSafetensors(part).ok());
  }
  CHECK(ParseSafetensors(whole).ok());
}

TEST_CASE("types that hob runs, and those that it names") {
  CHECK(*SafetensorsType("F32") == DType::kF32);
  CHECK(*SafetensorsType("F16") == DType::kF16);
  CHECK(*SafetensorsType("BF16") == DType::kBF16);
  const Status status = SafetensorsType("F8_E4M3").status();
  CHECK(status.code() == StatusCode::kUnimplemented);
  CHECK(status.message().find("F8_E4M3") != std::string::npos);
}

TEST_CASE("what a header may claim and hob does not believe") {
  struct Case {
    const char* what;
    std::string header;
    size_t bytes;
    StatusCode code;
    const char* message;
  };
  const auto one = [](const std::string& entry) { return "{\"t\":" + entry + "}"; };
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  const Case cases[] = {
      {"no object", "[]", 0, kInvalid, "'{'"},
      {"a tensor that is a number", one("1"), 0, kInvalid, "'t' is an integer"},
      {"no dtype", one(R"({"shape":[1],"data_offsets":[0,4]})"), 4, kInvalid, "lacks its dtype"},
      {"no shape", one(R"({"dtype":"F32","data_offsets":[0,4]})"), 4, kInvalid, "its shape"},
      {"no offsets", one(R"({"dtype":"F32","shape":[1]})"), 4, kInvalid, "its data_offsets"},
      {"another key", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1})"), 4, kInvalid,
       "more than"},
      {"a dtype that is a number", one(R"({"dtype":3,"shape":[1],"data_offsets":[0,4]})"), 4,
       kInvalid, "no string"},
      {"no dimensions", one(R"({"dtype":"F32","shape":[],"data_offsets":[0,4]})"), 4, kInvalid,
       "0 dimensions"},
      {"five", one(R"({"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]})"), 4, kInvalid,
       "5 dimensions"},
      {"a negative one", one(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"), 4, kInvalid,
       "dimension of -1"},
      {"a real one", one(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"), 4, kInvalid,
       "a number"},
      {"above int64", one(R"({"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]})"),
       4, kInvalid, "a number"},
      {"three offsets", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,4]})"), 4, kInvalid,
       "two integers"},
      {"a negative offset", one(R"({"dtype":"F32","shape":[1],"data_offsets":[-4,0]})"), 4,
       kInvalid, "two integers"},
      {"backwards", one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), 4, kInvalid,
       "backwards"},
      {"sizes differ", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"), 4, kInvalid,
       "4 bytes by its data_offsets, but 8"},
      {"bytes after the last", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), 5,
       kInvalid, "bytes 4 to 5"},
      {"a gap before the first", one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), 8,
       kInvalid, "bytes 0 to 4"},
      {"no name", R"({"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, kInvalid,
       "0 bytes"},
      {"metadata of numbers", R"({"__metadata__":{"a":1}})", 0, kInvalid, "not a string"},
      {"metadata that is a list", R"({"__metadata__":[]})", 0, kInvalid, "__metadata__"},
      {"cut JSON", R"({"t":{"dtype")", 0, kInvalid, "the header: is not JSON"},
  };
  for (const Case& c : cases) {
    const Status status = ParseSafetensors(SafetensorsOf(c.header, Zeros(c.bytes))).status();
    CAPTURE(c.what, status);
    CHECK(status.code() == c.code);
    CHECK(status.message().find(c.message) != std::string::npos);
  }
}

}  // namespace
}  // namespace hob::format
