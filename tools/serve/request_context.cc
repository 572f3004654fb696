// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/request_context.h"

#include <algorithm>
#include <random>

namespace tool::serve {
namespace {

bool IsLowerHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool AllZero(std::string_view text) { return text.find_first_not_of('0') == std::string::npos; }

}  // namespace

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':';
  });
}

std::string RandomId() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  constexpr char kHex[] = "0123456789abcdef";
  std::string id(32, '0');
  for (size_t i = 0; i < id.size(); i += 16) {
    uint64_t bits = generator();
    for (size_t j = 0; j < 16; ++j, bits >>= 4) id[i + j] = kHex[bits & 15];
  }
  return id;
}

bool ReadTraceparent(std::string_view text, RequestContext& context) {
  // version "-" trace-id "-" parent-id "-" flags; later versions may add to the end.
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2), trace = text.substr(3, 32),
                         parent = text.substr(36, 16), flags = text.substr(53, 2);
  for (const std::string_view part : {version, trace, parent, flags}) {
    if (!IsLowerHex(part)) return false;
  }
  if (version == "ff" || AllZero(trace) || AllZero(parent)) return false;
  if (text.size() > 55 && (version == "00" || text[55] != '-')) return false;
  context.trace_id = trace;
  context.parent_id = parent;
  return true;
}

}  // namespace tool::serve
