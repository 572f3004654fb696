// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/api.h"

#include <sys/resource.h>

#include <utility>
#include <vector>

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
constexpr std::string_view kMetrics = "/metrics";

bool IsPost(std::string_view path) {
  return path == kChat || path == kCompletions || path == kEmbeddings;
}

bool IsGet(std::string_view path) {
  return path == kHealth || path == kReady || path == kMetrics || path == kModels ||
         path.starts_with(kModel);
}

// For counting: what clients make up is not kept.
std::string_view KnownPath(std::string_view path) {
  for (const std::string_view known :
       {kChat, kCompletions, kEmbeddings, kModels, kHealth, kReady, kMetrics}) {
    if (path == known) return known;
  }
  return path.starts_with(kModel) ? kModels : "other";
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

std::string Api::ModelObject(const std::string& id) const {
  std::string out = R"({"id":)" + Quoted(id);
  out += R"(,"object":"model","created":)" + std::to_string(started_) + R"(,"owned_by":"hob"})";
  return out;
}

void Api::Handle(const RequestHead& head, std::string body, std::shared_ptr<Exchange> exchange) {
  const std::string_view path = head.path();
  if (path == kHealth || path == kReady) {
    return exchange->Respond(200, R"({"status":"ok"})", {});
  }
  if (path == kMetrics) {
    return exchange->RespondText(Metrics(), "text/plain; version=0.0.4; charset=utf-8");
  }
  if (path == kModels) {
    std::string list = ModelObject(model_id_);
    if (embeddings_ != nullptr) list += "," + ModelObject(embeddings_->model_id());
    return exchange->Respond(200, R"({"object":"list","data":[)" + list + "]}", {});
  }
  if (path.starts_with(kModel)) {
    const std::string name(path.substr(kModel.size()));
    if (name == model_id_ || (embeddings_ != nullptr && name == embeddings_->model_id())) {
      return exchange->Respond(200, ModelObject(name), {});
    }
    return exchange->Fail(
        ApiError(404, "model_not_found", "this server has no such model, but " + model_id_), {});
  }
  ApiError busy(429, "queue_full", "too many requests wait already: try again later");
  busy.retry_after = 1;
  if (path == kEmbeddings) {
    if (embeddings_ == nullptr) {
      return exchange->Fail(
          ApiError(400, "unsupported", "this server has no encoder: start it with --embed-model"),
          {});
    }
    if (!embeddings_->Submit(exchange, std::move(body))) exchange->Fail(busy, {});
    return;
  }
  if (!queue_->Submit(exchange, std::move(body), path == kChat)) {
    exchange->Fail(busy, {});
  }
}

std::string Api::Metrics() const {
  MetricsText out;
  out.Family("hob_build_info", "gauge", "Version of hob and the model that it serves.");
  out.Value(1, {{"version", hob::ToView(hob_version())}, {"model", model_id_}});
  out.Family("process_start_time_seconds", "gauge", "When the server began.");
  out.Value(static_cast<double>(started_));
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  out.Family("process_cpu_seconds_total", "counter", "Processor time that was used.");
  out.Value(seconds(usage.ru_utime) + seconds(usage.ru_stime));
  out.Family("hob_http_connections", "gauge", "Connections that are open.");
  out.Value(static_cast<double>(server_->connections()));
  out.Family("hob_http_requests_in_progress", "gauge", "Requests that are not answered yet.");
  out.Value(static_cast<double>(server_->busy()));
  out.Family("hob_queue_requests", "gauge", "Requests for answers that run or wait.");
  out.Value(static_cast<double>(queue_->active()));
  out.Family("hob_draining", "gauge", "1 after SIGTERM.");
  out.Value(draining_ ? 1 : 0);
  out.Family("hob_http_requests_total", "counter", "Requests, by path and status (499: gone).");
  for (const auto& [key, count] : metrics_.requests) {
    out.Value(static_cast<double>(count),
              {{"path", key.first}, {"code", std::to_string(key.second)}});
  }
  out.Family("hob_http_request_seconds_total", "counter", "Time that they took together, by path.");
  for (const auto& [path, time] : metrics_.seconds) out.Value(time, {{"path", path}});
  if (const auto metrics = hob::GetMetrics(runtime_); metrics.ok()) {
    AppendRuntimeMetrics(out, *metrics);
  }
  return out.text();
}

void Api::Done(const RequestContext& context, int status, const Summary& summary, double seconds) {
  const std::string_view path = KnownPath(context.path);
  ++metrics_.requests[{path, status}];
  metrics_.seconds[path] += seconds;
  const LogLevel level = status >= 500 ? LogLevel::kError : LogLevel::kInfo;
  std::vector<Log::Field> fields = {
      {"request_id", context.id},  {"trace_id", context.trace_id}, {"parent_id", context.parent_id},
      {"remote", context.remote},  {"method", context.method},     {"path", context.path},
      {"status", int64_t{status}}, {"finish", summary.finish},     {"ms", seconds * 1000}};
  if (summary.choices > 0) {
    fields.insert(fields.end(), {{"queue_ms", summary.queue_ms},
                                 {"first_token_ms", summary.first_token_ms},
                                 {"choices", summary.choices},
                                 {"prompt_tokens", summary.prompt_tokens},
                                 {"cached_tokens", summary.cached_tokens},
                                 {"completion_tokens", summary.completion_tokens}});
  }
  log_.Write(level, "request", fields);
}

}  // namespace tool::serve
