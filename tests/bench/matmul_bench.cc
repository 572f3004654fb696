// SPDX-License-Identifier: Apache-2.0
// The matrix product of each provider on one thread: weights of SmolLM2-135M and of a 1B model.
//   bench_matmul --benchmark_filter='Q4_0.*/K:576/N:1536/rows:(1|64)$'
#include <benchmark/benchmark.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "lib/ops/matmul/linear.h"
#include "lib/ops/quantize/quantize_row.h"
#include "tests/ops/weights.h"

namespace hob::test {
namespace {

using ops::matmul::Linear;

struct Shape {
  int64_t columns, outputs;
};
constexpr Shape kShapes[] = {{576, 576}, {576, 1536}, {1536, 576}, {576, 49152}, {2048, 5504}};
constexpr int64_t kRows[] = {1, 8, 64, 512};

// The last matrix: making a large one takes longer than measuring it.
const Weights& GetWeights(DType type, const Shape& shape) {
  static std::unique_ptr<Weights> weights;
  if (weights == nullptr || weights->tensor().type != type ||
      weights->tensor().shape != std::vector<int64_t>{shape.outputs, shape.columns}) {
    weights.reset();
    weights = std::make_unique<Weights>(type, shape.outputs, shape.columns);
  }
  return *weights;
}

void Product(benchmark::State& state, DType type, DType activation, const std::string& provider,
             ops::matmul::LinearMaker maker, Shape shape) {
  const int64_t rows = state.range(0);
  auto pool = *ThreadPool::Create(1);
  auto allocator = std::make_shared<Allocator>();
  const KernelChoice choice{CpuFeatures::Detect(), provider};
  const Weights& weights = GetWeights(type, shape);
  auto linear = maker(weights.operand(), activation, {&choice, pool.get(), allocator, {}, rows});
  if (!linear.ok() || *linear == nullptr) {
    state.SkipWithError("not on this CPU or in this build");
    return;
  }
  const auto k = static_cast<size_t>(shape.columns), count = static_cast<size_t>(rows);
  const size_t stride = ActivationRowBytes(activation, k);
  const Buffer x = *Buffer::Create(allocator, count * stride + 64, "x");
  std::vector<float> row(k);
  for (size_t i = 0; i < k; ++i) row[i] = static_cast<float>(i % 17) * 0.1f - 0.8f;
  for (size_t r = 0; r < count; ++r) {
    if (activation == DType::kF32) {
      std::memcpy(x.data() + r * stride, row.data(), stride);
    } else {
      ops::QuantizeRowScalar(row.data(), k, Int8Terms(activation), x.data() + r * stride);
    }
  }
  const Buffer out =
      *Buffer::Create(allocator, count * static_cast<size_t>(shape.outputs) * sizeof(float), "out");
  const Buffer scratch = *Buffer::Create(allocator, (*linear)->scratch_bytes() + 64, "scratch");
  for (auto _ : state) {
    (*linear)->Compute(x.data(), rows, 0, shape.outputs, out.as<float>(), shape.outputs, {},
                       scratch.data());
    benchmark::ClobberMemory();
  }
  const double products = static_cast<double>(rows * shape.columns * shape.outputs);
  const size_t bytes = std::max((*linear)->packed_bytes(), weights.tensor().data.size());
  using benchmark::Counter;
  state.counters["GOPS"] = Counter(2e-9 * products, Counter::kIsIterationInvariantRate);
  state.counters["GB/s"] =
      Counter(1e-9 * static_cast<double>(bytes), Counter::kIsIterationInvariantRate);
}

void Register(DType type, DType activation, const std::string& provider,
              ops::matmul::LinearMaker maker) {
  for (const Shape& shape : kShapes) {
    if (shape.columns % FindDType(type)->block_elements != 0) continue;
    const char* by = activation == DType::kF32     ? "*F32/"
                     : activation == DType::kQ8Act ? "*Q8/"
                                                   : "*Q16/";
    const std::string name = std::string(FindDType(type)->name) + by + provider +
                             "/K:" + std::to_string(shape.columns) +
                             "/N:" + std::to_string(shape.outputs);
    auto* run = benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      Product(state, type, activation, provider, maker, shape);
    });
    run->ArgName("rows")->MinTime(0.05)->Unit(benchmark::kMicrosecond);
    for (const int64_t rows : kRows) run->Arg(rows);
  }
}

// Before main, as Google Benchmark wants it.
const bool registered = [] {
  using namespace ops::matmul;
  for (const DType type : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                           DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    for (const char* provider : {"avx512vnni", "avx2", "simd"}) {
      Register(type, DType::kQ8Act, provider, MakePanelLinear);
      Register(type, DType::kQ16Act, provider, MakePanelLinear);
    }
  }
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQC8, DType::kQ4_0}) {
    Register(type, DType::kF32, "simd", MakeSimdLinear);
    if (type == DType::kF32 || type == DType::kQC8) {
      Register(type, DType::kF32, "xnnpack", MakeXnnpackLinear);
    }
  }
  return true;
}();

}  // namespace
}  // namespace hob::test
