// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <functional>
#include <string>

#include "tools/serve/answer_queue.h"
#include "tools/serve/log.h"
#include "tools/serve/metrics_text.h"
#include "tools/serve/server.h"

namespace tool::serve {

// The paths that the server knows: docs/reference/http.md.
class Api final : public Routes {
 public:
  Api(std::string model_id, const hob::Runtime& runtime, Log& log)
      : model_id_(std::move(model_id)), runtime_(runtime), log_(log) {}

  // Before the first request; both outlive the last one.
  void Connect(AnswerQueue* queue, const Server* server) {
    queue_ = queue;
    server_ = server;
  }
  // New requests are refused from now on; on the server's thread.
  void Drain() { draining_ = true; }

  bool Open(std::string_view path) const override;
  std::optional<ApiError> Accepts(const RequestHead& head) override;
  void Handle(const RequestHead& head, std::string body,
              std::shared_ptr<Exchange> exchange) override;
  void Done(const RequestContext& context, int status, const Summary& summary,
            double seconds) override;

 private:
  std::string ModelObject() const;
  std::string Metrics() const;

  const std::string model_id_;
  const hob::Runtime& runtime_;
  Log& log_;
  AnswerQueue* queue_ = nullptr;
  const Server* server_ = nullptr;
  HttpMetrics metrics_;
  const std::time_t started_ = std::time(nullptr);
  bool draining_ = false;
};

}  // namespace tool::serve
