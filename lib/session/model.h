// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/hash.h"
#include "lib/base/status.h"
#include "lib/format/model_file.h"
#include "lib/scheduler/batcher.h"
#include "lib/session/prefix_cache.h"
#include "lib/session/runtime.h"
#include "lib/text/chat_template.h"
#include "lib/text/tokenizer.h"
#include "lib/text/tools/tool_style.h"

namespace hob {

class Tools;

struct ModelOptions {
  bool vocabulary_only = false;
  bool copy_file = false;              // into memory of the runtime, rather than mapped
  DType activations = DType::kQ16Act;  // as in ExecutorOptions
  DType kv_type = DType::kF16;
  uint32_t max_batch_rows = 0;  // 0: 512
  // Of the cache that is kept for other sessions; 0: 4096, −1: none.
  int32_t shared_cache_tokens = 0;
  Progress progress;
  RopeOverride rope = {};
};

struct ModelPlan;

enum class ModelText : int32_t {  // the numbers of hob_model_text
  kArchitecture = 1,
  kName = 2,
  kLicense = 3,
  kContainer = 4,
  kChatTemplate = 5,
  kTokenizer = 6,
  kPath = 7,
  kHash = 8,
};

// A model that is ready to run: its file, tokenizer, chat template and executor. Immutable;
// thread-safe; kept alive by its sessions.
class Model {
 public:
  static StatusOr<std::shared_ptr<Model>> Open(std::shared_ptr<Runtime> runtime,
                                               const std::string& path,
                                               const ModelOptions& options);

  // What Open would take, before anything is allocated. Errors as Open.
  static StatusOr<ModelPlan> Plan(const std::shared_ptr<Runtime>& runtime, const std::string& path,
                                  const ModelOptions& options);

  Runtime& runtime() const { return *runtime_; }
  const ModelFile& file() const { return *file_; }
  const std::string& path() const { return path_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  // Null for a vocabulary-only model.
  Batcher* batcher() const { return batcher_.get(); }
  // What its sessions let each other have.
  PrefixCache& prefixes() const { return *prefixes_; }
  // For handles that outlive the model.
  std::shared_ptr<const text::Tokenizer> SharedTokenizer() const { return tokenizer_; }
  // The parsed chat template; errors as CheckChat.
  StatusOr<std::shared_ptr<const text::ChatTemplate>> SharedChatTemplate() const;
  // What the template is told beside the messages.
  text::ChatTemplate::Variables ChatVariables() const;
  bool has_chat_template() const { return !file_->vocabulary.chat_template.empty(); }

  // How the model writes calls of tools, and whether its chat template tells it of them by itself.
  const text::ToolStyle& tool_style() const;
  bool template_has_tools() const;

  // The text of a conversation; `tools` as ToolSet::json, or empty. FAILED_PRECONDITION without a
  // chat template; UNIMPLEMENTED if the template needs what hob's Jinja lacks; INVALID_ARGUMENT if
  // it refuses the messages.
  StatusOr<std::string> RenderChat(const std::vector<text::ChatMessage>& messages,
                                   bool add_generation_prompt, std::string_view tools = {}) const;
  // RenderChat's text as tokens, BOS included where the vocabulary asks and the template did not.
  // Control tokens that a message spells out are text.
  StatusOr<std::vector<int32_t>> EncodeChat(const std::vector<text::ChatMessage>& messages,
                                            const Tools* tools = nullptr) const;
  // OK, or why the model cannot render chats.
  Status CheckChat() const;

  // FAILED_PRECONDITION for an encoder; `what` names the model. Not of a vocabulary-only model.
  Status CheckGenerates(std::string_view what) const;

  // A text property; empty if the file has none. INVALID_ARGUMENT for a number not in the list, and
  // for a text that is not UTF-8.
  StatusOr<std::string_view> Property(ModelText which) const;
  uint64_t parameters() const;
  // Allocated for weights: packed, and the file where it is not mapped.
  size_t weight_bytes() const;
  // XXH3-128 of the file's bytes: tells models apart. The first call reads the whole file.
  const Hash128& hash() const;
  DType activations() const { return activations_; }
  const RopeOverride& rope() const { return rope_; }

 private:
  Model() = default;
  std::string_view MetadataText(std::string_view key) const;
  StatusOr<std::string_view> RawProperty(ModelText which) const;

  std::shared_ptr<Runtime> runtime_;
  std::string path_;
  std::string tokenizer_name_;
  std::shared_ptr<const ModelFile> file_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  StatusOr<std::shared_ptr<const text::ChatTemplate>> chat_template_ = nullptr;
  std::unique_ptr<Batcher> batcher_;
  std::unique_ptr<PrefixCache> prefixes_;
  DType activations_ = DType::kQ16Act;
  RopeOverride rope_;
  mutable std::once_flag tools_asked_;
  mutable bool has_tools_ = false;
  mutable std::mutex hash_mutex_;  // of what follows, which is set once
  mutable Hash128 hash_;
  mutable std::string hash_text_;  // of hash_; empty: not known yet
};

}  // namespace hob
