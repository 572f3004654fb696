// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <hob/hob.hpp>
#include <string>
#include <string_view>

namespace tool::serve {

// Why a request is not answered, in the shape that clients of this protocol know:
// {"error": {"message", "type", "param", "code"}}.
struct ApiError : std::exception {
  ApiError(int http_status, std::string_view machine_code, std::string text,
           std::string_view field = {})
      : status(http_status), code(machine_code), param(field), message(std::move(text)) {}
  const char* what() const noexcept override { return message.c_str(); }

  // The JSON text.
  std::string Body() const;

  int status;
  std::string code;   // empty: null
  std::string param;  // the field that is wrong; empty: null
  std::string message;
  int retry_after = 0;  // seconds; 0: not said
};

// What the library refuses, as the protocol says it.
ApiError FromHob(const hob::Error& error);

// "Not Found" for 404.
std::string_view ReasonPhrase(int status);

}  // namespace tool::serve
