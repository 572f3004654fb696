// SPDX-License-Identifier: Apache-2.0
// `.hob` files: a FlatBuffer with a graph, as TensorFlow Lite's and ONNX Runtime's models are.
#include <algorithm>
#include <cstring>

#include "lib/format/hob_file.h"
#include "tests/attacks/hob_bytes.h"

using namespace hob;
using namespace hob::test;

namespace {

void CheckSpoilt(const std::function<void(fbs::ModelT&)>& spoil, Parts parts,
                 hob_status status = HOB_INVALID_ARGUMENT) {
  CheckRefused(SpoiltHob(spoil), status, parts);
}

fbs::GraphNodeT& NodeOf(fbs::ModelT& model, std::string_view op) {
  for (const auto& node : model.graph->nodes) {
    if (node->op == op) return *node;
  }
  FAIL("no such operator");
  return *model.graph->nodes[0];
}

int32_t AddActivation(fbs::ModelT& model, int64_t columns) {
  auto value = std::make_unique<fbs::GraphValueT>();
  value->name = "more";
  value->shape = {-1, columns};
  model.graph->values.push_back(std::move(value));
  return static_cast<int32_t>(model.graph->values.size() - 1);
}

void SetAttribute(fbs::GraphNodeT& node, const std::string& key, int64_t value) {
  for (const auto& attribute : node.attributes) {
    if (attribute->key != key) continue;
    attribute->kind = 0;
    attribute->int_value = value;
    return;
  }
  FAIL("no such attribute");
}

}  // namespace

TEST_CASE("the tiny model as a .hob file, taken apart and put together, answers") {
  CHECK(CheckAnswers(SpoiltHob([](fbs::ModelT&) {})) == CheckAnswers(TinyModel().Build()));
}

// TensorFlow Lite: eight bytes, of which the first four say where the root table is: read there,
// wherever that was.
TEST_CASE("tensorflow#115308: a file of eight bytes") {
  const File hob = TinyHob();
  CheckRefused({hob.begin(), hob.begin() + 8}, HOB_DATA_LOSS,
               {"the header takes 64 bytes, the file has 8"});
  CheckRefused({hob.begin(), hob.begin() + 7}, HOB_DATA_LOSS, {"ends early"});
  CheckRefused({0x18, 0, 0, 0, 'H', 'O', 'B', 'M'}, HOB_INVALID_ARGUMENT,
               {"is not a model file: wrong magic"});
  // A FlatBuffer of eight bytes behind a right header.
  File file = hob;
  format::HobHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  header.flatbuffer_bytes = 8;
  std::memcpy(file.data(), &header, sizeof(header));
  CheckRefused(file, HOB_INVALID_ARGUMENT, {"its FlatBuffer does not verify as a hob model"});
}

// The same, with the root's place steered through the file.
TEST_CASE("class: a FlatBuffer whose root lies outside") {
  for (const uint32_t root : {0u, 4u, 7u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFCu, 0x10000u}) {
    File file = TinyHob();
    std::memcpy(file.data() + 64, &root, sizeof(root));
    CheckRefused(file, HOB_INVALID_ARGUMENT, {"its FlatBuffer does not verify as a hob model"});
  }
}

// A header whose numbers are used before they are held against the file.
TEST_CASE("class: an unverified header") {
  struct Case {
    std::function<void(format::HobHeader&)> spoil;
    hob_status status;
    std::string_view part;
  };
  const Case cases[] = {
      {[](auto& h) { h.flatbuffer_offset = ~uint64_t{63}; }, HOB_DATA_LOSS, "the FlatBuffer takes"},
      {[](auto& h) { h.flatbuffer_bytes = ~uint64_t{0}; }, HOB_DATA_LOSS, "the FlatBuffer takes"},
      {[](auto& h) { h.flatbuffer_offset = 0; }, HOB_INVALID_ARGUMENT, "FlatBuffer at byte 0"},
      {[](auto& h) { h.data_offset = 64; }, HOB_INVALID_ARGUMENT, "the tensor data"},
      {[](auto& h) { h.data_offset = uint64_t{1} << 63; }, HOB_DATA_LOSS, "the tensor data takes"},
      {[](auto& h) { h.data_bytes = ~uint64_t{0}; }, HOB_DATA_LOSS, "the tensor data takes"},
      {[](auto& h) { h.data_bytes -= 64; }, HOB_INVALID_ARGUMENT, "its tensor data ends at byte"},
      {[](auto& h) { h.header_bytes = 0; }, HOB_INVALID_ARGUMENT, "header is not one of a .hob"},
      {[](auto& h) { h.reserved[3] = 1; }, HOB_INVALID_ARGUMENT, "header is not one of a .hob"},
      {[](auto& h) { h.version = 0xFFFFFFFF; }, HOB_UNIMPLEMENTED, ".hob version 4294967295"},
      {[](auto& h) { h.version = 1; }, HOB_INVALID_ARGUMENT, "its header says version 1"},
  };
  for (const Case& c : cases) {
    File file = TinyHob();
    format::HobHeader header;
    std::memcpy(&header, file.data(), sizeof(header));
    c.spoil(header);
    std::memcpy(file.data(), &header, sizeof(header));
    CheckRefused(file, c.status, {c.part});
  }
}

// TensorFlow Lite: the length of a vector at an odd place (SIGBUS where loads must be aligned).
// The verifier lets elements of eight bytes at a place for four pass.
TEST_CASE("tensorflow#121217: a misaligned vector") {
  size_t refused = 0;
  for (int pad = 0; pad < 4; ++pad) {
    flatbuffers::FlatBufferBuilder builder;
    const auto padding = builder.CreateVector(std::vector<int32_t>(static_cast<size_t>(pad), 1));
    const auto narrow = builder.CreateVector(std::vector<int32_t>(8, 7));
    const flatbuffers::Offset<flatbuffers::Vector<int64_t>> wide(narrow.o);
    const auto array = fbs::CreateIntArray(builder, wide).Union();
    const auto key = builder.CreateString("k");
    const std::vector<flatbuffers::Offset<fbs::MetaEntry>> entries = {
        fbs::CreateMetaEntry(builder, key, fbs::MetaValue::IntArray, array)};
    static_cast<void>(padding);
    fbs::FinishModelBuffer(builder, fbs::CreateModel(builder, 2, 0, builder.CreateVector(entries)));
    File file = HobOf(builder, {});
    // Eight elements of four bytes become four of eight.
    const std::vector<int32_t> pattern = {8, 7, 7, 7, 7, 7, 7, 7, 7};
    const auto* bytes = reinterpret_cast<const uint8_t*>(pattern.data());
    const auto at = std::search(file.begin(), file.end(), bytes, bytes + pattern.size() * 4);
    REQUIRE(at != file.end());
    *at = 4;
    const TemporaryFolder folder;
    WriteBytes(folder / "misaligned.hob", file);
    const RuntimePtr runtime = MakeRuntime(1);
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.vocabulary_only = 1;
    const Outcome outcome = OpenOutcome(runtime.get(), folder / "misaligned.hob", &options);
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);  // has no tokenizer either
    if (outcome.message.find("array that is not aligned") != std::string::npos) ++refused;
  }
  CHECK(refused >= 1);
}

// Offsets that share what they point to: a file of 100 KB that unfolds to gigabytes.
TEST_CASE("class: a FlatBuffer that describes more than it holds") {
  flatbuffers::FlatBufferBuilder builder;
  const auto text = fbs::CreateTextValue(builder, builder.CreateString(std::string(1 << 16, 'x')));
  const std::vector<flatbuffers::Offset<fbs::TextValue>> texts(100000, text);
  const auto array = fbs::CreateTextArray(builder, builder.CreateVector(texts)).Union();
  const auto key = builder.CreateString("k");
  const std::vector<flatbuffers::Offset<fbs::MetaEntry>> entries = {
      fbs::CreateMetaEntry(builder, key, fbs::MetaValue::TextArray, array)};
  fbs::FinishModelBuffer(builder, fbs::CreateModel(builder, 2, 0, builder.CreateVector(entries)));
  const File file = HobOf(builder, {});
  const double peak = PeakMiB([&] {
    CheckRefused(file, HOB_INVALID_ARGUMENT, {"its FlatBuffer describes more than it holds"});
  });
  CHECK(peak < 64);
}

// TensorFlow Lite: a subgraph that leads to itself ran without end.
TEST_CASE("tensorflow#60621: a graph with cycles") {
  CheckSpoilt([](fbs::ModelT& m) { NodeOf(m, "add").inputs[0] = NodeOf(m, "add").outputs[0]; },
              {"(add) reads", "before it is written"});
  CheckSpoilt(
      [](fbs::ModelT& m) {
        auto& nodes = m.graph->nodes;
        std::swap(nodes[1], nodes[2]);
        std::reverse(nodes.begin() + 1, nodes.end());
      },
      {"before it is written"});
  CheckSpoilt([](fbs::ModelT& m) { NodeOf(m, "swiglu").outputs = NodeOf(m, "add").outputs; },
              {"writes", "written already"});
}

// TensorFlow Lite: operators whose inputs are left out or too few were used all the same.
TEST_CASE("tensorflow#62163: an operator without its inputs") {
  for (const char* op :
       {"embedding", "rms_norm", "matmul", "rope", "attention", "swiglu", "add", "select_rows"}) {
    CAPTURE(op);
    CheckSpoilt([&](fbs::ModelT& m) { NodeOf(m, op).inputs.clear(); }, {"node "});
    CheckSpoilt([&](fbs::ModelT& m) { NodeOf(m, op).inputs[0] = -1; }, {"node "});
    CheckSpoilt([&](fbs::ModelT& m) { NodeOf(m, op).inputs.resize(100, 0); }, {"node "});
    CheckSpoilt([&](fbs::ModelT& m) { NodeOf(m, op).outputs.clear(); }, {});
    CheckSpoilt(
        [&](fbs::ModelT& m) {
          NodeOf(m, op).attributes.clear();
          NodeOf(m, op).layer = 99;
        },
        {"has no such layer"});
  }
}

// Values are indices into the arena's plan: one outside it is read and written outside it.
TEST_CASE("class: values outside the arena") {
  for (const int32_t id : {-2, 100000, INT32_MAX, INT32_MIN}) {
    CAPTURE(id);
    CheckSpoilt([&](fbs::ModelT& m) { NodeOf(m, "add").inputs[1] = id; },
                {"(add) reads a value that does not exist"});
    CheckSpoilt([&](fbs::ModelT& m) { NodeOf(m, "add").outputs[0] = id; },
                {"(add) writes a value that does not exist"});
  }
  CheckSpoilt([](fbs::ModelT& m) { NodeOf(m, "add").outputs[0] = NodeOf(m, "matmul").inputs[1]; },
              {"writes", "a weight"});
}

// The logits are written to the caller's memory: a node that reads them read a null pointer here.
TEST_CASE("class: a graph that reads its output") {
  CheckSpoilt(
      [](fbs::ModelT& m) {
        const int32_t output = m.graph->nodes.back()->outputs[0];
        auto node = std::make_unique<fbs::GraphNodeT>();
        node->op = "add";
        node->name = "late";
        node->inputs = {output, output};
        node->outputs = {AddActivation(m, 259)};
        m.graph->values.back()->shape[0] = m.graph->values[static_cast<size_t>(output)]->shape[0];
        m.graph->nodes.push_back(std::move(node));
      },
      {"node late (add) reads", "an output"});
}

// An output beside another took its place: the other was written over the caller's logits, past
// their end where it is wider.
TEST_CASE("class: a node that writes an output and something else") {
  for (const bool first : {false, true}) {
    CheckSpoilt(
        [&](fbs::ModelT& m) {
          fbs::GraphNodeT& head = *m.graph->nodes.back();
          const int32_t more = AddActivation(m, 259);
          m.graph->values.back()->shape[0] =
              m.graph->values[static_cast<size_t>(head.outputs[0])]->shape[0];
          head.inputs = {head.inputs[0], head.inputs[1], -1, head.inputs[1], -1};
          head.outputs.insert(first ? head.outputs.begin() : head.outputs.end(), more);
          SetAttribute(head, "weights", 2);
        },
        {"(matmul) writes an output and something else"});
  }
}

// Offset and size of a tensor are numbers in a table.
TEST_CASE("class: tensors outside the file's data") {
  CheckSpoilt([](fbs::ModelT& m) { m.tensors[0]->offset = uint64_t{1} << 62; },
              {"tensor '", "at offset 4611686018427387904"}, HOB_DATA_LOSS);
  CheckSpoilt([](fbs::ModelT& m) { m.tensors[0]->offset = ~uint64_t{63}; }, {"at offset"},
              HOB_DATA_LOSS);
  CheckSpoilt([](fbs::ModelT& m) { m.tensors[0]->offset = 4; }, {"is not a multiple of"});
  CheckSpoilt([](fbs::ModelT& m) { m.tensors[0]->size += 4; }, {"its shape and type take"});
  CheckSpoilt([](fbs::ModelT& m) { m.tensors[1]->offset = m.tensors[0]->offset; }, {"overlap"});
  CheckSpoilt([](fbs::ModelT& m) { m.tensors[0]->shape = {int64_t{1} << 32, int64_t{1} << 32}; },
              {"product overflows"});
  CheckSpoilt([](fbs::ModelT& m) { m.tensors[0]->shape = {-1, 32}; }, {"a dimension of -1"});
  CheckSpoilt([](fbs::ModelT& m) { m.tensors[0]->type = -5; }, {"unknown type"}, HOB_UNIMPLEMENTED);
}

// Operators take the shapes that a file gives their values.
TEST_CASE("class: shapes that do not fit") {
  CheckSpoilt(
      [](fbs::ModelT& m) {
        for (auto& value : m.graph->values) {
          if (value->tensor.empty()) value->shape.back() += 32;
        }
      },
      {"node "});
  CheckSpoilt([](fbs::ModelT& m) { m.graph->values[1]->shape = {-1, int64_t{1} << 40}; },
              {"has no shape or type of an activation"});
  CheckSpoilt([](fbs::ModelT& m) { m.graph->values[1]->shape.clear(); }, {"has no shape or type"});
  CheckSpoilt([](fbs::ModelT& m) { m.graph->values[1]->shape = {7, 32}; },
              {"has no shape or type"});
  CheckSpoilt([](fbs::ModelT& m) { m.graph->values[1]->dtype = 99; }, {"has no shape or type"});
  CheckSpoilt([](fbs::ModelT& m) { m.graph->values[1]->kind = 77; }, {"has kind 77"});
  CheckSpoilt(
      [](fbs::ModelT& m) {
        for (auto& value : m.graph->values) {
          if (!value->tensor.empty()) value->shape[0] += 1;
        }
      },
      {"the graph's idea of tensor", "differs from the file's"});
  CheckSpoilt(
      [](fbs::ModelT& m) {
        for (auto& value : m.graph->values) {
          if (!value->tensor.empty()) value->tensor = "nowhere";
        }
      },
      {"the graph wants tensor nowhere, which is not in the file"});
}

// An operator without an implementation was a null function to call.
TEST_CASE("class: an operator that nobody knows") {
  CheckSpoilt([](fbs::ModelT& m) { NodeOf(m, "add").op = "system"; },
              {"(system) is of an operator that this version does not have"});
  CheckSpoilt([](fbs::ModelT& m) { NodeOf(m, "add").op = ""; }, {"is of an operator"});
  CheckSpoilt([](fbs::ModelT& m) { NodeOf(m, "add").op = std::string(100000, 'x'); }, {"xxx"});
}

// Operators divide by and index with attributes from a file.
TEST_CASE("class: attributes out of range") {
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{3}, INT64_MAX, INT64_MIN}) {
    CAPTURE(value);
    CheckSpoilt([&](fbs::ModelT& m) { SetAttribute(NodeOf(m, "attention"), "heads", value); },
                {"attention"});
    CheckSpoilt([&](fbs::ModelT& m) { SetAttribute(NodeOf(m, "attention"), "head_dim", value); },
                {"attention"});
    CheckSpoilt([&](fbs::ModelT& m) { SetAttribute(NodeOf(m, "rope"), "head_dim", value); },
                {"rope"});
    CheckSpoilt(
        [&](fbs::ModelT& m) { SetAttribute(NodeOf(m, "rope_angles"), "dimensions", value); },
        {"rope_angles"});
  }
  CheckSpoilt([](fbs::ModelT& m) { NodeOf(m, "attention").attributes[0]->kind = 9; },
              {"has kind 9"});
}

// The cache is laid out by the graph's shape, and written by its nodes.
TEST_CASE("class: a graph that does not fit its own cache") {
  const auto shape = [](void (*spoil)(fbs::GraphShapeT&), Parts parts) {
    CheckSpoilt([&](fbs::ModelT& m) { spoil(*m.graph->shape); }, parts);
  };
  shape([](auto& s) { s.kv_heads = 2; }, {"does not fit the model's KV cache"});
  shape([](auto& s) { s.head_dim = 8; }, {"does not fit the model's KV cache"});
  shape([](auto& s) { s.layers = 0; }, {"shape is out of range"});
  shape([](auto& s) { s.layers = 1 << 30; }, {"shape is out of range"});
  shape([](auto& s) { s.context_length = -1; }, {"shape is out of range"});
  shape([](auto& s) { s.vocabulary = 1 << 20; }, {"vocabulary"});
  shape([](auto& s) { s.vocabulary = 100; }, {"[logit rows, vocabulary]"});
  CheckSpoilt([](fbs::ModelT& m) { m.graph->shape.reset(); }, {"the stored graph has no shape"});
  CheckSpoilt([](fbs::ModelT& m) { m.graph->nodes.clear(); }, {"the graph has 0 outputs, not one"});
  CheckSpoilt([](fbs::ModelT& m) { NodeOf(m, "attention").layer = -1; }, {"attention"});
}

// Each use of a weight is packed for itself: a graph that uses one ten thousand times takes that
// much more memory than the file.
TEST_CASE("class: a graph that multiplies its weights") {
  const File file = SpoiltHob([](fbs::ModelT& m) {
    const fbs::GraphNodeT& head = *m.graph->nodes.back();
    const int32_t input = NodeOf(m, "embedding").outputs[0];
    const int32_t weight = head.inputs[1];
    std::vector<std::unique_ptr<fbs::GraphNodeT>> more;
    for (int i = 0; i < 10000; ++i) {
      auto node = std::make_unique<fbs::GraphNodeT>();
      node->op = "matmul";
      node->name = "again";
      node->attributes.push_back(std::make_unique<fbs::AttributeT>());
      node->attributes[0]->key = "weights";
      node->attributes[0]->int_value = 1;
      node->inputs = {input, weight, -1};
      node->outputs = {AddActivation(m, 259)};
      more.push_back(std::move(node));
    }
    auto& nodes = m.graph->nodes;
    nodes.insert(nodes.end() - 1, std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
  });
  const double peak = PeakMiB([&] {
    CheckRefused(file, HOB_INVALID_ARGUMENT, {"the graph uses the file's", "times over"});
  });
  CHECK(peak < 128);
}

// Planning that compares all values with all others takes the square of what a file can name.
TEST_CASE("class: a graph of tens of thousands of nodes") {
  const auto chain = [](int count) {
    return SpoiltHob([&](fbs::ModelT& m) {
      auto& nodes = m.graph->nodes;
      const auto at = std::find_if(nodes.begin(), nodes.end(),
                                   [](const auto& node) { return node->op == "select_rows"; });
      const size_t place = static_cast<size_t>(at - nodes.begin());
      int32_t last = nodes[place]->inputs[0];
      std::vector<std::unique_ptr<fbs::GraphNodeT>> more;
      for (int i = 0; i < count; ++i) {
        auto node = std::make_unique<fbs::GraphNodeT>();
        node->op = "add";
        node->name = "sum";
        node->inputs = {last, last};
        last = AddActivation(m, 32);
        node->outputs = {last};
        more.push_back(std::move(node));
      }
      nodes[place]->inputs[0] = last;
      nodes.insert(nodes.begin() + static_cast<ptrdiff_t>(place),
                   std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    });
  };
  CheckRefused(chain(70000), HOB_INVALID_ARGUMENT, {"nodes; at most"});
  const TemporaryFolder folder;
  WriteBytes(folder / "long.hob", chain(14000));
  const RuntimePtr runtime = MakeRuntime();
  const double peak = PeakMiB([&] { OpenModel(runtime.get(), folder / "long.hob"); });
  CHECK(peak < 512);
}

// The tokenizer's arrays come in tables too.
TEST_CASE("class: a vocabulary in a .hob file that is none") {
  CheckSpoilt([](fbs::ModelT& m) { m.vocabulary->types[5] = 9; }, {"token 5 has unknown type 9"});
  CheckSpoilt([](fbs::ModelT& m) { m.vocabulary->types.resize(3); },
              {"3 token types for 259 tokens"});
  CheckSpoilt([](fbs::ModelT& m) { m.vocabulary->eos = 259; }, {"token is 259"});
  CheckSpoilt([](fbs::ModelT& m) { m.vocabulary->bos = -7; }, {"token is -7"});
  CheckSpoilt([](fbs::ModelT& m) { m.vocabulary->merges[0] = "ab"; }, {"merge 0 is not two"});
}
