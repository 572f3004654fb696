// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "lib/base/status.h"

namespace hob::handoff {

// Where to ask.
struct Endpoint {
  std::string url;   // of /chat/completions
  std::string host;  // with its port, for messages
  std::string model;
  std::string api_key;  // empty: none
  bool plain = false;   // http://
};

// Whether a host, without its port, is this computer: localhost, 127.0.0.0/8 or [::1].
bool IsLoopback(std::string_view host);

// Checks an URL as hob_handoff_options has it, and fills url, host and plain. INVALID_ARGUMENT;
// FAILED_PRECONDITION for http:// to another host unless `allow_http`.
StatusOr<Endpoint> ParseEndpoint(std::string_view url, bool allow_http);

// INVALID_ARGUMENT, without a word of the key, for one that does not fit a header line.
Status CheckApiKey(std::string_view key);
// The text of a file, white space at its end left out.
StatusOr<std::string> ReadKeyFile(const std::string& path);

// `text` with each occurrence of `key` replaced, for messages.
std::string WithoutKey(std::string text, std::string_view key);

}  // namespace hob::handoff
