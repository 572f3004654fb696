// SPDX-License-Identifier: Apache-2.0
// What is checked of a request before its body is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/serve/api_error.h"
#include "tools/serve/api_keys.h"

namespace tool::serve {

// A request up to its body.
struct RequestHead {
  std::string method, target;
  bool http10 = false;
  std::vector<std::pair<std::string, std::string>> fields;

  // The first field of that name, whatever its case; empty if there is none.
  std::string_view Get(std::string_view name) const;
  size_t Count(std::string_view name) const;
  // Of the target, without the query.
  std::string_view path() const;
};

struct GuardOptions {
  // Names by which the server may be asked for; empty: any. A page of another site that makes its
  // own name lead to 127.0.0.1 (DNS rebinding) still says its own name.
  std::vector<std::string> hosts;
  std::vector<std::string> cors_origins;  // "*": any
  ApiKeys keys;
};

// "example.org" of "Example.org:8080"; "[::1]" of "[::1]:80".
std::string HostName(std::string_view host);

// Faults in the request's form, which two programs could read in two ways, the name that it is sent
// to, and who sends it; nothing if all is well. `open` paths need no key.
std::optional<ApiError> CheckHead(const RequestHead& head, const GuardOptions& options, bool open);

// The Access-Control-Allow-Origin to answer with; empty: none.
std::string AllowedOrigin(const RequestHead& head, const GuardOptions& options);

}  // namespace tool::serve
