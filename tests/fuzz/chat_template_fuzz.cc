// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a template, and behind a zero byte its context as JSON (or else a fixed one). An error
// that says why, or text within the limits.
#include "lib/text/chat_template.h"
#include "tests/fuzz/fuzz.h"

namespace hob::fuzz {
namespace {

// The template's fault, or beyond what hob renders; never one of hob's own.
void CheckRefusal(const Status& status) {
  Require(status.code() == StatusCode::kInvalidArgument ||
          status.code() == StatusCode::kUnimplemented ||
          status.code() == StatusCode::kResourceExhausted);
  Require(status.message().size() < 2500);
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hob::fuzz;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = input.find('\0');
  const auto parsed = hob::text::ChatTemplate::Parse(input.substr(0, zero));
  if (!parsed.ok()) {
    CheckRefusal(parsed.status());
    return 0;
  }
  hob::text::TemplateLimits limits;
  limits.output_bytes = 1u << 20;
  limits.steps = 100'000;
  limits.memory_bytes = 16u << 20;
  const std::string_view context =
      zero == std::string_view::npos
          ? R"({"messages": [{"role": "system", "content": " é\n"}, {"role": "user", "content": "x<y"}],
                "tools": [{"a": [1, 2.5, null, {"b": "c"}]}], "n": 3, "bos_token": "<s>"})"
          : input.substr(zero + 1);
  const auto text = (*parsed)->RenderJson(context, limits);
  if (!text.ok()) {
    CheckRefusal(text.status());
  } else {
    Require(text->size() <= limits.output_bytes);
  }
  return 0;
}
