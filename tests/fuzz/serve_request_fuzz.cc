// SPDX-License-Identifier: Apache-2.0
// A body of a request to hob serve: an error that names what is wrong and is itself JSON, or a
// request within the server's limits. And what a client may say in headers.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/fuzz.h"
#include "tools/serve/api_error.h"
#include "tools/serve/generation_request.h"
#include "tools/serve/json.h"
#include "tools/serve/request_context.h"

namespace {

namespace serve = tool::serve;
using hob::fuzz::Require;

void Check(const serve::GenerationRequest& request, const serve::RequestDefaults& defaults) {
  Require(request.n >= 1);
  Require(request.choices() >= 1);
  Require(request.choices() <= static_cast<size_t>(defaults.most_choices));
  Require(request.max_tokens >= 1 && request.max_tokens <= defaults.most_tokens);
  Require(request.sampler.temperature >= 0 && request.sampler.temperature <= 2);
  Require(request.sampler.top_p > 0 && request.sampler.top_p <= 1);
  Require(request.top_logprobs >= 0 && request.top_logprobs <= 20);
  Require(request.stops.size() <= 16);
  for (const std::string& stop : request.stops) Require(!stop.empty());
  Require(request.chat == !request.messages.empty());
  Require(request.chat == request.prompts.empty());
  Require(!request.include_usage || request.stream);
  if (request.format.kind == serve::ResponseFormat::Kind::kJsonSchema) {
    Require(serve::Json::accept(request.format.schema));
  }
}

void Headers(std::string_view text) {
  serve::RequestContext context;
  if (serve::ReadTraceparent(text, context)) {
    Require(context.trace_id.size() == 32 && context.parent_id.size() == 16);
  } else {
    Require(context.trace_id.empty() && context.parent_id.empty());
  }
  if (!serve::IsRequestId(text)) return;
  Require(text.size() <= 128 && text.find_first_of("\r\n\"\\ ") == std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  serve::RequestDefaults defaults;
  defaults.most_tokens = 4096;
  try {
    if (data[0] % 4 == '0' % 4) {
      Check(serve::ParseChatRequest(body, defaults), defaults);
    } else if (data[0] % 4 == '1' % 4) {
      Check(serve::ParseCompletionRequest(body, defaults), defaults);
    } else {
      Headers(body);
      std::string quoted;
      serve::AppendJsonString(quoted, body);
      // Whoever calls it gives UTF-8; then it is JSON, on one line, and says the same.
      const auto read = serve::Json::parse(quoted, nullptr, false);
      if (!read.is_discarded()) Require(read.get_ref<const std::string&>() == body);
      Require(quoted.find_first_of("\r\n") == std::string::npos);
    }
  } catch (const serve::ApiError& error) {
    Require(error.status == 400);
    Require(!error.message.empty());
    Require(serve::Json::accept(error.Body()));
  }
  return 0;
}
