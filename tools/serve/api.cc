// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/api.h"

#include <array>
#include <utility>

#include "tools/serve/json.h"

namespace tool::serve {
namespace {

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kCompletions = "/v1/completions";
constexpr std::string_view kEmbeddings = "/v1/embeddings";
constexpr std::string_view kModels = "/v1/models";
constexpr std::string_view kModel = "/v1/models/";
constexpr std::string_view kHealth = "/healthz";
constexpr std::string_view kReady = "/readyz";

bool IsPost(std::string_view path) {
  return path == kChat || path == kCompletions || path == kEmbeddings;
}

bool IsGet(std::string_view path) {
  return path == kHealth || path == kReady || path == kModels || path.starts_with(kModel);
}

ApiError Draining() {
  ApiError error(503, "shutting_down", "the server is shutting down");
  error.retry_after = 1;
  return error;
}

// "application/json; charset=utf-8" is JSON. A form of another site's page cannot say so without
// being asked first (CORS).
bool IsJson(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return CLI::detail::to_lower(std::string(type)) == "application/json";
}

}  // namespace

bool Api::Open(std::string_view path) const { return path == kHealth || path == kReady; }

std::optional<ApiError> Api::Accepts(const RequestHead& head) {
  const std::string_view path = head.path();
  if (IsPost(path)) {
    if (head.method != "POST") {
      return ApiError(405, "method_not_allowed", "this path is for POST");
    }
    if (draining_) return Draining();
    if (!IsJson(head.Get("Content-Type"))) {
      return ApiError(415, "unsupported_media_type", "the Content-Type is not application/json");
    }
    return std::nullopt;
  }
  if (!IsGet(path)) {
    return ApiError(404, "unknown_url", "there is no such path here: " + std::string(path));
  }
  if (head.method != "GET" && head.method != "HEAD") {
    return ApiError(405, "method_not_allowed", "this path is for GET");
  }
  if (draining_ && path == kReady) return Draining();
  return std::nullopt;
}

std::string Api::ModelObject() const {
  std::string out = R"({"id":)";
  AppendJsonString(out, model_id_);
  out += R"(,"object":"model","created":)" + std::to_string(started_) + R"(,"owned_by":"hob"})";
  return out;
}

void Api::Handle(const RequestHead& head, std::string body, std::shared_ptr<Exchange> exchange) {
  const std::string_view path = head.path();
  if (path == kHealth || path == kReady) {
    return exchange->Respond(200, R"({"status":"ok"})", {});
  }
  if (path == kModels) {
    return exchange->Respond(200, R"({"object":"list","data":[)" + ModelObject() + "]}", {});
  }
  if (path.starts_with(kModel)) {
    if (path.substr(kModel.size()) == model_id_) return exchange->Respond(200, ModelObject(), {});
    return exchange->Fail(
        ApiError(404, "model_not_found", "this server has no such model, but " + model_id_), {});
  }
  if (path == kEmbeddings) {
    return exchange->Fail(ApiError(400, "unsupported", "embeddings are not supported yet"), {});
  }
  if (!queue_->Submit(exchange, std::move(body), path == kChat)) {
    ApiError busy(429, "queue_full", "too many requests wait already: try again later");
    busy.retry_after = 1;
    exchange->Fail(busy, {});
  }
}

void Api::Done(const RequestContext& context, int status, const Summary& summary,
               double seconds) {
  const LogLevel level = status >= 500 ? LogLevel::kError : LogLevel::kInfo;
  if (summary.choices == 0) {
    log_.Write(level, "request",
               {{"request_id", context.id},
                {"trace_id", context.trace_id},
                {"parent_id", context.parent_id},
                {"remote", context.remote},
                {"method", context.method},
                {"path", context.path},
                {"status", int64_t{status}},
                {"finish", summary.finish},
                {"ms", seconds * 1000}});
    return;
  }
  log_.Write(level, "request",
             {{"request_id", context.id},
              {"trace_id", context.trace_id},
              {"parent_id", context.parent_id},
              {"remote", context.remote},
              {"method", context.method},
              {"path", context.path},
              {"status", int64_t{status}},
              {"finish", summary.finish},
              {"ms", seconds * 1000},
              {"queue_ms", summary.queue_ms},
              {"first_token_ms", summary.first_token_ms},
              {"choices", summary.choices},
              {"prompt_tokens", summary.prompt_tokens},
              {"cached_tokens", summary.cached_tokens},
              {"completion_tokens", summary.completion_tokens}});
}

}  // namespace tool::serve
