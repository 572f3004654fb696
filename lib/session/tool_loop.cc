// SPDX-License-Identifier: Apache-2.0
#include "lib/session/tool_loop.h"

#include <algorithm>
#include <utility>

#include "lib/session/json_writer.h"

namespace hob {
namespace {

Status CheckLoop(const ToolUse& use, const ToolLoop& loop) {
  if (use.tools == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "the session has no tools", "Set them first.");
  }
  if (loop.max_rounds < 1 || loop.max_rounds > ToolLoop::kMostRounds) {
    return Error(StatusCode::kInvalidArgument, Concat("max_tool_rounds is ", loop.max_rounds,
                                                      ", not 1 to ", ToolLoop::kMostRounds));
  }
  for (const text::Tool& tool : use.tools->set().tools()) {
    // Behind the first answer, any may be called.
    if (!use.only.empty() && tool.name != use.only && loop.max_rounds == 1) continue;
    if (std::find(loop.names.begin(), loop.names.end(), tool.name) != loop.names.end()) continue;
    return Error(StatusCode::kInvalidArgument,
                 Concat("the tool \"", tool.name, "\" has no function to carry it out"));
  }
  return absl::OkStatus();
}

// Puts the session back where it was, but for what is to stay.
class Undo {
 public:
  explicit Undo(Session& session)
      : session_(session), use_(session.tools()), messages_(session.message_count()) {}
  ~Undo() {
    session_.PutBackTools(std::move(use_));
    if (!kept_) session_.KeepMessages(messages_).IgnoreError();  // an idle session has as many
  }
  const ToolUse& use() const { return use_; }
  size_t messages() const { return messages_; }
  void Keep() { kept_ = true; }

 private:
  Session& session_;
  ToolUse use_;
  size_t messages_;
  bool kept_ = false;
};

// Adds what came of the calls; false: a function has ended the loop.
StatusOr<bool> Carry(Session& session, const ToolLoop& loop) {
  const std::vector<text::ToolCall> calls = session.calls();
  for (const text::ToolCall& call : calls) {
    const auto name = std::find(loop.names.begin(), loop.names.end(), call.name);
    std::string result;
    if (name == loop.names.end()) {
      // A call that no grammar has checked.
      result = Concat("There is no tool named ", call.name, ".");
    } else if (!loop.call(static_cast<size_t>(name - loop.names.begin()), call, &result)) {
      return false;
    }
    JsonWriter fields;
    fields.BeginObject().Key("tool_call_id").String(call.id).Key("name").String(call.name);
    HOB_RETURN_IF_ERROR(session.AddMessage("tool", result, fields.EndObject().text()));
    if (session.stopped()) return false;  // cancelled meanwhile
  }
  return true;
}

}  // namespace

StatusOr<GenerateResult> RunTools(Session& session, const ToolLoop& loop) {
  HOB_RETURN_IF_ERROR(CheckLoop(session.tools(), loop));
  Undo undo(session);
  GenerateOptions generate = loop.generate;
  if (!generate.armed) session.Arm();
  generate.armed = true;           // a cancel counts, whenever it comes
  size_t whole = undo.messages();  // up to what no answer is wanting
  for (int32_t round = 0;; ++round) {
    if (round == 1) {
      ToolUse use = undo.use();
      if (use.choice == text::ToolChoice::kRequired) use.choice = text::ToolChoice::kAuto;
      use.only.clear();
      HOB_RETURN_IF_ERROR(session.SetTools(std::move(use)));
    }
    if (round == loop.max_rounds) {
      ToolUse use = undo.use();
      use.choice = text::ToolChoice::kNone;
      use.constrain = true;
      HOB_RETURN_IF_ERROR(session.SetTools(std::move(use)));
    }
    HOB_ASSIGN_OR_RETURN(GenerateResult result, session.Generate(generate));
    const bool goes_on = result.finish_reason == FinishReason::kToolCalls ||
                         result.finish_reason == FinishReason::kLength;
    if (!goes_on || session.calls().empty()) {
      undo.Keep();
      return result;
    }
    HOB_ASSIGN_OR_RETURN(const bool more, Carry(session, loop));
    if (!more) {
      HOB_RETURN_IF_ERROR(session.KeepMessages(whole));
      undo.Keep();
      result.finish_reason = FinishReason::kCancelled;
      return result;
    }
    whole = session.message_count();
  }
}

}  // namespace hob
