// SPDX-License-Identifier: Apache-2.0
// What a GGUF file may claim and hob does not believe: each with the code and a word of the
// message.
#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "lib/format/gguf.h"
#include "tests/format/gguf_builder.h"

namespace hob {
namespace {

using namespace test;  // NOLINT: the builder's names, in every line below

struct Broken {
  const char* what;
  std::function<void(GgufBuilder&)> make;  // starts from an empty file of architecture "x"
  StatusCode code;
  const char* message;
};

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
constexpr StatusCode kEnds = StatusCode::kDataLoss;
constexpr StatusCode kNotRun = StatusCode::kUnimplemented;
constexpr uint64_t kHuge = uint64_t{1} << 62;

Bytes ArrayHead(uint32_t type, uint64_t count) {
  return Bytes().Put<uint32_t>(kArray).Put(type).Put(count);
}

const Broken kHeaders[] = {
    {"wrong magic", [](GgufBuilder& b) { b.magic = "GGUX"; }, kInvalid, "magic"},
    {"version 1", [](GgufBuilder& b) { b.version = 1; }, kNotRun, "version 1"},
    {"version 0", [](GgufBuilder& b) { b.version = 0; }, kNotRun, "version 0"},
    {"version 4", [](GgufBuilder& b) { b.version = 4; }, kNotRun, "version 4"},
    {"big-endian", [](GgufBuilder& b) { b.version = 0x03000000; }, kNotRun, "big-endian"},
    {"huge key count", [](GgufBuilder& b) { b.key_count = INT64_MAX; }, kInvalid, "key count"},
    {"huge tensor count", [](GgufBuilder& b) { b.tensor_count = INT64_MAX; }, kInvalid,
     "tensor count"},
    {"more keys than bytes", [](GgufBuilder& b) { b.key_count = 60000; }, kEnds, "60000 keys"},
    {"more tensors than bytes", [](GgufBuilder& b) { b.tensor_count = 1000000; }, kEnds,
     "1000000 tensors"},
};

const Broken kKeys[] = {
    {"key twice", [](GgufBuilder& b) { b.Key("a.b", "1").Key("a.b", "2"); }, kInvalid,
     "'a.b' is there twice"},
    {"empty key", [](GgufBuilder& b) { b.Key("", "1"); }, kInvalid, "0 bytes"},
    {"long key", [](GgufBuilder& b) { b.Key(std::string(70000, 'k'), "1"); }, kInvalid, "70000"},
    {"control characters in a key",
     [](GgufBuilder& b) { b.Key("a\x1b[2J", "1").Key("a\x1b[2J", "1"); }, kInvalid, "\\x1b"},
    {"unknown value type", [](GgufBuilder& b) { b.Key<uint32_t>("k", 13, 0); }, kInvalid,
     "unknown value type 13"},
    {"bool of 2", [](GgufBuilder& b) { b.Key<uint8_t>("k", kBool, 2); }, kInvalid, "bool"},
    {"text longer than the file", [](GgufBuilder& b) { b.Key<uint64_t>("k", kText, kHuge); }, kEnds,
     "'k'"},
    {"text whose length wraps", [](GgufBuilder& b) { b.Key<uint64_t>("k", kText, ~uint64_t{0}); },
     kEnds, "'k'"},
    {"array of arrays", [](GgufBuilder& b) { b.RawKey("k", ArrayHead(kArray, 1)); }, kNotRun,
     "array of arrays"},
    {"array of an unknown type", [](GgufBuilder& b) { b.RawKey("k", ArrayHead(99, 1)); }, kInvalid,
     "type 99"},
    {"huge array of bytes", [](GgufBuilder& b) { b.RawKey("k", ArrayHead(kU8, kHuge)); }, kEnds,
     "'k'"},
    {"huge array of texts", [](GgufBuilder& b) { b.RawKey("k", ArrayHead(kText, kHuge)); }, kEnds,
     "'k'"},
    {"array whose size wraps",
     [](GgufBuilder& b) { b.RawKey("k", ArrayHead(kU64, (uint64_t{1} << 61) + 1)); }, kEnds, "'k'"},
    {"array with a value above int64",
     [](GgufBuilder& b) { b.Array<uint64_t>("k", kU64, {1, ~uint64_t{0}}); }, kInvalid,
     "element 1"},
    {"part of a split model", [](GgufBuilder& b) { b.Key<uint32_t>("split.count", kU32, 2); },
     kNotRun, "split into 2"},
    {"alignment 0", [](GgufBuilder& b) { b.Key<uint32_t>("general.alignment", kU32, 0); }, kInvalid,
     "general.alignment"},
    {"alignment 48", [](GgufBuilder& b) { b.Key<uint32_t>("general.alignment", kU32, 48); },
     kInvalid, "power of two"},
    {"alignment 4", [](GgufBuilder& b) { b.Key<uint32_t>("general.alignment", kU32, 4); }, kInvalid,
     "general.alignment"},
    {"alignment of 2 MiB",
     [](GgufBuilder& b) { b.Key<uint32_t>("general.alignment", kU32, 2u << 20); }, kInvalid,
     "general.alignment"},
    {"alignment as text", [](GgufBuilder& b) { b.Key("general.alignment", "32"); }, kInvalid,
     "general.alignment"},
};

const Broken kTensors[] = {
    {"tensor twice", [](GgufBuilder& b) { b.Tensor("t", 0, {1}, 4).Tensor("t", 0, {1}, 4); },
     kInvalid, "'t' is there twice"},
    {"no name", [](GgufBuilder& b) { b.Tensor("", 0, {1}, 4); }, kInvalid, "name has 0 bytes"},
    {"long name", [](GgufBuilder& b) { b.Tensor(std::string(300, 'n'), 0, {1}, 4); }, kInvalid,
     "300"},
    {"no dimensions", [](GgufBuilder& b) { b.Tensor("t", 0, {}, 4); }, kInvalid, "'t'"},
    {"five dimensions", [](GgufBuilder& b) { b.Tensor("t", 0, {1, 1, 1, 1, 1}, 4); }, kInvalid,
     "5 dimensions"},
    {"dimension 0", [](GgufBuilder& b) { b.Tensor("t", 0, {1, 0}, 4); }, kInvalid,
     "dimension of 0"},
    {"dimension above int64", [](GgufBuilder& b) { b.Tensor("t", 0, {~uint64_t{0}}, 4); }, kInvalid,
     "'t'"},
    {"product overflows", [](GgufBuilder& b) { b.Tensor("t", 0, {1u << 31, 1u << 31, 16}, 4); },
     kInvalid, "overflow"},
    {"product wraps to a small size",
     [](GgufBuilder& b) { b.Tensor("t", 0, {uint64_t{1} << 32, uint64_t{1} << 32, 4}, 4); },
     kInvalid, "overflow"},
    {"larger than the file", [](GgufBuilder& b) { b.Tensor("t", 0, {1u << 20}, 4); }, kEnds,
     "tensor 't' takes 4194304 bytes"},
    {"odd columns", [](GgufBuilder& b) { b.Tensor("t", 2, {33}, 36); }, kInvalid,
     "33 columns, which is not a multiple of Q4_0's block of 32"},
    {"K-quant of 32 columns", [](GgufBuilder& b) { b.Tensor("t", 12, {32}, 144); }, kInvalid,
     "Q4_K"},
    {"Q2_K", [](GgufBuilder& b) { b.Tensor("t", 10, {256}, 84); }, kNotRun,
     "tensor 't' has type Q2_K"},
    {"IQ4_XS", [](GgufBuilder& b) { b.Tensor("t", 23, {256}, 136); }, kNotRun, "IQ4_XS"},
    {"MXFP4", [](GgufBuilder& b) { b.Tensor("t", 39, {32}, 17); }, kNotRun, "MXFP4"},
    {"type that nobody knows", [](GgufBuilder& b) { b.Tensor("t", 77, {32}, 64); }, kNotRun,
     "unknown type 77"},
    {"type of hob's own", [](GgufBuilder& b) { b.Tensor("t", 1000, {32}, 64); }, kNotRun, "1000"},
    {"type above int32", [](GgufBuilder& b) { b.Tensor("t", 0xffffffffu, {32}, 64); }, kNotRun,
     "4294967295"},
    {"offset not aligned", [](GgufBuilder& b) { b.Tensor("a", 0, {64}, 256).Info("t", 0, {1}, 4); },
     kInvalid, "tensor 't' offset 4 is not a multiple"},
    {"offset behind the end",
     [](GgufBuilder& b) { b.Tensor("a", 0, {1}, 4).Info("t", 0, {1}, 1 << 20); }, kEnds, "'t'"},
    {"offset that wraps",
     [](GgufBuilder& b) { b.Tensor("a", 0, {1}, 4).Info("t", 0, {1}, ~uint64_t{0} - 31); }, kEnds,
     "'t'"},
};

GgufBuilder& Tokens(GgufBuilder& builder) {
  return builder.Key("tokenizer.ggml.model", "gpt2").Array("tokenizer.ggml.tokens", {"a", "b"});
}

const Broken kVocabularies[] = {
    {"tokens as numbers",
     [](GgufBuilder& b) { b.Array<int32_t>("tokenizer.ggml.tokens", kI32, {1}); }, kInvalid,
     "tokenizer.ggml.tokens"},
    {"too few scores",
     [](GgufBuilder& b) { Tokens(b).Array<float>("tokenizer.ggml.scores", kF32, {1.0f}); },
     kInvalid, "1 scores for 2 tokens"},
    {"too many types",
     [](GgufBuilder& b) { Tokens(b).Array<int32_t>("tokenizer.ggml.token_type", kI32, {1, 1, 1}); },
     kInvalid, "3 token types for 2 tokens"},
    {"unknown token type",
     [](GgufBuilder& b) { Tokens(b).Array<int32_t>("tokenizer.ggml.token_type", kI32, {1, 7}); },
     kInvalid, "token 1 has unknown type 7"},
    {"id behind the end",
     [](GgufBuilder& b) { Tokens(b).Key<uint32_t>("tokenizer.ggml.eos_token_id", kU32, 2); },
     kInvalid, "end-of-sequence token is 2"},
    {"id above int32",
     [](GgufBuilder& b) { Tokens(b).Key<uint32_t>("tokenizer.ggml.bos_token_id", kU32, ~0u); },
     kInvalid, "bos_token_id"},
    {"flag as a number",
     [](GgufBuilder& b) { Tokens(b).Key<uint32_t>("tokenizer.ggml.add_bos_token", kU32, 1); },
     kInvalid, "add_bos_token"},
    {"template as a number",
     [](GgufBuilder& b) { b.Key<uint32_t>("tokenizer.chat_template", kU32, 1); }, kInvalid,
     "chat_template"},
    {"merges without tokens", [](GgufBuilder& b) { b.Array("tokenizer.ggml.merges", {"a b"}); },
     kInvalid, "merges but no tokens"},
};

void Check(std::span<const Broken> table) {
  for (const Broken& broken : table) {
    GgufBuilder builder;
    builder.Key("general.architecture", "x");
    broken.make(builder);
    const std::vector<uint8_t> bytes = builder.Build();
    const Status status = format::ParseGguf(bytes).status();
    CAPTURE(broken.what, status);
    CHECK(status.code() == broken.code);
    CHECK(status.message().find(broken.message) != std::string::npos);
  }
}

TEST_CASE("GGUF: broken headers") { Check(kHeaders); }
TEST_CASE("GGUF: broken keys") { Check(kKeys); }
TEST_CASE("GGUF: broken tensors") { Check(kTensors); }
TEST_CASE("GGUF: broken vocabularies") { Check(kVocabularies); }

TEST_CASE("a model without an architecture is refused, a vocabulary is not") {
  GgufBuilder builder;
  builder.Array("tokenizer.ggml.tokens", {"a"});
  CHECK(format::ParseGguf(builder.Build()).ok());
  builder.Tensor("t", 0, {1}, 4);
  const Status status = format::ParseGguf(builder.Build()).status();
  CHECK(status.code() == kInvalid);
  CHECK(status.message().find("general.architecture") != std::string::npos);
}

TEST_CASE("an architecture that is no text is refused by name") {
  GgufBuilder builder;
  builder.Key<uint32_t>("general.architecture", kU32, 1);
  const Status status = format::ParseGguf(builder.Build()).status();
  CHECK(status.message().find("general.architecture") != std::string::npos);
}

}  // namespace
}  // namespace hob
