// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "lib/base/keyed_hash.h"
#include "lib/format/hugging_face.h"
#include "lib/format/validate.h"
#include "lib/text/token_table.h"

namespace hob::format {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";  // "▁"
constexpr std::string_view kDamaged = "tokenizer.json is damaged; fetch it again.";

Status Invalid(std::string_view message) {
  return Error(StatusCode::kInvalidArgument, message, kDamaged);
}
Status NotRun(std::string_view message) {
  return Error(StatusCode::kUnimplemented, message, "Use the model's GGUF file.");
}

bool Flag(JsonValue object, std::string_view key) {
  const auto found = object.Find(key);
  return found.has_value() && found->Bool().value_or(false);
}

std::string_view Text(JsonValue object, std::string_view key) {
  const auto found = object.Find(key);
  return found.has_value() ? found->Text().value_or("") : "";
}

StatusOr<int32_t> TokenId(std::string_view text, JsonValue value) {
  const auto id = value.Integer();
  if (!id.has_value() || *id < 0 || *id > std::numeric_limits<int32_t>::max()) {
    return Invalid(Concat("vocabulary: token ", Quoted(text), " has no id from 0 to ",
                          std::numeric_limits<int32_t>::max()));
  }
  return static_cast<int32_t>(*id);
}

struct AddedToken {
  int32_t id = 0;
  std::string_view text;
  bool special = false;
};

// Reads tokenizer.json's model and added tokens, step by step.
class Reader {
 public:
  explicit Reader(JsonValue root) : root_(root), model_(root) {}

  StatusOr<Vocabulary> Read(std::span<const JsonValue> settings) {
    HOB_RETURN_IF_ERROR(FindKind());
    HOB_ASSIGN_OR_RETURN(pipeline_, ReadHfPipeline(root_, v_.model, Flag(model_, "ignore_merges")));
    v_.pre = pipeline_.pre;
    v_.add_space_prefix = pipeline_.add_space_prefix;
    HOB_RETURN_IF_ERROR(ReadTokens());
    HOB_RETURN_IF_ERROR(ReadMerges());
    HOB_RETURN_IF_ERROR(ReadSpecial(settings));
    if (v_.model == "bert") HOB_RETURN_IF_ERROR(FinishWordPiece());
    HOB_RETURN_IF_ERROR(ValidateVocabulary(v_));
    return std::move(v_);
  }

 private:
  Status FindKind() {
    if (!root_.is(JsonKind::kObject)) return Invalid(Concat("is ", root_.KindName()));
    const auto model = root_.Find("model");
    if (!model.has_value() || !model->is(JsonKind::kObject)) return Invalid("has no model");
    model_ = *model;
    std::string_view type = Text(model_, "type");
    if (type.empty() && model_.Find("merges").has_value()) type = "BPE";  // files of before 2020
    if (type == "WordPiece") {
      v_.model = "bert";
      if (Text(model_, "continuing_subword_prefix") != "##") {
        return NotRun("WordPiece with a continuing_subword_prefix other than ## is not supported");
      }
      if (const auto longest = model_.Find("max_input_chars_per_word");
          longest.has_value() && longest->Integer() != 100) {
        return NotRun("WordPiece with max_input_chars_per_word other than 100 is not supported");
      }
      return absl::OkStatus();
    }
    if (type != "BPE") {
      return NotRun(Concat("model type ", Quoted(type.empty() ? "?" : type),
                           " is not supported; hob knows BPE and WordPiece"));
    }
    v_.model = Flag(model_, "byte_fallback") ? "llama" : "gpt2";
    for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!Text(model_, key).empty()) return NotRun(Concat("BPE with ", key, " is not supported"));
    }
    const auto dropout = model_.Find("dropout");
    if (dropout.has_value() && dropout->Real() != 0.0) {
      return NotRun("BPE with dropout is not supported");
    }
    if (v_.model == "llama" && Flag(model_, "ignore_merges")) {
      return NotRun("BPE with byte_fallback and ignore_merges is not supported");
    }
    return absl::OkStatus();
  }

  Status ReadTokens() {
    const auto vocab = model_.Find("vocab");
    if (!vocab.has_value() || !vocab->is(JsonKind::kObject) || vocab->size() == 0) {
      return Invalid("vocabulary: model.vocab is no object of tokens and ids");
    }
    ids_.reserve(vocab->size());
    std::vector<std::pair<int32_t, std::string_view>> all;
    all.reserve(vocab->size());
    HOB_RETURN_IF_ERROR(vocab->ForEachMember([&](std::string_view text, JsonValue value) -> Status {
      HOB_ASSIGN_OR_RETURN(const int32_t id, TokenId(text, value));
      all.emplace_back(id, text);
      ids_.emplace(text, id);
      return absl::OkStatus();
    }));
    HOB_RETURN_IF_ERROR(ReadAdded());
    for (const AddedToken& token : added_) {
      const auto [place, is_new] = ids_.emplace(token.text, token.id);
      if (is_new) {
        all.emplace_back(token.id, token.text);
      } else if (place->second != token.id) {
        return Invalid(Concat("vocabulary: added token ", Quoted(token.text), " has id ", token.id,
                              ", but also ", place->second));
      }
    }
    std::ranges::sort(all);
    const auto twice =
        std::ranges::adjacent_find(all, {}, &std::pair<int32_t, std::string_view>::first);
    if (twice != all.end()) {
      return Invalid(Concat("vocabulary: id ", twice->first, " is of two tokens, ",
                            Quoted(twice->second), " and ", Quoted((twice + 1)->second)));
    }
    for (size_t i = 0; i < all.size(); ++i) {
      if (static_cast<size_t>(all[i].first) == i) continue;
      return Invalid(Concat("vocabulary: no token has id ", i, ", but ", Quoted(all[i].second),
                            " has ", all[i].first));
    }
    v_.tokens.reserve(all.size());
    for (const auto& [id, text] : all) v_.tokens.emplace_back(text);
    return SetTypes();
  }

  Status ReadAdded() {
    const auto list = root_.Find("added_tokens");
    if (!list.has_value()) return absl::OkStatus();
    if (!list->is(JsonKind::kArray)) return Invalid("added_tokens is no list");
    return list->ForEachElement([&](JsonValue value) -> Status {
      const auto content = value.Find("content");
      if (!content.has_value() || content->Text().value_or("").empty()) {
        return Invalid(Concat("added token ", added_.size(), " has no content"));
      }
      AddedToken token{.text = *content->Text(), .special = Flag(value, "special")};
      const auto id = value.Find("id");
      if (!id.has_value()) return Invalid(Concat("added token ", Quoted(token.text), " has no id"));
      HOB_ASSIGN_OR_RETURN(token.id, TokenId(token.text, *id));
      added_.push_back(token);
      return CheckAdded(value, token.text);
    });
  }

  // What hob does not do with a token of its own: it would be found elsewhere than by the model's
  // tokenizer.
  Status CheckAdded(JsonValue value, std::string_view text) const {
    const bool mask = v_.model == "bert" && text == "[MASK]";  // which no text holds
    for (const std::string_view flag : {"lstrip", "rstrip", "single_word"}) {
      if (Flag(value, flag) && !mask) {
        return NotRun(Concat("added token ", Quoted(text), " with ", flag, " is not supported"));
      }
    }
    if (!Flag(value, "normalized")) return absl::OkStatus();
    const bool ascii = std::ranges::all_of(text, [](char c) { return c > 0; });
    const bool same = v_.model == "gpt2" ? ascii || !pipeline_.changes_text
                      : v_.model == "llama"
                          ? !pipeline_.changes_text && text.find(' ') == std::string_view::npos
                          : false;
    if (same) return absl::OkStatus();
    return NotRun(Concat("added token ", Quoted(text),
                         " is found in normalised text, which is not supported"));
  }

  Status SetTypes() {
    v_.types.assign(v_.tokens.size(), TokenType::kNormal);
    for (const AddedToken& token : added_) {
      v_.types[static_cast<size_t>(token.id)] =
          token.special ? TokenType::kControl : TokenType::kUserDefined;
    }
    const std::string_view unknown = Text(model_, "unk_token");
    if (!unknown.empty()) {
      v_.unknown = Find(unknown);
      if (v_.unknown < 0) {
        return Invalid(Concat("vocabulary: unk_token ", Quoted(unknown), " is not in it"));
      }
      if (v_.model != "gpt2") v_.types[static_cast<size_t>(v_.unknown)] = TokenType::kUnknown;
    }
    if (v_.model != "llama") return absl::OkStatus();
    for (int byte = 0; byte < 256; ++byte) {
      constexpr char kHex[] = "0123456789ABCDEF";
      const std::string name = {'<', '0', 'x', kHex[byte >> 4], kHex[byte & 15], '>'};
      const int32_t id = Find(name);
      if (id < 0) return NotRun(Concat("byte_fallback without the token ", name));
      v_.types[static_cast<size_t>(id)] = TokenType::kByte;
    }
    return absl::OkStatus();
  }

  Status ReadMerges() {
    if (v_.model == "bert") return absl::OkStatus();
    const auto merges = model_.Find("merges");
    if (!merges.has_value() || !merges->is(JsonKind::kArray)) {
      return Invalid("vocabulary: BPE without a list of merges");
    }
    v_.merges.reserve(merges->size());
    std::string joined;
    return merges->ForEachElement([&](JsonValue value) -> Status {
      const size_t rank = v_.merges.size();
      std::string_view left, right;
      if (const auto text = value.Text(); text.has_value()) {  // "left right"
        const size_t space = text->find(' ');
        if (space != std::string_view::npos) {
          left = text->substr(0, space);
          right = text->substr(space + 1);
        }
      } else if (value.size() == 2) {
        size_t at = 0;
        HOB_RETURN_IF_ERROR(value.ForEachElement([&](JsonValue part) {
          (at++ == 0 ? left : right) = part.Text().value_or("");
          return absl::OkStatus();
        }));
      }
      if (left.empty() || right.empty()) {
        return Invalid(Concat("vocabulary: merge ", rank, " is not two tokens"));
      }
      joined.assign(left).append(right);
      for (const std::string_view token : {left, right, std::string_view(joined)}) {
        if (Find(token) >= 0) continue;
        return Invalid(
            Concat("vocabulary: merge ", rank, " names ", Quoted(token), ", which is no token"));
      }
      if (joined.find(' ') != std::string::npos) {
        return NotRun(Concat("merge ", rank, " of tokens with spaces is not supported"));
      }
      v_.merges.push_back(Concat(left, " ", right));
      return absl::OkStatus();
    });
  }

  // The id of a token that a setting names, as text or as an object with its content; −1: none.
  StatusOr<int32_t> Setting(std::span<const JsonValue> settings, std::string_view key) const {
    for (const JsonValue& file : settings) {
      const auto found = file.Find(key);
      if (!found.has_value()) continue;
      const std::string_view text =
          found->is(JsonKind::kObject) ? Text(*found, "content") : found->Text().value_or("");
      if (text.empty()) return Invalid(Concat(key, " is neither a token nor null"));
      const int32_t id = Find(text);
      if (id < 0) return Invalid(Concat(key, " is ", Quoted(text), ", which is no token"));
      return id;
    }
    return -1;
  }

  Status ReadSpecial(std::span<const JsonValue> settings) {
    HOB_ASSIGN_OR_RETURN(v_.bos, Setting(settings, "bos_token"));
    HOB_ASSIGN_OR_RETURN(v_.eos, Setting(settings, "eos_token"));
    HOB_ASSIGN_OR_RETURN(v_.padding, Setting(settings, "pad_token"));
    HOB_ASSIGN_OR_RETURN(v_.mask, Setting(settings, "mask_token"));
    HOB_ASSIGN_OR_RETURN(const int32_t unknown, Setting(settings, "unk_token"));
    if (v_.unknown < 0) v_.unknown = unknown;
    if (v_.model == "bert") {
      HOB_ASSIGN_OR_RETURN(v_.bos, Setting(settings, "cls_token"));
      HOB_ASSIGN_OR_RETURN(v_.separator, Setting(settings, "sep_token"));
      v_.eos = -1;
    }
    int32_t& last = v_.model == "bert" ? v_.separator : v_.eos;
    HOB_RETURN_IF_ERROR(Around("begins", pipeline_.first, &v_.bos, &v_.add_bos));
    HOB_RETURN_IF_ERROR(Around("ends", pipeline_.last, &last, &v_.add_eos));
    return Override(settings);
  }

  // A token that the post-processor puts before or after a text.
  Status Around(std::string_view where, std::optional<int32_t> given, int32_t* id,
                bool* add) const {
    *add = given.has_value();
    if (!given.has_value()) return absl::OkStatus();
    if (static_cast<size_t>(*given) >= v_.tokens.size()) {
      return Invalid(Concat("post_processor: id ", *given, " is no token"));
    }
    if (*id >= 0 && *id != *given) {
      return NotRun(Concat("post_processor ", where, " a text with ",
                           Quoted(v_.tokens[static_cast<size_t>(*given)]), ", not with ",
                           Quoted(v_.tokens[static_cast<size_t>(*id)]), " as the settings say"));
    }
    *id = *given;
    return absl::OkStatus();
  }

  // Llama's and Gemma's tokenizers follow these settings and not the post-processor.
  Status Override(std::span<const JsonValue> settings) {
    if (settings.empty()) return absl::OkStatus();
    const std::string_view name = Text(settings[0], "tokenizer_class");
    if (!name.starts_with("Llama") && !name.starts_with("Gemma")) return absl::OkStatus();
    const std::pair<std::string_view, bool*> flags[] = {{"add_bos_token", &v_.add_bos},
                                                        {"add_eos_token", &v_.add_eos}};
    for (const auto& [key, flag] : flags) {
      const auto found = settings[0].Find(key);
      if (!found.has_value()) continue;
      if (!found->Bool().has_value()) return Invalid(Concat(key, " is not a bool"));
      *flag = *found->Bool();
      if (*flag && (flag == &v_.add_bos ? v_.bos : v_.eos) < 0) {
        return Invalid(Concat(key, " is set, but there is no such token"));
      }
    }
    return absl::OkStatus();
  }

  // As GGUF has it: words begin with a mark, and what goes on with a word with nothing.
  Status FinishWordPiece() {
    bool capitals = false;
    for (size_t id = 0; id < v_.tokens.size(); ++id) {
      std::string& text = v_.tokens[id];
      // "[unused7]" stays, "[" is a word like any other.
      const bool bracketed = text.starts_with('[') && text.ends_with(']');
      if (v_.types[id] != TokenType::kNormal || bracketed) continue;
      capitals = capitals || std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
      text = text.starts_with("##") ? text.substr(2) : Concat(kMark, text);
    }
    if (pipeline_.lowercase == capitals) {
      return NotRun(Concat("normalizer BertNormalizer ", capitals ? "with" : "without",
                           " lowercase, but the vocabulary has ", capitals ? "" : "no ",
                           "capitals"));
    }
    return absl::OkStatus();
  }

  int32_t Find(std::string_view text) const {
    const auto found = ids_.find(text);
    return found == ids_.end() ? -1 : found->second;
  }

  JsonValue root_, model_;
  Vocabulary v_;
  HfPipeline pipeline_;
  std::unordered_map<std::string_view, int32_t, KeyedHasher> ids_;
  std::vector<AddedToken> added_;
};

// eos_token_id: an id or a list of them.
StatusOr<std::vector<int32_t>> EndIds(std::optional<JsonValue> object, std::string_view key,
                                      size_t tokens) {
  std::vector<int32_t> ids;
  const auto add = [&](JsonValue value) -> Status {
    const int64_t id = value.Integer().value_or(-1);
    if (id < 0 || static_cast<uint64_t>(id) >= tokens) {
      return Error(StatusCode::kInvalidArgument,
                   Concat(key, " is no id of the ", tokens, " tokens"));
    }
    ids.push_back(static_cast<int32_t>(id));
    return absl::OkStatus();
  };
  const auto found = object.has_value() ? object->Find(key) : std::nullopt;
  if (!found.has_value()) return ids;
  if (found->is(JsonKind::kArray)) {
    HOB_RETURN_IF_ERROR(found->ForEachElement(add));
  } else {
    HOB_RETURN_IF_ERROR(add(*found));
  }
  return ids;
}

}  // namespace

StatusOr<Vocabulary> ReadHfTokenizer(JsonValue tokenizer, std::span<const JsonValue> settings) {
  return Reader(tokenizer).Read(settings);
}

Status AddGenerationTokens(std::optional<JsonValue> generation, JsonValue config,
                           Vocabulary* vocabulary) {
  const size_t tokens = vocabulary->tokens.size();
  HOB_ASSIGN_OR_RETURN(std::vector<int32_t> ends, EndIds(generation, "eos_token_id", tokens));
  if (ends.empty()) {
    HOB_ASSIGN_OR_RETURN(ends, EndIds(config, "eos_token_id", tokens));
  }
  for (const int32_t id : ends) {
    if (vocabulary->eos < 0) vocabulary->eos = id;
    if (id == vocabulary->eos || id == vocabulary->eot) continue;
    if (vocabulary->eot < 0) {
      vocabulary->eot = id;
      continue;
    }
    const auto at = static_cast<size_t>(id);
    if (vocabulary->types[at] != TokenType::kControl || !text::IsEndText(vocabulary->tokens[at])) {
      return Error(StatusCode::kUnimplemented,
                   Concat("eos_token_id names more end tokens than hob holds: ",
                          Quoted(vocabulary->tokens[at])));
    }
  }
  if (vocabulary->bos >= 0) return absl::OkStatus();
  HOB_ASSIGN_OR_RETURN(const std::vector<int32_t> begins, EndIds(config, "bos_token_id", tokens));
  if (!begins.empty()) vocabulary->bos = begins[0];
  return absl::OkStatus();
}

}  // namespace hob::format
