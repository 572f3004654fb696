// SPDX-License-Identifier: Apache-2.0
// Every provider of the matrix product against the scalar one, over shapes that fill no tile.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>

#include "lib/base/block_formats.h"
#include "lib/base/per_channel.h"
#include "lib/format/weight_row.h"
#include "lib/ops/matmul/linear.h"
#include "lib/ops/matmul/panels.h"
#include "lib/ops/quantize/quantize_row.h"
#include "tests/ops/weights.h"

namespace hob::test {
namespace {

using ops::matmul::Linear;
using ops::matmul::LinearMaker;

constexpr int64_t kColumns[] = {32, 64, 96, 256, 288, 576, 1536};
constexpr int64_t kOutputs[] = {1, 15, 16, 31, 32, 33, 192, 576};
constexpr int64_t kRows[] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 64, 65};
constexpr DType kPanelTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                                 DType::kQ5_1, DType::kQ8_0, DType::kQ4_K,
                                 DType::kQ5_K, DType::kQ6_K, DType::kQC8};
constexpr DType kQuantized[] = {DType::kQ8Act, DType::kQ16Act};

// K-quants have blocks of 256.
bool Fits(DType type, int64_t columns) { return columns % FindDType(type)->block_elements == 0; }

// Small matrices get all the rows, large ones a few: the reference is slow.
int64_t MostRows(int64_t columns, int64_t outputs) { return columns * outputs > 60000 ? 13 : 65; }

// Random rows; of the first ones, one is all the largest value, one the smallest, one zero, one in
// turn the values whose low terms are the largest and the smallest.
std::vector<float> Activations(int64_t rows, int64_t columns) {
  constexpr float kTurns[] = {0x1.fcp0f, -0x1.fcp0f, 0x1.fcp-8f, -0x1.fcp-8f};  // 32512 and 127
  std::mt19937 generator(7);
  std::vector<float> x(static_cast<size_t>(rows * columns));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < columns; ++k) {
      const float random = static_cast<float>(generator() >> 8) * 0x1p-22f - 2.0f;
      x[static_cast<size_t>(r * columns + k)] = r == 1   ? 1.5f
                                                : r == 2 ? -2.5f
                                                : r == 3 ? 0.0f
                                                : r == 4 ? kTurns[k % 4]
                                                         : random;
    }
  }
  return x;
}

class Fixture {
 public:
  Fixture() : pool_(std::move(ThreadPool::Create(1)).value()) {}

  PlanContext Context(const KernelChoice& choice) {
    choice_ = choice;
    return {&choice_, pool_.get(), allocator_, {}, 65};
  }

  Buffer Memory(size_t bytes) {
    return std::move(Buffer::Create(allocator_, std::max<size_t>(bytes, 1), "test")).value();
  }

  // Rows as the linear wants them, with the 64 bytes behind them that every activation has.
  Buffer Input(const std::vector<float>& x, int64_t rows, int64_t columns, DType type) {
    const auto k = static_cast<size_t>(columns);
    const size_t stride = ActivationRowBytes(type, k);
    Buffer input = Memory(static_cast<size_t>(rows) * stride + 64);
    for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
      if (type == DType::kF32) {
        std::memcpy(input.data() + r * stride, x.data() + r * k, stride);
      } else {
        ops::QuantizeRowScalar(x.data() + r * k, k, Int8Terms(type), input.data() + r * stride);
      }
    }
    return input;
  }

  // [rows][outputs], computed in pieces of `tiles` tiles with rows `gap` floats longer in memory.
  std::vector<float> Compute(const Linear& linear, const Buffer& x, int64_t rows, int64_t outputs,
                             int64_t tiles, int64_t gap) {
    const int64_t stride = outputs + gap;
    constexpr float kUntouched = 12345.0f;
    std::vector<float> out(static_cast<size_t>(rows * stride), kUntouched);
    Buffer scratch = Memory(linear.scratch_bytes());
    std::memset(scratch.data(), 0xff, scratch.size());
    const int64_t piece = linear.tile() * tiles;
    for (int64_t n = 0; n < outputs; n += piece) {
      linear.Compute(x.data(), rows, n, std::min(n + piece, outputs), out.data() + n, stride, {},
                     scratch.data(), nullptr);
    }
    if (rows <= 13) CheckAddend(linear, x, rows, outputs, out, stride);
    std::vector<float> packed;
    bool overrun = false;
    for (int64_t r = 0; r < rows; ++r) {
      const float* row = out.data() + r * stride;
      packed.insert(packed.end(), row, row + outputs);
      for (int64_t i = outputs; i < stride; ++i) overrun |= row[i] != kUntouched;
    }
    REQUIRE_FALSE(overrun);
    return packed;
  }

 private:
  // The same with an addend is `plain` plus it.
  void CheckAddend(const Linear& linear, const Buffer& x, int64_t rows, int64_t outputs,
                   const std::vector<float>& plain, int64_t stride) {
    const int64_t addend_stride = rows % 2 == 0 ? 0 : outputs + 3;
    std::vector<float> addend(static_cast<size_t>(rows * addend_stride + outputs));
    for (size_t i = 0; i < addend.size(); ++i) addend[i] = static_cast<float>(i % 29) - 14.5f;
    std::vector<float> out(plain.size());
    const Buffer scratch = Memory(linear.scratch_bytes());
    const int64_t piece = linear.tile();
    for (int64_t n = 0; n < outputs; n += piece) {
      linear.Compute(x.data(), rows, n, std::min(n + piece, outputs), out.data() + n, stride,
                     {addend.data() + n, addend_stride}, scratch.data(), nullptr);
    }
    bool same = true;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t n = 0; n < outputs; ++n) {
        const float sum = plain[static_cast<size_t>(r * stride + n)] +
                          addend[static_cast<size_t>(r * addend_stride + n)];
        const float got = out[static_cast<size_t>(r * stride + n)];
        same = same && (got == sum || (std::isnan(got) && std::isnan(sum)));
      }
    }
    REQUIRE(same);
  }

  std::unique_ptr<ThreadPool> pool_;
  std::shared_ptr<Allocator> allocator_ = std::make_shared<Allocator>();
  KernelChoice choice_;
};

struct Provider {
  std::string label;  // in messages
  KernelChoice choice;
  LinearMaker maker;
  std::string provider;
  bool fused = true;  // multiply-add: the reference's bits
};

// This CPU's features, held to each level.
std::vector<std::pair<std::string, CpuFeatures>> Levels() {
  const CpuFeatures all = CpuFeatures::Detect();
  std::vector<std::pair<std::string, CpuFeatures>> levels = {{"baseline", {}}};
  CpuFeatures level;
  const auto add = [&](const char* name, bool CpuFeatures::* flag) {
    if (!(all.*flag)) return;
    level.*flag = true;
    levels.emplace_back(name, level);
  };
  add("sse4", &CpuFeatures::sse4);
  add("avx2", &CpuFeatures::avx2);
  add("avx512", &CpuFeatures::avx512);
  add("neon", &CpuFeatures::neon);
  return levels;
}

std::vector<Provider> PanelProviders() {
  using ops::matmul::MakePanelLinear;
  const CpuFeatures all = CpuFeatures::Detect();
  std::vector<Provider> providers;
  if (all.avx512vnni) {
    providers.push_back({"avx512vnni", {all, "avx512vnni"}, MakePanelLinear, "avx512vnni"});
  }
  if (all.avx2) providers.push_back({"avx2", {all, "avx2"}, MakePanelLinear, "avx2"});
  for (const auto& [name, cpu] : Levels()) {
    const bool fused = cpu.avx2 || cpu.neon;
    providers.push_back({"simd " + name, {cpu, "simd"}, MakePanelLinear, "simd", fused});
  }
  return providers;
}

std::vector<Provider> FloatProviders() {
  std::vector<Provider> providers;
  for (const auto& [name, cpu] : Levels()) {
    providers.push_back({"simd " + name, {cpu, "simd"}, ops::matmul::MakeSimdLinear, "simd"});
  }
  providers.push_back(
      {"xnnpack", {CpuFeatures::Detect(), "xnnpack"}, ops::matmul::MakeXnnpackLinear, "xnnpack"});
  return providers;
}

// x·W in double, and Σ|x·w|, which errors are relative to.
struct Exact {
  Exact(const std::vector<float>& x, const std::vector<float>& w, int64_t rows, int64_t outputs,
        int64_t columns) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t n = 0; n < outputs; ++n) {
        double sum = 0, size = 0;
        for (int64_t k = 0; k < columns; ++k) {
          const double product = static_cast<double>(x[static_cast<size_t>(r * columns + k)]) *
                                 static_cast<double>(w[static_cast<size_t>(n * columns + k)]);
          sum += product;
          size += std::abs(product);
        }
        value.push_back(sum);
        magnitude.push_back(size);
      }
    }
  }
  std::vector<double> value, magnitude;
};

// The largest error against Σ|x·w|.
double WorstError(const std::vector<float>& out, const Exact& exact) {
  double worst = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const double error = std::abs(static_cast<double>(out[i]) - exact.value[i]);
    const double relative = error == 0 ? 0 : error / exact.magnitude[i];
    if (!(relative <= worst)) worst = relative;
  }
  return worst;
}

bool SameBits(const std::vector<float>& a, const float* b) {
  return std::memcmp(a.data(), b, a.size() * sizeof(float)) == 0;
}

// What quantised activations stand for.
std::vector<float> Dequantized(const Buffer& x, int64_t rows, int64_t columns, DType type) {
  const auto k = static_cast<size_t>(columns);
  std::vector<float> values;
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
    const ops::Q8Row row(x.data() + r * ActivationRowBytes(type, k), k, Int8Terms(type));
    for (size_t i = 0; i < k; ++i) {
      const int32_t a = row.terms == 2 ? kQ16Base * row.q[i] + row.low[i] : row.q[i];
      values.push_back(static_cast<float>(a) * row.scale[i / 32]);
    }
  }
  return values;
}

TEST_CASE("matmul: the scalar int8 product is that of the dequantised operands") {
  Fixture f;
  for (const DType type : kPanelTypes) {
    for (const int64_t columns : {256, 288}) {
      if (!Fits(type, columns)) continue;
      const int64_t outputs = 37, rows = 8;
      INFO(FindDType(type)->name << " K=" << columns);
      const Weights weights(type, outputs, columns);
      for (const DType activation : kQuantized) {
        const Buffer x = f.Input(Activations(rows, columns), rows, columns, activation);
        const Exact exact(Dequantized(x, rows, columns, activation), weights.Floats(), rows,
                          outputs, columns);
        const auto linear =
            ops::matmul::MakeScalarLinear(weights.operand(), activation, f.Context({{}, "scalar"}));
        REQUIRE(linear.ok());
        REQUIRE(*linear != nullptr);
        CHECK(WorstError(f.Compute(**linear, x, rows, outputs, 1, 0), exact) < 1e-5);
      }
    }
  }
}

// All panel kernels with the scalar product, for few and many rows.
void ComparePanels(Fixture& f, const Weights& weights, DType activation) {
  const DType type = weights.tensor().type;
  const int64_t outputs = weights.tensor().shape[0], columns = weights.tensor().shape[1];
  const int64_t most = MostRows(columns, outputs);
  const Buffer x = f.Input(Activations(most, columns), most, columns, activation);
  auto scalar =
      ops::matmul::MakeScalarLinear(weights.operand(), activation, f.Context({{}, "scalar"}));
  const std::vector<float> expected = f.Compute(**scalar, x, most, outputs, 1, 0);
  for (const Provider& provider : PanelProviders()) {
    auto linear = provider.maker(weights.operand(), activation, f.Context(provider.choice));
    REQUIRE(linear.ok());
    if (*linear == nullptr && provider.label == "simd baseline") continue;
    REQUIRE(*linear != nullptr);
    REQUIRE((*linear)->provider() == provider.provider);
    for (const int64_t rows : kRows) {
      if (rows > most) continue;
      const std::vector<float> out = f.Compute(**linear, x, rows, outputs, 1 + rows % 3, rows % 2);
      INFO(FindDType(type)->name << " " << provider.label << " terms=" << Int8Terms(activation)
                                 << " K=" << columns << " N=" << outputs << " rows=" << rows);
      if (provider.fused) {
        REQUIRE(SameBits(out, expected.data()));
      } else {
        // Relative to the sum and to its terms, which grow with √K.
        const float size = 16.0f * std::sqrt(static_cast<float>(columns));
        float worst = 0;
        for (size_t i = 0; i < out.size(); ++i) {
          const float error = std::abs(out[i] - expected[i]) / (std::abs(expected[i]) + size);
          if (!(error <= worst)) worst = error;
        }
        REQUIRE(worst < 1e-5f);
      }
    }
  }
}

TEST_CASE("matmul: panel kernels give the scalar bits") {
  Fixture f;
  for (const DType type : kPanelTypes) {
    for (const int64_t columns : kColumns) {
      if (!Fits(type, columns)) continue;
      for (const int64_t outputs : kOutputs) {
        const Weights weights(type, outputs, columns, static_cast<uint32_t>(columns + outputs));
        for (const DType activation : kQuantized) ComparePanels(f, weights, activation);
      }
    }
  }
}

// A matrix of `rows` rows in panels, in every provider: the same as its rows.
void CheckPanels(Fixture& f, DType type, int64_t rows) {
  constexpr int64_t kColumns = 512, kX = 7;
  const Weights weights(type, rows, kColumns);
  const PanelFormat& format = *FindPanelFormat(type, kColumns);
  const Buffer bytes = f.Memory(PanelsBytes(format, rows, kColumns));
  for (int64_t n = 0; n < rows; n += kPanelRows) {
    const size_t panel = static_cast<size_t>(n / kPanelRows);
    PackWeightRows(format, weights.tensor(), n, std::min(kPanelRows, rows - n),
                   bytes.data() + panel * PanelBytes(format, kColumns));
  }
  Tensor packed = weights.tensor();
  packed.data = bytes.span();
  packed.panels = true;
  const Operand operand{true, type, packed.shape, &packed};
  for (const DType activation : {DType::kQ8Act, DType::kQ16Act, DType::kF32}) {
    const Buffer x = f.Input(Activations(kX, kColumns), kX, kColumns, activation);
    std::vector<Provider> providers =
        activation == DType::kF32 ? FloatProviders() : PanelProviders();
    providers.push_back({"scalar", {{}, "scalar"}, ops::matmul::MakeScalarLinear, "scalar"});
    for (const Provider& provider : providers) {
      INFO(FindDType(type)->name << " " << provider.label << " N=" << rows);
      auto from_rows = provider.maker(weights.operand(), activation, f.Context(provider.choice));
      auto from_panels = provider.maker(operand, activation, f.Context(provider.choice));
      REQUIRE((from_rows.ok() && from_panels.ok()));
      if (provider.label == "xnnpack") {
        REQUIRE(*from_panels == nullptr);  // it packs rows itself
        continue;
      }
      REQUIRE((*from_rows == nullptr) == (*from_panels == nullptr));
      if (*from_rows == nullptr) continue;
      CHECK((*from_panels)->packed_bytes() == 0);
      REQUIRE(SameBits(f.Compute(**from_panels, x, kX, rows, 1, 0),
                       f.Compute(**from_rows, x, kX, rows, 1, 0).data()));
    }
  }
}

TEST_CASE("matmul: a file's panels are used in place, with the bits of its rows") {
  Fixture f;
  for (const DType type : kPanelTypes) {
    CheckPanels(f, type, 64);
    CheckPanels(f, type, 70);
  }
}

TEST_CASE("matmul: f32 activations with every type, and a row's bits whatever the other rows") {
  Fixture f;
  constexpr DType kTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQC8,
                              DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                              DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};
  std::map<std::string, int> used;
  for (const DType type : kTypes) {
    for (const int64_t columns : {1, 7, 32, 63, 96, 256, 288, 1536}) {
      if (!Fits(type, columns)) continue;
      for (const int64_t outputs : kOutputs) {
        const Weights weights(type, outputs, columns, static_cast<uint32_t>(columns + outputs));
        const int64_t most = MostRows(columns, outputs);
        const std::vector<float> activations = Activations(most, columns);
        const Buffer x = f.Input(activations, most, columns, DType::kF32);
        const Exact exact(activations, weights.Floats(), most, outputs, columns);
        for (const Provider& provider : FloatProviders()) {
          INFO(FindDType(type)->name << " " << provider.label << " K=" << columns
                                     << " N=" << outputs);
          auto linear = provider.maker(weights.operand(), DType::kF32, f.Context(provider.choice));
          REQUIRE(linear.ok());
          if (*linear == nullptr) {
            REQUIRE(provider.label == "xnnpack");  // not every type, not in every build
            continue;
          }
          ++used[provider.label];
          const std::vector<float> all = f.Compute(**linear, x, most, outputs, 1, 0);
          // A lane adds up to K / 4 products one after the other.
          REQUIRE(WorstError(all, exact) < 4e-5);
          for (const int64_t rows : kRows) {
            if (rows > most) continue;
            REQUIRE(SameBits(f.Compute(**linear, x, rows, outputs, 1 + rows % 3, rows % 2),
                             all.data()));
          }
          // A later row alone.
          const size_t skip = static_cast<size_t>(std::min<int64_t>(most - 1, 9));
          const std::vector<float> tail(
              activations.begin() + static_cast<ptrdiff_t>(skip * static_cast<size_t>(columns)),
              activations.end());
          const Buffer one = f.Input(tail, 1, columns, DType::kF32);
          REQUIRE(SameBits(f.Compute(**linear, one, 1, outputs, 2, 0),
                           all.data() + skip * static_cast<size_t>(outputs)));
        }
      }
    }
  }
#if defined(HOB_HAVE_XNNPACK)
  CHECK(used["xnnpack"] > 0);
#endif
}

TEST_CASE("matmul: xnnpack gives a row the same bits for 1 to 65 rows") {
  Fixture f;
  const int64_t columns = 576, outputs = 200, most = 65;
  const Weights weights(DType::kF32, outputs, columns);
  const Buffer x = f.Input(Activations(most, columns), most, columns, DType::kF32);
  auto linear = ops::matmul::MakeXnnpackLinear(weights.operand(), DType::kF32,
                                               f.Context({CpuFeatures::Detect(), "xnnpack"}));
  REQUIRE(linear.ok());
  if (*linear == nullptr) SKIP("built without XNNPACK, or it does not run on this CPU");
  CHECK((*linear)->packed_bytes() >= static_cast<size_t>(outputs * columns));
  const std::vector<float> all = f.Compute(**linear, x, most, outputs, 1, 5);
  for (int64_t rows = 1; rows <= most; ++rows) {
    INFO("rows=" << rows);
    REQUIRE(SameBits(f.Compute(**linear, x, rows, outputs, 2, rows % 2), all.data()));
  }
}

TEST_CASE("matmul: xnnpack stands back where fewer instructions are asked for") {
  Fixture f;
  const Weights weights(DType::kF32, 32, 64);
  if (CpuFeatures::Detect().ToString() == CpuFeatures().ToString()) SKIP("nothing to leave out");
  auto linear =
      ops::matmul::MakeXnnpackLinear(weights.operand(), DType::kF32, f.Context({{}, "xnnpack"}));
  REQUIRE(linear.ok());
  CHECK(*linear == nullptr);
}

TEST_CASE("matmul: per-channel quantisation") {
  using namespace ops::matmul;
  SECTION("scale, rounding to even, and the largest value exactly") {
    const std::vector<float> w = {127.0f, -0.5f, 1.5f, 2.5f,  // scale 1: ties to even
                                  0.0f,   0.0f,  0.0f, 0.0f,  // a row of zeros
                                  -2.54f, 1.27f, 0.0f, 2.0f};
    const auto data = QuantizePerChannel(w, 3, 4);
    REQUIRE(data.ok());
    REQUIRE(data->size() == PerChannelBytes(3, 4));
    CHECK(PerChannelScale(*data, 3, 4, 0) == 1.0f);
    const auto* q = reinterpret_cast<const int8_t*>(data->data());
    CHECK(std::vector<int>(q, q + 8) == std::vector<int>{127, 0, 2, 2, 0, 0, 0, 0});
    CHECK(q[8] == -127);
    std::vector<float> row(4);
    DequantizePerChannelRow(*data, 3, 4, 2, row.data());
    for (size_t k = 0; k < 4; ++k) CHECK(std::abs(row[k] - w[8 + k]) <= 0.0101f);
  }
  SECTION("errors are at most half a step") {
    std::mt19937 generator(3);
    std::vector<float> w(40 * 50);
    for (float& v : w) v = static_cast<float>(generator() >> 8) * 0x1p-20f - 8.0f;
    const auto data = QuantizePerChannel(w, 40, 50);
    REQUIRE(data.ok());
    std::vector<float> row(50);
    for (int64_t r = 0; r < 40; ++r) {
      DequantizePerChannelRow(*data, 40, 50, r, row.data());
      const float half = 0.5001f * PerChannelScale(*data, 40, 50, r);
      for (size_t k = 0; k < 50; ++k) {
        CHECK(std::abs(row[k] - w[static_cast<size_t>(r) * 50 + k]) <= half);
      }
    }
  }
  SECTION("tiny values keep a normal scale") {
    const std::vector<float> w = {1e-40f, -1e-40f, 3e-39f};
    const auto data = QuantizePerChannel(w, 1, 3);
    REQUIRE(data.ok());
    CHECK(PerChannelScale(*data, 1, 3, 0) >= std::numeric_limits<float>::min());
  }
  SECTION("the reference product") {
    const Weights weights(DType::kQC8, 9, 33);
    const std::vector<float> x = Activations(5, 33);
    std::vector<float> out(5 * 9);
    MultiplyPerChannel(weights.tensor().data, 9, 33, x.data(), 5, out.data(), 9);
    CHECK(WorstError(out, Exact(x, weights.Floats(), 5, 9, 33)) < 1e-6);
  }
  SECTION("what is refused") {
    const std::vector<float> w = {1.0f, std::numeric_limits<float>::infinity()};
    const auto infinite = QuantizePerChannel(w, 1, 2);
    REQUIRE_FALSE(infinite.ok());
    CHECK(std::string(infinite.status().message()).find("column 1") != std::string::npos);
    CHECK_FALSE(QuantizePerChannel(w, 1, 3).ok());
    CHECK_FALSE(QuantizePerChannel(w, -1, 2).ok());
    CHECK_FALSE(QuantizePerChannel({}, 0, 0).ok());
    CHECK(PerChannelBytes(std::numeric_limits<int64_t>::max(), 1 << 20) == 0);
  }
}

}  // namespace
}  // namespace hob::test
