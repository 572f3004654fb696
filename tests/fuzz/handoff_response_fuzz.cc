// SPDX-License-Identifier: Apache-2.0
// Responses of an endpoint, in pieces of any size: the text that comes out is UTF-8, and the same
// whatever the pieces were.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/handoff/chat_response.h"
#include "lib/text/unicode.h"

namespace {

struct Read {
  bool ok = false;
  std::string text;
};

Read ReadIn(std::string_view bytes, bool streams, size_t size) {
  Read read;
  hob::handoff::ChatResponse response(streams, [&](std::string_view text) {
    if (!hob::text::CheckUtf8(text, "").ok() || text.empty()) std::abort();
    read.text += text;
    return hob::StatusOr<bool>(true);
  });
  hob::StatusOr<bool> more = true;
  for (size_t at = 0; at < bytes.size() && more.ok() && *more; at += size) {
    more = response.Push(bytes.substr(at, size));
  }
  read.ok = more.ok() && response.End().ok();
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool streams = data[0] % 2 == 0;
  const Read whole = ReadIn(bytes, streams, std::max<size_t>(1, bytes.size()));
  const Read pieces = ReadIn(bytes, streams, 1 + data[1] % 64);
  if (whole.ok != pieces.ok || whole.text != pieces.text) std::abort();
  const std::string message = hob::handoff::ErrorMessageOf(bytes);
  if (message.size() > 200 || !hob::text::CheckUtf8(message, "").ok()) std::abort();
  return 0;
}
