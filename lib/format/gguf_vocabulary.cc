// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <utility>

#include "lib/format/gguf.h"
#include "lib/format/validate.h"

namespace hob::format {
namespace {

// Vocabularies of byte-level BPE to which llama.cpp adds the beginning-of-sequence token unless the
// file says otherwise (the "ignore merges" family of Llama 3 and others).
constexpr std::string_view kPreWithBos[] = {"llama3",    "llama-v3", "llama-bpe", "falcon3",
                                            "falcon-h1", "pixtral",  "tekken",    "chameleon",
                                            "midm-2.0",  "lfm2"};

Status WrongType(std::string_view key, std::string_view wanted) {
  return Error(StatusCode::kInvalidArgument, Concat("key ", Quoted(key), " is not ", wanted));
}

// Moves the array at `key` out of the metadata; empty when the key is missing or the array is.
template <typename T>
StatusOr<std::vector<T>> Take(Metadata* metadata, std::string_view key, std::string_view wanted) {
  const auto found = metadata->values.find(key);
  if (found == metadata->values.end()) return std::vector<T>();
  auto* array = std::get_if<std::vector<T>>(&found->second);
  if (array == nullptr) return WrongType(key, wanted);
  std::vector<T> taken = std::move(*array);
  metadata->values.erase(found);
  return taken;
}

StatusOr<bool> Flag(const Metadata& metadata, std::string_view key, bool fallback) {
  const MetaValue* found = metadata.Find(key);
  if (found == nullptr) return fallback;
  if (const bool* flag = std::get_if<bool>(found)) return *flag;
  return WrongType(key, "a bool");
}

// A token id that the caller checks against the vocabulary; −1 where the file has none.
Status ReadId(const Metadata& metadata, std::string_view key, int32_t* id) {
  HOB_ASSIGN_OR_RETURN(const int64_t value,
                       metadata.Int(key, -1, std::numeric_limits<int32_t>::max(), *id));
  *id = static_cast<int32_t>(value);
  return absl::OkStatus();
}

Status ReadIds(const Metadata& metadata, Vocabulary* vocabulary) {
  if (vocabulary->model == "llama" && vocabulary->tokens.size() > 2) {  // SentencePiece's defaults
    vocabulary->unknown = 0;
    vocabulary->bos = 1;
    vocabulary->eos = 2;
  }
  HOB_RETURN_IF_ERROR(ReadId(metadata, "tokenizer.ggml.bos_token_id", &vocabulary->bos));
  if (vocabulary->model == "bert") {  // [CLS] opens a sequence
    HOB_RETURN_IF_ERROR(ReadId(metadata, "tokenizer.ggml.cls_token_id", &vocabulary->bos));
  }
  HOB_RETURN_IF_ERROR(ReadId(metadata, "tokenizer.ggml.eos_token_id", &vocabulary->eos));
  HOB_RETURN_IF_ERROR(ReadId(metadata, "tokenizer.ggml.eot_token_id", &vocabulary->eot));
  HOB_RETURN_IF_ERROR(ReadId(metadata, "tokenizer.ggml.unknown_token_id", &vocabulary->unknown));
  // GGUF's own name for the separator is misspelt; some writers spell it right.
  HOB_RETURN_IF_ERROR(
      ReadId(metadata, "tokenizer.ggml.separator_token_id", &vocabulary->separator));
  HOB_RETURN_IF_ERROR(
      ReadId(metadata, "tokenizer.ggml.seperator_token_id", &vocabulary->separator));
  HOB_RETURN_IF_ERROR(ReadId(metadata, "tokenizer.ggml.padding_token_id", &vocabulary->padding));
  return ReadId(metadata, "tokenizer.ggml.mask_token_id", &vocabulary->mask);
}

Status ReadFlags(const Metadata& metadata, Vocabulary* vocabulary) {
  const bool sentence_piece = vocabulary->model == "llama";
  const bool bert = vocabulary->model == "bert";
  bool add_bos = sentence_piece || bert;
  for (const std::string_view pre : kPreWithBos) add_bos = add_bos || vocabulary->pre == pre;
  HOB_ASSIGN_OR_RETURN(vocabulary->add_bos,
                       Flag(metadata, "tokenizer.ggml.add_bos_token", add_bos));
  // BERT closes a sequence with its separator.
  HOB_ASSIGN_OR_RETURN(
      vocabulary->add_eos,
      Flag(metadata, bert ? "tokenizer.ggml.add_sep_token" : "tokenizer.ggml.add_eos_token", bert));
  HOB_ASSIGN_OR_RETURN(vocabulary->add_space_prefix,
                       Flag(metadata, "tokenizer.ggml.add_space_prefix", sentence_piece));
  HOB_ASSIGN_OR_RETURN(vocabulary->remove_extra_whitespaces,
                       Flag(metadata, "tokenizer.ggml.remove_extra_whitespaces", false));
  return absl::OkStatus();
}

// A file may have further templates (tokenizer.chat_template.<name>): the unnamed one is the
// default, and one named "default" stands in for it.
Status TakeChatTemplate(Metadata* metadata, Vocabulary* vocabulary) {
  for (const std::string_view key : {std::string_view("tokenizer.chat_template.default"),
                                     std::string_view("tokenizer.chat_template")}) {
    const auto found = metadata->values.find(key);
    if (found == metadata->values.end()) continue;
    auto* text = std::get_if<std::string>(&found->second);
    if (text == nullptr) return WrongType(key, "a string");
    vocabulary->chat_template = std::move(*text);
    metadata->values.erase(found);
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<Vocabulary> ExtractVocabulary(Metadata* metadata) {
  Vocabulary vocabulary;
  HOB_ASSIGN_OR_RETURN(vocabulary.model, metadata->Text("tokenizer.ggml.model", ""));
  HOB_ASSIGN_OR_RETURN(vocabulary.pre, metadata->Text("tokenizer.ggml.pre", ""));
  HOB_RETURN_IF_ERROR(TakeChatTemplate(metadata, &vocabulary));
  HOB_ASSIGN_OR_RETURN(vocabulary.tokens,
                       Take<std::string>(metadata, "tokenizer.ggml.tokens", "an array of strings"));
  HOB_ASSIGN_OR_RETURN(vocabulary.merges,
                       Take<std::string>(metadata, "tokenizer.ggml.merges", "an array of strings"));
  HOB_ASSIGN_OR_RETURN(
      const std::vector<double> scores,
      Take<double>(metadata, "tokenizer.ggml.scores", "an array of floating-point numbers"));
  vocabulary.scores.assign(scores.begin(), scores.end());
  HOB_ASSIGN_OR_RETURN(
      const std::vector<int64_t> types,
      Take<int64_t>(metadata, "tokenizer.ggml.token_type", "an array of integers"));
  vocabulary.types.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] < 0 || types[i] > 6) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("vocabulary: token ", i, " has unknown type ", types[i],
                          " (tokenizer.ggml.token_type)"));
    }
    vocabulary.types.push_back(types[i] == 0 ? TokenType::kNormal  // "undefined"
                                             : static_cast<TokenType>(types[i]));
  }
  if (vocabulary.tokens.empty()) {  // ids mean nothing without tokens
    return vocabulary;
  }
  HOB_RETURN_IF_ERROR(ReadIds(*metadata, &vocabulary));
  HOB_RETURN_IF_ERROR(ReadFlags(*metadata, &vocabulary));
  return vocabulary;
}

}  // namespace hob::format
