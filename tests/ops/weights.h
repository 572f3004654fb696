// SPDX-License-Identifier: Apache-2.0
// Random weight matrices of every file type, for tests and benchmarks of the matrix product.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "lib/base/block_formats.h"
#include "lib/base/f16.h"
#include "lib/base/per_channel.h"
#include "lib/ops/op.h"

namespace hob::test {

class Weights {
 public:
  // [outputs, columns]. The first rows hold the extremes of a type's quants: all bits set, none,
  // and −128; the others are random. Scales are of either sign, now and then zero or subnormal.
  Weights(DType type, int64_t outputs, int64_t columns, uint32_t seed = 1) : generator_(seed) {
    tensor_.name = "weight";
    tensor_.type = type;
    tensor_.shape = {outputs, columns};
    const size_t count = static_cast<size_t>(outputs * columns);
    const DTypeInfo* info = FindDType(type);
    const size_t row_bytes =
        static_cast<size_t>(columns) / info->block_elements * info->block_bytes;
    bytes_.resize(static_cast<size_t>(outputs) * row_bytes);
    switch (type) {
      case DType::kF32:
      case DType::kF16:
      case DType::kBF16:
        for (size_t i = 0; i < count; ++i) StoreFloat(type, i, Uniform());
        break;
      case DType::kQC8: {
        std::vector<float> values(count);
        for (float& value : values) value = Uniform();
        bytes_ = *QuantizePerChannel(values, outputs, columns);
        break;
      }
      default:
        for (size_t i = 0; i < bytes_.size(); ++i) {
          const size_t row = i / row_bytes;
          bytes_[i] = row == 0   ? 0xff
                      : row == 1 ? 0x00
                      : row == 2 ? 0x80
                                 : static_cast<uint8_t>(generator_() >> 24);
        }
        StoreScales(type, info->block_bytes);
    }
    tensor_.data = bytes_;
  }
  Weights(const Weights&) = delete;

  const Tensor& tensor() const { return tensor_; }
  Operand operand() const { return {true, tensor_.type, tensor_.shape, &tensor_}; }

  // All weights as f32.
  std::vector<float> Floats() const {
    const int64_t outputs = tensor_.shape[0], columns = tensor_.shape[1];
    std::vector<float> values(static_cast<size_t>(outputs * columns));
    if (tensor_.type == DType::kQC8) {
      for (int64_t n = 0; n < outputs; ++n) {
        DequantizePerChannelRow(tensor_.data, outputs, columns, n, values.data() + n * columns);
      }
    } else {
      Dequantize(tensor_.type, tensor_.data.data(), values.size(), values.data());
    }
    return values;
  }

 private:
  float Uniform() { return static_cast<float>(generator_() >> 8) * 0x1p-23f - 1.0f; }

  void StoreFloat(DType type, size_t index, float value) {
    const uint16_t half = F32ToF16(value);
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    const uint16_t upper = static_cast<uint16_t>(bits >> 16);
    if (type == DType::kF32) std::memcpy(bytes_.data() + 4 * index, &value, 4);
    if (type == DType::kF16) std::memcpy(bytes_.data() + 2 * index, &half, 2);
    if (type == DType::kBF16) std::memcpy(bytes_.data() + 2 * index, &upper, 2);
  }

  uint16_t Scale() {
    const uint32_t kind = generator_() % 16;
    if (kind == 0) return 0;
    if (kind == 1) return 0x0003;  // subnormal
    return F32ToF16(Uniform() * 0.1f);
  }
  void StoreScales(DType type, size_t block_bytes) {
    const bool two = type == DType::kQ4_1 || type == DType::kQ5_1 || type == DType::kQ4_K ||
                     type == DType::kQ5_K;
    const size_t offset = type == DType::kQ6_K ? block_bytes - 2 : 0;
    for (size_t block = 0; block < bytes_.size(); block += block_bytes) {
      for (size_t i = 0; i < (two ? 2u : 1u); ++i) {
        const uint16_t scale = Scale();
        std::memcpy(bytes_.data() + block + offset + 2 * i, &scale, 2);
      }
    }
  }

  std::mt19937 generator_;
  std::vector<uint8_t> bytes_;
  Tensor tensor_;
};

}  // namespace hob::test
