// SPDX-License-Identifier: Apache-2.0
#include "lib/session/session.h"

#include <algorithm>
#include <numeric>

#include "lib/scheduler/scheduler.h"
#include "lib/session/drafter.h"
#include "lib/session/generation.h"
#include "lib/session/plan.h"
#include "lib/text/tools/tool_messages.h"
#include "lib/text/unicode.h"

namespace hob {
namespace {

// Rows of logits that Evaluate holds at a time: a vocabulary of 256 Ki makes 128 MiB of them.
constexpr int32_t kEvaluateRows = 128;

KvLayout CacheLayout(const Model& model, const SessionOptions& options) {
  const KvLayout& own = model.batcher()->executor().kv_layout();
  return own.As(options.kv_type.value_or(own.type));
}

}  // namespace

Status PromptTooLong(size_t tokens, int32_t context) {
  return Error(StatusCode::kOutOfRange,
               Concat("the prompt has ", tokens, " tokens, but the context holds ", context),
               "Shorten it, drop earlier messages, or create the session with a larger context.");
}

size_t Session::EvaluateBytes(int32_t max_rows, int32_t vocabulary) {
  return static_cast<size_t>(std::min(max_rows, kEvaluateRows)) * static_cast<size_t>(vocabulary) *
         sizeof(float);
}

StatusOr<std::unique_ptr<Session>> Session::Create(std::shared_ptr<Model> model,
                                                   const SessionOptions& options) {
  if (model->batcher() == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "the model was opened with its vocabulary only",
                 "Open it without vocabulary_only to create sessions.");
  }
  HOB_RETURN_IF_ERROR(model->CheckGenerates("the model"));
  const ModelShape& shape = model->batcher()->executor().shape();
  const int32_t context =
      options.context_tokens == 0 ? shape.context_length : options.context_tokens;
  if (context < 1 || context > shape.context_length) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("session option context_tokens is ", options.context_tokens,
                        ", not between 1 and the model's ", shape.context_length));
  }
  const RollingWindow window{.context = context, .keep = options.keep_tokens};
  if (!window.Possible(options.roll)) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("session option keep_tokens is ", options.keep_tokens,
                        options.roll ? ", which needs a context of 16 and of twice as many, not of "
                                     : ", but the session does not roll; its context is ",
                        context));
  }
  std::shared_ptr<Drafter> drafter;
  if (options.draft_tokens < 0 || options.draft_tokens > Drafter::kMostTokens ||
      (options.draft_tokens > 0 && options.draft == nullptr)) {
    return Error(
        StatusCode::kInvalidArgument,
        Concat("session option draft_tokens is ", options.draft_tokens,
               options.draft == nullptr ? ", but there is no draft model"
                                        : Concat(", not between 0 and ", Drafter::kMostTokens)));
  }
  if (options.draft != nullptr) {
    HOB_ASSIGN_OR_RETURN(drafter, Drafter::Create(*options.draft, *model, options.draft_tokens));
  }
  const KvLayout layout = CacheLayout(*model, options);
  if (!KvLayout::Holds(layout.type)) {
    return Error(StatusCode::kInvalidArgument, "session option kv_type is not F16, F32 or QC8");
  }
  HOB_RETURN_IF_ERROR(CheckSessionFits(*model, context, layout, options.draft.get()));
  HOB_ASSIGN_OR_RETURN(Sampler sampler, Sampler::Create(options.sampler));
  std::unique_ptr<Session> session(
      new Session(std::move(model), window, options, std::move(sampler)));
  session->draft_ = options.draft;
  session->drafter_ = std::move(drafter);
  return session;
}

Session::Session(std::shared_ptr<Model> model, const RollingWindow& window,
                 const SessionOptions& options, Sampler sampler)
    : model_(std::move(model)),
      window_(window),
      context_limit_(window.context),
      rolls_(options.roll),
      guess_(options.guess),
      sampler_(std::move(sampler)),
      cache_(model_->runtime().allocator(), CacheLayout(*model_, options), &model_->prefixes(),
             &model_->runtime().scheduler().metrics()) {}

StatusOr<std::unique_ptr<Session>> Session::Fork() const {
  HOB_RETURN_IF_ERROR(CheckIdle());
  SessionOptions options;
  options.roll = rolls_;
  options.guess = guess_;
  options.kv_type = kv_type();
  std::unique_ptr<Session> fork(new Session(model_, window_, options, sampler_));
  fork->context_limit_ = context_limit_;
  fork->messages_ = messages_;
  fork->tokens_ = tokens_;
  fork->dropped_ = dropped_;
  fork->reply_ = reply_;
  fork->tools_ = tools_;
  fork->calls_ = calls_;
  fork->cache_ = cache_.Fork();
  fork->cached_ = cached_;
  fork->restored_ = restored_;
  fork->draft_ = draft_;
  if (drafter_ != nullptr) fork->drafter_ = drafter_->Fork();
  fork->stats_ = stats_;
  return fork;
}

Session::~Session() { Undo(); }

size_t Session::cache_bytes() const {
  return cache_.bytes() + (drafter_ == nullptr ? 0 : drafter_->cache_bytes());
}

Status Session::CheckIdle() const {
  if (running_ == nullptr) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "the session is answering",
               "Poll it to the end, or cancel and poll.");
}

Status Session::SetSampler(const SamplerOptions& options) {
  HOB_RETURN_IF_ERROR(CheckIdle());
  HOB_ASSIGN_OR_RETURN(sampler_, Sampler::Create(options));
  return absl::OkStatus();
}

Status Session::SetTools(ToolUse use) {
  HOB_RETURN_IF_ERROR(CheckIdle());
  if (use.tools != nullptr) {
    HOB_RETURN_IF_ERROR(model_->CheckChat());
    if (&use.tools->tokenizer() != &model_->tokenizer()) {
      return Error(StatusCode::kInvalidArgument,
                   "the tools were made for another model than the session's");
    }
    if (use.constrain) {
      HOB_RETURN_IF_ERROR(use.tools->GrammarOf({use.choice, use.only, use.parallel}).status());
    }
  }
  tools_ = std::move(use);
  return absl::OkStatus();
}

Status Session::AddMessage(std::string_view role, std::string_view content,
                           std::string_view fields) {
  HOB_RETURN_IF_ERROR(CheckIdle());
  HOB_RETURN_IF_ERROR(model_->CheckChat());
  if (messages_.empty() && !tokens_.empty()) {
    return Error(StatusCode::kFailedPrecondition, "the session holds raw text, not messages",
                 "Reset it, or use another session.");
  }
  if (role.empty()) return Error(StatusCode::kInvalidArgument, "the role of a message is empty");
  HOB_RETURN_IF_ERROR(text::CheckUtf8(role, "the role of a message"));
  HOB_RETURN_IF_ERROR(text::CheckUtf8(content, "the text of a message"));
  std::string read;
  if (!fields.empty()) {
    HOB_ASSIGN_OR_RETURN(read, text::ReadMessageFields(fields));
  }
  messages_.push_back({std::string(role), std::string(content), std::move(read)});
  return absl::OkStatus();
}

Status Session::AppendAnswer(std::string text) {
  HOB_RETURN_IF_ERROR(CheckIdle());
  if (messages_.empty()) {
    return Error(StatusCode::kFailedPrecondition, "the session holds no messages to answer");
  }
  HOB_RETURN_IF_ERROR(text::CheckUtf8(text, "the answer"));
  messages_.push_back({"assistant", text});
  calls_.clear();
  reply_ = std::move(text);
  tokens_.clear();
  stats_ = {};
  stats_.cache_bytes = cache_bytes();
  return absl::OkStatus();
}

StatusOr<size_t> Session::CountPrompt() const {
  if (messages_.empty()) return tokens_.size();
  HOB_ASSIGN_OR_RETURN(const std::vector<int32_t> prompt,
                       model_->EncodeChat(messages_, tools_.tools.get()));
  return prompt.size();
}

Status Session::KeepMessages(size_t count) {
  HOB_RETURN_IF_ERROR(CheckIdle());
  if (count > messages_.size()) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("the session has ", messages_.size(), " messages, fewer than ", count));
  }
  if (count == messages_.size()) return absl::OkStatus();
  messages_.resize(count);
  tokens_.clear();
  reply_.clear();
  calls_.clear();
  return absl::OkStatus();
}

Status Session::AddText(std::string_view text, const text::EncodeOptions& options) {
  HOB_RETURN_IF_ERROR(text::CheckUtf8(text, "the text"));
  HOB_ASSIGN_OR_RETURN(const std::vector<int32_t> tokens,
                       model_->tokenizer().Encode(text, options));
  return AddTokens(tokens);
}

Status Session::AddTokens(std::span<const int32_t> tokens) {
  HOB_RETURN_IF_ERROR(CheckIdle());
  if (!messages_.empty()) {
    return Error(StatusCode::kFailedPrecondition, "the session holds messages, not raw text",
                 "Reset it, or use another session.");
  }
  HOB_RETURN_IF_ERROR(CheckTokens(tokens));
  const size_t total = tokens_.size() + tokens.size();
  if (!rolls_ && total > static_cast<size_t>(context_tokens())) {
    return PromptTooLong(total, context_tokens());
  }
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  return absl::OkStatus();
}

Status Session::CheckTokens(std::span<const int32_t> tokens) const {
  const int32_t vocabulary = model_->batcher()->executor().shape().vocabulary;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= vocabulary) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("token ", tokens[i], " at index ", i, " is not in the vocabulary of ",
                          vocabulary));
    }
  }
  return absl::OkStatus();
}

void Session::KeepCached(std::span<const int32_t> tokens) {
  const auto differ =
      std::mismatch(cached_.begin(), cached_.end(), tokens.begin(), tokens.end()).first;
  cached_.erase(differ, cached_.end());
  cache_.Truncate(static_cast<int32_t>(cached_.size()));
}

void Session::AdoptShared(std::span<const int32_t> tokens) {
  const std::vector<KvPage> pages =
      model_->prefixes().Find(kv_type(), tokens.first(tokens.size() - 1), cache_.full_pages());
  // A page in part of the own is not worth less than one in full of others that ends before it.
  const size_t end = (cache_.full_pages() + pages.size()) * kKvPageTokens;
  if (pages.empty() || end <= cached_.size()) return;
  cached_.reserve(end);
  cache_.Adopt(pages);
  cached_.assign(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(end));
}

void Session::Share(size_t first) {
  // What a file holds is for this session alone: nobody can tell whether it is of these tokens.
  if (restored_) return;
  const size_t count = cache_.full_pages();
  if (count <= first) return;
  model_->prefixes().Insert(kv_type(), std::span(cached_).first(count * kKvPageTokens),
                            cache_.shared_pages().first(count));
}

Status Session::RunStep(std::span<const int32_t> tokens, std::span<const int32_t> logit_rows,
                        float* logits) {
  const auto rows = static_cast<int32_t>(tokens.size());
  cached_.reserve(cached_.size() + tokens.size());
  HOB_RETURN_IF_ERROR(cache_.PrepareAppend(rows));
  const SequenceRows sequence = {cache_.pages(), kv_type(), 0, rows, cache_.tokens()};
  Step step;
  step.tokens = tokens;
  step.sequences = {&sequence, 1};
  step.logit_rows = logit_rows;
  step.logits = logits;
  Batcher& batcher = *model_->batcher();
  if (Status status = batcher.scheduler().RunAlone(batcher, step, stop_); !status.ok()) {
    cache_.Truncate(cache_.tokens());
    return status;
  }
  cache_.CommitAppend(rows);
  cached_.insert(cached_.end(), tokens.begin(), tokens.end());
  return absl::OkStatus();
}

Status Session::Evaluate(std::span<const int32_t> tokens, const LogitsCallback& on_logits) {
  if (tokens.empty()) return Error(StatusCode::kInvalidArgument, "there are no tokens to evaluate");
  HOB_RETURN_IF_ERROR(CheckTokens(tokens));
  HOB_RETURN_IF_ERROR(Reset());
  if (tokens.size() > static_cast<size_t>(context_tokens())) {
    return PromptTooLong(tokens.size(), context_tokens());
  }
  stop_.store(false, std::memory_order_relaxed);

  const Executor& executor = model_->batcher()->executor();
  const auto vocabulary = static_cast<size_t>(executor.shape().vocabulary);
  const size_t chunk = std::min<size_t>(
      {static_cast<size_t>(std::min(executor.max_rows(), kEvaluateRows)), tokens.size()});
  HOB_ASSIGN_OR_RETURN(const Buffer logits,
                       model_->prefixes().MakeBuffer(model_->runtime().allocator(),
                                                     chunk * vocabulary * sizeof(float), "logits"));
  std::vector<int32_t> all_rows(chunk);
  std::iota(all_rows.begin(), all_rows.end(), 0);
  for (size_t first = 0; first < tokens.size(); first += chunk) {
    const size_t rows = std::min(chunk, tokens.size() - first);
    Status status =
        RunStep(tokens.subspan(first, rows), std::span(all_rows).first(rows), logits.as<float>());
    if (status.ok() && !on_logits(first, rows, {logits.as<float>(), rows * vocabulary})) {
      status = Error(StatusCode::kCancelled, "the callback cancelled the evaluation");
    }
    if (!status.ok()) {
      Clear();
      return status;
    }
  }
  tokens_.assign(tokens.begin(), tokens.end());
  stats_.cache_bytes = cache_bytes();
  return absl::OkStatus();
}

Status Session::Reset() {
  HOB_RETURN_IF_ERROR(CheckIdle());
  Clear();
  return absl::OkStatus();
}

void Session::Clear() {
  messages_.clear();
  tokens_.clear();
  dropped_ = 0;
  reply_.clear();
  calls_.clear();
  cached_.clear();
  cache_.Truncate(0);
  restored_ = false;
  if (drafter_ != nullptr) drafter_->Clear();
  stats_ = {};
  // The options have passed the check before.
  if (auto sampler = Sampler::Create(sampler_.options()); sampler.ok()) {
    sampler_ = *std::move(sampler);
  }
}

}  // namespace hob
