// SPDX-License-Identifier: Apache-2.0
#include "lib/session/model.h"

#include <algorithm>
#include <variant>

#include "lib/session/plan.h"
#include "lib/session/tools.h"
#include "lib/text/control_guard.h"
#include "lib/text/tools/tool_messages.h"
#include "lib/text/unicode.h"

namespace hob {
namespace {

constexpr uint32_t kMaxBatchRows = 8192;
constexpr int32_t kDefaultSharedTokens = 4096;

Status CheckOptions(const std::string& path, const ModelOptions& options) {
  HOB_RETURN_IF_ERROR(text::CheckUtf8(path, "the path of the model"));
  if (options.max_batch_rows > kMaxBatchRows) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("model option max_batch_rows is ", options.max_batch_rows, ", above ",
                        kMaxBatchRows));
  }
  if (options.shared_cache_tokens < -1) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("model option shared_cache_tokens is ", options.shared_cache_tokens,
                        ", below -1 (none)"));
  }
  return absl::OkStatus();
}

// The stored text of a special token; empty if the vocabulary has none.
std::string TokenText(const Vocabulary& vocabulary, int32_t id) {
  const bool known = id >= 0 && static_cast<size_t>(id) < vocabulary.tokens.size();
  return known ? vocabulary.tokens[static_cast<size_t>(id)] : std::string();
}

}  // namespace

StatusOr<std::shared_ptr<Model>> Model::Open(std::shared_ptr<Runtime> runtime,
                                             const std::string& path, const ModelOptions& options) {
  HOB_RETURN_IF_ERROR(CheckOptions(path, options));
  std::shared_ptr<Model> model(new Model);
  model->runtime_ = std::move(runtime);
  model->path_ = path;
  HOB_ASSIGN_OR_RETURN(
      model->file_,
      OpenModelFile(path, options.copy_file ? model->runtime_->allocator() : nullptr));
  const Vocabulary& vocabulary = model->file_->vocabulary;
  if (auto tokenizer = text::Tokenizer::Create(vocabulary); tokenizer.ok()) {
    model->tokenizer_ = *std::move(tokenizer);
  } else {
    return Annotate(tokenizer.status(), path);
  }
  model->tokenizer_name_ =
      vocabulary.pre.empty() ? vocabulary.model : Concat(vocabulary.model, "/", vocabulary.pre);
  if (model->has_chat_template()) {
    // A template beyond hob's Jinja is no reason to refuse the model: raw text works.
    if (auto parsed = text::ChatTemplate::Parse(vocabulary.chat_template); parsed.ok()) {
      model->chat_template_ = *std::move(parsed);
    } else {
      model->chat_template_ = parsed.status();
      model->runtime_->Log(
          LogLevel::kWarning,
          Concat(path, ": chat template: ", model->chat_template_.status().message()));
    }
  }
  if (options.vocabulary_only) return model;

  model->activations_ = options.activations;
  model->rope_ = options.rope;
  const ExecutorOptions executor_options = ToExecutorOptions(options);
  HOB_RETURN_IF_ERROR(CheckModelFits(*model->runtime_, model->file_, path, executor_options));
  std::unique_ptr<Executor> executor;
  {
    const Turnstile::Turn turn(
        model->runtime_->scheduler().turnstile());  // packing runs on the pool
    auto created = Executor::Create(model->file_, model->runtime_->pool(),
                                    model->runtime_->allocator(), executor_options);
    if (!created.ok()) return Annotate(created.status(), path);
    executor = *std::move(created);
  }
  const size_t vocabulary_size = model->tokenizer_->size();
  if (static_cast<size_t>(executor->shape().vocabulary) < vocabulary_size) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(path, ": the vocabulary has ", vocabulary_size,
                        " tokens, but the model knows ", executor->shape().vocabulary));
  }
  const int32_t shared =
      options.shared_cache_tokens == 0 ? kDefaultSharedTokens : options.shared_cache_tokens;
  model->prefixes_ =
      std::make_unique<PrefixCache>(shared < 0 ? 0 : static_cast<size_t>(shared / kKvPageTokens));
  HOB_ASSIGN_OR_RETURN(model->batcher_,
                       Batcher::Create(std::move(executor), model->runtime_->scheduler(),
                                       model->runtime_->allocator()));
  return model;
}

StatusOr<ModelPlan> Model::Plan(const std::shared_ptr<Runtime>& runtime, const std::string& path,
                                const ModelOptions& options) {
  HOB_RETURN_IF_ERROR(CheckOptions(path, options));
  HOB_ASSIGN_OR_RETURN(std::shared_ptr<const ModelFile> file, OpenModelFile(path));
  const size_t copied = options.copy_file ? file->file_bytes() : 0;
  if (options.vocabulary_only) return ModelPlan{.copied_bytes = copied};
  auto plan = PlanModel(*runtime, std::move(file), ToExecutorOptions(options));
  if (!plan.ok()) return Annotate(plan.status(), path);
  plan->copied_bytes = copied;
  return plan;
}

size_t Model::weight_bytes() const {
  const size_t packed = batcher_ == nullptr ? 0 : batcher_->executor().weight_bytes();
  return packed + static_cast<size_t>(file_->copied_bytes());
}

Status Model::CheckGenerates(std::string_view what) const {
  if (!batcher_->executor().shape().encoder()) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition,
               Concat(what, " (", file_->architecture,
                      ") is an encoder: it embeds texts, and does not generate"),
               "Create an embedder from it, or open a model that generates.");
}

Status Model::CheckChat() const {
  if (!has_chat_template()) {
    return Error(StatusCode::kFailedPrecondition, "the model has no chat template",
                 "Add raw text instead of messages.");
  }
  if (!chat_template_.ok()) return Annotate(chat_template_.status(), "chat template");
  return absl::OkStatus();
}

StatusOr<std::shared_ptr<const text::ChatTemplate>> Model::SharedChatTemplate() const {
  HOB_RETURN_IF_ERROR(CheckChat());
  return *chat_template_;
}

text::ChatTemplate::Variables Model::ChatVariables() const {
  text::ChatTemplate::Variables variables;
  variables.bos_token = TokenText(file_->vocabulary, tokenizer_->bos());
  variables.eos_token = TokenText(file_->vocabulary, tokenizer_->eos());
  return variables;
}

const text::ToolStyle& Model::tool_style() const {
  return text::StyleOfTemplate(file_->vocabulary.chat_template);
}

bool Model::template_has_tools() const {
  // Whether a tool that it is given comes out again.
  std::call_once(tools_asked_, [&] {
    constexpr std::string_view kName = "hob_asks_for_this_tool";
    const std::string tools =
        Concat(R"([{"type": "function", "function": {"name": ")", kName,
               R"(", "description": "", "parameters": {"type": "object", "properties": {}}}}])");
    const std::string text = RenderChat({{"user", "?"}}, true, tools).value_or("");
    has_tools_ = text.find(kName) != std::string::npos;
  });
  return has_tools_;
}

StatusOr<std::string> Model::RenderChat(const std::vector<text::ChatMessage>& messages,
                                        bool add_generation_prompt, std::string_view tools) const {
  HOB_RETURN_IF_ERROR(CheckChat());
  text::ChatTemplate::Variables variables = ChatVariables();
  variables.add_generation_prompt = add_generation_prompt;
  if (!tools.empty()) variables.extra_json = Concat("{\"tools\": ", tools, "}");
  auto rendered = (*chat_template_)->Render(messages, variables);
  if (!rendered.ok()) return Annotate(rendered.status(), "chat template");
  return rendered;
}

StatusOr<std::vector<int32_t>> Model::EncodeChat(const std::vector<text::ChatMessage>& messages,
                                                 const Tools* tools) const {
  HOB_ASSIGN_OR_RETURN(
      text::GuardedMessages guarded,
      text::GuardMessages(*tokenizer_, messages, tools == nullptr ? "" : tools->set().json()));
  const bool fields = std::any_of(messages.begin(), messages.end(), [](const auto& message) {
    return !message.fields.empty() || message.role == "tool";
  });
  if ((tools != nullptr || fields) && !template_has_tools()) {
    guarded.messages = text::SpellOutTools(guarded.messages, guarded.tools,
                                           tools == nullptr ? tool_style() : tools->style());
    guarded.tools.clear();
  }
  HOB_ASSIGN_OR_RETURN(std::string rendered, RenderChat(guarded.messages, true, guarded.tools));
  const std::vector<size_t> cuts = text::RemoveMarks(guarded.mark, &rendered);
  text::EncodeOptions options;
  options.parse_special = true;
  options.cuts = cuts;
  HOB_ASSIGN_OR_RETURN(std::vector<int32_t> tokens, tokenizer_->Encode(rendered, options));
  const int32_t bos = tokenizer_->bos();
  if (file_->vocabulary.add_bos && bos >= 0 && (tokens.empty() || tokens.front() != bos)) {
    tokens.insert(tokens.begin(), bos);
  }
  return tokens;
}

std::string_view Model::MetadataText(std::string_view key) const {
  const MetaValue* value = file_->metadata.Find(key);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

StatusOr<std::string_view> Model::Property(ModelText which) const {
  HOB_ASSIGN_OR_RETURN(const std::string_view text, RawProperty(which));
  // Strings of the interface are UTF-8; a file may say anything.
  HOB_RETURN_IF_ERROR(text::CheckUtf8(
      text, Concat("text property ", static_cast<int32_t>(which), " of the model")));
  return text;
}

StatusOr<std::string_view> Model::RawProperty(ModelText which) const {
  switch (which) {
    case ModelText::kArchitecture:
      return std::string_view(file_->architecture);
    case ModelText::kName:
      return MetadataText("general.name");
    case ModelText::kLicense:
      return MetadataText("general.license");
    case ModelText::kContainer:
      return std::string_view(file_->container);
    case ModelText::kChatTemplate:
      return std::string_view(file_->vocabulary.chat_template);
    case ModelText::kTokenizer:
      return std::string_view(tokenizer_name_);
    case ModelText::kPath:
      return std::string_view(path_);
    case ModelText::kHash:
      static_cast<void>(hash());
      return std::string_view(hash_text_);
  }
  return Error(StatusCode::kInvalidArgument,
               Concat("there is no text property ", static_cast<int32_t>(which), " of a model"));
}

const Hash128& Model::hash() const {
  const std::lock_guard lock(hash_mutex_);
  if (!hash_text_.empty()) return hash_;
  constexpr size_t kPart = 4u << 20;
  Hasher hasher;
  const auto update = [&](const MappedFile& file) {
    for (auto rest = file.bytes(); !rest.empty();) {
      const auto part = rest.first(std::min(rest.size(), kPart));
      hasher.Update(part);
      // Most of a packed model's file is not needed in memory.
      file.DontNeed(part);
      rest = rest.subspan(part.size());
    }
  };
  update(*file_->file);
  for (const auto& file : file_->more_files) update(*file);
  hash_ = hasher.Finish();
  hash_text_ = ToHex(hash_);
  return hash_;
}

uint64_t Model::parameters() const {
  uint64_t sum = 0;
  for (const Tensor& tensor : file_->tensors) {
    sum += static_cast<uint64_t>(tensor.rows()) * static_cast<uint64_t>(tensor.columns());
  }
  return sum;
}

}  // namespace hob
