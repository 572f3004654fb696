// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <utility>

#include "lib/format/hugging_face.h"
#include "lib/format/validate.h"

namespace hob::format {
namespace {

constexpr std::string_view kFamiliesHint =
    "hob opens folders of llama, mistral, qwen2, qwen3, gemma3_text and bert models; others as "
    "GGUF "
    "files where docs/reference/models.md names them.";

struct FamilyInfo {
  std::string_view model_type;
  std::string_view architecture;  // GGUF's
  std::string_view activation;    // the one that the family's graph has
  bool tied;                      // where the file does not say
  bool head_dim_needed;           // it is not width / heads where the file does not say
};
constexpr FamilyInfo kFamilies[] = {
    {"llama", "llama", "silu", false, false},
    {"mistral", "llama", "silu", false, false},
    {"qwen2", "qwen2", "silu", false, false},
    {"qwen3", "qwen3", "silu", false, true},
    {"gemma3_text", "gemma3", "gelu_pytorch_tanh", true, true},
};

Status NotRun(std::string_view message, std::string_view hint = {}) {
  return Error(StatusCode::kUnimplemented, message, hint);
}

// Reads config.json's members; null counts as missing.
class Reader {
 public:
  Reader(JsonValue root, std::string_view architecture, ModelFile* model)
      : root_(root), prefix_(Concat(architecture, ".")), model_(*model) {}

  std::optional<JsonValue> Find(std::string_view key) const { return root_.Find(key); }

  StatusOr<std::optional<int64_t>> Int(JsonValue object, std::string_view key) const {
    const auto found = object.Find(key);
    if (!found.has_value()) return std::optional<int64_t>();
    const auto value = found->Integer();
    if (!value.has_value() || *value < 0) return Wrong(key, "an integer from 0 on");
    return value;
  }
  StatusOr<std::optional<double>> Real(JsonValue object, std::string_view key) const {
    const auto found = object.Find(key);
    if (!found.has_value()) return std::optional<double>();
    const auto value = found->Real();
    if (!value.has_value()) return Wrong(key, "a number");
    // As GGUF has it, in f32: both containers give the same model.
    return std::optional<double>(static_cast<float>(*value));
  }
  StatusOr<bool> Flag(std::string_view key, bool fallback) const {
    const auto found = root_.Find(key);
    if (!found.has_value()) return fallback;
    const auto value = found->Bool();
    if (!value.has_value()) return Wrong(key, "a bool");
    return *value;
  }
  StatusOr<std::string> Text(JsonValue object, std::string_view key,
                             std::string_view fallback) const {
    const auto found = object.Find(key);
    if (!found.has_value()) return std::string(fallback);
    const auto value = found->Text();
    if (!value.has_value()) return Wrong(key, "a string");
    return std::string(*value);
  }
  StatusOr<int64_t> NeedInt(std::string_view key) const {
    HOB_ASSIGN_OR_RETURN(const std::optional<int64_t> value, Int(root_, key));
    if (!value.has_value()) return Missing(key);
    return *value;
  }

  // Copies a number to a hyperparameter, if it is there.
  Status CopyReal(JsonValue object, std::string_view key, std::string_view to) {
    HOB_ASSIGN_OR_RETURN(const std::optional<double> value, Real(object, key));
    return value.has_value() ? Set(to, *value) : absl::OkStatus();
  }
  Status CopyInt(JsonValue object, std::string_view key, std::string_view to) {
    HOB_ASSIGN_OR_RETURN(const std::optional<int64_t> value, Int(object, key));
    return value.has_value() ? SetInt(to, *value) : absl::OkStatus();
  }
  Status Set(std::string_view key, MetaValue value) {
    return AddMetadata(Concat(prefix_, key), std::move(value), &model_);
  }
  Status SetInt(std::string_view key, int64_t value) {
    return Set(key, static_cast<uint64_t>(value));
  }

  static Status Missing(std::string_view key) {
    return Error(StatusCode::kNotFound, Concat("key ", Quoted(key), " is missing"),
                 "Save the model again with a current transformers.");
  }
  static Status Wrong(std::string_view key, std::string_view wanted) {
    return Error(StatusCode::kInvalidArgument, Concat("key ", Quoted(key), " is not ", wanted));
  }

 private:
  JsonValue root_;
  std::string prefix_;
  ModelFile& model_;
};

// What a rope dictionary may hold; anything else would change the model and be missed.
constexpr std::string_view kRopeKeys[] = {"rope_type",
                                          "type",
                                          "rope_theta",
                                          "factor",
                                          "original_max_position_embeddings",
                                          "low_freq_factor",
                                          "high_freq_factor",
                                          "beta_fast",
                                          "beta_slow",
                                          "attention_factor",
                                          "mscale",
                                          "mscale_all_dim",
                                          "truncate",
                                          "partial_rotary_factor",
                                          "finetuned"};

double Mscale(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

Status ReadYarn(Reader& reader, JsonValue rope) {
  HOB_RETURN_IF_ERROR(reader.CopyReal(rope, "beta_fast", "rope.scaling.yarn_beta_fast"));
  HOB_RETURN_IF_ERROR(reader.CopyReal(rope, "beta_slow", "rope.scaling.yarn_beta_slow"));
  if (const auto cut = rope.Find("truncate"); cut.has_value() && !cut->Bool().value_or(false)) {
    return NotRun("rope scaling \"yarn\" without truncate is not supported");
  }
  HOB_ASSIGN_OR_RETURN(const auto attention, reader.Real(rope, "attention_factor"));
  if (attention.has_value()) return reader.Set("rope.scaling.yarn_attn_factor", *attention);
  HOB_ASSIGN_OR_RETURN(const auto factor, reader.Real(rope, "factor"));
  HOB_ASSIGN_OR_RETURN(const auto mscale, reader.Real(rope, "mscale"));
  HOB_ASSIGN_OR_RETURN(const auto all, reader.Real(rope, "mscale_all_dim"));
  if (!mscale.has_value() || !all.has_value() || *mscale == 0 || *all == 0) {
    return absl::OkStatus();  // the formula
  }
  return reader.Set("rope.scaling.yarn_attn_factor",
                    Mscale(factor.value_or(1), *mscale) / Mscale(factor.value_or(1), *all));
}

// A dictionary that scales positions, or none; `base` is where its rope_theta goes.
Status ReadRope(Reader& reader, JsonValue rope, std::string_view name, std::string_view base,
                bool scalable) {
  if (!rope.is(JsonKind::kObject)) return Reader::Wrong(name, "an object");
  HOB_RETURN_IF_ERROR(rope.ForEachMember([&](std::string_view key, JsonValue value) -> Status {
    for (const std::string_view known : kRopeKeys) {
      if (key == known) return absl::OkStatus();
    }
    if (value.is(JsonKind::kNull)) return absl::OkStatus();
    return NotRun(Concat(name, " has ", Quoted(key), ", which hob does not know"));
  }));
  if (!base.empty()) HOB_RETURN_IF_ERROR(reader.CopyReal(rope, "rope_theta", base));
  HOB_ASSIGN_OR_RETURN(const auto part, reader.Real(rope, "partial_rotary_factor"));
  if (part.value_or(1) != 1) {
    return NotRun(Concat(name, " turns a part of each head alone (partial_rotary_factor)"));
  }
  HOB_ASSIGN_OR_RETURN(std::string type, reader.Text(rope, "type", "default"));
  HOB_ASSIGN_OR_RETURN(type, reader.Text(rope, "rope_type", type));
  if (type == "default") return absl::OkStatus();
  if ((type != "linear" && type != "yarn" && type != "llama3") || !scalable) {
    return NotRun(Concat("rope scaling of type ", Quoted(type), " (", name, ") is not supported",
                         scalable ? "" : " there"),
                  "hob knows default, linear, yarn and llama3.");
  }
  HOB_RETURN_IF_ERROR(reader.Set("rope.scaling.type", type));
  HOB_RETURN_IF_ERROR(reader.CopyReal(rope, "factor", "rope.scaling.factor"));
  HOB_RETURN_IF_ERROR(reader.CopyInt(rope, "original_max_position_embeddings",
                                     "rope.scaling.original_context_length"));
  if (type == "yarn") return ReadYarn(reader, rope);
  HOB_RETURN_IF_ERROR(reader.CopyReal(rope, "low_freq_factor", "rope.scaling.low_freq_factor"));
  return reader.CopyReal(rope, "high_freq_factor", "rope.scaling.high_freq_factor");
}

// rope_parameters of transformers 5, or rope_theta and rope_scaling of before.
Status ReadRopes(Reader& reader, JsonValue root, bool gemma) {
  constexpr std::string_view kBase = "rope.freq_base", kLocal = "rope.freq_base_swa";
  HOB_ASSIGN_OR_RETURN(const auto part, reader.Real(root, "partial_rotary_factor"));
  if (part.value_or(1) != 1)
    return NotRun("partial_rotary_factor is not 1, which hob does not run");
  const auto both = root.Find("rope_parameters");
  if (both.has_value() && both->Find("full_attention").has_value()) {
    if (!gemma || both->size() != 2 || !both->Find("sliding_attention").has_value()) {
      return NotRun("rope_parameters differ by layer in a way that hob does not know");
    }
    HOB_RETURN_IF_ERROR(ReadRope(reader, *both->Find("full_attention"),
                                 "rope_parameters.full_attention", kBase, true));
    return ReadRope(reader, *both->Find("sliding_attention"), "rope_parameters.sliding_attention",
                    kLocal, false);
  }
  const bool inside = both.has_value() && both->Find("rope_theta").has_value();
  if (!inside) HOB_RETURN_IF_ERROR(reader.CopyReal(root, "rope_theta", kBase));
  if (gemma) HOB_RETURN_IF_ERROR(reader.CopyReal(root, "rope_local_base_freq", kLocal));
  if (both.has_value())
    return ReadRope(reader, *both, "rope_parameters", inside ? kBase : "", true);
  if (const auto scaling = root.Find("rope_scaling"); scaling.has_value()) {
    return ReadRope(reader, *scaling, "rope_scaling", "", true);
  }
  return absl::OkStatus();
}

// Which layers see a window, by layer_types; nothing where the file has none.
StatusOr<std::optional<std::vector<bool>>> ReadLayerTypes(JsonValue root, int64_t layers) {
  const auto types = root.Find("layer_types");
  if (!types.has_value()) return std::optional<std::vector<bool>>();
  std::vector<bool> local;
  if (!types->is(JsonKind::kArray)) return Reader::Wrong("layer_types", "a list");
  HOB_RETURN_IF_ERROR(types->ForEachElement([&](JsonValue value) -> Status {
    const auto type = value.Text();
    if (type != "full_attention" && type != "sliding_attention") {
      return NotRun(Concat("layer_types has ", Quoted(type.value_or(value.KindName())),
                           ", which hob does not know"));
    }
    local.push_back(type == "sliding_attention");
    return absl::OkStatus();
  }));
  if (static_cast<int64_t>(local.size()) != layers) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("layer_types has ", local.size(), " elements for ", layers, " layers"));
  }
  return std::optional(std::move(local));
}

// The window that all layers have; 0: none.
StatusOr<int64_t> ReadUniformWindow(Reader& reader, JsonValue root, std::string_view model_type,
                                    int64_t layers) {
  if (model_type == "llama") return 0;
  HOB_ASSIGN_OR_RETURN(const auto window, reader.Int(root, "sliding_window"));
  HOB_ASSIGN_OR_RETURN(const auto local, ReadLayerTypes(root, layers));
  int64_t with_window = layers;
  if (model_type != "mistral") {
    HOB_ASSIGN_OR_RETURN(const bool used, reader.Flag("use_sliding_window", false));
    if (!used) return 0;
    HOB_ASSIGN_OR_RETURN(const auto full, reader.Int(root, "max_window_layers"));
    if (full.has_value()) with_window = std::max<int64_t>(0, layers - *full);
  }
  if (local.has_value()) {
    with_window = static_cast<int64_t>(std::count(local->begin(), local->end(), true));
  }
  if (with_window == 0) return 0;
  if (with_window != layers) {
    return NotRun(Concat(with_window, " of ", layers,
                         " layers see a window and the others all, which hob runs for Gemma 3 "
                         "alone"));
  }
  if (!window.has_value() && !root.Find("sliding_window").has_value() && local.has_value()) {
    return Reader::Missing("sliding_window");
  }
  return window.value_or(0);
}

Status ReadGemma(Reader& reader, JsonValue root, int64_t layers) {
  HOB_ASSIGN_OR_RETURN(const bool both_ways, reader.Flag("use_bidirectional_attention", false));
  if (both_ways) return NotRun("use_bidirectional_attention is set, which hob does not run");
  HOB_ASSIGN_OR_RETURN(const int64_t window, reader.NeedInt("sliding_window"));
  HOB_RETURN_IF_ERROR(reader.SetInt("attention.sliding_window", window));
  HOB_ASSIGN_OR_RETURN(auto local, ReadLayerTypes(root, layers));
  constexpr std::string_view kPattern = "attention.sliding_window_pattern";
  if (local.has_value()) {
    HOB_RETURN_IF_ERROR(reader.Set(kPattern, *std::move(local)));
  } else {
    HOB_RETURN_IF_ERROR(reader.CopyInt(root, "sliding_window_pattern", kPattern));
  }
  const auto scalar = root.Find("query_pre_attn_scalar");
  if (!scalar.has_value()) return Reader::Missing("query_pre_attn_scalar");
  const double value = scalar->Real().value_or(0);
  if (!(value > 0)) return Reader::Wrong("query_pre_attn_scalar", "a number above 0");
  return reader.Set("attention.scale", 1.0 / std::sqrt(value));
}

Status CheckActivation(Reader& reader, JsonValue root, const FamilyInfo& family) {
  for (const std::string_view key : {"hidden_activation", "hidden_act"}) {
    if (!root.Find(key).has_value()) continue;
    HOB_ASSIGN_OR_RETURN(const std::string name, reader.Text(root, key, ""));
    if (name == family.activation) return absl::OkStatus();
    return NotRun(Concat(key, " is ", Quoted(name), "; hob runs ", family.activation, " for ",
                         family.model_type));
  }
  return absl::OkStatus();
}

Status CheckQuantisation(JsonValue root) {
  const auto config = root.Find("quantization_config");
  if (!config.has_value()) return absl::OkStatus();
  const auto method = config->Find("quant_method");
  return NotRun(Concat("its weights are quantised by ",
                       Quoted(method.has_value() ? method->Text().value_or("?") : "?"),
                       " (quantization_config), which hob does not run"),
                "Use the model in F32, F16 or BF16, and hob convert --weights int8.");
}

const FamilyInfo* FindFamily(std::string_view model_type) {
  for (const FamilyInfo& family : kFamilies) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

// Positive and far from overflow; the family checks the rest.
Status CheckSize(std::string_view key, int64_t value) {
  if (value >= 1 && value <= std::numeric_limits<int32_t>::max()) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument, Concat("key ", Quoted(key), " is ", value));
}

}  // namespace

StatusOr<HfConfig> ReadHfConfig(JsonValue root, ModelFile* model) {
  HfConfig config;
  if (!root.is(JsonKind::kObject)) {
    return Error(StatusCode::kInvalidArgument, Concat("is ", root.KindName(), ", not an object"));
  }
  const auto type = root.Find("model_type");
  if (!type.has_value()) return Reader::Missing("model_type");
  if (!type->Text().has_value()) return Reader::Wrong("model_type", "a string");
  config.model_type = std::string(*type->Text());
  if (config.model_type == "bert") {
    HOB_RETURN_IF_ERROR(CheckQuantisation(root));
    model->architecture = config.model_type;
    return ReadHfBertConfig(root, model);
  }
  const FamilyInfo* family = FindFamily(config.model_type);
  if (family == nullptr) {
    return NotRun(Concat("model_type ", Quoted(config.model_type), " is not one that hob opens"),
                  kFamiliesHint);
  }
  const bool gemma = family->architecture == "gemma3";
  HOB_RETURN_IF_ERROR(CheckQuantisation(root));
  model->architecture = std::string(family->architecture);
  Reader reader(root, family->architecture, model);
  HOB_RETURN_IF_ERROR(CheckActivation(reader, root, *family));

  for (const auto& [key, to] : kHfSizes) {
    HOB_ASSIGN_OR_RETURN(const int64_t value, reader.NeedInt(key));
    HOB_RETURN_IF_ERROR(CheckSize(key, value));
    HOB_RETURN_IF_ERROR(reader.SetInt(to, value));
  }
  HOB_ASSIGN_OR_RETURN(config.layers, reader.NeedInt("num_hidden_layers"));
  HOB_ASSIGN_OR_RETURN(config.vocabulary, reader.NeedInt("vocab_size"));
  if (config.model_type != "llama" && !root.Find("num_key_value_heads").has_value()) {
    return Reader::Missing("num_key_value_heads");
  }
  HOB_RETURN_IF_ERROR(reader.CopyInt(root, "num_key_value_heads", "attention.head_count_kv"));
  if (family->head_dim_needed && !root.Find("head_dim").has_value()) {
    return Reader::Missing("head_dim");
  }
  HOB_RETURN_IF_ERROR(reader.CopyInt(root, "head_dim", "attention.key_length"));
  HOB_RETURN_IF_ERROR(reader.CopyInt(root, "head_dim", "attention.value_length"));
  if (!root.Find("rms_norm_eps").has_value()) return Reader::Missing("rms_norm_eps");
  HOB_RETURN_IF_ERROR(reader.CopyReal(root, "rms_norm_eps", "attention.layer_norm_rms_epsilon"));
  HOB_RETURN_IF_ERROR(ReadRopes(reader, root, gemma));
  for (const std::string_view cap : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    HOB_ASSIGN_OR_RETURN(const auto value, reader.Real(root, cap));
    if (value.value_or(0) != 0) return NotRun(Concat(cap, " is set, which hob does not run"));
  }
  if (gemma) {
    HOB_RETURN_IF_ERROR(ReadGemma(reader, root, config.layers));
  } else {
    HOB_ASSIGN_OR_RETURN(const int64_t window,
                         ReadUniformWindow(reader, root, config.model_type, config.layers));
    if (window > 0) HOB_RETURN_IF_ERROR(reader.SetInt("attention.sliding_window", window));
  }
  // Converters to GGUF reorder Llama's q and k so that pairs are neighbours; these are as trained.
  if (family->architecture == "llama") HOB_RETURN_IF_ERROR(reader.Set("rope.pairs", "halves"));
  HOB_ASSIGN_OR_RETURN(config.tied, reader.Flag("tie_word_embeddings", family->tied));
  config.adds_one = gemma;
  config.head_norms = gemma || config.model_type == "qwen3";
  config.norms_around = gemma;
  return config;
}

namespace {

// Parts of a layer.
constexpr NamePair kLinears[] = {
    {"self_attn.q_proj", "attn_q"}, {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"}, {"self_attn.o_proj", "attn_output"},
    {"mlp.gate_proj", "ffn_gate"},  {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};
constexpr NamePair kNorms[] = {{"input_layernorm", "attn_norm"},
                               {"post_attention_layernorm", "ffn_norm"}};
constexpr NamePair kNormsAround[] = {
    {"input_layernorm", "attn_norm"},
    {"post_attention_layernorm", "post_attention_norm"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
};
constexpr NamePair kHeadNorms[] = {{"self_attn.q_norm", "attn_q_norm"},
                                   {"self_attn.k_norm", "attn_k_norm"}};

std::optional<std::string_view> Look(std::span<const NamePair> pairs, std::string_view name) {
  for (const NamePair& pair : pairs) {
    if (pair.theirs == name) return pair.gguf;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> LayerNumber(std::string_view text, int64_t layers) {
  if (text.empty() || text.size() > 6 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  if (number >= layers) return std::nullopt;
  return number;
}

std::optional<std::string> GgufTensorName(const HfConfig& config, std::string_view name) {
  if (config.encoder) return BertTensorName(config, name);
  if (name == "model.embed_tokens.weight") return "token_embd.weight";
  if (name == "model.norm.weight") return "output_norm.weight";
  if (name == "lm_head.weight") return "output.weight";
  constexpr std::string_view kLayers = "model.layers.", kWeight = ".weight", kBias = ".bias";
  if (!name.starts_with(kLayers)) return std::nullopt;
  name.remove_prefix(kLayers.size());
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto layer = LayerNumber(name.substr(0, dot), config.layers);
  if (!layer.has_value()) return std::nullopt;
  name.remove_prefix(dot + 1);
  const bool bias = name.ends_with(kBias);
  if (!bias && !name.ends_with(kWeight)) return std::nullopt;
  name.remove_suffix(bias ? kBias.size() : kWeight.size());
  auto part = Look(kLinears, name);
  if (!part.has_value() && !bias) {
    part = config.norms_around ? Look(kNormsAround, name) : Look(kNorms, name);
    if (!part.has_value() && config.head_norms) part = Look(kHeadNorms, name);
  }
  if (!part.has_value()) return std::nullopt;
  return Concat("blk.", *layer, ".", *part, bias ? kBias : kWeight);
}

}  // namespace hob::format
