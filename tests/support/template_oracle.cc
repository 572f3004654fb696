// SPDX-License-Identifier: Apache-2.0
// Renders chat templates for the tests that compare with jinja2. Reads records from stdin, each two
// lines: the length in bytes of a template and of a JSON context, then both. Answers with a line
// "ok LENGTH" or "error LENGTH CODE" and that many bytes of text.
#include <cstdio>
#include <string>

#include "lib/text/chat_template.h"

namespace {

bool Read(size_t size, std::string* out) {
  out->resize(size);
  return std::fread(out->data(), 1, size, stdin) == size;
}

void Answer(const std::string& head, const std::string& text) {
  std::fwrite(head.data(), 1, head.size(), stdout);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

int main() {
  size_t template_size = 0, context_size = 0;
  while (std::scanf("%zu %zu", &template_size, &context_size) == 2 && std::getchar() == '\n') {
    std::string source, context;
    if (!Read(template_size, &source) || !Read(context_size, &context)) return 1;
    const auto parsed = hob::text::ChatTemplate::Parse(source);
    hob::StatusOr<std::string> result =
        parsed.ok() ? (*parsed)->RenderJson(context) : hob::StatusOr<std::string>(parsed.status());
    if (result.ok()) {
      Answer("ok " + std::to_string(result->size()) + "\n", *result);
    } else {
      const std::string message(result.status().message());
      Answer("error " + std::to_string(message.size()) + " " +
                 std::to_string(static_cast<int>(result.status().code())) + "\n",
             message);
    }
  }
  return 0;
}
