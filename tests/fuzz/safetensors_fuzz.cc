// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file: an error or tensors whose every byte can be read, one after
// another from the first to the last.
#include <cstddef>
#include <cstdint>

#include "lib/format/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto entries = hob::format::ParseSafetensors({data, size});
  if (!entries.ok()) return 0;
  volatile uint8_t sink = 0;
  const uint8_t* end = nullptr;
  for (const hob::format::SafetensorsEntry& entry : *entries) {
    if (end != nullptr && entry.data.data() != end) __builtin_trap();
    end = entry.data.data() + entry.data.size();
    for (const uint8_t byte : entry.data) sink = static_cast<uint8_t>(sink ^ byte);
  }
  if (end != nullptr && end != data + size) __builtin_trap();
  return 0;
}
