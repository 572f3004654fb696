// SPDX-License-Identifier: Apache-2.0
// Any bytes as a GGUF file: an error, or a model whose every claimed byte can be read, as bytes and
// as rows of numbers.
#include "lib/format/gguf.h"
#include "lib/format/weight_row.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = hob::format::ParseGguf({data, size});
  if (!model.ok()) {
    hob::fuzz::Require(!model.status().message().empty());
    return 0;
  }
  volatile uint8_t sink = 0;
  size_t decoded = 0;  // of numbers, which are looked at for a while only
  for (const hob::Tensor& tensor : model->tensors) {
    for (const uint8_t byte : tensor.data) sink = static_cast<uint8_t>(sink ^ byte);
    const int64_t rows = tensor.rows(), columns = tensor.columns();
    if (tensor.shape.size() != 2 || !hob::HoldsRows(tensor, rows, columns)) continue;
    std::vector<float> row(static_cast<size_t>(columns));
    for (int64_t i = 0; i < rows && decoded < 100'000; ++i, decoded += row.size()) {
      hob::DequantizeWeightRow(tensor, i, row.data());
    }
  }
  for (const auto& [key, value] : model->metadata.values) {
    static_cast<void>(model->metadata.Int(key, -5, 1 << 20));
    static_cast<void>(model->metadata.Real(key));
    static_cast<void>(model->metadata.Text(key));
  }
  return 0;
}
