// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <utility>

#include "tools/common.h"
#include "tools/serve/connection.h"

namespace tool::serve {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

class Server::Impl {
 public:
  Impl(const std::string& host, uint16_t port, const HttpLimits& limits, GuardOptions guard,
       Log& log, Routes& routes)
      : shared_{limits, std::move(guard), log, routes},
        acceptor_(context_),
        retry_(context_),
        signals_(context_) {
    try {
      Tcp::resolver resolver(context_);
      const auto found = resolver.resolve(host, std::to_string(port),
                                          Tcp::resolver::passive | Tcp::resolver::numeric_service);
      const Tcp::endpoint endpoint = found.begin()->endpoint();
      acceptor_.open(endpoint.protocol());
      acceptor_.set_option(Tcp::acceptor::reuse_address(true));
      acceptor_.bind(endpoint);
      acceptor_.listen(asio::socket_base::max_listen_connections);
    } catch (const boost::system::system_error& error) {
      throw Failure("cannot listen on " + host + " port " + std::to_string(port) + ": " +
                        error.code().message(),
                    "Choose another --host or --port.");
    }
    Accept();
  }

  void Accept() {
    acceptor_.async_accept([this](ErrorCode error, Tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (error) {  // no file descriptors left, say: not at full speed
        shared_.log.Write(LogLevel::kWarning, "accept", {{"error", error.message()}});
        retry_.expires_after(std::chrono::milliseconds(100));
        retry_.async_wait([this](ErrorCode cancelled) {
          if (!cancelled) Accept();
        });
        return;
      }
      if (shared_.connections >= shared_.limits.connections) {
        TurnAway(std::move(socket));
      } else {
        std::make_shared<Connection>(std::move(socket), shared_)->Start();
      }
      Accept();
    });
  }

  // Without reading what it wants.
  void TurnAway(Tcp::socket socket) {
    constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    ErrorCode ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kBusy), ignored);
    socket.shutdown(Tcp::socket::shutdown_send, ignored);
    shared_.log.Write(LogLevel::kWarning, "too many connections",
                      {{"connections", static_cast<int64_t>(shared_.connections)}});
  }

  void WaitForSignal() {
    signals_.async_wait([this](ErrorCode error, int) {
      if (error) return;
      on_terminate_();
      WaitForSignal();
    });
  }

  void Run() {
    while (true) {
      try {
        context_.run();
        return;
      } catch (const std::exception& error) {  // memory, for one connection
        shared_.log.Write(LogLevel::kError, "unexpected", {{"error", error.what()}});
      }
    }
  }

  asio::io_context context_{1};
  ConnectionShared shared_;
  Tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  asio::signal_set signals_;
  std::function<void()> on_terminate_;
};

Server::Server(const std::string& host, uint16_t port, const HttpLimits& limits, GuardOptions guard,
               Log& log, Routes& routes)
    : impl_(std::make_unique<Impl>(host, port, limits, std::move(guard), log, routes)) {}

Server::~Server() = default;

uint16_t Server::port() const {
  ErrorCode ignored;
  return impl_->acceptor_.local_endpoint(ignored).port();
}

void Server::Post(std::vector<Delivery> deliveries) {
  asio::post(impl_->context_, [all = std::move(deliveries)]() mutable {
    for (Delivery& delivery : all) delivery.Run();
  });
}

void Server::Run() { impl_->Run(); }

void Server::Stop() { impl_->context_.stop(); }

void Server::OnTerminate(std::function<void()> handler) {
  impl_->on_terminate_ = std::move(handler);
  impl_->signals_.add(SIGTERM);
  impl_->signals_.add(SIGINT);
  impl_->WaitForSignal();
}

void Server::After(std::chrono::milliseconds time, std::function<void()> handler) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->context_, time);
  timer->async_wait([timer, handler = std::move(handler)](ErrorCode error) {
    if (!error) handler();
  });
}

void Server::CloseAfterAnswers() { impl_->shared_.closing = true; }

size_t Server::connections() const { return impl_->shared_.connections; }
size_t Server::busy() const { return impl_->shared_.busy; }

}  // namespace tool::serve
