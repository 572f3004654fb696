// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <cstdio>
#include <utility>

namespace tool::serve {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using std::chrono::steady_clock;

// Bytes of further requests that are kept while one is answered.
constexpr size_t kMostAhead = 16384;
// What is read and thrown away so that the client sees why it was refused.
constexpr auto kLingerTime = std::chrono::seconds(2);

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Connection::Connection(Tcp::socket socket, ConnectionShared& shared)
    : socket_(std::move(socket)),
      shared_(shared),
      buffer_(shared.limits.header_bytes + kMostAhead),
      deadline_(socket_.get_executor()),
      write_deadline_(socket_.get_executor()) {
  ++shared_.connections;
}

Connection::~Connection() {
  Busy(false);
  --shared_.connections;
}

void Connection::Start() {
  ErrorCode ignored;
  socket_.set_option(Tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  context_.remote = socket_.remote_endpoint(ignored).address().to_string();
  ReadHead();
}

void Connection::Busy(bool busy) {
  if (busy == busy_) return;
  busy_ = busy;
  shared_.busy += busy ? 1 : -1;
}

// The one deadline of what is being read; the next call replaces it.
void Connection::Arm(steady_clock::duration time) {
  late_ = false;
  deadline_.expires_after(time);
  deadline_.async_wait([self = weak_from_this()](ErrorCode error) {
    const auto connection = self.lock();
    if (error || connection == nullptr) return;
    // A handler that was already on its way when the deadline was moved.
    if (connection->deadline_.expiry() > steady_clock::now()) return;
    connection->late_ = true;
    ErrorCode ignored;
    connection->socket_.cancel(ignored);
  });
}

void Connection::WaitForRequest() {
  Busy(false);
  if (shared_.closing) return Close();
  if (buffer_.size() > 0) return ReadHead();
  Arm(shared_.limits.idle_time);
  socket_.async_wait(Tcp::socket::wait_read, [self = shared_from_this()](ErrorCode error) {
    if (error || self->closed_) return self->Close();
    self->ReadHead();
  });
}

void Connection::ReadHead() {
  parser_.emplace();
  parser_->header_limit(shared_.limits.header_bytes);
  parser_->body_limit(shared_.limits.body_bytes);
  origin_.clear();
  head_ = {};
  complete_ = chunked_ = streaming_ = answering_ = false;
  unread_ = true;
  Arm(shared_.limits.header_time);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](ErrorCode error, size_t) {
                            if (!self->closed_) self->HeadIsRead(error);
                          });
}

void Connection::RefuseForm(int status, std::string_view code, std::string text) {
  keep_alive_ = false;
  Fail(ApiError(status, code, std::move(text)), {});
}

void Connection::RefuseBody() {
  RefuseForm(413, "body_too_large",
             "the body has more than " + std::to_string(shared_.limits.body_bytes) + " bytes");
}

void Connection::HeadIsRead(ErrorCode error) {
  const bool begun = parser_->got_some();
  if (begun || !error) Busy(true);
  context_.id = RandomId();
  context_.trace_id.clear();
  context_.parent_id.clear();
  context_.method.clear();
  context_.path.clear();
  context_.received = steady_clock::now();
  if (late_) {
    if (!begun) return Close();
    return RefuseForm(408, "timeout", "the header did not come in time");
  }
  if (error == http::error::end_of_stream || (error && !begun)) return Close();
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return RefuseForm(
        431, "header_too_large",
        "the header has more than " + std::to_string(shared_.limits.header_bytes) + " bytes");
  }
  if (error == http::error::body_limit) return RefuseBody();
  if (error == http::error::partial_message || error == asio::error::connection_reset) {
    return Close();
  }
  if (error) return RefuseForm(400, "bad_request", "not HTTP/1.1: " + error.message());

  const auto& message = parser_->get();
  head_.method = View(message.method_string());
  head_.target = View(message.target());
  head_.http10 = message.version() < 11;
  for (const auto& field : message) {
    head_.fields.emplace_back(View(field.name_string()), View(field.value()));
  }
  keep_alive_ = message.keep_alive() && !head_.http10;
  context_.method = head_.method.substr(0, 16);
  context_.path = head_.path().substr(0, 128);
  if (const auto id = head_.Get("X-Request-Id"); IsRequestId(id)) context_.id = id;
  ReadTraceparent(head_.Get("traceparent"), context_);
  if (message.version() != 10 && message.version() != 11) {
    return RefuseForm(400, "bad_request", "not HTTP/1.1");
  }

  std::optional<ApiError> refused =
      CheckHead(head_, shared_.guard, shared_.routes.Open(head_.path()));
  if (!refused) origin_ = AllowedOrigin(head_, shared_.guard);
  if (!refused && head_.method == "OPTIONS") return Preflight();
  if (!refused) refused = shared_.routes.Accepts(head_);
  if (!refused) {
    if (const auto expect = head_.Get("Expect"); !expect.empty()) {
      if (expect == "100-continue") {
        Send("HTTP/1.1 100 Continue\r\n\r\n");
      } else {
        refused = ApiError(417, "bad_request", "no Expect but 100-continue is known");
      }
    }
  }
  if (!refused) return ReadBody();
  // Behind a request whose form is wrong, nobody knows where the next one begins.
  unread_ = !parser_->is_done() || refused->status == 400;
  keep_alive_ = keep_alive_ && !unread_;
  Fail(*refused, {});
}

// A browser asks whether a page of another origin may ask.
void Connection::Preflight() {
  unread_ = !parser_->is_done();
  keep_alive_ = keep_alive_ && !unread_;
  if (origin_.empty()) return Fail(ApiError(405, "method_not_allowed", "OPTIONS is for CORS"), {});
  std::string out = Head(204, {});
  out +=
      "Access-Control-Allow-Methods: GET, POST\r\n"
      "Access-Control-Allow-Headers: Authorization, Content-Type, X-Request-Id, traceparent\r\n"
      "Access-Control-Max-Age: 600\r\n\r\n";
  Send(out);
  FinishExchange(204, {});
}

void Connection::ReadBody() {
  Arm(shared_.limits.body_time);
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this()](ErrorCode error, size_t) {
                     if (!self->closed_) self->BodyIsRead(error);
                   });
}

void Connection::BodyIsRead(ErrorCode error) {
  if (late_) return RefuseForm(408, "timeout", "the body did not come in time");
  if (error == http::error::body_limit) return RefuseBody();
  if (error == http::error::partial_message || error == http::error::end_of_stream ||
      error == asio::error::connection_reset) {
    return Close();
  }
  if (error) return RefuseForm(400, "bad_request", "a faulty body: " + error.message());
  deadline_.cancel();
  late_ = false;
  unread_ = false;
  answering_ = true;
  gone.store(false, std::memory_order_relaxed);
  std::string body = std::move(parser_->get().body());
  Watch();
  shared_.routes.Handle(head_, std::move(body), shared_from_this());
}

void Connection::Watch() {
  // A client that sends a lot ahead is answered first, and its end is seen when that is written.
  if (watching_ || buffer_.size() >= kMostAhead) return;
  watching_ = true;
  socket_.async_read_some(buffer_.prepare(kMostAhead - buffer_.size()),
                          [self = shared_from_this()](ErrorCode error, size_t bytes) {
                            self->watching_ = false;
                            if (self->closed_) return;
                            self->buffer_.commit(bytes);
                            if (error == asio::error::operation_aborted) {
                              // By AllSent: the answer is sent, the next request may come.
                              if (!self->answering_) self->WaitForRequest();
                              return;
                            }
                            if (error) return self->Close();
                            if (self->answering_ || self->writing_) return self->Watch();
                            self->WaitForRequest();
                          });
}

std::string Connection::Head(int status, std::string_view content_type) const {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(ReasonPhrase(status)).append("\r\n");
  if (!content_type.empty()) out.append("Content-Type: ").append(content_type).append("\r\n");
  out.append("X-Request-Id: ").append(context_.id).append("\r\n");
  out.append("X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n");
  if (!origin_.empty()) {
    out.append("Access-Control-Allow-Origin: ").append(origin_);
    out.append("\r\nAccess-Control-Expose-Headers: X-Request-Id\r\nVary: Origin\r\n");
  }
  if (!keep_alive_ || shared_.closing) out.append("Connection: close\r\n");
  return out;
}

void Connection::RespondAs(const Response& response, const Summary& summary, int retry_after) {
  if (closed_) return;
  std::string out = Head(response.status, response.content_type);
  if (retry_after > 0) out.append("Retry-After: " + std::to_string(retry_after) + "\r\n");
  if (response.status == 401) out.append("WWW-Authenticate: Bearer\r\n");
  out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n\r\n");
  if (head_.method != "HEAD") out.append(response.body);
  Send(out);
  FinishExchange(response.status, summary);
}

void Connection::Respond(int status, std::string body, const Summary& summary) {
  RespondAs({status, std::move(body)}, summary);
}

void Connection::RespondText(std::string body, std::string_view content_type) {
  RespondAs({200, std::move(body), content_type}, {});
}

void Connection::Fail(const ApiError& error, const Summary& summary) {
  RespondAs({error.status, error.Body()}, summary, error.retry_after);
}

void Connection::BeginStream() {
  if (closed_) return;
  streaming_ = true;
  chunked_ = !head_.http10;
  std::string out = Head(200, "text/event-stream; charset=utf-8");
  out.append("X-Accel-Buffering: no\r\n");  // a proxy before us passes each event on at once
  out.append(chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
  Send(out);
}

void Connection::Stream(std::string events) {
  if (closed_) return;
  if (!chunked_) return Send(events);
  char size[24];
  const int digits = std::snprintf(size, sizeof(size), "%zx\r\n", events.size());
  events.insert(0, size, static_cast<size_t>(digits));
  events.append("\r\n");
  Send(events);
}

void Connection::EndStream(const Summary& summary) {
  if (closed_) return;
  if (chunked_) {
    Send("0\r\n\r\n");
  } else {
    keep_alive_ = false;  // the end of the connection ends the answer
  }
  FinishExchange(200, summary);
}

void Connection::FinishExchange(int status, const Summary& summary) {
  answering_ = streaming_ = false;
  complete_ = true;
  const double seconds =
      std::chrono::duration<double>(steady_clock::now() - context_.received).count();
  shared_.routes.Done(context_, status, summary, seconds);
  if (!writing_ && out_.empty()) AllSent();
}

void Connection::Send(std::string_view bytes) {
  out_.append(bytes);
  unsent.store(out_.size() + sending_.size(), std::memory_order_relaxed);
  if (!writing_) Flush();
}

// Mostly the system takes all at once; what is left goes when it can.
void Connection::Flush() {
  ErrorCode error;
  const size_t sent = socket_.write_some(asio::buffer(out_), error);
  if (error && error != asio::error::would_block && error != asio::error::try_again) {
    // Not Close: callers are in the middle of an answer.
    out_.clear();
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->Close(); });
    return;
  }
  out_.erase(0, error ? 0 : sent);
  unsent.store(out_.size(), std::memory_order_relaxed);
  if (out_.empty()) return;
  writing_ = true;
  sending_ = std::exchange(out_, {});
  write_deadline_.expires_after(shared_.limits.write_time);
  write_deadline_.async_wait([self = weak_from_this()](ErrorCode cancelled) {
    const auto connection = self.lock();
    if (cancelled || connection == nullptr || !connection->writing_) return;
    if (connection->write_deadline_.expiry() > steady_clock::now()) return;
    connection->Close();
  });
  asio::async_write(socket_, asio::buffer(sending_),
                    [self = shared_from_this()](ErrorCode failed, size_t) {
                      self->writing_ = false;
                      self->sending_.clear();
                      self->write_deadline_.cancel();
                      if (self->closed_) return;
                      if (failed) return self->Close();
                      self->unsent.store(self->out_.size(), std::memory_order_relaxed);
                      if (!self->out_.empty()) self->Flush();
                      if (!self->writing_ && self->complete_) self->AllSent();
                    });
}

void Connection::AllSent() {
  complete_ = false;
  if (closed_) return;
  if (!keep_alive_ || shared_.closing) return Linger();
  if (!watching_) {
    // Never from within the handler of a request: pipelined ones would pile up on the stack.
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      if (!self->closed_ && !self->watching_) self->WaitForRequest();
    });
    return;
  }
  // The read that watches ends here, and goes on with the next request.
  ErrorCode ignored;
  socket_.cancel(ignored);
}

// Closing with bytes unread would reset the connection, and the client might not see the answer.
void Connection::Linger() {
  ErrorCode ignored;
  Busy(false);
  socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  if (!unread_) return Close();
  buffer_.clear();
  deadline_.expires_after(kLingerTime);
  deadline_.async_wait([self = shared_from_this()](ErrorCode) { self->Close(); });
  struct Discard {
    static void Next(std::shared_ptr<Connection> self) {
      self->buffer_.clear();
      Connection& connection = *self;
      connection.socket_.async_read_some(connection.buffer_.prepare(8192),
                                         [self = std::move(self)](ErrorCode error, size_t) {
                                           if (error || self->closed_) return self->Close();
                                           Next(self);
                                         });
    }
  };
  Discard::Next(shared_from_this());
}

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  gone.store(true, std::memory_order_relaxed);
  if (answering_) {
    Summary summary;
    summary.finish = "client gone";
    const double seconds =
        std::chrono::duration<double>(steady_clock::now() - context_.received).count();
    shared_.routes.Done(context_, 499, summary, seconds);
  }
  Busy(false);
  ErrorCode ignored;
  deadline_.cancel();
  write_deadline_.cancel();
  socket_.close(ignored);
}

}  // namespace tool::serve
