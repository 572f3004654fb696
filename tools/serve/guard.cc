// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/guard.h"

#include <algorithm>
#include <cctype>

namespace tool::serve {
namespace {

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

template <typename List>
bool Contains(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// A page that this server itself sent, behind a proxy with TLS, too.
bool SameSite(std::string_view origin, std::string_view host) {
  const size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && HostName(origin.substr(scheme + 3)) == HostName(host);
}

// Two programs must not see two lengths (request smuggling: RFC 9112, 6.1).
std::optional<ApiError> CheckFraming(const RequestHead& head) {
  const auto bad = [](std::string text) { return ApiError(400, "bad_request", std::move(text)); };
  const size_t lengths = head.Count("Content-Length"), codings = head.Count("Transfer-Encoding");
  if (lengths + codings > 1) {
    return bad("a request has one Content-Length or one Transfer-Encoding, not both or several");
  }
  if (codings == 1 && (head.http10 || !SameName(head.Get("Transfer-Encoding"), "chunked"))) {
    return bad("the only Transfer-Encoding is \"chunked\", of HTTP/1.1");
  }
  if (head.target.empty() || head.target.front() != '/') {
    return bad("the target of a request begins with \"/\"");
  }
  const size_t hosts = head.Count("Host");
  if (hosts > 1 || (hosts == 0 && !head.http10)) return bad("a request has one Host");
  return std::nullopt;
}

}  // namespace

std::string_view RequestHead::Get(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (SameName(key, name)) return value;
  }
  return {};
}

size_t RequestHead::Count(std::string_view name) const {
  return static_cast<size_t>(std::count_if(fields.begin(), fields.end(), [&](const auto& field) {
    return SameName(field.first, name);
  }));
}

std::string_view RequestHead::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string HostName(std::string_view host) {
  const size_t close = host.rfind(']');
  const size_t colon = host.find(':', close == std::string_view::npos ? 0 : close);
  std::string name(host.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), Lower);
  return name;
}

std::string AllowedOrigin(const RequestHead& head, const GuardOptions& options) {
  const std::string_view origin = head.Get("Origin");
  if (origin.empty()) return {};
  if (Contains(options.cors_origins, "*")) return "*";
  return Contains(options.cors_origins, origin) ? std::string(origin) : std::string();
}

std::optional<ApiError> CheckHead(const RequestHead& head, const GuardOptions& options, bool open) {
  if (auto error = CheckFraming(head)) return error;
  // Who names no host (HTTP/1.0) is no browser.
  const std::string_view host = head.Get("Host");
  if (!options.hosts.empty() && head.Count("Host") > 0 &&
      !Contains(options.hosts, HostName(host))) {
    return ApiError(403, "host_not_allowed",
                    "this server is not asked for by that name; --allowed-host adds one");
  }
  const std::string_view origin = head.Get("Origin");
  if (!origin.empty() && !SameSite(origin, host) && AllowedOrigin(head, options).empty()) {
    return ApiError(403, "origin_not_allowed",
                    "pages of that origin may not ask; --cors-origin allows one");
  }
  // A browser asks before it sends a key along.
  if (open || head.method == "OPTIONS") return std::nullopt;
  if (!options.keys.Allow(head.Get("Authorization"))) {
    return ApiError(401, "invalid_api_key",
                    "the key is missing or wrong: send \"Authorization: Bearer KEY\"");
  }
  return std::nullopt;
}

}  // namespace tool::serve
