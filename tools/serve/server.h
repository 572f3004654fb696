// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/serve/exchange.h"
#include "tools/serve/guard.h"
#include "tools/serve/log.h"
#include "tools/serve/request_context.h"

namespace tool::serve {

struct HttpLimits {
  size_t connections = 256;
  size_t body_bytes = size_t{1} << 20;
  uint32_t header_bytes = 16384;
  std::chrono::seconds header_time{10};  // from the first byte, or the connection, to the body
  std::chrono::seconds body_time{30};
  std::chrono::seconds idle_time{60};   // between two requests
  std::chrono::seconds write_time{30};  // for what was sent to be taken
};

// A whole answer that is there at once.
struct Response {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";
};

// What the server asks of whoever knows the routes; on the server's thread.
class Routes {
 public:
  virtual ~Routes() = default;
  // Whether the path needs no key: probes.
  virtual bool Open(std::string_view path) const = 0;
  // Before the body is read: an error (404, 405, 415, 503) or nothing.
  virtual std::optional<ApiError> Accepts(const RequestHead& head) = 0;
  // Answers through the exchange, now or later.
  virtual void Handle(const RequestHead& head, std::string body,
                      std::shared_ptr<Exchange> exchange) = 0;
  // An answer has been given, or its client has gone.
  virtual void Done(const RequestContext& context, int status, const Summary& summary,
                    double seconds) = 0;
};

// HTTP/1.1 over TCP. One thread serves all connections: an answer's tokens come a step at a time
// for all of them, and writing them takes microseconds.
class Server {
 public:
  Server(const std::string& host, uint16_t port, const HttpLimits& limits, GuardOptions guard,
         Log& log, Routes& routes);  // throws Failure: the address is taken or wrong
  ~Server();

  // As it was given, or chosen by the system for 0.
  uint16_t port() const;
  // Runs `deliveries` on the server's thread. Any thread.
  void Post(std::vector<Delivery> deliveries);
  // Serves until Stop.
  void Run();
  // Any thread.
  void Stop();
  // Calls `handler` on the server's thread at SIGTERM or SIGINT, each time.
  void OnTerminate(std::function<void()> handler);
  // Calls `handler` on the server's thread after that time.
  void After(std::chrono::milliseconds time, std::function<void()> handler);
  // From now on an answer is the last of its connection.
  void CloseAfterAnswers();
  // Connections, and those of them that have a request. On the server's thread.
  size_t connections() const;
  size_t busy() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tool::serve
