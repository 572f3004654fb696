// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/base/panels.h"
#include "lib/base/per_channel.h"
#include "lib/format/hob_file.h"
#include "lib/format/hob_generated.h"
#include "lib/format/validate.h"
#include "lib/format/weight_row.h"

namespace hob {
namespace {

using format::HobHeader;
using format::kHobAlignment;

using Builder = flatbuffers::FlatBufferBuilder;
constexpr uint64_t kChunkBytes = 4u << 20;  // written between two calls of `progress`

uint64_t Aligned(uint64_t offset) {
  return (offset + kHobAlignment - 1) / kHobAlignment * kHobAlignment;
}

// A tensor as it will be in the file.
struct Output {
  const Tensor* tensor = nullptr;
  DType type = DType::kF32;
  bool panels = false;
  uint64_t bytes = 0;

  bool as_is() const { return type == tensor->type && panels == tensor->panels; }
};

std::vector<Output> PlanOutputs(const ModelFile& model, const WeightPacking& packing) {
  std::vector<Output> outputs;
  for (const Tensor& tensor : model.tensors) {
    Output output{.tensor = &tensor,
                  .type = packing.TypeOf(tensor),
                  .panels = tensor.panels,
                  .bytes = tensor.data.size()};
    const PanelFormat* format = FindPanelFormat(output.type, tensor.columns());
    if (format != nullptr && tensor.shape.size() == 2 && packing.panels.contains(tensor.name)) {
      output.panels = true;
      output.bytes = PanelsBytes(*format, tensor.shape[0], tensor.shape[1]);
    }
    outputs.push_back(output);
  }
  return outputs;
}

// What a reader would refuse is not written.
Status CheckModel(const ModelFile& model, const fbs::GraphT* graph) {
  HOB_RETURN_IF_ERROR(format::ValidateModel(model));
  ModelFile names;  // finds what is there twice
  for (const Tensor& tensor : model.tensors) {
    HOB_RETURN_IF_ERROR(format::AddTensor({.name = tensor.name,
                                           .type = static_cast<uint32_t>(tensor.type),
                                           .shape = tensor.shape,
                                           .offset = 0,
                                           .hob_types = true,
                                           .panels = tensor.panels},
                                          tensor.data, kHobAlignment, &names));
    if (const size_t size = names.tensors.back().data.size(); size != tensor.data.size()) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("tensor ", format::Quoted(tensor.name), " has ", tensor.data.size(),
                          " bytes; its shape and type take ", size));
    }
  }
  if (graph == nullptr) return absl::OkStatus();
  const auto null = [](const auto& pointer) { return pointer == nullptr; };
  bool holes = std::any_of(graph->values.begin(), graph->values.end(), null) ||
               std::any_of(graph->nodes.begin(), graph->nodes.end(), null);
  for (const auto& node : graph->nodes) {
    holes = holes || std::any_of(node->attributes.begin(), node->attributes.end(), null);
  }
  if (holes)
    return Error(StatusCode::kInvalidArgument, "graph: a value, node or attribute is null");
  return absl::OkStatus();
}

// An upper bound of the strings and arrays, checked before they are copied: the builder itself
// cannot report that it is full.
Status CheckHeaderSize(const ModelFile& model) {
  constexpr uint64_t kMaxHeaderBytes = uint64_t{1} << 30;
  uint64_t bytes = model.vocabulary.chat_template.size() + model.vocabulary.scores.size() * 8;
  for (const std::string& token : model.vocabulary.tokens) bytes += token.size() + 16;
  for (const std::string& merge : model.vocabulary.merges) bytes += merge.size() + 16;
  for (const auto& [key, value] : model.metadata.values) {
    bytes += key.size() + 64;
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
    if (const auto* flags = std::get_if<std::vector<bool>>(&value)) bytes += flags->size();
    if (const auto* integers = std::get_if<std::vector<int64_t>>(&value)) {
      bytes += integers->size() * 8;
    }
    if (const auto* reals = std::get_if<std::vector<double>>(&value)) bytes += reals->size() * 8;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& text : *texts) bytes += text.size() + 32;
    }
  }
  if (bytes <= kMaxHeaderBytes) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument, Concat("the metadata and vocabulary take ", bytes,
                                                    " bytes; a .hob file holds ", kMaxHeaderBytes));
}

class ValuePacker {
 public:
  explicit ValuePacker(Builder* builder) : b_(*builder) {}
  using Packed = std::pair<fbs::MetaValue, flatbuffers::Offset<void>>;

  Packed operator()(bool value) const {
    return {fbs::MetaValue::BoolValue, fbs::CreateBoolValue(b_, value).Union()};
  }
  Packed operator()(int64_t value) const {
    return {fbs::MetaValue::IntValue, fbs::CreateIntValue(b_, value).Union()};
  }
  Packed operator()(uint64_t value) const {
    return {fbs::MetaValue::UintValue, fbs::CreateUintValue(b_, value).Union()};
  }
  Packed operator()(double value) const {
    return {fbs::MetaValue::RealValue, fbs::CreateRealValue(b_, value).Union()};
  }
  Packed operator()(const std::string& value) const {
    return {fbs::MetaValue::TextValue, Text(value).Union()};
  }
  Packed operator()(const std::vector<bool>& values) const {
    return {fbs::MetaValue::BoolArray, fbs::CreateBoolArray(b_, b_.CreateVector(values)).Union()};
  }
  Packed operator()(const std::vector<int64_t>& values) const {
    return {fbs::MetaValue::IntArray, fbs::CreateIntArray(b_, b_.CreateVector(values)).Union()};
  }
  Packed operator()(const std::vector<double>& values) const {
    return {fbs::MetaValue::RealArray, fbs::CreateRealArray(b_, b_.CreateVector(values)).Union()};
  }
  Packed operator()(const std::vector<std::string>& values) const {
    std::vector<flatbuffers::Offset<fbs::TextValue>> texts;
    texts.reserve(values.size());
    for (const std::string& value : values) texts.push_back(Text(value));
    return {fbs::MetaValue::TextArray, fbs::CreateTextArray(b_, b_.CreateVector(texts)).Union()};
  }

 private:
  flatbuffers::Offset<fbs::TextValue> Text(const std::string& value) const {
    return fbs::CreateTextValue(b_, b_.CreateString(value));
  }
  Builder& b_;
};

flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fbs::MetaEntry>>> PackMetadata(
    const Metadata& metadata, Builder* builder) {
  std::vector<flatbuffers::Offset<fbs::MetaEntry>> entries;
  for (const auto& [key, value] : metadata.values) {
    const auto [type, packed] = std::visit(ValuePacker(builder), value);
    const auto packed_key = builder->CreateString(key);
    entries.push_back(fbs::CreateMetaEntry(*builder, packed_key, type, packed));
  }
  return builder->CreateVector(entries);
}

flatbuffers::Offset<fbs::Vocabulary> PackVocabulary(const Vocabulary& vocabulary,
                                                    Builder* builder) {
  std::vector<uint8_t> types;
  types.reserve(vocabulary.types.size());
  for (const TokenType type : vocabulary.types) types.push_back(static_cast<uint8_t>(type));
  const auto model = builder->CreateString(vocabulary.model);
  const auto pre = builder->CreateString(vocabulary.pre);
  const auto tokens = builder->CreateVectorOfStrings(vocabulary.tokens);
  const auto scores = builder->CreateVector(vocabulary.scores);
  const auto packed_types = builder->CreateVector(types);
  const auto merges = builder->CreateVectorOfStrings(vocabulary.merges);
  return fbs::CreateVocabulary(*builder, model, pre, tokens, scores, packed_types, merges,
                               vocabulary.bos, vocabulary.eos, vocabulary.eot, vocabulary.unknown,
                               vocabulary.separator, vocabulary.padding, vocabulary.mask,
                               vocabulary.add_bos, vocabulary.add_eos, vocabulary.add_space_prefix,
                               vocabulary.remove_extra_whitespaces);
}

// Lays the tensors out, sets `data_bytes` and finishes the FlatBuffer.
Status Pack(const ModelFile& model, const fbs::GraphT* graph, const std::vector<Output>& outputs,
            Builder* builder, uint64_t* data_bytes) {
  std::vector<flatbuffers::Offset<fbs::TensorEntry>> tensors;
  *data_bytes = 0;
  for (const Output& output : outputs) {
    const Tensor& tensor = *output.tensor;
    const uint64_t offset = Aligned(*data_bytes);
    *data_bytes = offset + output.bytes;
    const auto name = builder->CreateString(tensor.name);
    const auto shape = builder->CreateVector(tensor.shape);
    tensors.push_back(fbs::CreateTensorEntry(*builder, name, static_cast<int32_t>(output.type),
                                             shape, offset, output.bytes, output.panels));
  }
  const auto packed_tensors = builder->CreateVector(tensors);
  const auto architecture = builder->CreateString(model.architecture);
  const auto metadata = PackMetadata(model.metadata, builder);
  const auto vocabulary = PackVocabulary(model.vocabulary, builder);
  const auto chat_template = builder->CreateString(model.vocabulary.chat_template);
  flatbuffers::Offset<fbs::Graph> packed_graph = 0;
  if (graph != nullptr) packed_graph = fbs::CreateGraph(*builder, graph);
  fbs::FinishModelBuffer(
      *builder, fbs::CreateModel(*builder, format::kHobVersion, architecture, metadata, vocabulary,
                                 chat_template, packed_tensors, packed_graph));
  if (builder->GetSize() <= format::kMaxFlatBufferBytes) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument, "the graph is too large for a .hob file");
}

// Writes tensors, in parts small enough for `progress` to be called often.
class TensorWriter {
 public:
  TensorWriter(const ModelFile& model, const Progress& progress, AtomicFileWriter* writer)
      : model_(model), progress_(progress), writer_(*writer) {}

  Status Write(const std::vector<Output>& outputs) {
    for (const Output& output : outputs) total_ += output.bytes;
    HOB_RETURN_IF_ERROR(Report());
    for (const Output& output : outputs) {
      HOB_RETURN_IF_ERROR(writer_.PadTo(kHobAlignment));
      HOB_RETURN_IF_ERROR(output.as_is() ? WriteAsIs(*output.tensor) : WritePanels(output));
    }
    return absl::OkStatus();
  }

 private:
  Status Report() const {
    if (progress_ == nullptr || progress_(done_, total_)) return absl::OkStatus();
    return Error(StatusCode::kCancelled, "writing the model was cancelled");
  }

  // `source` is what `part` was made of.
  Status WritePart(std::span<const uint8_t> part, std::span<const uint8_t> source) {
    HOB_RETURN_IF_ERROR(writer_.Append(part));
    // Read once: these pages need not count as this process's memory any longer.
    model_.DontNeed(source);
    done_ += part.size();
    return Report();
  }

  Status WriteAsIs(const Tensor& tensor) {
    for (std::span<const uint8_t> rest = tensor.data; !rest.empty();) {
      const auto part = rest.first(std::min<size_t>(rest.size(), kChunkBytes));
      HOB_RETURN_IF_ERROR(WritePart(part, part));
      rest = rest.subspan(part.size());
    }
    return absl::OkStatus();
  }

  Status WritePanels(const Output& output) {
    const Tensor& tensor = *output.tensor;
    const PanelFormat& format = *FindPanelFormat(output.type, tensor.columns());
    const int64_t rows = tensor.rows(), columns = tensor.columns();
    // Of its own rows; of what is made from panels, about.
    const size_t row_bytes = tensor.data.size() / static_cast<size_t>(rows);
    std::vector<uint8_t> panel;
    for (int64_t row = 0; row < rows; row += kPanelRows) {
      const int64_t count = std::min(kPanelRows, rows - row);
      const auto source = tensor.data.subspan(static_cast<size_t>(row) * row_bytes,
                                              static_cast<size_t>(count) * row_bytes);
      panel.assign(PanelBytes(format, columns), 0);
      if (output.type == tensor.type) {
        PackWeightRows(format, tensor, row, count, panel.data());
      } else {
        HOB_RETURN_IF_ERROR(QuantizePanel(tensor, row, count, panel.data()));
      }
      HOB_RETURN_IF_ERROR(WritePart(panel, source));
    }
    return absl::OkStatus();
  }

  // Quantises rows [first, first + count) into a panel of QC8.
  static Status QuantizePanel(const Tensor& tensor, int64_t first, int64_t count, uint8_t* panel) {
    const int64_t columns = tensor.columns();
    std::vector<float> values(static_cast<size_t>(count * columns));
    for (int64_t row = 0; row < count; ++row) {
      DequantizeWeightRow(tensor, first + row, values.data() + row * columns);
    }
    auto quantized = QuantizePerChannel(values, count, columns);
    if (!quantized.ok()) {
      return Annotate(quantized.status(),
                      Concat("tensor ", format::Quoted(tensor.name), ", rows from ", first));
    }
    std::vector<float> scales(static_cast<size_t>(count));
    std::memcpy(scales.data(), quantized->data() + values.size(), scales.size() * sizeof(float));
    PackPerChannelPanel(reinterpret_cast<const int8_t*>(quantized->data()), scales.data(), count,
                        columns, panel);
    return absl::OkStatus();
  }

  const ModelFile& model_;
  const Progress& progress_;
  AtomicFileWriter& writer_;
  uint64_t done_ = 0, total_ = 0;
};

}  // namespace

DType WeightPacking::TypeOf(const Tensor& tensor) const {
  const bool quantizes = per_channel && panels.contains(tensor.name) && tensor.shape.size() == 2 &&
                         FindPanelFormat(DType::kQC8, tensor.columns()) != nullptr &&
                         HoldsRows(tensor, tensor.rows(), tensor.columns());
  return quantizes ? DType::kQC8 : tensor.type;
}

Status WriteHobFile(const ModelFile& model, const fbs::GraphT* graph, const WeightPacking& packing,
                    const std::string& path, const Progress& progress) {
  HOB_RETURN_IF_ERROR(CheckModel(model, graph));
  HOB_RETURN_IF_ERROR(CheckHeaderSize(model));
  Builder builder;
  uint64_t data_bytes = 0;
  const std::vector<Output> outputs = PlanOutputs(model, packing);
  HOB_RETURN_IF_ERROR(Pack(model, graph, outputs, &builder, &data_bytes));

  const HobHeader header = format::MakeHobHeader(builder.GetSize(), data_bytes);
  HOB_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFileWriter> writer,
                       AtomicFileWriter::Create(path));
  HOB_RETURN_IF_ERROR(writer->Append({reinterpret_cast<const uint8_t*>(&header), sizeof(header)}));
  HOB_RETURN_IF_ERROR(writer->Append({builder.GetBufferPointer(), builder.GetSize()}));
  HOB_RETURN_IF_ERROR(writer->PadTo(kHobAlignment));
  builder.Release();
  HOB_RETURN_IF_ERROR(TensorWriter(model, progress, writer.get()).Write(outputs));
  return writer->Commit();
}

}  // namespace hob
