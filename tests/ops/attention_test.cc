// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/generators/catch_generators.hpp>
#include <limits>

#include "lib/base/f16.h"
#include "tests/ops/support.h"

namespace hob::test {
namespace {

struct Shape {
  int32_t heads, kv_heads, head_dim;
  int32_t window = 0;
  DType cache = DType::kF16;
  DType output = DType::kF32;

  size_t queries() const { return static_cast<size_t>(heads) * head_dim; }
  size_t keys() const { return static_cast<size_t>(kv_heads) * head_dim; }
  double scale() const { return 1.0 / std::sqrt(static_cast<double>(head_dim)); }
  KvLayout kv() const { return {cache, 2, kv_heads, head_dim}; }
};

OpSpec Spec(const Shape& shape) {
  OpSpec spec;
  spec.name = "attention";
  spec.layer = 1;
  spec.attributes.Set("heads", int64_t{shape.heads});
  spec.attributes.Set("kv_heads", int64_t{shape.kv_heads});
  spec.attributes.Set("head_dim", int64_t{shape.head_dim});
  spec.attributes.Set("scale", shape.scale());
  spec.attributes.Set("window", int64_t{shape.window});
  const auto queries = static_cast<int64_t>(shape.queries());
  const auto keys = static_cast<int64_t>(shape.keys());
  spec.inputs = {Rows(queries), Rows(keys), Rows(keys)};
  spec.outputs = {Rows(queries, shape.output)};
  return spec;
}

// q, k and v of a sequence, and its cache, at first full of NaN: no kernel may use what is not
// written.
struct Sequence {
  Sequence(const Shape& shape, size_t tokens, uint32_t seed)
      : type(shape.cache),
        q(Random(tokens * shape.queries(), seed, 2.0f)),
        k(Random(tokens * shape.keys(), seed + 1, 2.0f)),
        v(Random(tokens * shape.keys(), seed + 2)) {
    const size_t pages = (tokens + kKvPageTokens - 1) / kKvPageTokens;
    auto buffer =
        Buffer::Create(std::make_shared<Allocator>(), pages * shape.kv().page_bytes(), "");
    REQUIRE(buffer.ok());
    memory = std::move(buffer).value();
    std::memset(memory.data(), 0xff, memory.size());
    for (size_t i = 0; i < pages; ++i) {
      page_table.push_back(memory.data() + (pages - 1 - i) * shape.kv().page_bytes());
    }
  }
  DType type;
  std::vector<float> q, k, v;
  Buffer memory;
  std::vector<uint8_t*> page_table;
};

// Rows [position, position + rows) of the sequences, one after the other.
struct Part {
  Sequence* sequence;
  int32_t position, rows;
};
std::vector<uint8_t> RunParts(Runner& runner, const Shape& shape, const std::vector<Part>& parts) {
  std::vector<SequenceRows> sequences;
  std::vector<std::vector<float>> inputs(3);
  int32_t rows = 0;
  for (const Part& part : parts) {
    sequences.push_back(
        {part.sequence->page_table.data(), part.sequence->type, rows, part.rows, part.position});
    rows += part.rows;
    const auto append = [&](std::vector<float>& to, const std::vector<float>& from, size_t width) {
      const std::vector<float> slice = Slice(from, part.position * width, part.rows * width);
      to.insert(to.end(), slice.begin(), slice.end());
    };
    append(inputs[0], part.sequence->q, shape.queries());
    append(inputs[1], part.sequence->k, shape.keys());
    append(inputs[2], part.sequence->v, shape.keys());
  }
  const std::vector<int32_t> tokens(static_cast<size_t>(rows));
  Step step;
  step.tokens = tokens;
  step.sequences = sequences;
  return runner.Run(step, inputs, rows);
}

// The whole sequence in pieces of `piece` rows.
std::vector<uint8_t> RunPieces(Runner& runner, const Shape& shape, Sequence& sequence,
                               int32_t tokens, int32_t piece) {
  std::vector<uint8_t> all;
  for (int32_t at = 0; at < tokens; at += piece) {
    const auto part = RunParts(runner, shape, {{&sequence, at, std::min(piece, tokens - at)}});
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

// Scalar, and simd at each level; for the int8 cache also with hand-written products.
std::vector<NamedChoice> ChoicesFor(const Shape& shape) {
  std::vector<NamedChoice> choices = Choices();
  const CpuFeatures all = CpuFeatures::Detect();
  if (shape.cache == DType::kQC8 && all.avx512vnni) {
    choices.push_back({"avx512vnni", {all, "avx512vnni"}});
  }
  return choices;
}

// x as the cache holds it; `x` begins at a row's head.
std::vector<double> Stored(const Shape& shape, const float* x) {
  std::vector<double> stored(x, x + shape.head_dim);
  float largest = 0;
  for (int32_t d = 0; d < shape.head_dim; ++d) largest = std::max(largest, std::abs(x[d]));
  const float scale = largest / 127;
  for (double& value : stored) {
    if (shape.cache == DType::kF16) value = F16ToF32(F32ToF16(static_cast<float>(value)));
    if (shape.cache == DType::kQC8) {
      value = std::nearbyint(static_cast<float>(value) * (1.0f / scale)) * scale;
    }
  }
  return stored;
}
std::vector<double> StoredRows(const Shape& shape, const std::vector<float>& x, size_t tokens) {
  std::vector<double> all;
  for (size_t i = 0; i < tokens * shape.keys(); i += static_cast<size_t>(shape.head_dim)) {
    const std::vector<double> head = Stored(shape, &x[i]);
    all.insert(all.end(), head.begin(), head.end());
  }
  return all;
}

// Plain attention in double, of the values as the cache holds them.
std::vector<double> Reference(const Shape& shape, const Sequence& sequence, size_t tokens) {
  const std::vector<double> k = StoredRows(shape, sequence.k, tokens);
  const std::vector<double> v = StoredRows(shape, sequence.v, tokens);
  const auto width = static_cast<size_t>(shape.head_dim);
  const auto group = static_cast<size_t>(shape.heads / shape.kv_heads);
  std::vector<double> out(tokens * shape.queries());
  for (size_t t = 0; t < tokens; ++t) {
    const size_t first =
        shape.window > 0 && t + 1 > static_cast<size_t>(shape.window) ? t + 1 - shape.window : 0;
    for (size_t h = 0; h < static_cast<size_t>(shape.heads); ++h) {
      const float* q = &sequence.q[t * shape.queries() + h * width];
      std::vector<double> p(t + 1 - first);
      double max = -std::numeric_limits<double>::infinity(), sum = 0;
      for (size_t j = first; j <= t; ++j) {
        double score = 0;
        for (size_t d = 0; d < width; ++d) {
          score += q[d] * k[j * shape.keys() + h / group * width + d];
        }
        p[j - first] = score * shape.scale();
        max = std::max(max, p[j - first]);
      }
      for (double& value : p) sum += value = std::exp(value - max);
      double* y = &out[t * shape.queries() + h * width];
      for (size_t j = first; j <= t; ++j) {
        for (size_t d = 0; d < width; ++d) {
          y[d] += p[j - first] / sum * v[j * shape.keys() + h / group * width + d];
        }
      }
    }
  }
  return out;
}

std::vector<float> Floats(const std::vector<uint8_t>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

const Shape kShapes[] = {
    {9, 3, 64},
    {4, 4, 32, 0, DType::kF32},
    {8, 1, 128},
    {4, 1, 80, 0, DType::kF32},
    {3, 3, 40},
    {2, 1, 8},
    {1, 1, 512},
    {3, 1, 20},  // not a multiple of 8: scalar in any case
    {9, 3, 64, 100},
    {4, 2, 16, 300, DType::kF32},
    {13, 1, 24, 1},
    // int8, queries in 16 bits; with int8 output (below) in 8 bits
    {9, 3, 64, 0, DType::kQC8},
    {8, 1, 128, 0, DType::kQC8},
    {4, 1, 80, 0, DType::kQC8},
    {3, 3, 40, 0, DType::kQC8},
    {2, 1, 8, 0, DType::kQC8},
    {1, 1, 512, 0, DType::kQC8},
    {3, 1, 20, 0, DType::kQC8},
    {2, 1, 7, 0, DType::kQC8},
    {9, 3, 64, 100, DType::kQC8},
    {4, 2, 16, 300, DType::kQC8},
    {13, 1, 24, 1, DType::kQC8},
    {5, 5, 72, 65, DType::kQC8},
};

TEST_CASE("attention: every provider is near the double reference") {
  auto pool = MakePool(2);
  for (const Shape& shape : kShapes) {
    for (const int32_t tokens : {1, 63, 64, 65, 255, 256, 257, 530}) {
      if (shape.head_dim > 128 && tokens != 1 && tokens != 65 && tokens != 257) continue;
      Sequence sequence(shape, static_cast<size_t>(tokens), 7);
      const std::vector<double> reference = Reference(shape, sequence, static_cast<size_t>(tokens));
      for (const NamedChoice& choice : ChoicesFor(shape)) {
        CAPTURE(choice.name, shape.heads, shape.kv_heads, shape.head_dim, shape.window, tokens);
        CAPTURE(shape.cache);
        std::memset(sequence.memory.data(), 0xff, sequence.memory.size());
        Runner runner("attention", Spec(shape), choice.choice, *pool, tokens, shape.kv());
        if (shape.head_dim % 8 == 0) CHECK((runner.provider() == choice.choice.provider));
        const auto out = Floats(RunPieces(runner, shape, sequence, tokens, tokens));
        // Queries and weights of the int8 cache have 16 bits.
        CHECK(WorstError(out, reference, 0.1) < (shape.cache == DType::kQC8 ? 1.5e-3 : 3e-5));
      }
    }
  }
}

TEST_CASE("attention: the cut of a prompt and the threads change no bit") {
  for (const Shape& shape :
       {Shape{9, 3, 64}, Shape{4, 4, 32, 0, DType::kF32}, Shape{8, 1, 72}, Shape{4, 1, 16, 100},
        Shape{6, 2, 8, 300, DType::kF32}, Shape{9, 3, 64, 0, DType::kQC8},
        Shape{4, 1, 40, 100, DType::kQC8}, Shape{6, 2, 16, 0, DType::kQC8, DType::kQ8Act}}) {
    constexpr int32_t kTokens = 600;
    for (const NamedChoice& choice : ChoicesFor(shape)) {
      const bool scalar = choice.name == "scalar";  // slow, and simple: fewer cuts
      Sequence sequence(shape, kTokens, 3);
      std::vector<uint8_t> expected;
      for (const size_t threads : {1, 2, 3}) {
        auto pool = MakePool(threads);
        Runner runner("attention", Spec(shape), choice.choice, *pool, kTokens, shape.kv());
        if (scalar && threads == 3) continue;
        for (const int32_t piece : {kTokens, 1, 7, 64, 300}) {
          if (scalar && piece != kTokens && piece != 7) continue;
          CAPTURE(choice.name, shape.heads, shape.kv_heads, shape.head_dim, threads, piece);
          std::memset(sequence.memory.data(), 0xff, sequence.memory.size());
          const auto out = RunPieces(runner, shape, sequence, kTokens, piece);
          if (expected.empty()) expected = out;
          CHECK((out == expected));
        }
      }
    }
  }
}

TEST_CASE("attention: long contexts split over threads give the bits of one thread") {
  for (const Shape& shape : {Shape{9, 3, 64}, Shape{4, 1, 16, 2500}, Shape{2, 2, 40},
                             Shape{9, 3, 64, 0, DType::kQC8}, Shape{2, 2, 40, 0, DType::kQC8}}) {
    constexpr int32_t kTokens = 5200;  // 21 chunks: more than two rounds
    for (const NamedChoice& choice : ChoicesFor(shape)) {
      if (choice.name == "scalar") continue;
      Sequence sequence(shape, kTokens, 5);
      std::vector<uint8_t> expected;
      for (const size_t threads : {1, 2, 3}) {
        CAPTURE(choice.name, shape.head_dim, threads);
        auto pool = MakePool(threads);
        Runner runner("attention", Spec(shape), choice.choice, *pool, kTokens, shape.kv());
        if (threads == 1) {  // fills the cache; a window of one key makes it cheap
          Shape narrow = shape;
          narrow.window = 1;
          Runner filler("attention", Spec(narrow), choice.choice, *pool, kTokens, shape.kv());
          RunParts(filler, shape, {{&sequence, 0, kTokens - 3}});
        }
        auto out = RunParts(runner, shape, {{&sequence, kTokens - 3, 2}});
        const auto last = RunParts(runner, shape, {{&sequence, kTokens - 1, 1}});
        out.insert(out.end(), last.begin(), last.end());
        if (expected.empty()) expected = out;
        CHECK((out == expected));
      }
    }
  }
}

// Sequences whose prompts and next tokens are run together, and what each gave alone.
struct Batch {
  std::vector<std::unique_ptr<Sequence>> sequences;
  std::vector<Part> prompts, decodes;
  std::vector<uint8_t> alone_prompts, alone_decodes;

  void Add(Runner& runner, const Shape& shape, int32_t length) {
    sequences.push_back(std::make_unique<Sequence>(shape, length + 1, length));
    Sequence* sequence = sequences.back().get();
    const auto a = RunParts(runner, shape, {{sequence, 0, length}});
    const auto b = RunParts(runner, shape, {{sequence, length, 1}});
    alone_prompts.insert(alone_prompts.end(), a.begin(), a.end());
    alone_decodes.insert(alone_decodes.end(), b.begin(), b.end());
    std::memset(sequence->memory.data(), 0xff, sequence->memory.size());
    prompts.push_back({sequence, 0, length});
    decodes.push_back({sequence, length, 1});
  }
};

TEST_CASE("attention: sequences of a batch do not see each other") {
  const DType cache = GENERATE(DType::kF16, DType::kQC8);
  const Shape shape{9, 3, 64, 0, cache};
  const int32_t lengths[] = {1, 64, 65, 130, 257, 530};
  for (const NamedChoice& choice : ChoicesFor(shape)) {
    for (const size_t threads : {1, 2}) {
      CAPTURE(choice.name, threads);
      auto pool = MakePool(threads);
      Runner runner("attention", Spec(shape), choice.choice, *pool, 2000, shape.kv());
      Batch batch;
      for (const int32_t length : lengths) {
        batch.Add(runner, shape, length);
      }
      CHECK((RunParts(runner, shape, batch.prompts) == batch.alone_prompts));
      CHECK((RunParts(runner, shape, batch.decodes) == batch.alone_decodes));
    }
  }
}

TEST_CASE("attention: caches of several types in a step, each as in a step of its own type") {
  const Shape base = GENERATE(Shape{9, 3, 64}, Shape{4, 1, 40, 100}, Shape{3, 1, 20},
                              Shape{6, 2, 16, 0, DType::kF16, DType::kQ8Act},
                              Shape{2, 1, 16, 0, DType::kF16, DType::kQ16Act});
  const int32_t lengths[] = {1, 65, 257, 530, 3, 64, 1100};
  for (const NamedChoice& choice : ChoicesFor({9, 3, 64, 0, DType::kQC8})) {
    const bool slow = choice.name == "scalar" || base.head_dim % 8 != 0;
    for (const size_t threads : {1, 3}) {
      if (slow && threads == 3) continue;
      CAPTURE(choice.name, threads, base.head_dim);
      auto pool = MakePool(threads);
      Batch batch;
      for (const int32_t length : lengths) {
        if (slow && length > 300) continue;
        Shape shape = base;
        shape.cache = KvLayout::kTypes[batch.sequences.size() % 3];
        Runner runner("attention", Spec(shape), choice.choice, *pool, 2100, shape.kv());
        batch.Add(runner, shape, length);
      }
      for (const DType own : KvLayout::kTypes) {
        Shape shape = base;
        shape.cache = own;
        Runner runner("attention", Spec(shape), choice.choice, *pool, 2100, shape.kv());
        CHECK((RunParts(runner, shape, batch.prompts) == batch.alone_prompts));
        CHECK((RunParts(runner, shape, batch.decodes) == batch.alone_decodes));
        // Few rows over a long context: split over threads, beside a short one of another type.
        const std::vector<Part> few(batch.decodes.end() - 2, batch.decodes.end());
        const size_t bytes = few.size() * batch.alone_decodes.size() / batch.decodes.size();
        CHECK((RunParts(runner, shape, few) ==
               Slice(batch.alone_decodes, batch.alone_decodes.size() - bytes, bytes)));
      }
    }
  }
}

TEST_CASE("attention: a later row's infinities do not reach an earlier row") {
  const DType cache = GENERATE(DType::kF32, DType::kQC8);
  const Shape shape{4, 2, 32, 0, cache};
  constexpr int32_t kTokens = 70;
  for (const NamedChoice& choice : ChoicesFor(shape)) {
    CAPTURE(choice.name);
    auto pool = MakePool(1);
    Runner runner("attention", Spec(shape), choice.choice, *pool, kTokens, shape.kv());
    Sequence sequence(shape, kTokens, 11);
    const auto whole = RunPieces(runner, shape, sequence, kTokens, kTokens);
    for (size_t i = 0; i < shape.keys(); ++i) {
      sequence.k[(kTokens - 1) * shape.keys() + i] = std::numeric_limits<float>::quiet_NaN();
      sequence.v[(kTokens - 1) * shape.keys() + i] = std::numeric_limits<float>::infinity();
    }
    const auto broken = RunPieces(runner, shape, sequence, kTokens, kTokens);
    const size_t bytes = (kTokens - 1) * shape.queries() * sizeof(float);
    CHECK((Slice(whole, 0, bytes) == Slice(broken, 0, bytes)));
    CHECK(std::isnan(Floats(broken).back()));
  }
}

TEST_CASE("attention: the int8 cache's products are the same integers for every kernel") {
  for (const DType output : {DType::kF32, DType::kQ8Act}) {  // 16 bits, 8 bits
    for (const Shape& shape :
         {Shape{9, 3, 64, 0, DType::kQC8, output}, Shape{4, 1, 40, 100, DType::kQC8, output},
          Shape{2, 1, 256, 0, DType::kQC8, output}}) {
      constexpr int32_t kTokens = 300;
      const CpuFeatures all = CpuFeatures::Detect();
      if (!all.avx512vnni) continue;
      auto pool = MakePool(1);
      Sequence sequence(shape, kTokens, 21);
      // Kernels of one vector length differ in their integer products alone.
      Runner portable("attention", Spec(shape), {all, "simd"}, *pool, kTokens, shape.kv());
      Runner vnni("attention", Spec(shape), {all, "avx512vnni"}, *pool, kTokens, shape.kv());
      CHECK((vnni.provider() == "avx512vnni"));
      const auto expected = RunPieces(portable, shape, sequence, kTokens, kTokens);
      CHECK((RunPieces(vnni, shape, sequence, kTokens, 37) == expected));
    }
  }
}

TEST_CASE("attention: a large key with small values costs the int8 cache no precision") {
  // The first token takes nearly all weight and adds nearly nothing, as in many models.
  const Shape shape{2, 1, 64, 0, DType::kQC8};
  constexpr size_t kTokens = 130;
  for (const NamedChoice& choice : ChoicesFor(shape)) {
    CAPTURE(choice.name);
    auto pool = MakePool(1);
    Sequence sequence(shape, kTokens, 13);
    for (size_t d = 0; d < shape.keys(); ++d) {
      sequence.v[d] *= 1e-6f;
      sequence.k[d] = 40;
    }
    for (float& q : sequence.q) q = std::abs(q);
    const std::vector<double> reference = Reference(shape, sequence, kTokens);
    Runner runner("attention", Spec(shape), choice.choice, *pool, kTokens, shape.kv());
    const auto out = Floats(RunPieces(runner, shape, sequence, kTokens, kTokens));
    double error = 0, size = 0;
    for (size_t i = shape.queries(); i < out.size(); ++i) {
      error += (out[i] - reference[i]) * (out[i] - reference[i]);
      size += reference[i] * reference[i];
    }
    CHECK(std::sqrt(error / size) < 2e-3);
  }
}

TEST_CASE("attention: an int8 cache of zeros, of the largest and of tiny numbers") {
  const Shape shape{2, 1, 16, 0, DType::kQC8};
  for (const NamedChoice& choice : ChoicesFor(shape)) {
    auto pool = MakePool(1);
    for (const float size : {0.0f, 1e-38f, 1e-20f, 1e15f, 1e37f}) {
      CAPTURE(choice.name, size);
      Sequence sequence(shape, 3, 1);
      std::fill(sequence.k.begin(), sequence.k.end(), 0.0f);
      std::fill(sequence.v.begin(), sequence.v.end(), size);
      Runner runner("attention", Spec(shape), choice.choice, *pool, 3, shape.kv());
      for (const float y : Floats(RunPieces(runner, shape, sequence, 3, 3))) {
        CHECK(y >= (size < 1e-30f ? 0.0f : size * 0.9999f));
        CHECK(y <= size * 1.0001f);
      }
    }
  }
}

TEST_CASE("attention: f16 values beyond the range are stored as the largest") {
  const Shape shape{1, 1, 8};
  for (const NamedChoice& choice : Choices()) {
    CAPTURE(choice.name);
    auto pool = MakePool(1);
    Runner runner("attention", Spec(shape), choice.choice, *pool, 1, shape.kv());
    Sequence sequence(shape, 1, 1);
    sequence.v = {1e6f, -1e9f, 65504.0f, 65519.0f, 1e-7f, 1.0f, 1.00049f, -0.1f};
    const auto out = Floats(RunParts(runner, shape, {{&sequence, 0, 1}}));
    const std::vector<float> expected = {65504.0f,
                                         -65504.0f,
                                         65504.0f,
                                         65504.0f,
                                         F16ToF32(F32ToF16(1e-7f)),
                                         1.0f,
                                         F16ToF32(F32ToF16(1.00049f)),
                                         F16ToF32(F32ToF16(-0.1f))};
    CHECK(out == expected);
  }
}

TEST_CASE("attention: quantised output is the quantised f32 output") {
  for (Shape shape : {Shape{9, 3, 64}, Shape{4, 4, 40}, Shape{8, 2, 8}}) {
    constexpr int32_t kTokens = 90;
    for (const NamedChoice& choice : Choices()) {
      for (const size_t threads : {1, 2}) {
        auto pool = MakePool(threads);
        Sequence sequence(shape, kTokens, 9);
        shape.output = DType::kF32;
        Runner plain("attention", Spec(shape), choice.choice, *pool, kTokens, shape.kv());
        const auto floats = Floats(RunPieces(plain, shape, sequence, kTokens, kTokens));
        for (const DType type : {DType::kQ8Act, DType::kQ16Act}) {
          CAPTURE(choice.name, shape.head_dim, threads, type);
          OpSpec spec;
          spec.name = "quantize";
          const auto columns = static_cast<int64_t>(shape.queries());
          spec.inputs = {Rows(columns)};
          spec.outputs = {Rows(columns, type)};
          Runner quantize("quantize", spec, choice.choice, *pool);
          const PlainStep step(kTokens, 0);
          const auto expected = quantize.Run(step.step, {floats}, kTokens);
          shape.output = type;
          Runner fused("attention", Spec(shape), choice.choice, *pool, kTokens, shape.kv());
          CHECK((RunPieces(fused, shape, sequence, kTokens, kTokens) == expected));
          CHECK((RunPieces(fused, shape, sequence, kTokens, 1) == expected));
        }
      }
    }
  }
}

TEST_CASE("attention: broken nodes are refused") {
  const Shape shape{4, 2, 16};
  REQUIRE(CheckOp("attention", Spec(shape)).ok());
  const auto refused = [&](auto&& change) {
    OpSpec spec = Spec(shape);
    change(spec);
    const Status status = CheckOp("attention", spec);
    return status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kNotFound;
  };
  CHECK(refused([](OpSpec& s) { s.layer = -1; }));
  CHECK(refused([](OpSpec& s) { s.inputs.pop_back(); }));
  CHECK(refused([](OpSpec& s) { s.inputs[1].present = false; }));
  CHECK(refused([](OpSpec& s) { s.inputs[2].type = DType::kF16; }));
  CHECK(refused([](OpSpec& s) { s.inputs[0].shape = {kTokensDim, 65}; }));
  CHECK(refused([](OpSpec& s) { s.inputs[0].shape = {kLogitRowsDim, 64}; }));
  CHECK(refused([](OpSpec& s) { s.outputs[0].shape = {8, 64}; }));
  CHECK(refused([](OpSpec& s) { s.attributes.Set("heads", int64_t{0}); }));
  CHECK(refused([](OpSpec& s) { s.attributes.Set("heads", int64_t{5}); }));
  CHECK(refused([](OpSpec& s) { s.attributes.Set("kv_heads", int64_t{3}); }));
  CHECK(refused([](OpSpec& s) { s.attributes.Set("head_dim", int64_t{1} << 40); }));
  CHECK(refused([](OpSpec& s) { s.attributes.Set("window", int64_t{-1}); }));
  CHECK(refused([](OpSpec& s) { s.attributes.Set("scale", -1.0); }));
  CHECK(refused([](OpSpec& s) { s.attributes.Set("scale", std::nan("")); }));

  KernelChoice choice;
  choice.cpu = CpuFeatures::Detect();
  auto pool = MakePool(1);
  OpSpec spec = Spec(shape);
  for (const KvLayout& kv : {KvLayout{DType::kF16, 1, 2, 16}, KvLayout{DType::kF16, 2, 1, 16},
                             KvLayout{DType::kF16, 2, 2, 8}, KvLayout{DType::kQ8_0, 2, 2, 16}}) {
    const PlanContext context{&choice, pool.get(), std::make_shared<Allocator>(), kv, 1};
    CHECK(FindOp("attention")->make(spec, context).status().code() == StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace hob::test
