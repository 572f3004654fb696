// SPDX-License-Identifier: Apache-2.0
// How a session answers: Generate, and Start and Poll, which it consists of.
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "lib/scheduler/scheduler.h"
#include "lib/session/generation.h"
#include "lib/session/session.h"
#include "lib/text/grammar/matcher.h"
#include "lib/text/tools/tool_messages.h"
#include "lib/text/unicode.h"

namespace hob {
namespace {

Status CheckOptions(const GenerateOptions& options, const text::Tokenizer& tokenizer) {
  if (options.grammar != nullptr && &options.grammar->tokenizer() != &tokenizer) {
    return Error(StatusCode::kInvalidArgument,
                 "the grammar was made for another tokenizer than the model's",
                 "Make it with the tokenizer that hob_model_get_tokenizer gives.");
  }
  if (options.top_logprobs < 0 || options.top_logprobs > GenerateOptions::kMaxTopLogprobs) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("generate option top_logprobs is ", options.top_logprobs, ", not 0 to ",
                        GenerateOptions::kMaxTopLogprobs));
  }
  if (options.top_logprobs > 0 && !options.logprobs) {
    return Error(StatusCode::kInvalidArgument,
                 "generate option top_logprobs is set, but logprobs is not");
  }
  if (options.max_tokens < 0) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("generate option max_tokens is ", options.max_tokens, ", below 0"));
  }
  if (options.stops.size() > GenerateOptions::kMaxStops) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("there are ", options.stops.size(), " stop texts, more than ",
                        GenerateOptions::kMaxStops));
  }
  for (size_t i = 0; i < options.stops.size(); ++i) {
    const std::string& stop = options.stops[i];
    if (stop.empty() || stop.size() > GenerateOptions::kMaxStopBytes) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("stop text ", i, " has ", stop.size(), " bytes, not 1 to ",
                          GenerateOptions::kMaxStopBytes));
    }
    HOB_RETURN_IF_ERROR(text::CheckUtf8(stop, Concat("stop text ", i)));
  }
  return absl::OkStatus();
}

}  // namespace

Status Session::Start(const GenerateOptions& options) {
  HOB_RETURN_IF_ERROR(CheckIdle());
  if (!options.armed) Arm();
  HOB_RETURN_IF_ERROR(CheckOptions(options, model_->tokenizer()));
  std::vector<int32_t> prompt;
  int64_t dropped = 0;
  if (messages_.empty()) {
    prompt = tokens_;
    dropped = dropped_;
  } else {
    HOB_ASSIGN_OR_RETURN(prompt, model_->EncodeChat(messages_, tools_.tools.get()));
  }
  if (prompt.empty()) {
    return Error(StatusCode::kFailedPrecondition, "the session is empty",
                 "Add a message, text or tokens first.");
  }
  if (rolls_) {
    const auto drop = static_cast<ptrdiff_t>(window_.Drop(prompt.size()));
    prompt.erase(prompt.begin() + window_.keep, prompt.begin() + window_.keep + drop);
    dropped += drop;
  } else if (prompt.size() > static_cast<size_t>(context_tokens())) {
    return PromptTooLong(prompt.size(), context_tokens());
  }
  std::optional<text::Matcher> matcher;
  std::shared_ptr<const text::CompiledGrammar> grammar = options.grammar;
  std::optional<text::ToolParser> parser;
  if (tools_.tools != nullptr && !messages_.empty()) {
    if (grammar != nullptr) {
      return Error(StatusCode::kInvalidArgument,
                   "generate option grammar is set, and the session has tools",
                   "Take the tools away for an answer of a promised form.");
    }
    if (tools_.constrain) {
      HOB_ASSIGN_OR_RETURN(grammar,
                           tools_.tools->GrammarOf({tools_.choice, tools_.only, tools_.parallel}));
    }
    size_t calls = 0;
    for (const text::ChatMessage& message : messages_) calls += text::CountCalls(message.fields);
    parser.emplace(tools_.tools->style(), calls);
  }
  if (grammar != nullptr && options.ignore_eos) {
    return Error(StatusCode::kInvalidArgument,
                 "generate option ignore_eos is set, but a grammar says where the answer ends");
  }
  if (grammar != nullptr) {
    HOB_ASSIGN_OR_RETURN(matcher, text::Matcher::Create(std::move(grammar)));
  }
  auto generation = std::make_shared<Generation>(*this, options, std::move(matcher),
                                                 std::move(parser), std::move(prompt), dropped);
  Metrics& metrics = model_->runtime().scheduler().metrics();
  // Before the scheduler knows of it: it may be over at once.
  Metrics::Add(metrics.started);
  Metrics::Add(metrics.waiting);
  if (!generation->EndIfFull()) {
    Urgency urgency{.priority = options.priority};
    if (options.max_time.count() > 0) urgency.deadline = Urgency::Clock::now() + options.max_time;
    Batcher& batcher = *model_->batcher();
    const Status submitted =
        batcher.scheduler().Submit(batcher, generation, urgency, generation->BeginDrafts());
    if (!submitted.ok()) {
      Metrics::Subtract(metrics.waiting);
      Metrics::AddAt(metrics.failed, static_cast<size_t>(submitted.code()));
      return submitted;
    }
  }
  running_ = std::move(generation);
  return absl::OkStatus();
}

StatusOr<PieceKind> Session::Poll(std::chrono::steady_clock::time_point deadline,
                                  const Piece** out) {
  *out = nullptr;
  if (running_ == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "the session is not answering",
                 "Start an answer first.");
  }
  // Whatever happens, throwing for lack of memory included, an answer that is not kept is undone.
  struct Guard {
    Session& session;
    bool over = true;
    ~Guard() {
      if (over) session.Undo();
    }
  } guard{*this};
  HOB_ASSIGN_OR_RETURN(const PieceKind kind, running_->Take(deadline, &piece_));
  if (kind == PieceKind::kToken) *out = &piece_;
  if (kind == PieceKind::kEnd) {
    HOB_RETURN_IF_ERROR(running_->Commit());
    running_ = nullptr;
  }
  guard.over = false;
  return kind;
}

void Session::Undo() {
  if (running_ == nullptr) return;
  running_->Halt();
  running_->Abandon();
  running_ = nullptr;
}

void Session::TakeBack() {
  Undo();
  stop_.store(false);
  if (cancels_.load() != armed_) stop_.store(true);
}

StatusOr<GenerateResult> Session::Generate(const GenerateOptions& options) {
  HOB_RETURN_IF_ERROR(Start(options));
  // The callback may throw.
  struct Guard {
    Session& session;
    ~Guard() { session.Undo(); }
  } const guard{*this};
  const Piece* piece = nullptr;
  while (true) {
    HOB_ASSIGN_OR_RETURN(const PieceKind kind,
                         Poll(std::chrono::steady_clock::time_point::max(), &piece));
    if (kind == PieceKind::kEnd) return stats_.counts;
    if (options.on_token != nullptr && !options.on_token(*piece)) Cancel();
  }
}

}  // namespace hob
