// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a template, and behind a zero byte its context as JSON (or else a fixed one).
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/text/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = input.find('\0');
  const auto parsed = hob::text::ChatTemplate::Parse(input.substr(0, zero));
  if (!parsed.ok()) return 0;
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
  (void)text.ok();
  return 0;
}
