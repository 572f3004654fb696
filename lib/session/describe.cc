// SPDX-License-Identifier: Apache-2.0
#include "lib/session/describe.h"

#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lib/session/json_writer.h"

namespace hob {
namespace {

void Write(JsonWriter& json, bool value) { json.Bool(value); }
void Write(JsonWriter& json, int64_t value) { json.Int(value); }
void Write(JsonWriter& json, uint64_t value) { json.Uint(value); }
void Write(JsonWriter& json, double value) { json.Double(value); }
void Write(JsonWriter& json, const std::string& value) { json.String(value); }
template <typename T>
void Write(JsonWriter& json, const std::vector<T>& values) {
  json.BeginArray();
  for (const auto& value : values) Write(json, static_cast<T>(value));
  json.EndArray();
}

void WriteMetadata(JsonWriter& json, const Metadata& metadata) {
  json.Key("hyperparameters").BeginObject();
  for (const auto& [key, value] : metadata.values) {
    json.Key(key);
    std::visit([&](const auto& held) { Write(json, held); }, value);
  }
  json.EndObject();
}

void WriteVocabulary(JsonWriter& json, const Model& model) {
  const Vocabulary& vocabulary = model.file().vocabulary;
  json.Key("vocabulary").BeginObject();
  json.Key("model").String(vocabulary.model).Key("pre").String(vocabulary.pre);
  json.Key("tokens").Uint(vocabulary.tokens.size()).Key("merges").Uint(vocabulary.merges.size());
  json.Key("bos").Int(vocabulary.bos).Key("eos").Int(vocabulary.eos);
  json.Key("eot").Int(vocabulary.eot).Key("unknown").Int(vocabulary.unknown);
  json.Key("padding").Int(vocabulary.padding);
  json.Key("add_bos").Bool(vocabulary.add_bos).Key("add_eos").Bool(vocabulary.add_eos);
  json.Key("chat_template").Bool(model.has_chat_template());
  json.EndObject();
}

void WriteTensors(JsonWriter& json, const ModelFile& file) {
  json.Key("tensors").BeginArray();
  for (const Tensor& tensor : file.tensors) {
    const DTypeInfo* type = FindDType(tensor.type);
    json.BeginObject();
    json.Key("name").String(tensor.name);
    json.Key("type").String(type == nullptr ? "unknown" : type->name);
    json.Key("shape");
    Write(json, tensor.shape);
    json.Key("bytes").Uint(tensor.data.size());
    json.EndObject();
  }
  json.EndArray();
}

void WriteGraph(JsonWriter& json, const Batcher* batcher) {
  json.Key("graph").BeginArray();
  if (batcher != nullptr) {
    for (const PlannedNode& node : batcher->executor().Describe()) {
      json.BeginObject();
      json.Key("name").String(node.name).Key("op").String(node.op);
      json.Key("provider").String(node.provider).Key("layer").Int(node.layer);
      json.Key("packed_bytes").Uint(node.packed_bytes);
      json.EndObject();
    }
  }
  json.EndArray();
}

void WriteMemory(JsonWriter& json, const Model& model) {
  json.Key("memory").BeginObject();
  json.Key("file_bytes").Uint(model.file().file_bytes());
  if (model.batcher() != nullptr) {
    const Executor& executor = model.batcher()->executor();
    json.Key("weight_bytes").Uint(model.weight_bytes());
    json.Key("scratch_bytes").Uint(model.batcher()->scratch_bytes());
    json.Key("kv_bytes_per_token").Uint(executor.kv_layout().page_bytes() / kKvPageTokens);
    const DType kv = executor.kv_layout().type;
    json.Key("kv_type").String(kv == DType::kF32 ? "F32" : kv == DType::kF16 ? "F16" : "INT8");
  }
  json.EndObject();
}

}  // namespace

std::string DescribeModel(const Model& model) {
  JsonWriter json;
  json.BeginObject();
  json.Key("file").String(model.path()).Key("container").String(model.file().container);
  json.Key("architecture").String(model.file().architecture);
  json.Key("name").String(model.Property(ModelText::kName).value_or(""));
  json.Key("license").String(model.Property(ModelText::kLicense).value_or(""));
  json.Key("parameters").Uint(model.parameters());
  WriteMetadata(json, model.file().metadata);
  WriteVocabulary(json, model);
  WriteTensors(json, model.file());
  WriteGraph(json, model.batcher());
  WriteMemory(json, model);
  json.EndObject();
  return json.text();
}

}  // namespace hob
