// SPDX-License-Identifier: Apache-2.0
// BERT's configuration and tensor names, and what sentence-transformers writes beside them.
#include <limits>
#include <utility>

#include "lib/format/hugging_face.h"
#include "lib/format/validate.h"

namespace hob::format {
namespace {

constexpr std::string_view kArchitecture = "bert";

Status NotRun(std::string_view message, std::string_view hint = {}) {
  return Error(StatusCode::kUnimplemented, message, hint);
}

Status Set(std::string_view key, MetaValue value, ModelFile* model) {
  return AddMetadata(Concat(kArchitecture, ".", key), std::move(value), model);
}

StatusOr<uint64_t> Size(JsonValue object, std::string_view key) {
  const auto found = object.Find(key);
  if (!found.has_value()) {
    return Error(StatusCode::kNotFound, Concat("key ", Quoted(key), " is missing"),
                 "Save the model again with a current transformers.");
  }
  const auto value = found->Integer();
  if (value.has_value() && *value >= 1 && *value <= std::numeric_limits<int32_t>::max()) {
    return static_cast<uint64_t>(*value);
  }
  return Error(StatusCode::kInvalidArgument,
               Concat("key ", Quoted(key), " is not a positive integer"));
}

// What would make another model of it: each must be left out or as said.
Status CheckVariant(JsonValue root) {
  const std::pair<std::string_view, std::string_view> texts[] = {
      {"hidden_act", "gelu"}, {"position_embedding_type", "absolute"}};
  for (const auto& [key, known] : texts) {
    const auto found = root.Find(key);
    if (!found.has_value() || found->Text() == known) continue;
    return NotRun(Concat(key, " is ", Quoted(found->Text().value_or(found->KindName())),
                         "; hob runs ", known, " for bert"));
  }
  for (const std::string_view key : {"is_decoder", "add_cross_attention"}) {
    const auto found = root.Find(key);
    if (!found.has_value() || found->Bool() == false) continue;
    return NotRun(Concat(key, " is set, which hob does not run for bert"));
  }
  return absl::OkStatus();
}

// The part of a name after `prefix`, if it begins so.
bool Strip(std::string_view prefix, std::string_view* name) {
  if (!name->starts_with(prefix)) return false;
  name->remove_prefix(prefix.size());
  return true;
}

constexpr NamePair kParts[] = {
    {"attention.self.query", "attn_q"},
    {"attention.self.key", "attn_k"},
    {"attention.self.value", "attn_v"},
    {"attention.output.dense", "attn_output"},
    {"attention.output.LayerNorm", "attn_output_norm"},
    {"intermediate.dense", "ffn_up"},
    {"output.dense", "ffn_down"},
    {"output.LayerNorm", "layer_output_norm"},
};

// Old files call a norm's weight and bias gamma and beta.
std::optional<std::string_view> Suffix(std::string_view* name) {
  const bool norm = name->find("LayerNorm.") != std::string_view::npos;
  const NamePair suffixes[] = {
      {".weight", ".weight"}, {".bias", ".bias"}, {".gamma", ".weight"}, {".beta", ".bias"}};
  for (const NamePair& suffix : suffixes) {
    if (!name->ends_with(suffix.theirs)) continue;
    if (suffix.theirs != suffix.gguf && !norm) return std::nullopt;
    name->remove_suffix(suffix.theirs.size());
    return suffix.gguf;
  }
  return std::nullopt;
}

}  // namespace

StatusOr<HfConfig> ReadHfBertConfig(JsonValue root, ModelFile* model) {
  HfConfig config{.model_type = std::string(kArchitecture), .encoder = true};
  HOB_RETURN_IF_ERROR(CheckVariant(root));
  for (const auto& [key, to] : kHfSizes) {
    HOB_ASSIGN_OR_RETURN(const uint64_t value, Size(root, key));
    HOB_RETURN_IF_ERROR(Set(to, value, model));
    if (key == "num_hidden_layers") config.layers = static_cast<int64_t>(value);
    if (key == "vocab_size") config.vocabulary = static_cast<int64_t>(value);
  }
  const auto epsilon = root.Find("layer_norm_eps");
  const auto value = epsilon.has_value() ? epsilon->Real() : std::optional(1e-12);
  if (!value.has_value()) {
    return Error(StatusCode::kInvalidArgument, "key 'layer_norm_eps' is not a number");
  }
  // As GGUF has it, in f32.
  HOB_RETURN_IF_ERROR(
      Set("attention.layer_norm_epsilon", double{static_cast<float>(*value)}, model));
  HOB_RETURN_IF_ERROR(Set("attention.causal", false, model));
  return config;
}

std::optional<std::string> BertTensorName(const HfConfig& config, std::string_view name) {
  Strip("bert.", &name);  // of files with a head
  const auto suffix = Suffix(&name);
  if (!suffix.has_value()) return std::nullopt;
  if (name == "embeddings.LayerNorm") return Concat("token_embd_norm", *suffix);
  if (*suffix == ".weight") {
    if (name == "embeddings.word_embeddings") return "token_embd.weight";
    if (name == "embeddings.position_embeddings") return "position_embd.weight";
    if (name == "embeddings.token_type_embeddings") return "token_types.weight";
  }
  if (!Strip("encoder.layer.", &name)) return std::nullopt;
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto layer = LayerNumber(name.substr(0, dot), config.layers);
  if (!layer.has_value()) return std::nullopt;
  name.remove_prefix(dot + 1);
  for (const NamePair& part : kParts) {
    if (part.theirs == name) return Concat("blk.", *layer, ".", part.gguf, *suffix);
  }
  return std::nullopt;
}

bool IsUnusedBertTensor(std::string_view name) {
  Strip("bert.", &name);
  // Ids that follow from the configuration, and heads of what the model was trained on.
  return name == "embeddings.position_ids" || name == "embeddings.token_type_ids" ||
         name.starts_with("pooler.") || name.starts_with("cls.");
}

StatusOr<std::string> ReadHfModules(JsonValue modules, ModelFile* model) {
  std::string pooling;
  bool normalize = false;
  size_t index = 0;
  if (!modules.is(JsonKind::kArray)) {
    return Error(StatusCode::kInvalidArgument, Concat("is ", modules.KindName(), ", not a list"));
  }
  HOB_RETURN_IF_ERROR(modules.ForEachElement([&](JsonValue module) -> Status {
    const auto type = module.Find("type"), path = module.Find("path");
    const std::string_view whole = type.has_value() ? type->Text().value_or("") : "";
    const std::string_view name = whole.substr(whole.rfind('.') + 1);
    const std::string_view folder = path.has_value() ? path->Text().value_or("") : "";
    const size_t at = index++;
    if (at == 0 && name == "Transformer" && folder.empty()) return absl::OkStatus();
    if (at == 1 && name == "Pooling") {
      if (folder.empty() || folder[0] == '.' || folder.size() > 255 ||
          folder.find_first_of(std::string_view("/\\:\0", 4)) != std::string_view::npos) {
        return Error(StatusCode::kInvalidArgument,
                     Concat("module ", at, " is in ", Quoted(folder),
                            ", which is not a plain name of a folder there"));
      }
      pooling = std::string(folder);
      return absl::OkStatus();
    }
    if (at == 2 && name == "Normalize") {
      normalize = true;
      return absl::OkStatus();
    }
    return NotRun(Concat("module ", at, " of type ", Quoted(whole), " is not supported there"),
                  "hob runs Transformer (in the folder itself), Pooling, and maybe Normalize.");
  }));
  HOB_RETURN_IF_ERROR(Set("embedding.normalize", normalize, model));
  return pooling;
}

Status ReadHfPooling(JsonValue pooling, ModelFile* model) {
  std::vector<std::string> modes;
  HOB_RETURN_IF_ERROR(pooling.ForEachMember([&](std::string_view key, JsonValue value) -> Status {
    constexpr std::string_view kPrefix = "pooling_mode_";
    if (key == "pooling_mode" && value.Text().has_value()) modes.emplace_back(*value.Text());
    if (key.starts_with(kPrefix) && value.Bool() == true) {
      modes.emplace_back(key.substr(kPrefix.size()));
    }
    return absl::OkStatus();
  }));
  const std::string mode = modes.size() == 1 ? modes[0] : "";
  if (mode == "mean_tokens" || mode == "mean") return Set("pooling_type", uint64_t{1}, model);
  if (mode == "cls_token" || mode == "cls") return Set("pooling_type", uint64_t{2}, model);
  std::string all;
  for (const std::string& each : modes) all += Concat(all.empty() ? "" : ", ", Quoted(each));
  return NotRun(Concat("pooling by ", all.empty() ? "nothing" : all, " is not supported"),
                "hob pools by the mean of the tokens or by the first of them (cls).");
}

Status ReadHfSentenceConfig(JsonValue config, ModelFile* model) {
  if (!config.Find("max_seq_length").has_value()) return absl::OkStatus();
  HOB_ASSIGN_OR_RETURN(const uint64_t tokens, Size(config, "max_seq_length"));
  return Set("embedding.max_tokens", tokens, model);
}

}  // namespace hob::format
