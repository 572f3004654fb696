// SPDX-License-Identifier: Apache-2.0
// Runs one operator by itself, as the executor would.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/allocator.h"
#include "lib/base/block_formats.h"
#include "lib/base/thread_pool.h"
#include "lib/format/model_file.h"
#include "lib/isa/cpu.h"
#include "lib/ops/op.h"
#include "lib/ops/step.h"

namespace hob::test {

inline Operand Rows(int64_t columns, DType type = DType::kF32, int64_t rows = kTokensDim) {
  return {true, type, {rows, columns}, nullptr};
}

inline Operand Weight(const Tensor& tensor) { return {true, tensor.type, tensor.shape, &tensor}; }

// An f32 weight that owns its bytes.
struct FloatTensor {
  FloatTensor(std::vector<float> data, std::vector<int64_t> shape) : values(std::move(data)) {
    tensor.name = "weight";
    tensor.shape = std::move(shape);
    tensor.data = {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)};
  }
  std::vector<float> values;
  Tensor tensor;
};

// Numbers in [-scale, scale), the same on every platform.
inline std::vector<float> Random(size_t count, uint32_t seed, float scale = 1.0f) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value = (static_cast<float>(generator() >> 8) * 0x1p-23f - 1.0f) * scale;
  }
  return values;
}

struct NamedChoice {
  std::string name;
  KernelChoice choice;
};

// Scalar, and simd at each instruction-set level of this CPU.
inline std::vector<NamedChoice> Choices() {
  std::vector<NamedChoice> choices;
  const CpuFeatures all = CpuFeatures::Detect();
  choices.push_back({"scalar", {all, "scalar"}});
  CpuFeatures level;
  const auto add = [&](bool CpuFeatures::* flag, const char* name) {
    if (!(all.*flag)) return;
    level.*flag = true;
    choices.push_back({name, {level, "simd"}});
  };
  add(&CpuFeatures::sse4, "sse4");
  add(&CpuFeatures::avx2, "avx2");
  add(&CpuFeatures::avx512, "avx512");
  add(&CpuFeatures::neon, "neon");
  return choices;
}

inline std::unique_ptr<ThreadPool> MakePool(size_t threads) {
  auto pool = ThreadPool::Create(threads);
  REQUIRE(pool.ok());
  return std::move(pool).value();
}

// One row a token, of one sequence that begins at `position`.
struct PlainStep {
  PlainStep(int32_t rows, int32_t position) : tokens(static_cast<size_t>(rows)) {
    sequence.rows = rows;
    sequence.position = position;
    step.tokens = tokens;
    step.sequences = {&sequence, 1};
  }
  PlainStep(const PlainStep&) = delete;
  std::vector<int32_t> tokens;
  SequenceRows sequence;
  Step step;
};

// A kernel with the memory it runs on.
class Runner {
 public:
  Runner(std::string_view op, OpSpec spec, const KernelChoice& choice, ThreadPool& pool,
         int64_t max_rows = 1024, KvLayout kv = {})
      : spec_(std::move(spec)), choice_(choice), pool_(pool) {
    const OpDef* def = FindOp(op);
    REQUIRE(def != nullptr);
    const Status checked = def->check(spec_);
    INFO(checked.message());
    REQUIRE(checked.ok());
    PlanContext context{&choice_, &pool_, allocator_, kv, max_rows};
    auto kernel = def->make(spec_, context);
    INFO(kernel.status().message());
    REQUIRE(kernel.ok());
    kernel_ = std::move(kernel).value();
    scratch_ = Aligned(kernel_->scratch_bytes());
  }

  std::string_view provider() const { return kernel_->provider(); }

  // Output 0 for these inputs (f32, weights left out: empty), rows packed without padding.
  std::vector<uint8_t> Run(const Step& step, const std::vector<std::vector<float>>& inputs,
                           int64_t rows) {
    std::vector<Buffer> buffers;
    std::vector<uint8_t*> pointers;
    for (const auto& input : inputs) {
      buffers.push_back(Aligned(input.size() * sizeof(float)));
      if (!input.empty()) std::memcpy(buffers.back().data(), input.data(), buffers.back().size());
      pointers.push_back(buffers.back().data());
    }
    const auto columns = static_cast<size_t>(spec_.outputs[0].columns());
    const DType type = spec_.outputs[0].type;
    const size_t stride = ActivationRowBytes(type, columns);
    const auto terms = static_cast<size_t>(Int8Terms(type));
    const size_t bytes = terms == 0 ? stride : Q8ActLayout(columns, terms).bytes;
    Buffer output = Aligned(stride * static_cast<size_t>(rows));
    if (output.size() > 0) std::memset(output.data(), 0xcd, output.size());
    uint8_t* outputs[] = {output.data()};
    kernel_->Run({pointers, outputs, rows, &step, &pool_, scratch_.data()});
    std::vector<uint8_t> packed;
    for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
      packed.insert(packed.end(), output.data() + r * stride, output.data() + r * stride + bytes);
    }
    return packed;
  }
  std::vector<float> RunFloats(const Step& step, const std::vector<std::vector<float>>& inputs,
                               int64_t rows) {
    const std::vector<uint8_t> bytes = Run(step, inputs, rows);
    std::vector<float> values(bytes.size() / sizeof(float));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

 private:
  Buffer Aligned(size_t bytes) {
    if (bytes == 0) return {};
    auto buffer = Buffer::Create(allocator_, bytes, "test");
    if (!buffer.ok()) FAIL("no memory");
    return std::move(buffer).value();
  }

  OpSpec spec_;
  KernelChoice choice_;
  ThreadPool& pool_;
  std::shared_ptr<Allocator> allocator_ = std::make_shared<Allocator>();
  std::unique_ptr<Kernel> kernel_;
  Buffer scratch_;
};

inline Status CheckOp(std::string_view op, const OpSpec& spec) { return FindOp(op)->check(spec); }

// Largest |a − b| / (|b| + floor).
inline double WorstError(const std::vector<float>& a, const std::vector<double>& b, double floor) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(a[i] - b[i]) / (std::abs(b[i]) + floor);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

template <typename T>
std::vector<T> Slice(const std::vector<T>& values, size_t begin, size_t count) {
  return {values.begin() + static_cast<ptrdiff_t>(begin),
          values.begin() + static_cast<ptrdiff_t>(begin + count)};
}

}  // namespace hob::test
