// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/endpoint.h"

#include <algorithm>
#include <span>

#include "lib/base/file_reader.h"

namespace hob::handoff {
namespace {

constexpr std::string_view kUrlHint =
    "Give the part before /chat/completions, as https://example.org/v1.";

Status UrlError(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, Concat("the URL ", what), kUrlHint);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Digits and dots alone: a name such as 127.example.org is no address.
bool IsLoopbackAddress(std::string_view host) {
  if (host.substr(0, 4) != "127." || std::count(host.begin(), host.end(), '.') != 3) return false;
  size_t digits = 0;
  for (const char c : host) {
    if (c == '.' ? digits == 0 : !IsDigit(c)) return false;
    digits = c == '.' ? 0 : digits + 1;
    if (digits > 3) return false;
  }
  return digits > 0;
}

}  // namespace

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || IsLoopbackAddress(host);
}

StatusOr<Endpoint> ParseEndpoint(std::string_view url, bool allow_http) {
  constexpr size_t kMostBytes = 2048;
  if (url.empty()) return UrlError("is empty");
  if (url.size() > kMostBytes) return UrlError("is too long");
  for (const char c : url) {
    // What readers of URLs understand in different ways is refused: spaces, controls, \, #, ?.
    constexpr std::string_view kPlain = "-._~:/[]%!$&'()*+,;=@";
    if (!IsAlphanumeric(c) && kPlain.find(c) == std::string_view::npos) {
      return UrlError("has a character that does not belong there");
    }
  }
  Endpoint endpoint;
  constexpr std::string_view kHttps = "https://", kHttp = "http://";
  endpoint.plain = url.substr(0, kHttp.size()) == kHttp;
  if (!endpoint.plain && url.substr(0, kHttps.size()) != kHttps) {
    return UrlError("begins neither with https:// nor with http://");
  }
  const std::string_view rest = url.substr(endpoint.plain ? kHttp.size() : kHttps.size());
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.find('@') != std::string_view::npos) {
    return UrlError("has a user name or a password, which belong into the key");
  }
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  if (host.empty()) return UrlError("has no host");
  if (!std::all_of(host.begin(), host.end(), [](char c) {
        return IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '[' || c == ']' ||
               c == ':';
      })) {
    return UrlError("has a host of other characters than letters, digits, '-', '.' and '_'");
  }
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !std::all_of(port.begin(), port.end(), IsDigit)) {
      return UrlError("has a port that is no number");
    }
  }
  if (endpoint.plain && !allow_http && !IsLoopback(host)) {
    return Error(StatusCode::kFailedPrecondition,
                 Concat("http:// would send messages in the clear to ", host),
                 "Use https://, or set allow_http where the network is trusted.");
  }
  endpoint.host = std::string(authority);
  while (url.back() == '/') url.remove_suffix(1);
  endpoint.url = Concat(url, "/chat/completions");
  return endpoint;
}

Status CheckApiKey(std::string_view key) {
  constexpr size_t kMostBytes = 4096;
  const bool fits = key.size() <= kMostBytes &&
                    std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (fits) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument,
               "the API key is longer than any, or has characters that no key has",
               "Look for line ends and spaces in it.");
}

StatusOr<std::string> ReadKeyFile(const std::string& path) {
  constexpr uint64_t kMostBytes = 16384;
  HOB_ASSIGN_OR_RETURN(const auto reader, FileReader::Open(path));
  if (reader->size() > kMostBytes) {
    return Error(StatusCode::kInvalidArgument, Concat(path, ": too long for an API key"));
  }
  std::string text(static_cast<size_t>(reader->size()), '\0');
  HOB_RETURN_IF_ERROR(
      reader->Read(std::span(reinterpret_cast<uint8_t*>(text.data()), text.size())));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ' ||
                           text.back() == '\t')) {
    text.pop_back();
  }
  if (text.empty()) return Error(StatusCode::kInvalidArgument, Concat(path, ": no API key in it"));
  const Status fits = CheckApiKey(text);
  if (!fits.ok()) return Annotate(fits, path);
  return text;
}

std::string WithoutKey(std::string text, std::string_view key) {
  if (key.empty()) return text;
  for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
    text.replace(at, key.size(), "[key]");
    at += 5;
  }
  return text;
}

}  // namespace hob::handoff
