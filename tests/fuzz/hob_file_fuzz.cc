// SPDX-License-Identifier: Apache-2.0
// Any bytes as a .hob file, and any bytes as the FlatBuffer of one: an error, or a model whose
// every claimed byte can be read. What is a model is opened, its graph is planned and run for a few
// tokens. Half of the mutations are of the file's tables: nodes, values, attributes, tensors.
#include <flatbuffers/flatbuffers.h>

#include "lib/format/hob_file.h"
#include "lib/format/hob_generated.h"
#include "tests/format/aligned_bytes.h"
#include "tests/fuzz/whole_model.h"

namespace hob::fuzz {
namespace {

using format::HobHeader;

std::vector<uint8_t> WithHeader(std::span<const uint8_t> flatbuffer,
                                std::span<const uint8_t> weights) {
  const HobHeader header = format::MakeHobHeader(flatbuffer.size(), weights.size());
  std::vector<uint8_t> file(header.data_offset + weights.size());
  std::memcpy(file.data(), &header, sizeof(header));
  std::copy(flatbuffer.begin(), flatbuffer.end(), file.begin() + sizeof(header));
  std::copy(weights.begin(), weights.end(),
            file.begin() + static_cast<ptrdiff_t>(header.data_offset));
  return file;
}

void Parse(std::span<const uint8_t> bytes) {
  bool graph = false;
  {
    const test::AlignedBytes copy(bytes);
    const auto model = format::ParseHob(copy.span());
    if (!model.ok()) {
      Require(!model.status().message().empty());
      return;
    }
    volatile uint8_t sink = 0;
    for (const Tensor& tensor : model->tensors) {
      for (const uint8_t byte : tensor.data) sink = static_cast<uint8_t>(sink ^ byte);
    }
    graph = model->graph != nullptr || !model->tensors.empty();
  }
  if (graph) TryModel(bytes, {});
}

// What a file's FlatBuffer and its data are, if they are there at all.
bool Split(std::span<const uint8_t> bytes, std::span<const uint8_t>* flatbuffer,
           std::span<const uint8_t>* weights) {
  HobHeader header;
  if (bytes.size() < sizeof(header)) return false;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::memcmp(header.magic, format::kHobMagic, sizeof(header.magic)) != 0 ||
      header.flatbuffer_offset > bytes.size() ||
      header.flatbuffer_bytes > bytes.size() - header.flatbuffer_offset ||
      header.data_offset > bytes.size()) {
    return false;
  }
  *flatbuffer = bytes.subspan(header.flatbuffer_offset, header.flatbuffer_bytes);
  *weights = bytes.subspan(header.data_offset);
  return true;
}

int64_t Odd(Random& random) {
  constexpr int64_t kEdges[] = {0,  1,  -1,      -2,        2,         16,
                                32, 64, 1 << 20, INT32_MAX, INT64_MAX, INT64_MIN};
  return random.Below(3) == 0 ? static_cast<int64_t>(random.Below(70))
                              : kEdges[random.Below(std::size(kEdges))];
}

template <typename T>
T* Any(Random& random, std::vector<T>& items) {
  return items.empty() ? nullptr : &items[random.Below(items.size())];
}

void ChangeNode(Random& random, fbs::GraphT& graph) {
  constexpr const char* kOps[] = {"matmul",      "rms_norm", "swiglu",       "add",
                                  "embedding",   "rope",     "rope_angles",  "attention",
                                  "select_rows", "quantize", "matmul_swiglu"};
  auto* node = Any(random, graph.nodes);
  if (node == nullptr || *node == nullptr) return;
  fbs::GraphNodeT& n = **node;
  switch (random.Below(6)) {
    case 0:
      n.op = kOps[random.Below(std::size(kOps))];
      break;
    case 1:
      if (auto* id = Any(random, n.inputs))
        *id = static_cast<int32_t>(random.Below(graph.values.size() + 2)) - 1;
      break;
    case 2:
      if (auto* id = Any(random, n.outputs))
        *id = static_cast<int32_t>(random.Below(graph.values.size() + 2)) - 1;
      break;
    case 3:
      if (auto* attribute = Any(random, n.attributes);
          attribute != nullptr && *attribute != nullptr) {
        (*attribute)->int_value = Odd(random);
        (*attribute)->float_value = static_cast<double>(Odd(random));
        if (random.Below(4) == 0) (*attribute)->kind = static_cast<uint8_t>(random.Below(4));
      }
      break;
    case 4:
      n.layer = static_cast<int32_t>(Odd(random));
      break;
    default:
      std::swap(graph.nodes[random.Below(graph.nodes.size())], *node);
  }
}

void Change(Random& random, fbs::ModelT& model) {
  switch (random.Below(5)) {
    case 0:
    case 1:
      if (model.graph != nullptr) ChangeNode(random, *model.graph);
      break;
    case 2:
      if (model.graph != nullptr) {
        if (auto* value = Any(random, model.graph->values); value != nullptr && *value != nullptr) {
          if (auto* d = Any(random, (*value)->shape)) *d = Odd(random);
          if (random.Below(3) == 0) (*value)->kind = static_cast<int32_t>(random.Below(4));
          if (random.Below(3) == 0) (*value)->dtype = static_cast<int32_t>(random.Below(3) + 1000);
          if (random.Below(3) == 0 && !model.tensors.empty()) {
            (*value)->tensor = model.tensors[random.Below(model.tensors.size())]->name;
          }
        }
      }
      break;
    case 3:
      if (auto* tensor = Any(random, model.tensors); tensor != nullptr && *tensor != nullptr) {
        if (random.Below(2) == 0) {
          if (auto* d = Any(random, (*tensor)->shape)) *d = Odd(random);
        }
        if (random.Below(3) == 0) (*tensor)->type = static_cast<int32_t>(random.Below(31));
        if (random.Below(3) == 0) (*tensor)->offset = static_cast<uint64_t>(Odd(random)) * 64;
        if (random.Below(3) == 0) (*tensor)->panels = !(*tensor)->panels;
      }
      break;
    default:
      if (model.graph != nullptr && model.graph->shape != nullptr) {
        fbs::GraphShapeT& shape = *model.graph->shape;
        int32_t* const fields[] = {&shape.vocabulary, &shape.context_length, &shape.layers,
                                   &shape.width,      &shape.heads,          &shape.kv_heads,
                                   &shape.head_dim};
        *fields[random.Below(std::size(fields))] = static_cast<int32_t>(Odd(random));
      }
  }
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hob::fuzz::Parse({data, size});
  // A right header would rarely be found: put one before the bytes, with 256 bytes of tensor data.
  if (hob::format::IsHob({data, size})) return 0;
  const std::vector<uint8_t> weights(256);
  hob::fuzz::Parse(hob::fuzz::WithHeader({data, size}, weights));
  return 0;
}

// Only the fuzzer asks for it: a program that replays files has no LLVMFuzzerMutate.
#ifdef HOB_FUZZING
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  using namespace hob;
  fuzz::Random random(seed);
  std::span<const uint8_t> flatbuffer, weights;
  if (random.Below(2) == 0 || !fuzz::Split({data, size}, &flatbuffer, &weights)) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const test::AlignedBytes copy(flatbuffer);
  // Verified alone, a FlatBuffer may still be unaligned or describe more than it holds.
  if (!format::ParseHob(test::AlignedBytes({data, size}).span()).ok()) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  fbs::ModelT model;
  fbs::GetModel(copy.span().data())->UnPackTo(&model);
  for (size_t i = 1 + random.Below(3); i > 0; --i) fuzz::Change(random, model);
  flatbuffers::FlatBufferBuilder builder;
  fbs::FinishModelBuffer(builder, fbs::Model::Pack(builder, &model));
  const std::vector<uint8_t> file =
      fuzz::WithHeader({builder.GetBufferPointer(), builder.GetSize()}, weights);
  if (file.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(file.begin(), file.end(), data);
  return file.size();
}
#endif
