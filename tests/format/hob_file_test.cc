// SPDX-License-Identifier: Apache-2.0
#include "lib/format/hob_file.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <random>

#include "lib/base/panels.h"
#include "lib/base/per_channel.h"
#include "lib/format/gguf.h"
#include "lib/format/hob_generated.h"
#include "lib/format/weight_row.h"
#include "tests/format/aligned_bytes.h"
#include "tests/format/gguf_builder.h"
#include "tests/ops/weights.h"
#include "tests/support/temporary_folder.h"

namespace hob {
namespace {

using format::HobHeader;
using format::ParseHob;
using test::AlignedBytes;
using test::ReadBytes;
using test::TemporaryFolder;

fbs::GraphT SmallGraph() {
  fbs::GraphT graph;
  auto value = std::make_unique<fbs::GraphValueT>();
  value->name = "x";
  value->kind = 1;
  value->shape = {-1, 32};
  graph.values.push_back(std::move(value));
  value = std::make_unique<fbs::GraphValueT>();
  value->name = "w";
  value->dtype = 8;
  value->shape = {4, 32};
  value->tensor = "token_embd.weight";
  graph.values.push_back(std::move(value));
  auto node = std::make_unique<fbs::GraphNodeT>();
  node->op = "linear";
  node->name = "q";
  node->layer = 3;
  node->inputs = {0, 1};
  node->outputs = {0};
  auto attribute = std::make_unique<fbs::AttributeT>();
  attribute->key = "eps";
  attribute->int_value = -7;
  attribute->float_value = 1e-5;
  attribute->text = "t";
  node->attributes.push_back(std::move(attribute));
  graph.nodes.push_back(std::move(node));
  return graph;
}

// The bytes of a .hob file made from SmallGguf() and SmallGraph().
std::vector<uint8_t> SmallHob(const fbs::GraphT* graph) {
  const TemporaryFolder folder;
  const std::vector<uint8_t> gguf = test::SmallGguf().Build();
  const auto model = format::ParseGguf(gguf);
  REQUIRE(model.ok());
  const Status written = WriteHobFile(*model, graph, {}, folder / "small.hob", nullptr);
  INFO(written);
  REQUIRE(written.ok());
  return ReadBytes(folder / "small.hob");
}

void CheckEqual(const ModelFile& a, const ModelFile& b) {
  CHECK(a.architecture == b.architecture);
  CHECK(a.metadata.values == b.metadata.values);
  const Vocabulary& v = a.vocabulary;
  const Vocabulary& w = b.vocabulary;
  CHECK(v.model == w.model);
  CHECK(v.pre == w.pre);
  CHECK(v.tokens == w.tokens);
  CHECK(v.scores == w.scores);
  CHECK(v.types == w.types);
  CHECK(v.merges == w.merges);
  CHECK(v.chat_template == w.chat_template);
  CHECK(std::tie(v.bos, v.eos, v.eot, v.unknown, v.separator, v.padding, v.mask) ==
        std::tie(w.bos, w.eos, w.eot, w.unknown, w.separator, w.padding, w.mask));
  CHECK(std::tie(v.add_bos, v.add_eos, v.add_space_prefix, v.remove_extra_whitespaces) ==
        std::tie(w.add_bos, w.add_eos, w.add_space_prefix, w.remove_extra_whitespaces));
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    CHECK(a.tensors[i].name == b.tensors[i].name);
    CHECK(a.tensors[i].type == b.tensors[i].type);
    CHECK(a.tensors[i].shape == b.tensors[i].shape);
    CHECK(std::ranges::equal(a.tensors[i].data, b.tensors[i].data));
  }
}

TEST_CASE("GGUF to .hob and back is the same model") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> gguf = test::SmallGguf().Build();
  const auto model = format::ParseGguf(gguf);
  REQUIRE(model.ok());
  const fbs::GraphT graph = SmallGraph();
  std::vector<uint64_t> reports;
  const Status written =
      WriteHobFile(*model, &graph, {}, folder / "small.hob", [&](uint64_t done, uint64_t total) {
        CHECK(total == 4 * 34 + 2 * 20 + 20);
        reports.push_back(done);
        return true;
      });
  REQUIRE(written.ok());
  CHECK(reports == std::vector<uint64_t>{0, 136, 176, 196});

  const auto back = OpenModelFile(folder / "small.hob");
  INFO(back.status());
  REQUIRE(back.ok());
  CHECK((*back)->container == ".hob 2");
  CheckEqual(*model, **back);
  for (const Tensor& tensor : (*back)->tensors) {
    CHECK(reinterpret_cast<uintptr_t>(tensor.data.data()) % 64 == 0);
  }
  REQUIRE((*back)->graph != nullptr);
  const fbs::GraphT& read = *(*back)->graph;
  REQUIRE(read.values.size() == 2);
  CHECK(read.values[0]->shape == std::vector<int64_t>{-1, 32});
  CHECK(read.values[1]->tensor == "token_embd.weight");
  REQUIRE(read.nodes.size() == 1);
  CHECK(read.nodes[0]->op == "linear");
  CHECK(read.nodes[0]->layer == 3);
  CHECK(read.nodes[0]->inputs == std::vector<int32_t>{0, 1});
  CHECK(read.nodes[0]->attributes[0]->float_value == 1e-5);
  CHECK(read.nodes[0]->attributes[0]->int_value == -7);

  // A .hob file can be written over itself while it is mapped, and comes out the same.
  const std::vector<uint8_t> before = ReadBytes(folder / "small.hob");
  REQUIRE(WriteHobFile(**back, (*back)->graph.get(), {}, folder / "small.hob", nullptr).ok());
  CHECK(ReadBytes(folder / "small.hob") == before);
  CHECK(folder.files() == 1);
}

TEST_CASE("a model without tensors or graph") {
  const TemporaryFolder folder;
  ModelFile model;
  REQUIRE(WriteHobFile(model, nullptr, {}, folder / "empty.hob", nullptr).ok());
  const auto back = OpenModelFile(folder / "empty.hob");
  INFO(back.status());
  REQUIRE(back.ok());
  CHECK((*back)->graph == nullptr);
  CheckEqual(model, **back);
}

TEST_CASE("per-channel int8 keeps its row scales") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> bytes(3 * 8 + 3 * 4, 5);
  ModelFile model;
  model.architecture = "x";
  model.tensors.push_back({"w", DType::kQC8, {3, 8}, bytes});
  REQUIRE(WriteHobFile(model, nullptr, {}, folder / "q.hob", nullptr).ok());
  const auto back = OpenModelFile(folder / "q.hob");
  REQUIRE(back.ok());
  CHECK((*back)->FindTensor("w")->data.size() == bytes.size());
}

TEST_CASE("named matrices are written as panels, and read with the same values") {
  const TemporaryFolder folder;
  constexpr int64_t kRows = 33, kColumns = 512;  // a panel and a row
  for (const DType type : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                           DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const test::Weights weights(type, kRows, kColumns);
    ModelFile model;
    model.architecture = "x";
    model.tensors.push_back(weights.tensor());
    model.tensors[0].name = "packed";
    model.tensors.push_back(weights.tensor());
    model.tensors[1].name = "rows";
    uint64_t last = 0, total = 0;
    REQUIRE(WriteHobFile(model, nullptr, {.panels = {"packed", "not there"}}, folder / "p.hob",
                         [&](uint64_t done, uint64_t all) {
                           last = done, total = all;
                           return true;
                         })
                .ok());
    CHECK(last == total);
    const auto back = OpenModelFile(folder / "p.hob");
    INFO(back.status());
    REQUIRE(back.ok());
    const Tensor& packed = *(*back)->FindTensor("packed");
    const Tensor& rows = *(*back)->FindTensor("rows");
    CHECK(packed.panels);
    CHECK_FALSE(rows.panels);
    CHECK(packed.data.size() == PanelsBytes(*FindPanelFormat(type, kColumns), kRows, kColumns));
    CHECK(std::ranges::equal(rows.data, weights.tensor().data));
    std::vector<float> a(kColumns), b(kColumns);
    for (int64_t row = 0; row < kRows; ++row) {
      DequantizeWeightRow(packed, row, a.data());
      DequantizeWeightRow(rows, row, b.data());
      CHECK(a == b);
    }
    // Written again they stay panels, whatever is named.
    const std::vector<uint8_t> before = ReadBytes(folder / "p.hob");
    REQUIRE(WriteHobFile(**back, nullptr, {}, folder / "p.hob", nullptr).ok());
    CHECK(ReadBytes(folder / "p.hob") == before);
  }
}

TEST_CASE("named matrices are quantised to int8 with a scale a row") {
  const TemporaryFolder folder;
  constexpr int64_t kRows = 35, kColumns = 256;
  for (const DType type : {DType::kF32, DType::kBF16, DType::kQ4_1, DType::kQ6_K, DType::kQC8}) {
    const test::Weights weights(type, kRows, kColumns);
    ModelFile model;
    model.architecture = "x";
    model.tensors.push_back(weights.tensor());
    model.tensors[0].name = "w";
    const WeightPacking packing{.panels = {"w"}, .per_channel = true};
    REQUIRE(WriteHobFile(model, nullptr, packing, folder / "c.hob", nullptr).ok());
    const auto back = OpenModelFile(folder / "c.hob");
    INFO(back.status());
    REQUIRE(back.ok());
    const Tensor& read = *(*back)->FindTensor("w");
    CHECK(read.type == DType::kQC8);
    CHECK(read.panels);
    // A QC8 matrix is what it was; the others are what the quantiser makes of them.
    const std::vector<float> values = weights.Floats();
    const std::vector<uint8_t> expected =
        type == DType::kQC8
            ? std::vector<uint8_t>(weights.tensor().data.begin(), weights.tensor().data.end())
            : *QuantizePerChannel(values, kRows, kColumns);
    std::vector<float> a(kColumns), b(kColumns);
    for (int64_t row = 0; row < kRows; ++row) {
      DequantizeWeightRow(read, row, a.data());
      DequantizePerChannelRow(expected, kRows, kColumns, row, b.data());
      CHECK(a == b);
    }
  }
  // What does not fit stays as it is; what is no number is refused by name.
  const test::Weights narrow(DType::kF32, 4, 20);
  ModelFile model;
  model.architecture = "x";
  model.tensors.push_back(narrow.tensor());
  model.tensors[0].name = "narrow";
  WeightPacking packing{.panels = {"narrow", "nan"}, .per_channel = true};
  REQUIRE(WriteHobFile(model, nullptr, packing, folder / "n.hob", nullptr).ok());
  CHECK((*OpenModelFile(folder / "n.hob"))->FindTensor("narrow")->type == DType::kF32);
  std::vector<float> bad(64, 1.0f);
  bad[40] = std::numeric_limits<float>::quiet_NaN();
  model.tensors[0] = {
      "nan",
      DType::kF32,
      {2, 32},
      std::span(reinterpret_cast<const uint8_t*>(bad.data()), bad.size() * sizeof(float))};
  const Status status = WriteHobFile(model, nullptr, packing, folder / "bad.hob", nullptr);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("'nan'") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "bad.hob"));
}

TEST_CASE("panels of what has none are refused") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> bytes(64 * 4);
  ModelFile model;
  model.architecture = "x";
  model.tensors.push_back({"w", DType::kF32, {2, 32}, bytes});
  model.tensors[0].panels = true;
  CHECK(WriteHobFile(model, nullptr, {}, folder / "f", nullptr).message().find("panels") !=
        std::string::npos);
  model.tensors[0].panels = false;  // named, but written as it is
  REQUIRE(WriteHobFile(model, nullptr, {.panels = {"w"}}, folder / "f", nullptr).ok());
  CHECK_FALSE((*OpenModelFile(folder / "f"))->FindTensor("w")->panels);
}

TEST_CASE("cancelling leaves no file") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> gguf = test::SmallGguf().Build();
  const auto model = format::ParseGguf(gguf);
  const Status status = WriteHobFile(*model, nullptr, {}, folder / "small.hob",
                                     [](uint64_t done, uint64_t) { return done == 0; });
  CHECK(status.code() == StatusCode::kCancelled);
  CHECK(folder.files() == 0);
}

TEST_CASE("what a reader would refuse is not written") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> bytes(100);
  ModelFile model;
  model.architecture = "x";
  model.tensors.push_back({"w", DType::kF32, {3}, bytes});
  CHECK(WriteHobFile(model, nullptr, {}, folder / "f", nullptr).message().find("'w'") !=
        std::string::npos);
  model.tensors[0].shape = {25};
  model.tensors.push_back(model.tensors[0]);
  CHECK(WriteHobFile(model, nullptr, {}, folder / "f", nullptr).message().find("twice") !=
        std::string::npos);
  model.tensors.pop_back();
  fbs::GraphT graph;
  graph.nodes.push_back(nullptr);
  CHECK(WriteHobFile(model, &graph, {}, folder / "f", nullptr).code() ==
        StatusCode::kInvalidArgument);
  CHECK(WriteHobFile(model, nullptr, {}, folder.path(), nullptr).code() ==
        StatusCode::kInvalidArgument);
  CHECK(folder.files() == 0);
}

struct BrokenHeader {
  const char* what;
  std::function<void(HobHeader&)> make;
  StatusCode code;
  const char* message;
};

TEST_CASE("broken .hob headers") {
  const fbs::GraphT graph = SmallGraph();
  const std::vector<uint8_t> bytes = SmallHob(&graph);
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  constexpr StatusCode kEnds = StatusCode::kDataLoss;
  const BrokenHeader table[] = {
      {"newer", [](HobHeader& h) { h.version = 9; }, StatusCode::kUnimplemented,
       "version 9 is not read; this library reads 1"},
      {"version 0", [](HobHeader& h) { h.version = 0; }, StatusCode::kUnimplemented, "version 0"},
      {"magic", [](HobHeader& h) { h.magic[4] = '\n'; }, kInvalid, "magic"},
      {"size", [](HobHeader& h) { h.header_bytes = 128; }, kInvalid, "header"},
      {"reserved", [](HobHeader& h) { h.reserved[15] = 1; }, kInvalid, "header"},
      {"FlatBuffer in header", [](HobHeader& h) { h.flatbuffer_offset = 0; }, kInvalid,
       "FlatBuffer at byte 0"},
      {"FlatBuffer not aligned", [](HobHeader& h) { h.flatbuffer_offset = 65; }, kInvalid, "65"},
      {"FlatBuffer too large", [](HobHeader& h) { h.flatbuffer_bytes = 1u << 30; }, kEnds,
       "FlatBuffer"},
      {"FlatBuffer wraps", [](HobHeader& h) { h.flatbuffer_bytes = ~uint64_t{0}; }, kEnds,
       "FlatBuffer"},
      {"no FlatBuffer", [](HobHeader& h) { h.flatbuffer_bytes = 0; }, kInvalid, "verify"},
      {"tiny FlatBuffer", [](HobHeader& h) { h.flatbuffer_bytes = 9; }, kInvalid, "verify"},
      {"data in FlatBuffer",
       [](HobHeader& h) {
         h.data_bytes += h.data_offset - 128;
         h.data_offset = 128;
       },
       kInvalid, "inside"},
      {"data too large", [](HobHeader& h) { h.data_bytes += 1; }, kEnds, "tensor data"},
      {"data too small", [](HobHeader& h) { h.data_bytes -= 1; }, kInvalid, "ends at byte"},
      {"data far off", [](HobHeader& h) { h.data_offset = uint64_t{1} << 63; }, kEnds,
       "tensor data"},
  };
  for (const BrokenHeader& broken : table) {
    HobHeader header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    broken.make(header);
    AlignedBytes copy(bytes);
    std::memcpy(copy.span().data(), &header, sizeof(header));
    const Status status = ParseHob(copy.span()).status();
    CAPTURE(broken.what, status);
    CHECK(status.code() == broken.code);
    CHECK(status.message().find(broken.message) != std::string::npos);
  }
}

TEST_CASE("every prefix of a .hob file is refused") {
  const fbs::GraphT graph = SmallGraph();
  const std::vector<uint8_t> bytes = SmallHob(&graph);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const AlignedBytes prefix(std::span<const uint8_t>(bytes).first(length));
    if (ParseHob(prefix.span()).ok()) {
      CAPTURE(length);
      FAIL();
    }
  }
}

TEST_CASE("flipped bytes in a .hob file give an error or a model, never a crash") {
  const fbs::GraphT graph = SmallGraph();
  const std::vector<uint8_t> bytes = SmallHob(&graph);
  std::mt19937 random(7);
  size_t refused = 0;
  AlignedBytes broken(bytes);
  for (int round = 0; round < 5000; ++round) {
    std::copy(bytes.begin(), bytes.end(), broken.span().begin());
    const int flips = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < flips; ++i) {
      broken.span()[random() % bytes.size()] = static_cast<uint8_t>(random());
    }
    refused += ParseHob(broken.span()).ok() ? 0 : 1;
  }
  CHECK(refused > 1000);
}

// A file of a finished FlatBuffer and `data_bytes` zeros.
std::vector<uint8_t> FileOf(const flatbuffers::FlatBufferBuilder& builder, uint32_t version,
                            uint64_t data_bytes) {
  HobHeader header = {};
  std::memcpy(header.magic, format::kHobMagic, sizeof(header.magic));
  header.version = version;
  header.header_bytes = 64;
  header.flatbuffer_offset = 64;
  header.flatbuffer_bytes = builder.GetSize();
  header.data_offset = (64 + builder.GetSize() + 63) / 64 * 64;
  header.data_bytes = data_bytes;
  std::vector<uint8_t> bytes(header.data_offset + data_bytes);
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + 64, builder.GetBufferPointer(), builder.GetSize());
  return bytes;
}

// A file whose entries share one long text describes far more than it holds.
TEST_CASE("a FlatBuffer that unfolds to more than itself is refused") {
  flatbuffers::FlatBufferBuilder builder;
  const auto text = fbs::CreateTextValue(builder, builder.CreateString(std::string(1 << 16, 'x')));
  std::vector<flatbuffers::Offset<fbs::TextValue>> texts(10000, text);
  const auto array = fbs::CreateTextArray(builder, builder.CreateVector(texts)).Union();
  const auto key = builder.CreateString("k");
  std::vector<flatbuffers::Offset<fbs::MetaEntry>> entries = {
      fbs::CreateMetaEntry(builder, key, fbs::MetaValue::TextArray, array)};
  const auto metadata = builder.CreateVector(entries);
  fbs::FinishModelBuffer(builder, fbs::CreateModel(builder, 1, 0, metadata));
  const std::vector<uint8_t> bytes = FileOf(builder, 1, 0);
  const AlignedBytes file(bytes);
  const Status status = ParseHob(file.span()).status();
  INFO(status);
  CHECK(status.message().find("more than it holds") != std::string::npos);
}

TEST_CASE("panels are refused in a file of version 1, and where their bytes are missing") {
  struct Case {
    uint32_t version;
    int64_t rows;
    const char* message;
  };
  constexpr uint64_t kPanel = 64 + 1024;  // of Q8_0, one block wide
  for (const Case& c :
       {Case{2, 32, ""}, Case{1, 32, "version 1 does not have"}, Case{2, 33, "the file has"}}) {
    flatbuffers::FlatBufferBuilder builder;
    const std::vector<int64_t> shape = {c.rows, 32};
    const std::vector<flatbuffers::Offset<fbs::TensorEntry>> tensors = {fbs::CreateTensorEntry(
        builder, builder.CreateString("w"), static_cast<int32_t>(DType::kQ8_0),
        builder.CreateVector(shape), 0, kPanel, true)};
    const auto architecture = builder.CreateString("x");
    const auto all = builder.CreateVector(tensors);
    fbs::FinishModelBuffer(builder,
                           fbs::CreateModel(builder, c.version, architecture, 0, 0, 0, all));
    const std::vector<uint8_t> bytes = FileOf(builder, c.version, kPanel);
    const AlignedBytes file(bytes);
    const auto model = ParseHob(file.span());
    INFO(model.status());
    CHECK(model.ok() == (*c.message == '\0'));
    CHECK(model.status().message().find(c.message) != std::string::npos);
  }
}

}  // namespace
}  // namespace hob
