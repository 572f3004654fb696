// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>

#include "tools/serve/server.h"

namespace tool::serve {

// What all connections share.
struct ConnectionShared {
  const HttpLimits limits;
  const GuardOptions guard;
  Log& log;
  Routes& routes;
  size_t connections = 0, busy = 0;
  bool closing = false;  // answers are the last of their connection
};

// A TCP connection: requests one after the other, each read, checked and answered. All on the
// server's thread. While an answer is on its way the connection goes on reading, to see the client
// go; what comes is the next request's.
class Connection final : public Exchange, public std::enable_shared_from_this<Connection> {
 public:
  using Tcp = boost::asio::ip::tcp;
  using ErrorCode = boost::system::error_code;

  Connection(Tcp::socket socket, ConnectionShared& shared);
  ~Connection() override;
  void Start();

  void Respond(int status, std::string body, const Summary& summary) override;
  void RespondText(std::string body, std::string_view content_type) override;
  void Fail(const ApiError& error, const Summary& summary) override;
  void BeginStream() override;
  void Stream(std::string events) override;
  void EndStream(const Summary& summary) override;

  void RespondAs(const Response& response, const Summary& summary, int retry_after = 0);

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  void WaitForRequest();
  void ReadHead();
  void HeadIsRead(ErrorCode error);
  void ReadBody();
  void BodyIsRead(ErrorCode error);
  void Preflight();
  // Looks for the client's end while an answer is on its way.
  void Watch();
  // The answer is complete in out_; when it is sent, the next request.
  void FinishExchange(int status, const Summary& summary);
  void RefuseForm(int status, std::string_view code, std::string text);
  // One that is larger than allowed, as its length says or as it comes.
  void RefuseBody();

  std::string Head(int status, std::string_view content_type) const;
  void Send(std::string_view bytes);
  void Flush();
  void AllSent();
  void Arm(std::chrono::steady_clock::duration time);
  void Linger();
  void Close();
  void Busy(bool busy);

  Tcp::socket socket_;
  ConnectionShared& shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  RequestHead head_;
  RequestContext context_;
  std::string origin_;  // Access-Control-Allow-Origin of the answer
  boost::asio::steady_timer deadline_, write_deadline_;

  std::string out_, sending_;
  bool writing_ = false;    // sending_ is on its way
  bool keep_alive_ = true;  // after this request
  bool chunked_ = false;    // this answer is sent in chunks
  bool streaming_ = false;  // between BeginStream and EndStream
  bool answering_ = false;  // a request has been handed over, its answer is not complete
  bool complete_ = false;   // the answer is in out_
  bool unread_ = false;     // of the request, something
  bool watching_ = false, late_ = false, busy_ = false, closed_ = false;
};

}  // namespace tool::serve
