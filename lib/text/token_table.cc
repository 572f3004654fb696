// SPDX-License-Identifier: Apache-2.0
#include "lib/text/token_table.h"

#include <algorithm>
#include <limits>

namespace hob::text {
namespace {

// Control tokens that end an answer, by their text; files name at most two of them by id.
constexpr std::string_view kEndTexts[] = {
    "<|im_end|>",     // ChatML: Qwen, SmolLM
    "<|endoftext|>",  // GPT-2 and many others
    "<|eot_id|>",     // Llama 3
    "<|eom_id|>",     // Llama 3, waiting for a tool
    "<|eot|>",        // Llama 4
    "<|eom|>",
    "<|end_of_text|>",  // Llama 3, Granite
    "<|end|>",          // Phi-3
    "<|return|>",       // gpt-oss
    "<|call|>",
    "<|calls|>",  // Solar
    "<|flush|>",
    "<end_of_turn>",  // Gemma
    "<eos>",
    "</s>",   // SentencePiece
    "<EOT>",  // CodeLlama, Refact
    "_<EOT>",
    "[EOT]",  // Kimi
    "[EOS]",
    "[e~[",                // MiniMax
    "<end_of_utterance>",  // SmolDocling
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",  // DeepSeek
    "<|END_OF_TURN_TOKEN|>",                               // Command R
    "<|endofturn|>",
    "[|endofturn|]",  // EXAONE
    "<|fim_pad|>",    // fill-in-the-middle and repository marks of code models
    "<fim_pad>",
    "<fim-pad>",
    "<|repo_name|>",
    "<|fim_repo|>",
    "<|file_sep|>",
};

// No vocabulary comes near; tokenizers look at as much text as the longest token has.
constexpr size_t kLongestToken = 65535;

Status CheckId(int32_t id, size_t count, std::string_view name) {
  if (id >= -1 && (id < 0 || static_cast<size_t>(id) < count)) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument,
               absl::StrCat("vocabulary: the id of the ", std::string(name), " token, ", id,
                            ", is not one of ", count, " tokens"),
               "the model file is damaged or was converted wrongly; convert it again");
}

}  // namespace

bool IsEndText(std::string_view text) {
  return std::find(std::begin(kEndTexts), std::end(kEndTexts), text) != std::end(kEndTexts);
}

StatusOr<std::unique_ptr<const TokenTable>> TokenTable::Create(const Vocabulary& vocabulary) {
  const size_t count = vocabulary.tokens.size();
  const auto damaged = [](const std::string& what) {
    return Error(StatusCode::kInvalidArgument, "vocabulary: " + what,
                 "the model file is damaged or was converted wrongly; convert it again");
  };
  if (count == 0) return damaged("there are no tokens");
  if (count > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return damaged("more tokens than 31 bits count");
  }
  if (!vocabulary.types.empty() && vocabulary.types.size() != count) {
    return damaged(absl::StrCat(vocabulary.types.size(), " types for ", count, " tokens"));
  }
  if (!vocabulary.scores.empty() && vocabulary.scores.size() != count) {
    return damaged(absl::StrCat(vocabulary.scores.size(), " scores for ", count, " tokens"));
  }
  // The padding and mask ids are not used here, and files that are otherwise good get them wrong.
  const std::pair<int32_t, std::string_view> ids[] = {{vocabulary.bos, "bos"},
                                                      {vocabulary.eos, "eos"},
                                                      {vocabulary.eot, "eot"},
                                                      {vocabulary.unknown, "unknown"},
                                                      {vocabulary.separator, "separator"}};
  for (const auto& [id, name] : ids) HOB_RETURN_IF_ERROR(CheckId(id, count, name));

  std::unique_ptr<TokenTable> table(new TokenTable);
  const auto is_special = [&](size_t id) {
    const TokenType type = vocabulary.types.empty() ? TokenType::kNormal : vocabulary.types[id];
    return type == TokenType::kUserDefined || type == TokenType::kControl ||
           type == TokenType::kUnknown;
  };
  size_t bytes = 0, special_bytes = 0;
  for (size_t id = 0; id < count; ++id) {
    const size_t size = vocabulary.tokens[id].size();
    const size_t most = is_special(id) ? SpecialTokens::kLongest : kLongestToken;
    if (size > most) {
      return damaged(absl::StrCat(is_special(id) ? "special " : "", "token ", id, " has ", size,
                                  " bytes; at most ", most, " are allowed"));
    }
    bytes += size + 1;
    if (is_special(id)) special_bytes += size;
  }
  if (special_bytes > SpecialTokens::kAllBytes) {
    return damaged(absl::StrCat("the special tokens have ", special_bytes, " bytes; at most ",
                                SpecialTokens::kAllBytes, " are allowed"));
  }
  table->special_ = SpecialTokens(special_bytes);
  table->texts_.reserve(bytes);
  table->ends_.reserve(count);
  for (const std::string& token : vocabulary.tokens) {
    table->texts_.append(token).push_back('\0');  // callers in C see it
    table->ends_.push_back(table->texts_.size());
    table->longest_ = std::max(table->longest_, token.size());
  }
  table->types_ = vocabulary.types;
  table->ids_ = FlatIndex(count);
  for (int32_t id = 0; id < static_cast<int32_t>(count); ++id) {
    const std::string_view text = table->text(id);
    table->ids_.Insert(KeyedHash(text, table->seed_), id,
                       [&](int32_t other) { return table->text(other) == text; });
    if (is_special(static_cast<size_t>(id))) {
      table->special_.Add(text, id, table->type(id) == TokenType::kUserDefined);
    }
  }
  table->bos = vocabulary.bos;
  table->eos = vocabulary.eos;
  table->unknown = vocabulary.unknown;
  table->separator = vocabulary.separator;
  table->add_bos = vocabulary.add_bos;
  table->add_eos = vocabulary.add_eos;
  table->FindEndOfGeneration(vocabulary);
  return table;
}

void TokenTable::FindEndOfGeneration(const Vocabulary& vocabulary) {
  for (const std::string_view text : kEndTexts) {
    const int32_t id = Find(text);
    if (id >= 0 && type(id) == TokenType::kControl) end_of_generation_.insert(id);
  }
  // In gpt-oss and Solar vocabularies <|end|> ends a message, not the answer.
  const auto ends = [this](std::string_view text) { return IsEndOfGeneration(Find(text)); };
  if ((ends("<|return|>") && ends("<|call|>")) || (ends("<|calls|>") && ends("<|flush|>"))) {
    end_of_generation_.erase(Find("<|end|>"));
  }
  if (vocabulary.eos >= 0) end_of_generation_.insert(vocabulary.eos);
  if (vocabulary.eot >= 0) end_of_generation_.insert(vocabulary.eot);
}

int32_t TokenTable::Find(std::string_view text) const {
  return ids_.Find(KeyedHash(text, seed_), [&](int32_t id) { return this->text(id) == text; });
}

}  // namespace hob::text
