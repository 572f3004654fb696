// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/api_error.h"

#include "tools/serve/json.h"

namespace tool::serve {
namespace {

std::string_view TypeOf(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

void AppendOrNull(std::string& out, const std::string& text) {
  if (text.empty()) {
    out += "null";
  } else {
    AppendJsonString(out, text);
  }
}

}  // namespace

std::string ApiError::Body() const {
  std::string out = R"({"error":{"message":)";
  AppendJsonString(out, message);
  out += R"(,"type":)";
  AppendJsonString(out, TypeOf(status));
  out += R"(,"param":)";
  AppendOrNull(out, param);
  out += R"(,"code":)";
  AppendOrNull(out, code);
  out += "}}";
  return out;
}

ApiError FromHob(const hob::Error& error) {
  std::string text(error.message());
  if (!error.hint().empty()) text.append(" (").append(error.hint()).append(")");
  switch (error.code()) {
    case HOB_OUT_OF_RANGE:
      return {400, "context_length_exceeded", std::move(text), "messages"};
    case HOB_INVALID_ARGUMENT:
    case HOB_FAILED_PRECONDITION:
    case HOB_NOT_FOUND:
      return {400, "invalid_value", std::move(text)};
    case HOB_UNIMPLEMENTED:
      return {400, "unsupported", std::move(text)};
    case HOB_RESOURCE_EXHAUSTED: {
      ApiError busy{503, "out_of_memory", std::move(text)};
      busy.retry_after = 1;
      return busy;
    }
    default:
      return {500, "internal_error", std::move(text)};
  }
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Bad Request" : "Internal Server Error";
  }
}

}  // namespace tool::serve
