// SPDX-License-Identifier: Apache-2.0
// Any bytes as a .hob file, and any bytes as the FlatBuffer of one: an error or a model whose every
// claimed byte can be read.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "lib/format/hob_file.h"
#include "tests/format/aligned_bytes.h"

namespace {

void Parse(std::span<const uint8_t> bytes) {
  const hob::test::AlignedBytes copy(bytes);
  const auto model = hob::format::ParseHob(copy.span());
  if (!model.ok()) return;
  volatile uint8_t sink = 0;
  for (const hob::Tensor& tensor : model->tensors) {
    for (const uint8_t byte : tensor.data) sink = static_cast<uint8_t>(sink ^ byte);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Parse({data, size});
  // A right header would rarely be found: put one before the bytes, with 256 bytes of tensor data.
  hob::format::HobHeader header = {};
  std::memcpy(header.magic, hob::format::kHobMagic, sizeof(header.magic));
  header.version = hob::format::kHobVersion;
  header.header_bytes = sizeof(header);
  header.flatbuffer_offset = sizeof(header);
  header.flatbuffer_bytes = size;
  header.data_offset = (sizeof(header) + size + 63) / 64 * 64;
  header.data_bytes = 256;
  std::vector<uint8_t> file(header.data_offset + header.data_bytes);
  std::memcpy(file.data(), &header, sizeof(header));
  if (size > 0) std::memcpy(file.data() + sizeof(header), data, size);
  Parse(file);
  return 0;
}
