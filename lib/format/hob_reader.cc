// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/base/checked.h"
#include "lib/format/flatbuffer_copy.h"
#include "lib/format/hob_file.h"
#include "lib/format/hob_generated.h"
#include "lib/format/validate.h"

namespace hob::format {
namespace {

constexpr std::string_view kCorruptHint =
    "The file is truncated or corrupt; fetch or convert it again.";
constexpr uint32_t kMaxDepth = 16;  // the schema is four deep
constexpr uint32_t kMaxTables = 4u << 20;
constexpr size_t kMaxNodes = 1u << 15;  // planning takes the square of them
constexpr size_t kMaxValues = 1u << 16;
constexpr size_t kMaxAttributes = 64;  // of a node

Status Corrupt(std::string_view message) {
  return Error(StatusCode::kInvalidArgument, message, kCorruptHint);
}

Status CheckSection(std::string_view what, uint64_t offset, uint64_t size, uint64_t file) {
  if (offset % kHobAlignment != 0 || offset < sizeof(HobHeader)) {
    return Corrupt(Concat("the header places the ", what, " at byte ", offset,
                          ", which is not a multiple of ", kHobAlignment, " after the header"));
  }
  if (!Fits(offset, size, file)) {
    return Error(StatusCode::kDataLoss,
                 Concat("the file ends early: the ", what, " takes ", size, " bytes at byte ",
                        offset, ", the file has ", file),
                 kCorruptHint);
  }
  return absl::OkStatus();
}

StatusOr<HobHeader> ReadHeader(std::span<const uint8_t> bytes) {
  if (!IsHob(bytes)) {
    return Error(StatusCode::kInvalidArgument, "is not a .hob file: wrong magic");
  }
  HobHeader header;
  if (bytes.size() < sizeof(header)) {
    return Error(StatusCode::kDataLoss,
                 Concat("the file ends early: the header takes ", sizeof(header),
                        " bytes, the file has ", bytes.size()),
                 kCorruptHint);
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.version == 0 || header.version > kHobVersion) {
    return Error(StatusCode::kUnimplemented,
                 Concat(".hob version ", header.version, " is not read; this library reads 1 to ",
                        kHobVersion),
                 "Use a newer hob, or convert the model again with this one.");
  }
  const bool zeros = std::all_of(std::begin(header.reserved), std::end(header.reserved),
                                 [](uint8_t byte) { return byte == 0; });
  if (header.header_bytes != sizeof(header) || !zeros) {
    return Corrupt("the header is not one of a .hob file");
  }
  const uint64_t file = bytes.size();
  HOB_RETURN_IF_ERROR(
      CheckSection("FlatBuffer", header.flatbuffer_offset, header.flatbuffer_bytes, file));
  HOB_RETURN_IF_ERROR(CheckSection("tensor data", header.data_offset, header.data_bytes, file));
  if (header.flatbuffer_bytes > kMaxFlatBufferBytes) {
    return Corrupt(Concat("its FlatBuffer takes ", header.flatbuffer_bytes, " bytes; at most ",
                          kMaxFlatBufferBytes, " are allowed"));
  }
  if (header.data_offset < header.flatbuffer_offset + header.flatbuffer_bytes) {
    return Corrupt("the tensor data begins inside the FlatBuffer");
  }
  if (header.data_offset + header.data_bytes != file) {
    return Corrupt(Concat("the file has ", file, " bytes, but its tensor data ends at byte ",
                          header.data_offset + header.data_bytes));
  }
  return header;
}

using Budget = CopyBudget;

using Strings = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

StatusOr<std::vector<std::string>> CopyStrings(const Strings* source, Budget* budget) {
  std::vector<std::string> values;
  if (source == nullptr) return values;
  HOB_RETURN_IF_ERROR(budget->SpendOn(source));
  values.reserve(source->size());
  for (const flatbuffers::String* text : *source) {
    HOB_ASSIGN_OR_RETURN(std::string value, Copy(text, budget));
    values.push_back(std::move(value));
  }
  return values;
}

template <typename T>
StatusOr<MetaValue> AsValue(StatusOr<T> value) {
  if (!value.ok()) return std::move(value).status();
  return MetaValue(std::in_place_type<T>, *std::move(value));
}

StatusOr<std::vector<std::string>> CopyTexts(const fbs::TextArray& array, Budget* budget) {
  HOB_RETURN_IF_ERROR(budget->SpendOn(array.values()));
  std::vector<std::string> values;
  values.reserve(array.values()->size());
  for (const fbs::TextValue* entry : *array.values()) {
    HOB_ASSIGN_OR_RETURN(std::string value, Copy(entry->value(), budget));
    values.push_back(std::move(value));
  }
  return values;
}

StatusOr<MetaValue> ReadValue(const fbs::MetaEntry& entry, Budget* budget) {
  switch (entry.value_type()) {
    case fbs::MetaValue::BoolValue:
      return MetaValue(entry.value_as_BoolValue()->value());
    case fbs::MetaValue::IntValue:
      return MetaValue(int64_t{entry.value_as_IntValue()->value()});
    case fbs::MetaValue::UintValue:
      return MetaValue(uint64_t{entry.value_as_UintValue()->value()});
    case fbs::MetaValue::RealValue:
      return MetaValue(entry.value_as_RealValue()->value());
    case fbs::MetaValue::TextValue:
      return AsValue(Copy(entry.value_as_TextValue()->value(), budget));
    case fbs::MetaValue::BoolArray:
      return AsValue(CopyVector<bool>(entry.value_as_BoolArray()->values(), budget));
    case fbs::MetaValue::IntArray:
      return AsValue(CopyVector<int64_t>(entry.value_as_IntArray()->values(), budget));
    case fbs::MetaValue::RealArray:
      return AsValue(CopyVector<double>(entry.value_as_RealArray()->values(), budget));
    case fbs::MetaValue::TextArray:
      return AsValue(CopyTexts(*entry.value_as_TextArray(), budget));
    default:
      return Error(StatusCode::kUnimplemented,
                   Concat("has a value of unknown kind ", static_cast<int>(entry.value_type())),
                   "Use a newer hob.");
  }
}

Status ReadMetadata(const fbs::Model& root, Budget* budget, ModelFile* model) {
  if (root.metadata() == nullptr) return absl::OkStatus();
  if (root.metadata()->size() > kMaxKeys) {
    return Corrupt(
        Concat("its ", root.metadata()->size(), " keys are above the limit of ", kMaxKeys));
  }
  for (const fbs::MetaEntry* entry : *root.metadata()) {
    HOB_ASSIGN_OR_RETURN(const std::string key, Copy(entry->key(), budget));
    StatusOr<MetaValue> value = ReadValue(*entry, budget);
    if (!value.ok()) return Annotate(value.status(), Concat("key ", Quoted(key)));
    HOB_RETURN_IF_ERROR(AddMetadata(key, *std::move(value), model));
  }
  return absl::OkStatus();
}

Status ReadVocabulary(const fbs::Model& root, Budget* budget, Vocabulary* vocabulary) {
  HOB_ASSIGN_OR_RETURN(vocabulary->chat_template, Copy(root.chat_template(), budget));
  const fbs::Vocabulary* source = root.vocabulary();
  if (source == nullptr) return absl::OkStatus();
  HOB_ASSIGN_OR_RETURN(vocabulary->model, Copy(source->model(), budget));
  HOB_ASSIGN_OR_RETURN(vocabulary->pre, Copy(source->pre(), budget));
  HOB_ASSIGN_OR_RETURN(vocabulary->tokens, CopyStrings(source->tokens(), budget));
  HOB_ASSIGN_OR_RETURN(vocabulary->scores, CopyVector<float>(source->scores(), budget));
  HOB_ASSIGN_OR_RETURN(vocabulary->merges, CopyStrings(source->merges(), budget));
  if (const auto* types = source->types(); types != nullptr) {
    for (size_t i = 0; i < types->size(); ++i) {
      const uint8_t type = types->Get(static_cast<uint32_t>(i));
      if (type < 1 || type > 6) {
        return Corrupt(Concat("vocabulary: token ", i, " has unknown type ", int{type}));
      }
    }
  }
  HOB_ASSIGN_OR_RETURN(vocabulary->types, CopyVector<TokenType>(source->types(), budget));
  vocabulary->bos = source->bos();
  vocabulary->eos = source->eos();
  vocabulary->eot = source->eot();
  vocabulary->unknown = source->unknown();
  vocabulary->separator = source->separator();
  vocabulary->padding = source->padding();
  vocabulary->mask = source->mask();
  vocabulary->add_bos = source->add_bos();
  vocabulary->add_eos = source->add_eos();
  vocabulary->add_space_prefix = source->add_space_prefix();
  vocabulary->remove_extra_whitespaces = source->remove_extra_whitespaces();
  return absl::OkStatus();
}

Status ReadTensors(const fbs::Model& root, std::span<const uint8_t> data, Budget* budget,
                   ModelFile* model) {
  if (root.tensors() == nullptr) return absl::OkStatus();
  if (root.tensors()->size() > kMaxTensors) {
    return Corrupt(
        Concat("its ", root.tensors()->size(), " tensors are above the limit of ", kMaxTensors));
  }
  model->tensors.reserve(root.tensors()->size());
  for (const fbs::TensorEntry* entry : *root.tensors()) {
    HOB_ASSIGN_OR_RETURN(const std::string name, Copy(entry->name(), budget));
    HOB_ASSIGN_OR_RETURN(const std::vector<int64_t> shape,
                         CopyVector<int64_t>(entry->shape(), budget));
    HOB_RETURN_IF_ERROR(AddTensor({.name = name,
                                   .type = static_cast<uint32_t>(entry->type()),
                                   .shape = shape,
                                   .offset = entry->offset(),
                                   .hob_types = true,
                                   .panels = entry->panels()},
                                  data, kHobAlignment, model));
    if (entry->panels() && root.version() < 2) {
      return Corrupt(Concat("tensor ", Quoted(name), " is panels, which version 1 does not have"));
    }
    if (model->tensors.back().data.size() != entry->size()) {
      return Corrupt(Concat("tensor ", Quoted(name), " has ", entry->size(),
                            " bytes; its shape and type take ", model->tensors.back().data.size()));
    }
  }
  return absl::OkStatus();
}

// Bounds what UnPack will copy.
Status CheckGraphSize(const fbs::Graph& graph, Budget* budget) {
  const size_t values = graph.values() == nullptr ? 0 : graph.values()->size();
  const size_t nodes = graph.nodes() == nullptr ? 0 : graph.nodes()->size();
  if (values > kMaxValues || nodes > kMaxNodes) {
    return Corrupt(Concat("graph: ", values, " values and ", nodes, " nodes; at most ", kMaxValues,
                          " and ", kMaxNodes, " are allowed"));
  }
  for (size_t i = 0; i < values; ++i) {
    const fbs::GraphValue* value = graph.values()->Get(static_cast<uint32_t>(i));
    HOB_RETURN_IF_ERROR(budget->SpendOn(value->name()));
    HOB_RETURN_IF_ERROR(budget->SpendOn(value->shape()));
    HOB_RETURN_IF_ERROR(budget->SpendOn(value->tensor()));
  }
  for (size_t i = 0; i < nodes; ++i) {
    const fbs::GraphNode* node = graph.nodes()->Get(static_cast<uint32_t>(i));
    HOB_RETURN_IF_ERROR(budget->SpendOn(node->op()));
    HOB_RETURN_IF_ERROR(budget->SpendOn(node->name()));
    HOB_RETURN_IF_ERROR(budget->SpendOn(node->inputs()));
    HOB_RETURN_IF_ERROR(budget->SpendOn(node->outputs()));
    HOB_RETURN_IF_ERROR(budget->SpendOn(node->attributes()));
    if (node->attributes() == nullptr) continue;
    if (node->attributes()->size() > kMaxAttributes) {
      return Corrupt(Concat("graph: node ", i, " has ", node->attributes()->size(),
                            " attributes; at most ", kMaxAttributes, " are allowed"));
    }
    for (const fbs::Attribute* attribute : *node->attributes()) {
      HOB_RETURN_IF_ERROR(budget->SpendOn(attribute->key()));
      HOB_RETURN_IF_ERROR(budget->SpendOn(attribute->text()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool IsHob(std::span<const uint8_t> bytes) {
  return bytes.size() >= sizeof(kHobMagic) &&
         std::memcmp(bytes.data(), kHobMagic, sizeof(kHobMagic)) == 0;
}

StatusOr<ModelFile> ParseHob(std::span<const uint8_t> bytes) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kHobAlignment != 0) {
    return Error(StatusCode::kInvalidArgument, "the bytes of a .hob file are not 64-byte aligned");
  }
  HOB_ASSIGN_OR_RETURN(const HobHeader header, ReadHeader(bytes));
  const auto flatbuffer = bytes.subspan(static_cast<size_t>(header.flatbuffer_offset),
                                        static_cast<size_t>(header.flatbuffer_bytes));
  flatbuffers::Verifier verifier(flatbuffer.data(), flatbuffer.size(), kMaxDepth, kMaxTables);
  if (flatbuffer.size() < 8 || !fbs::VerifyModelBuffer(verifier)) {
    return Corrupt("its FlatBuffer does not verify as a hob model");
  }
  const fbs::Model& root = *fbs::GetModel(flatbuffer.data());
  if (root.version() != header.version) {
    return Corrupt(
        Concat("its header says version ", header.version, ", its FlatBuffer ", root.version()));
  }
  ModelFile model;
  model.container = Concat(".hob ", header.version);
  Budget budget(flatbuffer.size(), kCorruptHint);
  HOB_ASSIGN_OR_RETURN(model.architecture, Copy(root.architecture(), &budget));
  HOB_RETURN_IF_ERROR(ReadMetadata(root, &budget, &model));
  HOB_RETURN_IF_ERROR(ReadVocabulary(root, &budget, &model.vocabulary));
  const auto data = bytes.subspan(static_cast<size_t>(header.data_offset),
                                  static_cast<size_t>(header.data_bytes));
  HOB_RETURN_IF_ERROR(ReadTensors(root, data, &budget, &model));
  HOB_RETURN_IF_ERROR(CheckOverlaps(model));
  HOB_RETURN_IF_ERROR(ValidateModel(model));
  if (root.graph() != nullptr) {
    HOB_RETURN_IF_ERROR(CheckGraphSize(*root.graph(), &budget));
    model.graph = std::make_shared<fbs::GraphT>();
    root.graph()->UnPackTo(model.graph.get());
  }
  return model;
}

}  // namespace hob::format
