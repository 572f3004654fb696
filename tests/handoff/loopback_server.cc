// SPDX-License-Identifier: Apache-2.0
#include "tests/handoff/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace hob::test {

bool LoopbackServer::Connection::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void LoopbackServer::Connection::AwaitEnd() const {
  char byte;
  while (recv(socket_, &byte, 1, 0) > 0) {
  }
}

std::string LoopbackServer::Connection::ReadRequest() const {
  std::string request;
  size_t wanted = std::string::npos;
  while (wanted == std::string::npos || request.size() < wanted) {
    char bytes[4096];
    const ssize_t size = recv(socket_, bytes, sizeof(bytes), 0);
    if (size <= 0) break;
    request.append(bytes, static_cast<size_t>(size));
    const size_t head = request.find("\r\n\r\n");
    if (wanted == std::string::npos && head != std::string::npos) {
      const size_t length = request.find("Content-Length: ");
      wanted =
          head + 4 + (length < head ? std::strtoul(request.c_str() + length + 16, nullptr, 10) : 0);
    }
  }
  return request;
}

LoopbackServer::LoopbackServer(std::vector<Handler> handlers) : handlers_(std::move(handlers)) {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(socket_, 16) != 0 ||
      getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

LoopbackServer::~LoopbackServer() {
  stop_ = true;
  thread_.join();
  close(socket_);
}

std::string LoopbackServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/v1";
}

std::vector<std::string> LoopbackServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void LoopbackServer::Serve() {
  while (!stop_) {
    pollfd wait = {socket_, POLLIN, 0};
    if (poll(&wait, 1, 20) <= 0) continue;
    const int client = accept(socket_, nullptr, nullptr);
    if (client < 0) continue;
    const auto index = static_cast<size_t>(connections_++);
    const Connection connection(client);
    std::string request = connection.ReadRequest();
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    handlers_[std::min(index, handlers_.size() - 1)](connection);
    shutdown(client, SHUT_WR);
    close(client);
  }
}

LoopbackServer::Handler Respond(std::string status, std::string headers, std::string body) {
  return [=](const LoopbackServer::Connection& connection) {
    connection.Send("HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " +
                    std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body);
  };
}

const std::string kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

std::string Chunk(std::string_view text) {
  return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + std::string(text) +
         "\"},\"finish_reason\":null}]}\n\n";
}

const std::string kStreamEnd =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n"
    "data: [DONE]\n\n";

LoopbackServer::Handler Stream(std::vector<std::string> pieces) {
  std::string bytes = kStreamHead;
  for (const std::string& piece : pieces) bytes += Chunk(piece);
  return Cut(bytes + kStreamEnd);
}

LoopbackServer::Handler Cut(std::string bytes) {
  return [bytes](const LoopbackServer::Connection& connection) { connection.Send(bytes); };
}

}  // namespace hob::test
