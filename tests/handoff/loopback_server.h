// SPDX-License-Identifier: Apache-2.0
// An HTTP server on this computer that answers as a test tells it to, cut connections included.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hob::test {

class LoopbackServer {
 public:
  class Connection {
   public:
    explicit Connection(int socket) : socket_(socket) {}
    // False: the client is gone.
    bool Send(std::string_view bytes) const;
    // Until the client closes.
    void AwaitEnd() const;
    // The whole request: head and body.
    std::string ReadRequest() const;

   private:
    int socket_;
  };
  // Called on the server's thread, which then closes the connection.
  using Handler = std::function<void(const Connection& connection)>;

  // The n-th connection gets the n-th handler; those after the last one, the last.
  explicit LoopbackServer(std::vector<Handler> handlers);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string url() const;
  // How many connections came.
  int connections() const { return connections_.load(); }
  // The requests so far.
  std::vector<std::string> requests() const;

 private:
  void Serve();

  const std::vector<Handler> handlers_;
  int socket_ = -1, port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;  // of requests_
  std::vector<std::string> requests_;
  std::thread thread_;
};

// A whole response.
LoopbackServer::Handler Respond(std::string status, std::string headers, std::string body);
// The beginning of a stream without a length.
extern const std::string kStreamHead;
// A chunk of it with this text, as JSON has it between quotes.
std::string Chunk(std::string_view text);
// The end of a stream that was not cut.
extern const std::string kStreamEnd;
// A stream of these pieces.
LoopbackServer::Handler Stream(std::vector<std::string> pieces);
// The same bytes, then the connection is cut.
LoopbackServer::Handler Cut(std::string bytes);

}  // namespace hob::test
