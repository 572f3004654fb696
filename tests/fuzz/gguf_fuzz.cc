// SPDX-License-Identifier: Apache-2.0
// Any bytes as a GGUF file: an error or a model whose every claimed byte can be read.
#include <cstddef>
#include <cstdint>

#include "lib/format/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = hob::format::ParseGguf({data, size});
  if (!model.ok()) return 0;
  volatile uint8_t sink = 0;
  for (const hob::Tensor& tensor : model->tensors) {
    for (const uint8_t byte : tensor.data) sink = static_cast<uint8_t>(sink ^ byte);
  }
  return 0;
}
