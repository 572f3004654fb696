// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <functional>
#include <string>

#include "tools/serve/answer_queue.h"
#include "tools/serve/log.h"
#include "tools/serve/server.h"

namespace tool::serve {

// The paths that the server knows: docs/reference/http.md.
class Api final : public Routes {
 public:
  Api(std::string model_id, Log& log) : model_id_(std::move(model_id)), log_(log) {}

  // Before the first request.
  void SetQueue(AnswerQueue* queue) { queue_ = queue; }
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

  const std::string model_id_;
  Log& log_;
  AnswerQueue* queue_ = nullptr;
  const std::time_t started_ = std::time(nullptr);
  bool draining_ = false;
};

}  // namespace tool::serve
