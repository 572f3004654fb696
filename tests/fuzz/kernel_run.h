// SPDX-License-Identifier: Apache-2.0
// Runs one operator by itself with any provider, as the executor would.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/block_formats.h"
#include "lib/ops/op.h"
#include "lib/ops/quantize/quantize_row.h"
#include "lib/ops/step.h"
#include "tests/fuzz/fuzz.h"

namespace hob::fuzz {

struct Choice {
  std::string name;
  KernelChoice choice;
  bool fused = false;  // multiplies and adds in one rounding, as the reference does
};

// Scalar first, then vectors at each level of this CPU, then what is written by hand.
inline const std::vector<Choice>& Choices() {
  static const auto& all = *new std::vector<Choice>([] {
    const CpuFeatures cpu = CpuFeatures::Detect();
    std::vector<Choice> choices = {{"scalar", {cpu, "scalar"}, true}};
    CpuFeatures level;
    const auto add = [&](bool CpuFeatures::* flag, const char* name) {
      if (!(cpu.*flag)) return;
      level.*flag = true;
      choices.push_back({name, {level, "simd"}, level.avx2 || level.neon});
    };
    add(&CpuFeatures::sse4, "sse4");
    add(&CpuFeatures::avx2, "avx2");
    add(&CpuFeatures::avx512, "avx512");
    add(&CpuFeatures::neon, "neon");
    if (cpu.avx2) choices.push_back({"avx2 by hand", {cpu, "avx2"}, true});
    if (cpu.avx512vnni) choices.push_back({"avx512vnni", {cpu, "avx512vnni"}, true});
    choices.push_back({"xnnpack", {cpu, "xnnpack"}, true});
    return choices;
  }());
  return all;
}

inline ThreadPool& Pool(bool several) {
  static ThreadPool* const pools[2] = {std::move(ThreadPool::Create(1)).value().release(),
                                       std::move(ThreadPool::Create(3)).value().release()};
  return *pools[several ? 1 : 0];
}

inline Operand RowsOf(int64_t columns, DType type = DType::kF32) {
  return {true, type, {kTokensDim, columns}, nullptr};
}
inline Operand WeightOf(const Tensor& tensor) { return {true, tensor.type, tensor.shape, &tensor}; }

// Weights that own their bytes, exactly as many as they have.
struct OwnTensor {
  OwnTensor(DType type, std::vector<int64_t> shape, std::span<const uint8_t> data) {
    memory.reset(new uint8_t[data.size() + 64]);
    uint8_t* at = memory.get();
    while (reinterpret_cast<uintptr_t>(at) % 64 != 0) ++at;
    std::copy(data.begin(), data.end(), at);
    tensor.name = "weight";
    tensor.type = type;
    tensor.shape = std::move(shape);
    tensor.data = {at, data.size()};
  }
  std::unique_ptr<uint8_t[]> memory;
  Tensor tensor;
};
inline OwnTensor FloatTensor(const std::vector<float>& values, std::vector<int64_t> shape) {
  return {DType::kF32,
          std::move(shape),
          {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)}};
}

// A kernel with the memory it runs on.
class OpRunner {
 public:
  OpRunner(std::string_view op, OpSpec spec, const KernelChoice& choice, ThreadPool& pool,
           KvLayout kv = {})
      : spec_(std::move(spec)), choice_(choice), pool_(pool) {
    const OpDef* def = FindOp(op);
    Require(def != nullptr);
    const Status checked = def->check(spec_);
    if (!checked.ok()) std::fprintf(stderr, "%s\n", std::string(checked.message()).c_str());
    Require(checked.ok());
    auto kernel = def->make(spec_, {&choice_, &pool_, allocator_, kv, kMaxRows});
    if (!kernel.ok()) std::fprintf(stderr, "%s\n", std::string(kernel.status().message()).c_str());
    Require(kernel.ok());
    kernel_ = std::move(kernel).value();
    scratch_ = Memory(kernel_->scratch_bytes());
  }
  static constexpr int64_t kMaxRows = 600;

  std::string_view provider() const { return kernel_->provider(); }

  // Each output for these inputs (as bytes; weights are left out: empty).
  std::vector<std::vector<uint8_t>> Run(const Step& step,
                                        const std::vector<std::vector<uint8_t>>& inputs,
                                        int64_t rows) {
    std::vector<Buffer> in, out;
    std::vector<uint8_t*> in_pointers, out_pointers;
    for (const auto& input : inputs) {
      in.push_back(Memory(input.size()));
      if (!input.empty()) std::memcpy(in.back().data(), input.data(), input.size());
      in_pointers.push_back(in.back().data());
    }
    std::vector<size_t> sizes;
    for (const Operand& operand : spec_.outputs) {
      const size_t bytes = ActivationRowBytes(operand.type, static_cast<size_t>(operand.columns()));
      sizes.push_back(bytes * static_cast<size_t>(rows));
      out.push_back(Memory(sizes.back()));
      if (sizes.back() > 0) std::memset(out.back().data(), 0xcd, sizes.back());
      out_pointers.push_back(out.back().data());
    }
    kernel_->Run({in_pointers, out_pointers, rows, &step, &pool_, scratch_.data()});
    std::vector<std::vector<uint8_t>> results;
    for (size_t i = 0; i < out.size(); ++i) {
      results.emplace_back(out[i].data(), out[i].data() + sizes[i]);
    }
    return results;
  }

 private:
  Buffer Memory(size_t bytes) {
    if (bytes == 0) return {};
    auto buffer = Buffer::Create(allocator_, bytes, "fuzz");
    Require(buffer.ok());
    return std::move(buffer).value();
  }

  OpSpec spec_;
  KernelChoice choice_;
  ThreadPool& pool_;
  std::shared_ptr<Allocator> allocator_ = std::make_shared<Allocator>();
  std::unique_ptr<Kernel> kernel_;
  Buffer scratch_;
};

inline std::vector<uint8_t> ToBytes(std::span<const float> values) {
  std::vector<uint8_t> bytes(values.size_bytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}
inline std::vector<float> ToFloats(std::span<const uint8_t> bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

// Rows quantised by the definition, in scalar code.
inline std::vector<uint8_t> Quantized(std::span<const float> x, int64_t rows, size_t columns,
                                      DType type) {
  if (type == DType::kF32) return ToBytes(x);
  const size_t stride = ActivationRowBytes(type, columns);
  const auto count = static_cast<size_t>(rows);
  alignas(64) static thread_local uint8_t row[1 << 16];
  Require(stride <= sizeof(row));
  std::vector<uint8_t> bytes(stride * count);
  for (size_t r = 0; r < count; ++r) {
    std::memset(row, 0xcd, stride);
    ops::QuantizeRowScalar(x.data() + r * columns, columns, Int8Terms(type), row);
    std::memcpy(bytes.data() + r * stride, row, stride);
  }
  return bytes;
}

// Equal activations: the same bits, where NaN is NaN; what pads a row does not count.
inline bool SameRows(DType type, size_t columns, std::span<const uint8_t> a,
                     std::span<const uint8_t> b) {
  if (a.size() != b.size()) return false;
  if (type == DType::kF32) return Same(ToFloats(a), ToFloats(b));
  const Q8ActLayout layout(columns, static_cast<size_t>(Int8Terms(type)));
  for (size_t at = 0; at < a.size(); at += layout.stride()) {
    const auto part = [&](std::span<const uint8_t> row, size_t from, size_t to) {
      return row.subspan(at + from, to - from);
    };
    const auto equal = [&](size_t from, size_t to) {
      return std::ranges::equal(part(a, from, to), part(b, from, to));
    };
    if (!equal(0, layout.scale_offset) || !equal(layout.sum_offset, layout.bytes) ||
        !Same(ToFloats(part(a, layout.scale_offset, layout.sum_offset)),
              ToFloats(part(b, layout.scale_offset, layout.sum_offset)))) {
      return false;
    }
  }
  return true;
}

// Rows of one sequence, from `position` on.
struct PlainStep {
  explicit PlainStep(int64_t rows, int32_t position = 0) : tokens(static_cast<size_t>(rows)) {
    sequence.rows = static_cast<int32_t>(rows);
    sequence.position = position;
    step.tokens = tokens;
    step.sequences = {&sequence, 1};
  }
  PlainStep(const PlainStep&) = delete;
  std::vector<int32_t> tokens;
  SequenceRows sequence;
  Step step;
};

}  // namespace hob::fuzz
