// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/answer.h"

#include <ctime>
#include <hob/tools.hpp>

#include "tools/serve/json.h"
#include "tools/serve/request_context.h"

namespace tool::serve {
namespace {

// null until the answer is over.
std::string_view FinishName(const Choice& choice) {
  switch (choice.result.finish_reason) {
    case HOB_FINISH_END:
    case HOB_FINISH_STOP:
      return "stop";
    case HOB_FINISH_TOOL_CALLS:
      return "tool_calls";
    default:  // max_tokens, the context, the time
      return "length";
  }
}

// [{"id": …, "type": "function", "function": {…}}], or nothing. Of a stream, each with its index.
std::string CallsOf(const Choice& choice, bool stream) {
  const auto calls = hob::ToolCalls(choice.session);
  std::string out;
  if (!calls.ok() || calls->empty()) return out;
  for (size_t i = 0; i < calls->size(); ++i) {
    const hob::ToolCall& call = (*calls)[i];
    out.append(i == 0 ? "[{" : ",{");
    if (stream) out.append(R"("index":)").append(std::to_string(i)).push_back(',');
    out.append(R"("id":)");
    AppendJsonString(out, call.id);
    out.append(R"(,"type":"function","function":{"name":)");
    AppendJsonString(out, call.name);
    out.append(R"(,"arguments":)");
    AppendJsonString(out, call.arguments);
    out.append("}}");
  }
  return out.append("]");
}

double Milliseconds(Answer::Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Answer::Answer(std::shared_ptr<Exchange> exchange, GenerationRequest request,
               const std::string& model)
    : exchange_(std::move(exchange)), request_(std::move(request)) {
  std::string_view object = "text_completion";
  if (request_.chat) object = request_.stream ? "chat.completion.chunk" : "chat.completion";
  head_ = R"({"id":")" + std::string(request_.chat ? "chatcmpl-" : "cmpl-") + RandomId() +
          R"(","object":")" + std::string(object) + R"(","created":)" +
          std::to_string(std::time(nullptr)) + R"(,"model":)";
  AppendJsonString(head_, model);
  head_ += R"(,"system_fingerprint":"hob-)" + std::string(hob::ToView(hob_version())) +
           R"(","choices":[)";
}

void Answer::AppendHead(std::string& out) const { out.append("data: ").append(head_); }

void Answer::AppendBegin(std::string& out) const {
  if (!request_.chat) return;
  const std::string_view usage = request_.include_usage ? R"(,"usage":null)" : "";
  for (size_t i = 0; i < choices_.size(); ++i) {
    AppendHead(out);
    out += R"({"index":)" + std::to_string(i) +
           R"(,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}])";
    out.append(usage).append("}\n\n");
  }
}

void Answer::AppendPiece(std::string& out, size_t choice, std::string_view text) {
  AppendHead(out);
  out.append(R"({"index":)").append(std::to_string(choice));
  out.append(request_.chat ? R"(,"delta":{"content":)" : R"(,"text":)");
  AppendJsonString(out, text);
  if (request_.chat) out.push_back('}');
  Logprobs& logprobs = choices_[choice].logprobs;
  out.append(R"(,"logprobs":)").append(logprobs.empty() ? "null" : logprobs.Take());
  out.append(R"(,"finish_reason":null}])");
  out.append(request_.include_usage ? ",\"usage\":null}\n\n" : "}\n\n");
}

void Answer::AppendFinish(std::string& out, size_t choice) const {
  AppendHead(out);
  out.append(R"({"index":)").append(std::to_string(choice));
  const std::string calls = CallsOf(choices_[choice], true);
  if (!calls.empty()) {
    out.append(R"(,"delta":{"tool_calls":)").append(calls).append("}");
  } else {
    out.append(request_.chat ? R"(,"delta":{})" : R"(,"text":"")");
  }
  out.append(R"(,"logprobs":null,"finish_reason":")").append(FinishName(choices_[choice]));
  out.append(request_.include_usage ? "\"}],\"usage\":null}\n\n" : "\"}]}\n\n");
}

void Answer::AppendEnd(std::string& out) const {
  if (request_.include_usage) {
    AppendHead(out);
    out.append(R"(],"usage":)").append(Usage()).append("}\n\n");
  }
  out.append("data: [DONE]\n\n");
}

void Answer::AppendError(std::string& out, const ApiError& error) {
  out.append("data: ").append(error.Body()).append("\n\n");
}

std::string Answer::Body() {
  std::string out = head_;
  for (size_t i = 0; i < choices_.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.append(R"({"index":)").append(std::to_string(i));
    out.append(request_.chat ? R"(,"message":{"role":"assistant","content":)" : R"(,"text":)");
    const std::string calls = CallsOf(choices_[i], false);
    if (!calls.empty() && choices_[i].text.empty()) {
      out.append("null");
    } else {
      AppendJsonString(out, choices_[i].text);
    }
    if (!calls.empty()) out.append(R"(,"tool_calls":)").append(calls);
    if (request_.chat) out.append(R"(,"refusal":null})");
    out.append(R"(,"logprobs":)");
    out.append(request_.logprobs ? choices_[i].logprobs.Take() : "null");
    out.append(R"(,"finish_reason":")").append(FinishName(choices_[i])).append("\"}");
  }
  out.append(R"(],"usage":)").append(Usage()).append("}");
  return out;
}

std::string Answer::Usage() const {
  const Summary sum = Summarize();
  return R"({"prompt_tokens":)" + std::to_string(sum.prompt_tokens) + R"(,"completion_tokens":)" +
         std::to_string(sum.completion_tokens) + R"(,"total_tokens":)" +
         std::to_string(sum.prompt_tokens + sum.completion_tokens) +
         R"(,"prompt_tokens_details":{"cached_tokens":)" + std::to_string(sum.cached_tokens) + "}}";
}

Summary Answer::Summarize() const {
  Summary sum;
  sum.choices = static_cast<int64_t>(choices_.size());
  for (size_t i = 0; i < choices_.size(); ++i) {
    const hob_generate_result& result = choices_[i].result;
    sum.completion_tokens += result.generated_tokens;
    // n answers to one prompt count it once, as the protocol has it.
    if (i % static_cast<size_t>(request_.n) != 0) continue;
    sum.prompt_tokens += result.prompt_tokens;
    sum.cached_tokens += result.cached_tokens;
  }
  if (!choices_.empty()) sum.finish = FinishName(choices_.front());
  if (failure != nullptr) sum.finish = "error";
  if (cancelled) sum.finish = "cancelled";
  if (begun != Clock::time_point()) sum.queue_ms = Milliseconds(begun - received);
  if (first_token != Clock::time_point()) {
    sum.first_token_ms = Milliseconds(first_token - received);
  }
  return sum;
}

}  // namespace tool::serve
