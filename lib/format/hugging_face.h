// SPDX-License-Identifier: Apache-2.0
// A folder as transformers saves it (config.json, tokenizer.json, *.safetensors), read as a model
// with GGUF's keys and tensor names. docs/reference/models.md says what of each file is read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/allocator.h"
#include "lib/base/status.h"
#include "lib/format/json.h"
#include "lib/format/model_file.h"

namespace hob::format {

// What of config.json is no hyperparameter.
struct HfConfig {
  std::string model_type;
  int64_t layers = 0;
  int64_t vocabulary = 0;     // rows of the embedding
  bool tied = false;          // the embedding is the output matrix
  bool adds_one = false;      // norms multiply by 1 + weight
  bool head_norms = false;    // q and k have norms
  bool norms_around = false;  // norms before and after each half
  bool encoder = false;       // BERT, in hf_bert.cc
};

struct NamePair {
  std::string_view theirs, gguf;
};
// Sizes that every config.json has, by the names of their keys.
inline constexpr NamePair kHfSizes[] = {{"num_hidden_layers", "block_count"},
                                        {"max_position_embeddings", "context_length"},
                                        {"hidden_size", "embedding_length"},
                                        {"intermediate_size", "feed_forward_length"},
                                        {"num_attention_heads", "attention.head_count"},
                                        {"vocab_size", "vocab_size"}};

// Sets the architecture and hyperparameters of `model`. NOT_FOUND, INVALID_ARGUMENT or
// UNIMPLEMENTED names the key.
StatusOr<HfConfig> ReadHfConfig(JsonValue config, ModelFile* model);

// GGUF's name for a tensor of the model, without its type's suffix check; nothing for a name that
// the family does not have.
std::optional<std::string> GgufTensorName(const HfConfig& config, std::string_view name);

// A layer's number without leading zeros, so that each tensor has one name.
std::optional<int64_t> LayerNumber(std::string_view text, int64_t layers);

// The same two of a BERT model, and whether a tensor is none of the encoder's.
StatusOr<HfConfig> ReadHfBertConfig(JsonValue config, ModelFile* model);
std::optional<std::string> BertTensorName(const HfConfig& config, std::string_view name);
bool IsUnusedBertTensor(std::string_view name);

// What sentence-transformers adds, as hyperparameters. Of modules.json: whether embeddings are
// normalised; returns the folder with the configuration of the pooling, a plain name or empty.
StatusOr<std::string> ReadHfModules(JsonValue modules, ModelFile* model);
Status ReadHfPooling(JsonValue pooling, ModelFile* model);
// Of sentence_bert_config.json: how many tokens of a text are read.
Status ReadHfSentenceConfig(JsonValue config, ModelFile* model);

// The vocabulary of tokenizer.json; special tokens by name from `settings` (tokenizer_config.json,
// special_tokens_map.json), the first that has one. UNIMPLEMENTED names a model, normaliser,
// pre-tokenizer, post-processor, decoder or flag that hob lacks.
StatusOr<Vocabulary> ReadHfTokenizer(JsonValue tokenizer, std::span<const JsonValue> settings);

// The parts of it in hf_pipeline.cc: what stands around the vocabulary.
struct HfPipeline {
  std::string pre;  // Vocabulary::pre
  bool add_space_prefix = false;
  std::optional<int32_t> first, last;  // what is put around a text
  bool changes_text = false;           // the normaliser may change what tokens are found in
  std::optional<bool> lowercase;       // WordPiece
};
// `kind`: "gpt2", "llama" or "bert".
StatusOr<HfPipeline> ReadHfPipeline(JsonValue tokenizer, std::string_view kind, bool ignore_merges);

// Adds the end tokens of generation_config.json, or where it has none of config.json, and config's
// beginning-of-sequence token where the tokenizer has none.
Status AddGenerationTokens(std::optional<JsonValue> generation, JsonValue config,
                           Vocabulary* vocabulary);

// Opens the folder; its files are mapped, or copied to memory of `copy_to`. All that were read are
// the model's `file` and `more_files`.
StatusOr<ModelFile> OpenHfDirectory(const std::string& path,
                                    std::shared_ptr<Allocator> copy_to = nullptr);

}  // namespace hob::format
