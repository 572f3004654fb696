// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/chat_response.h"

#include <algorithm>
#include <optional>

#include "lib/format/json.h"

namespace hob::handoff {
namespace {

using format::Json;
using format::JsonKind;
using format::JsonValue;

int32_t Count(const JsonValue& usage, std::string_view name) {
  const auto value = usage.Find(name);
  const auto count = value ? value->Integer() : std::nullopt;
  return count && *count >= 0 && *count <= INT32_MAX ? static_cast<int32_t>(*count) : -1;
}

// One line, without what a terminal would act upon; whole characters.
std::string Printable(std::string_view text) {
  constexpr size_t kMost = 200;
  std::string out;
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7F ? ' ' : c);
  }
  if (text.size() > kMost) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
  }
  return out;
}

std::string MessageOf(const JsonValue& root) {
  std::optional<JsonValue> error = root.Find("error");
  if (!error) error = root;
  if (const auto text = error->Text()) return Printable(*text);
  const auto message = error->Find("message");
  const auto text = message ? message->Text() : std::nullopt;
  return text ? Printable(*text) : std::string();
}

}  // namespace

StatusOr<bool> ChatResponse::Push(std::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > kMaxBytes || (!streams_ && bytes_ > kMaxObjectBytes)) {
    return Error(StatusCode::kResourceExhausted, "the endpoint's answer has no end");
  }
  if (!streams_) {
    body_.append(bytes);
    return true;
  }
  return events_.Push(bytes, [this](std::string_view data) -> StatusOr<bool> {
    if (data == "[DONE]") {
      finished_ = true;
      return false;
    }
    return Object(data, "delta");
  });
}

Status ChatResponse::End() {
  if (!streams_) {
    HOB_RETURN_IF_ERROR(Object(body_, "message").status());
    finished_ = true;
  }
  if (finished_) return absl::OkStatus();
  return Error(StatusCode::kUnavailable, "the endpoint's answer broke off");
}

StatusOr<bool> ChatResponse::Object(std::string_view json, std::string_view content) {
  const auto parsed = Json::Parse(json);
  if (!parsed.ok() || !parsed->root().is(JsonKind::kObject)) {
    return Error(StatusCode::kDataLoss, "the endpoint's answer is not JSON as it should be");
  }
  const JsonValue root = parsed->root();
  if (root.Find("error")) {
    const std::string message = MessageOf(root);
    return Error(StatusCode::kUnavailable, Concat("the endpoint failed within its answer",
                                                  message.empty() ? "" : ": ", message));
  }
  if (const auto usage = root.Find("usage")) {
    prompt_tokens_ = Count(*usage, "prompt_tokens");
    generated_tokens_ = Count(*usage, "completion_tokens");
  }
  const auto choices = root.Find("choices");
  if (!choices || !choices->is(JsonKind::kArray)) {
    return Error(StatusCode::kDataLoss, "the endpoint's answer has no choices");
  }
  std::optional<JsonValue> choice;
  HOB_RETURN_IF_ERROR(choices->ForEachElement([&](JsonValue value) {
    if (!choice) choice = value;  // one was asked for
    return absl::OkStatus();
  }));
  if (!choice) return true;  // the last chunk tells the usage alone
  bool more = true;
  const auto part = choice->Find(content);
  const auto member = part ? part->Find("content") : std::nullopt;
  const auto text = member ? member->Text() : std::nullopt;
  if (text && !text->empty()) {
    text_bytes_ += text->size();
    if (text_bytes_ > kMaxTextBytes) {
      return Error(StatusCode::kResourceExhausted, "the endpoint's answer has no end");
    }
    HOB_ASSIGN_OR_RETURN(more, on_text_(*text));
  }
  const auto reason = choice->Find("finish_reason");
  if (const auto name = reason ? reason->Text() : std::nullopt) {
    finished_ = true;  // the usage and [DONE] may come, or not
    length_ = *name == "length";
  }
  return more;
}

std::string ErrorMessageOf(std::string_view body) {
  const auto parsed = Json::Parse(body);
  return parsed.ok() ? MessageOf(parsed->root()) : std::string();
}

}  // namespace hob::handoff
