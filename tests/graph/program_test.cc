// SPDX-License-Identifier: Apache-2.0
// A graph of an app's own computes what a model's nodes do, bit for bit.
#include "lib/graph/program.h"

#include <catch2/catch_test_macros.hpp>
#include <cstring>

#include "tests/ops/support.h"
#include "tests/ops/weights.h"

using namespace hob;
using namespace hob::test;

namespace {

Attributes Weights1() {
  Attributes attributes;
  attributes.Set("weights", int64_t{1});
  return attributes;
}

std::unique_ptr<Program> Compile(const GraphBuilder& builder, ThreadPool& pool,
                                 const ProgramOptions& options = {}) {
  auto program = Program::Create(builder, pool, std::make_shared<Allocator>(), options);
  INFO(program.status().message());
  REQUIRE(program.ok());
  return *std::move(program);
}

std::vector<float> Run(Program& program, const std::vector<float>& x, int64_t rows,
                       int64_t columns) {
  std::vector<float> out(static_cast<size_t>(rows * columns), -1);
  const float* in = x.data();
  float* to = out.data();
  REQUIRE(program.Run({.inputs = {&in, 1}, .outputs = {&to, 1}, .rows = rows}).ok());
  return out;
}

// x → rms_norm → matmul → swiglu of two products → matmul + x.
struct FeedForward {
  static constexpr int64_t kWidth = 64, kHidden = 96;
  FloatTensor norm{Random(kWidth, 1), {kWidth}};
  Weights gate{DType::kQ4_0, kHidden, kWidth, 2}, up{DType::kQ8_0, kHidden, kWidth, 3},
      down{DType::kQ4_1, kWidth, kHidden, 4};
  GraphBuilder builder;
  ValueId x, normed, gated, out;

  explicit FeedForward(bool show_all) {
    const auto weight = [&](const char* name, const Tensor& t) {
      return *builder.AddWeight(name, t.type, t.shape, t.data, nullptr);
    };
    const int64_t width[] = {kWidth}, hidden[] = {kHidden};
    x = *builder.AddInput("x", kWidth);
    Attributes epsilon, silu;
    epsilon.Set("epsilon", 1e-5);
    silu.Set("activation", int64_t{0});
    normed = *builder.AddNode("rms_norm", "norm", {x, weight("n", norm.tensor)}, epsilon, width);
    const ValueId g = *builder.AddNode(
        "matmul", "gate", {normed, weight("g", gate.tensor()), kNoValue}, Weights1(), hidden);
    const ValueId u = *builder.AddNode("matmul", "up", {normed, weight("u", up.tensor()), kNoValue},
                                       Weights1(), hidden);
    gated = *builder.AddNode("swiglu", "gated", {g, u}, silu, hidden);
    const ValueId d = *builder.AddNode(
        "matmul", "down", {gated, weight("d", down.tensor()), kNoValue}, Weights1(), width);
    out = *builder.AddNode("add", "sum", {d, x}, {}, width);
    REQUIRE(builder.AddOutput(out).ok());
    if (show_all) {
      REQUIRE(builder.AddOutput(normed).ok());
      REQUIRE(builder.AddOutput(gated).ok());
      REQUIRE(builder.AddOutput(x).ok());
      REQUIRE(builder.AddOutput(g).ok());
    }
  }
};

}  // namespace

TEST_CASE("a matrix product has the bits of a model's quantize and matmul nodes") {
  const auto pool = MakePool(2);
  const auto choice = KernelChoice::FromEnvironment();
  REQUIRE(choice.ok());
  for (const DType type : {DType::kF32, DType::kF16, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                           DType::kQ8_0, DType::kQ6_K, DType::kQC8}) {
    for (const DType activation : {DType::kQ16Act, DType::kQ8Act, DType::kF32}) {
      INFO(FindDType(type)->name << " " << static_cast<int>(activation));
      constexpr int64_t kOutputs = 70, kColumns = 256, kRows = 5;
      const Weights weights(type, kOutputs, kColumns);
      const std::vector<float> x = Random(kRows * kColumns, 9);
      GraphBuilder builder;
      const ValueId in = *builder.AddInput("x", kColumns);
      const ValueId w =
          *builder.AddWeight("w", type, weights.tensor().shape, weights.tensor().data, nullptr);
      const int64_t columns[] = {kOutputs};
      const ValueId y = *builder.AddNode("matmul", "y", {in, w, kNoValue}, Weights1(), columns);
      REQUIRE(builder.AddOutput(y).ok());
      const auto program = Compile(builder, *pool, {.activations = activation});
      const std::vector<float> result = Run(*program, x, kRows, kOutputs);

      const bool floats = type == DType::kF32 || type == DType::kF16;
      const DType entered = floats ? DType::kF32 : activation;
      OpSpec spec{.name = "y", .attributes = Weights1()};
      spec.inputs = {Rows(kColumns, entered), weights.operand(), {}};
      spec.outputs = {Rows(kOutputs)};
      std::vector<uint8_t> expected;
      const PlainStep step(kRows, 0);
      if (entered == DType::kF32) {
        Runner runner("matmul", spec, *choice, *pool);
        expected = runner.Run(step.step, {x, {}, {}}, kRows);
      } else {
        const PlanContext context{&*choice, pool.get(), std::make_shared<Allocator>(), {}, kRows};
        OpSpec quantize{.name = "q"};
        quantize.inputs = {Rows(kColumns)};
        quantize.outputs = {Rows(kColumns, entered)};
        const auto q = *FindOp("quantize")->make(quantize, context);
        const auto m = *FindOp("matmul")->make(spec, context);
        std::shared_ptr<Allocator> allocator = std::make_shared<Allocator>();
        Buffer a = *Buffer::Create(allocator, x.size() * 4 + 64, "x");
        Buffer b =
            *Buffer::Create(allocator, ActivationRowBytes(entered, kColumns) * kRows + 64, "q");
        Buffer c = *Buffer::Create(allocator, kRows * kOutputs * 4 + 64, "y");
        Buffer s = *Buffer::Create(allocator, m->scratch_bytes() + 64, "s");
        std::memcpy(a.data(), x.data(), x.size() * 4);
        uint8_t* places[] = {a.data(), b.data(), c.data()};
        uint8_t* product_inputs[] = {b.data(), nullptr, nullptr};
        q->Run({.inputs = {places, 1},
                .outputs = {places + 1, 1},
                .rows = kRows,
                .step = &step.step,
                .pool = pool.get()});
        m->Run({.inputs = product_inputs,
                .outputs = {places + 2, 1},
                .rows = kRows,
                .step = &step.step,
                .pool = pool.get(),
                .scratch = s.data()});
        expected.assign(c.data(), c.data() + kRows * kOutputs * 4);
      }
      REQUIRE(expected.size() == result.size() * sizeof(float));
      CHECK(std::memcmp(expected.data(), result.data(), expected.size()) == 0);
    }
  }
}

TEST_CASE("fusions, threads and rows beside it change no bit of a row") {
  const std::vector<float> x = Random(33 * FeedForward::kWidth, 5);
  for (const DType activation : {DType::kQ16Act, DType::kQ8Act, DType::kF32}) {
    std::vector<float> first;
    for (const size_t threads : {1u, 2u, 4u}) {
      const auto pool = MakePool(threads);
      FeedForward plain(false), open(true);
      const auto fused = Compile(plain.builder, *pool, {.activations = activation});
      const auto unfused = Compile(open.builder, *pool, {.activations = activation});
      CHECK(fused->Describe().size() < unfused->Describe().size() + 1);
      const std::vector<float> all = Run(*fused, x, 33, FeedForward::kWidth);
      if (first.empty()) first = all;
      CHECK(all == first);

      std::vector<float> out(x.size()), normed(x.size()), same(x.size());
      std::vector<float> gated(33 * FeedForward::kHidden), gate(gated.size());
      const float* in[] = {x.data()};
      float* to[] = {out.data(), normed.data(), gated.data(), same.data(), gate.data()};
      REQUIRE(unfused->Run({.inputs = in, .outputs = to, .rows = 33}).ok());
      CHECK(out == all);
      CHECK(same == x);
      CHECK(normed != x);
      for (int64_t r : {0, 7, 32}) {
        const auto begin = x.begin() + r * FeedForward::kWidth;
        const std::vector<float> alone =
            Run(*fused, {begin, begin + FeedForward::kWidth}, 1, FeedForward::kWidth);
        CHECK(std::equal(alone.begin(), alone.end(), all.begin() + r * FeedForward::kWidth));
      }
    }
  }
}

TEST_CASE("weights of one node are multiplied each as its type is, in any order") {
  const auto pool = MakePool(2);
  const Weights floats(DType::kF32, 40, 64, 1), blocks(DType::kQ8_0, 24, 64, 2);
  const std::vector<float> x = Random(3 * 64, 5);
  const auto product = [&](const std::vector<const Weights*>& weights) {
    GraphBuilder builder;
    std::vector<ValueId> inputs = {*builder.AddInput("x", 64)};
    std::vector<int64_t> columns;
    for (const Weights* w : weights) {
      const Tensor& t = w->tensor();
      inputs.push_back(*builder.AddWeight("", t.type, t.shape, t.data, nullptr));
      inputs.push_back(kNoValue);
      columns.push_back(t.shape[0]);
    }
    Attributes attributes;
    attributes.Set("weights", static_cast<int64_t>(weights.size()));
    const ValueId y = *builder.AddNode("matmul", "y", inputs, attributes, columns);
    std::vector<std::vector<float>> out;
    std::vector<float*> to;
    for (size_t i = 0; i < columns.size(); ++i) {
      REQUIRE(builder.AddOutput(y + static_cast<ValueId>(i)).ok());
      out.emplace_back(static_cast<size_t>(3 * columns[i]));
    }
    for (std::vector<float>& rows : out) to.push_back(rows.data());
    const float* in = x.data();
    const auto program = Compile(builder, *pool);
    REQUIRE(program->Run({.inputs = {&in, 1}, .outputs = to, .rows = 3}).ok());
    return out;
  };
  const std::vector<float> f = product({&floats})[0], b = product({&blocks})[0];
  CHECK(product({&floats, &blocks}) == std::vector<std::vector<float>>{f, b});
  CHECK(product({&blocks, &floats, &blocks}) == std::vector<std::vector<float>>{b, f, b});
}

TEST_CASE("weights that are packed are let go, the others are kept") {
  const auto pool = MakePool(1);
  for (const DType type : {DType::kQ4_0, DType::kF16}) {
    const Weights weights(type, 64, 64);
    auto owner = std::make_shared<int>(1);
    const std::weak_ptr<int> alive = owner;
    std::unique_ptr<Program> program;
    {
      GraphBuilder builder;
      const ValueId x = *builder.AddInput("x", 64);
      const ValueId w = *builder.AddWeight("w", type, {64, 64}, weights.tensor().data, owner);
      owner.reset();
      const int64_t columns[] = {64};
      const ValueId y = *builder.AddNode("matmul", "y", {x, w, kNoValue}, Weights1(), columns);
      REQUIRE(builder.AddOutput(y).ok());
      program = Compile(builder, *pool);
      CHECK(!alive.expired());
    }
    CHECK(program->weight_bytes() >= weights.tensor().data.size());
    if (type == DType::kQ4_0) CHECK(alive.expired());
    if (!alive.expired()) CHECK(program->Describe()[0].packed_bytes == 0);
  }
}

TEST_CASE("tokens are looked up and positions turned") {
  const auto pool = MakePool(2);
  const Weights table(DType::kQ8_0, 40, 64);
  GraphBuilder builder;
  const ValueId w = *builder.AddWeight("t", DType::kQ8_0, {40, 64}, table.tensor().data, nullptr);
  const int64_t columns[] = {64};
  Attributes rope, angles;
  angles.Set("dimensions", int64_t{32});
  angles.Set("base", 10000.0);
  rope.Set("head_dim", int64_t{32});
  rope.Set("neox", int64_t{1});
  const int64_t angle_columns[] = {32};
  const ValueId e = *builder.AddNode("embedding", "e", {w}, {}, columns);
  const ValueId a = *builder.AddNode("rope_angles", "a", {}, angles, angle_columns);
  const ValueId r = *builder.AddNode("rope", "r", {e, a}, rope, columns);
  REQUIRE(builder.AddOutput(e).ok());
  REQUIRE(builder.AddOutput(r).ok());
  const auto program = Compile(builder, *pool, {.max_rows = 8});
  const int32_t tokens[] = {3, 39, 0};
  std::vector<float> plain(3 * 64), turned(3 * 64), later(64), none(64);
  float* to[] = {plain.data(), turned.data()};
  REQUIRE(
      program->Run({.inputs = {}, .outputs = to, .rows = 3, .tokens = tokens, .position = 5}).ok());
  const std::vector<float> values = table.Floats();
  for (size_t i = 0; i < 64; ++i) {
    CHECK(plain[i] == values[3 * 64 + i]);
    CHECK(plain[64 + i] == values[39 * 64 + i]);
  }
  CHECK(turned != plain);
  // The second row alone, at its own position.
  float* alone[] = {none.data(), later.data()};
  REQUIRE(
      program->Run({.inputs = {}, .outputs = alone, .rows = 1, .tokens = tokens + 1, .position = 6})
          .ok());
  CHECK(std::equal(later.begin(), later.end(), turned.begin() + 64));

  const int32_t outside[] = {3, 40};
  CHECK(program->Run({.inputs = {}, .outputs = to, .rows = 2, .tokens = outside}).code() ==
        StatusCode::kInvalidArgument);
  CHECK(program->Run({.inputs = {}, .outputs = to, .rows = 2}).code() ==
        StatusCode::kInvalidArgument);
  CHECK(program->Run({.inputs = {}, .outputs = to, .rows = 9, .tokens = tokens}).code() ==
        StatusCode::kInvalidArgument);
  CHECK(program->Run({.inputs = {}, .outputs = to, .rows = 3, .tokens = tokens, .position = -1})
            .code() == StatusCode::kInvalidArgument);
}
