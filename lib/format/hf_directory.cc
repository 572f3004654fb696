// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "lib/base/f16.h"
#include "lib/base/system_file.h"
#include "lib/format/hugging_face.h"
#include "lib/format/safetensors.h"
#include "lib/format/validate.h"

namespace hob::format {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kAlignment = 8;  // that kernels may count on: GGUF's least
constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
// What a folder is asked for, beside config.json and the shards that an index names.
constexpr std::string_view kFiles[] = {"tokenizer.json",
                                       "tokenizer.model",
                                       "tokenizer_config.json",
                                       "special_tokens_map.json",
                                       "generation_config.json",
                                       "chat_template.jinja",
                                       "modules.json",
                                       "sentence_bert_config.json",
                                       kSingle,
                                       kIndex,
                                       "pytorch_model.bin",
                                       "pytorch_model.bin.index.json"};

// Of the file itself, not of what a link leads to; not_found is no error.
StatusOr<fs::file_status> Look(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(file, error);
  if (fs::status_known(status)) return status;
  return SystemError(error.value(), file.string(), "cannot look at it", kPathHint);
}

// Files are those of the folder itself. A link is followed within it, and from the hub's cache
// (…/snapshots/<revision>/) to where that keeps its files (…/blobs/).
Status CheckInside(const fs::path& folder, const fs::path& file) {
  HOB_ASSIGN_OR_RETURN(const fs::file_status status, Look(file));
  if (!fs::is_symlink(status)) return absl::OkStatus();
  std::error_code error;
  const fs::path target = fs::canonical(file, error);
  if (error) {
    return Error(StatusCode::kNotFound, "is a link to a file that is not there",
                 "Fetch the model again.");
  }
  const fs::path home = fs::canonical(folder, error);
  if (error) return Error(StatusCode::kNotFound, "its folder is not there");
  const bool cache = home.parent_path().filename() == "snapshots";
  const fs::path blobs = home.parent_path().parent_path() / "blobs";
  if (target.parent_path() == home || (cache && target.parent_path() == blobs)) {
    return absl::OkStatus();
  }
  return Error(StatusCode::kInvalidArgument, "is a link that leads out of the folder",
               "Put the file itself there.");
}

// A shard's name, which must not lead elsewhere.
Status CheckShardName(std::string_view name) {
  const bool plain = !name.empty() && name.size() <= 255 && name.ends_with(".safetensors") &&
                     name[0] != '.' &&
                     name.find_first_of(std::string_view("/\\:\0", 4)) == std::string_view::npos;
  if (plain) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument,
               Concat("weight_map names ", Quoted(name),
                      ", which is not a plain name of a .safetensors file in the folder"));
}

class Directory {
 public:
  Directory(const std::string& path, std::shared_ptr<Allocator> copy_to)
      : folder_(path), copy_to_(std::move(copy_to)) {}

  StatusOr<ModelFile> Open() {
    model_.container = "Hugging Face";
    HOB_RETURN_IF_ERROR(LookForFiles());
    HOB_RETURN_IF_ERROR(ReadTexts());
    HOB_RETURN_IF_ERROR(ReadWeights());
    HOB_RETURN_IF_ERROR(CheckWeights());
    HOB_RETURN_IF_ERROR(ValidateModel(model_));
    return std::move(model_);
  }

 private:
  // Once: what comes or goes meanwhile is not there, or an error where it is opened.
  Status LookForFiles() {
    for (const std::string_view name : kFiles) {
      HOB_ASSIGN_OR_RETURN(const fs::file_status status, Look(folder_ / name));
      if (fs::exists(status)) files_.insert(name);
    }
    return absl::OkStatus();
  }
  bool Has(std::string_view name) const { return files_.contains(name); }

  StatusOr<std::shared_ptr<const MappedFile>> Map(std::string_view name) {
    const fs::path path = folder_ / name;
    if (const Status status = CheckInside(folder_, path); !status.ok()) {
      return Annotate(status, path.string());
    }
    HOB_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file,
                         copy_to_ == nullptr ? MappedFile::Open(path.string())
                                             : MappedFile::Copy(path.string(), copy_to_));
    (model_.file == nullptr ? model_.file : model_.more_files.emplace_back()) = file;
    return file;
  }

  StatusOr<std::string_view> ReadText(std::string_view name) {
    HOB_ASSIGN_OR_RETURN(const auto file, Map(name));
    return std::string_view(reinterpret_cast<const char*>(file->bytes().data()),
                            file->bytes().size());
  }
  StatusOr<Json> ReadJson(std::string_view name) {
    HOB_ASSIGN_OR_RETURN(const std::string_view text, ReadText(name));
    auto json = Json::Parse(text);
    if (!json.ok()) return At(name, json.status());
    return json;
  }
  Status At(std::string_view name, const Status& status) const {
    return Annotate(status, (folder_ / name).string());
  }

  Status ReadTexts() {
    HOB_ASSIGN_OR_RETURN(const Json config, ReadJson("config.json"));
    auto read = ReadHfConfig(config.root(), &model_);
    if (!read.ok()) return At("config.json", read.status());
    config_ = *std::move(read);
    HOB_RETURN_IF_ERROR(SetName());
    if (config_.encoder) HOB_RETURN_IF_ERROR(ReadSentenceTransformers());
    if (!Has("tokenizer.json")) {
      return Error(
          Has("tokenizer.model") ? StatusCode::kUnimplemented : StatusCode::kNotFound,
          Concat(folder_.string(), ": has no tokenizer.json",
                 Has("tokenizer.model") ? ", but a tokenizer.model, which hob does not read" : ""),
          "Save the tokenizer with transformers (AutoTokenizer, save_pretrained).");
    }
    HOB_ASSIGN_OR_RETURN(const Json tokenizer, ReadJson("tokenizer.json"));
    std::vector<Json> settings;
    settings.reserve(2);
    for (const std::string_view name : {"tokenizer_config.json", "special_tokens_map.json"}) {
      if (!Has(name)) continue;
      HOB_ASSIGN_OR_RETURN(settings.emplace_back(), ReadJson(name));
    }
    std::vector<JsonValue> roots;
    for (const Json& json : settings) roots.push_back(json.root());
    auto vocabulary = ReadHfTokenizer(tokenizer.root(), roots);
    if (!vocabulary.ok()) return At("tokenizer.json", vocabulary.status());
    model_.vocabulary = *std::move(vocabulary);
    std::optional<Json> generation;
    if (Has("generation_config.json")) {
      HOB_ASSIGN_OR_RETURN(generation, ReadJson("generation_config.json"));
    }
    const Status ends = AddGenerationTokens(
        generation.has_value() ? std::optional(generation->root()) : std::nullopt, config.root(),
        &model_.vocabulary);
    if (!ends.ok()) return At(generation ? "generation_config.json" : "config.json", ends);
    return ReadChatTemplate(Has("tokenizer_config.json") ? std::optional(roots[0]) : std::nullopt);
  }

  Status ReadSentenceTransformers() {
    if (Has("sentence_bert_config.json")) {
      HOB_ASSIGN_OR_RETURN(const Json json, ReadJson("sentence_bert_config.json"));
      const Status read = ReadHfSentenceConfig(json.root(), &model_);
      if (!read.ok()) return At("sentence_bert_config.json", read);
    }
    if (!Has("modules.json")) return absl::OkStatus();
    HOB_ASSIGN_OR_RETURN(const Json modules, ReadJson("modules.json"));
    auto folder = ReadHfModules(modules.root(), &model_);
    if (!folder.ok()) return At("modules.json", folder.status());
    if (folder->empty()) return absl::OkStatus();
    HOB_ASSIGN_OR_RETURN(const fs::file_status status, Look(folder_ / *folder));
    if (!fs::is_directory(status)) {
      return At(*folder,
                Error(fs::exists(status) ? StatusCode::kInvalidArgument : StatusCode::kNotFound,
                      "is no folder, but modules.json says that the pooling is there"));
    }
    const std::string name = *folder + "/config.json";
    HOB_ASSIGN_OR_RETURN(const Json pooling, ReadJson(name));
    const Status read = ReadHfPooling(pooling.root(), &model_);
    return read.ok() ? read : At(name, read);
  }

  Status SetName() {
    std::error_code ignored;
    const fs::path whole = fs::absolute(folder_, ignored).lexically_normal();
    const fs::path name = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
    HOB_RETURN_IF_ERROR(AddMetadata("general.architecture", model_.architecture, &model_));
    return AddMetadata("general.name", name.string(), &model_);
  }

  Status ReadChatTemplate(std::optional<JsonValue> settings) {
    std::string& text = model_.vocabulary.chat_template;
    if (Has("chat_template.jinja")) {
      HOB_ASSIGN_OR_RETURN(const std::string_view found, ReadText("chat_template.jinja"));
      text = std::string(found);
    } else if (settings.has_value() && settings->Find("chat_template").has_value()) {
      const JsonValue found = *settings->Find("chat_template");
      if (found.Text().has_value()) text = std::string(*found.Text());
      // Several by name: the one named "default".
      HOB_RETURN_IF_ERROR(found.ForEachElement([&](JsonValue one) {
        const auto name = one.Find("name"), body = one.Find("template");
        if (name.has_value() && name->Text() == "default" && body.has_value()) {
          text = std::string(body->Text().value_or(""));
        }
        return absl::OkStatus();
      }));
    }
    if (text.size() <= kMaxTextBytes) return absl::OkStatus();
    return Error(StatusCode::kInvalidArgument,
                 Concat(folder_.string(), ": the chat template has ", text.size(), " bytes"));
  }

  Status ReadWeights() {
    if (Has(kSingle)) return ReadShard(kSingle, nullptr);
    if (!Has(kIndex)) {
      const bool pickle = Has("pytorch_model.bin") || Has("pytorch_model.bin.index.json");
      return Error(pickle ? StatusCode::kUnimplemented : StatusCode::kNotFound,
                   Concat(folder_.string(), ": has no ", kSingle,
                          pickle ? ", but PyTorch's own files, which hob does not read"
                                 : ", and no index of such files"),
                   "Save the model with transformers (save_pretrained).");
    }
    HOB_ASSIGN_OR_RETURN(const Json index, ReadJson(kIndex));
    std::map<std::string, std::map<std::string_view, bool>, std::less<>> shards;  // name → seen
    const auto map = index.root().Find("weight_map");
    const auto read = [&]() -> Status {
      if (!map.has_value() || !map->is(JsonKind::kObject) || map->size() == 0) {
        return Error(StatusCode::kInvalidArgument, "has no weight_map");
      }
      return map->ForEachMember([&](std::string_view tensor, JsonValue value) -> Status {
        const std::string_view shard = value.Text().value_or("");
        HOB_RETURN_IF_ERROR(CheckShardName(shard));
        shards[std::string(shard)].emplace(tensor, false);
        return absl::OkStatus();
      });
    };
    if (const Status status = read(); !status.ok()) return At(kIndex, status);
    for (auto& [shard, tensors] : shards) HOB_RETURN_IF_ERROR(ReadShard(shard, &tensors));
    return absl::OkStatus();
  }

  // `expected`: what the index says that the file holds.
  Status ReadShard(std::string_view name, std::map<std::string_view, bool>* expected) {
    HOB_ASSIGN_OR_RETURN(const auto file, Map(name));
    auto entries = ParseSafetensors(file->bytes());
    if (!entries.ok()) return At(name, entries.status());
    for (const SafetensorsEntry& entry : *entries) {
      if (expected != nullptr) {
        const auto found = expected->find(entry.name);
        if (found == expected->end()) {
          return At(name, Error(StatusCode::kInvalidArgument, Concat("tensor ", Quoted(entry.name),
                                                                     " is not there by ", kIndex)));
        }
        found->second = true;
      }
      const Status status = Add(entry);
      if (!status.ok()) {
        return At(name,
                  Error(status.code(), Concat("tensor ", Quoted(entry.name), " ", status.message()),
                        HintOf(status)));
      }
    }
    if (expected == nullptr) return absl::OkStatus();
    for (const auto& [tensor, seen] : *expected) {
      if (!seen) {
        return At(name, Error(StatusCode::kInvalidArgument,
                              Concat("lacks tensor ", Quoted(tensor), ", which ", kIndex,
                                     " says is there")));
      }
    }
    return absl::OkStatus();
  }

  Status Add(const SafetensorsEntry& entry) {
    if (config_.encoder && IsUnusedBertTensor(entry.name)) return absl::OkStatus();
    // Tables that follow from the configuration, which old checkpoints hold.
    if (entry.name.ends_with(".rotary_emb.inv_freq")) return absl::OkStatus();
    // transformers ties it to the embedding, whatever the file holds.
    if (config_.tied && entry.name == "lm_head.weight") return absl::OkStatus();
    const auto name = GgufTensorName(config_, entry.name);
    if (!name.has_value()) {
      return Error(StatusCode::kUnimplemented,
                   Concat("is none that hob knows of a ", config_.model_type, " model with ",
                          config_.layers, " layers"));
    }
    HOB_ASSIGN_OR_RETURN(DType type, SafetensorsType(entry.dtype));
    std::span<const uint8_t> data = entry.data;
    if (entry.shape.size() == 1) {  // norms and biases: small, and f32 in every container
      data = ToF32(entry, type);
      type = DType::kF32;
    } else if (reinterpret_cast<uintptr_t>(data.data()) % kAlignment != 0) {
      data = Own({data.begin(), data.end()});
    }
    Tensor tensor;
    tensor.name = *name;
    tensor.type = type;
    tensor.shape = entry.shape;
    tensor.data = data;
    if (!model_.tensor_index.emplace(*name, model_.tensors.size()).second) {
      return Error(StatusCode::kInvalidArgument, "is there twice");
    }
    HOB_RETURN_IF_ERROR(TensorBytes(type, tensor.shape).status());
    model_.tensors.push_back(std::move(tensor));
    return absl::OkStatus();
  }

  std::span<const uint8_t> Own(std::vector<uint8_t> bytes) {
    model_.owned_bytes += bytes.size();
    const auto owned = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
    model_.owned.push_back(owned);
    return *owned;
  }

  std::span<const uint8_t> ToF32(const SafetensorsEntry& entry, DType type) {
    const size_t count = static_cast<size_t>(entry.shape[0]);
    // Files of Gemma have what is added to 1.
    const bool add_one = config_.adds_one && entry.name.ends_with("norm.weight");
    std::vector<uint8_t> bytes(count * sizeof(float));
    for (size_t i = 0; i < count; ++i) {
      float value = 0;
      if (type == DType::kF32) {
        std::memcpy(&value, entry.data.data() + i * sizeof(float), sizeof(float));
      } else {
        uint16_t half = 0;
        std::memcpy(&half, entry.data.data() + i * sizeof(half), sizeof(half));
        value = type == DType::kF16 ? F16ToF32(half) : BF16ToF32(half);
      }
      if (add_one) value += 1;
      std::memcpy(bytes.data() + i * sizeof(float), &value, sizeof(float));
    }
    return Own(std::move(bytes));
  }

  // What the graph would take for a tied or a smaller model.
  Status CheckWeights() {
    const Tensor* embedding = model_.FindTensor("token_embd.weight");
    const std::string_view name =
        config_.encoder ? "'embeddings.word_embeddings.weight'" : "'model.embed_tokens.weight'";
    if (embedding == nullptr) {
      return At("", Error(StatusCode::kInvalidArgument, Concat("the weights have no ", name)));
    }
    if (embedding->shape[0] != config_.vocabulary) {
      return At("", Error(StatusCode::kInvalidArgument,
                          Concat(name, " has ", embedding->shape[0], " rows, but vocab_size is ",
                                 config_.vocabulary)));
    }
    if (!config_.encoder && !config_.tied && model_.FindTensor("output.weight") == nullptr) {
      return At("", Error(StatusCode::kInvalidArgument,
                          "the weights have no 'lm_head.weight', and tie_word_embeddings is not "
                          "set"));
    }
    return absl::OkStatus();
  }

  fs::path folder_;
  std::set<std::string_view> files_;  // of kFiles, that are there
  std::shared_ptr<Allocator> copy_to_;
  ModelFile model_;
  HfConfig config_;
};

}  // namespace

StatusOr<ModelFile> OpenHfDirectory(const std::string& path, std::shared_ptr<Allocator> copy_to) {
  return Directory(path, std::move(copy_to)).Open();
}

}  // namespace hob::format
