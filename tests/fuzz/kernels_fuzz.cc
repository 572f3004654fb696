// SPDX-License-Identifier: Apache-2.0
// Every provider of every operator beside the scalar one, over any shapes and values, NaN,
// infinities and denormals among them. What is compared, as docs/explanation/determinism.md has it:
// the same bits (NaN being NaN) from every provider for quantize, add, rms_norm, rope, and products
// with quantised rows; a bound on the error for f32 products, swiglu and attention, whose providers
// differ in order; and always the same bits for a row alone and among others, and for any number of
// threads.
#include "tests/fuzz/kernel_cases.h"
#include "tests/fuzz/kernel_products.h"

namespace hob::fuzz {
namespace {

void CheckQuantize(Input& input) {
  const int64_t columns = 32 * input.Range(1, 20), rows = input.Range(1, 9);
  Case c{"quantize", {}, {Values(input, static_cast<size_t>(rows * columns))}, rows};
  const DType type = input.Bool() ? DType::kQ16Act : DType::kQ8Act;
  c.spec.inputs = {RowsOf(columns)};
  c.spec.outputs = {RowsOf(columns, type)};
  CheckSame(input, c);
}

void CheckAdd(Input& input) {
  const int64_t columns = input.Range(1, 600), rows = input.Range(1, 9);
  const auto count = static_cast<size_t>(rows * columns);
  Case c{"add", {}, {Values(input, count), Values(input, count)}, rows};
  c.spec.inputs = {RowsOf(columns), RowsOf(columns)};
  c.spec.outputs = {RowsOf(columns)};
  CheckSame(input, c);
}

void CheckNorm(Input& input) {
  const DType type = input.Pick(kActivations);
  const int64_t width = type == DType::kF32 ? input.Range(1, 300) : 32 * input.Range(1, 9);
  const int64_t groups = input.Range(1, 4), rows = input.Range(1, 6);
  const OwnTensor weight = FloatTensor(Values(input, static_cast<size_t>(width)), {width});
  Case c{"rms_norm", {}, {Values(input, static_cast<size_t>(rows * groups * width)), {}}, rows};
  c.spec.attributes.Set("epsilon", input.Bool() ? 1e-5 : 0.0);
  c.spec.inputs = {RowsOf(groups * width), WeightOf(weight.tensor)};
  c.spec.outputs = {RowsOf(groups * width, type)};
  CheckSame(input, c);
}

void CheckRope(Input& input) {
  const int64_t half = input.Range(1, 40), rest = input.Range(0, 9), heads = input.Range(1, 5);
  const int64_t head_dim = 2 * half + rest, rows = input.Range(1, 6);
  Case c{"rope",
         {},
         {Values(input, static_cast<size_t>(rows * heads * head_dim)),
          Values(input, static_cast<size_t>(rows * 2 * half))},
         rows};
  c.spec.attributes.Set("head_dim", head_dim);
  c.spec.attributes.Set("neox", int64_t{input.Bool()});
  c.spec.inputs = {RowsOf(heads * head_dim), RowsOf(2 * half)};
  c.spec.outputs = {RowsOf(heads * head_dim)};
  CheckSame(input, c);
}

void CheckSwiglu(Input& input) {
  const int64_t activation = input.Bool();
  const DType type = input.Pick(kActivations);
  const int64_t columns = type == DType::kF32 ? input.Range(1, 300) : 32 * input.Range(1, 9);
  const int64_t rows = input.Range(1, 6);
  const auto count = static_cast<size_t>(rows * columns);
  Case c{"swiglu", {}, {Values(input, count), Values(input, count)}, rows};
  c.spec.attributes.Set("activation", activation);
  c.spec.inputs = {RowsOf(columns), RowsOf(columns)};
  c.spec.outputs = {RowsOf(columns)};
  const auto choices = SomeChoices(input);
  const auto results = RunSome(input, c, choices);
  const std::vector<float> expected = ToFloats(results[0].outputs[0]);
  for (const Result& result : results) {
    const std::vector<float> out = ToFloats(result.outputs[0]);
    for (size_t j = 0; j < count; ++j) {
      const double gate = c.inputs[0][j], up = c.inputs[1][j];
      const double size = std::abs(gate * up);
      // Where the result is at the edge of the range, one may be an infinity; and vectors hold the
      // exponent of e^-x below 88, which gates of less than -1e30 would need more of.
      if (!std::isfinite(up) || !(std::abs(gate) < 1e30) || size > 1e38) {
        if (std::isnan(gate) || std::isnan(up))
          Require(std::isnan(out[j]) && std::isnan(expected[j]));
        continue;
      }
      Require(Near(out[j], expected[j], 4e-6, 1e-6 * std::min(size, std::abs(up)) + 1e-37));
    }
  }
  if (type == DType::kF32) return;
  // With quantised rows it is what quantize makes of the f32 rows.
  Case fused = c;
  fused.spec.outputs = {RowsOf(columns, type)};
  const auto quantized = RunSome(input, fused, choices);
  for (size_t i = 0; i < results.size(); ++i) {
    Require(SameRows(
        type, static_cast<size_t>(columns), quantized[i].outputs[0],
        Quantized(ToFloats(results[i].outputs[0]), rows, static_cast<size_t>(columns), type)));
  }
}

struct Heads {
  int32_t heads, kv_heads, head_dim, window;
  DType cache;
};

// A sequence in pieces, each of as many rows as the next of `pieces`; the cache is full of NaN at
// first.
std::vector<uint8_t> Attend(const Heads& s, const Choice& choice, bool several, int64_t tokens,
                            std::vector<std::vector<float>>& qkv, Random pieces) {
  const KvLayout kv{s.cache, 2, s.kv_heads, s.head_dim};
  OpSpec spec;
  spec.layer = 1;
  spec.attributes.Set("heads", int64_t{s.heads});
  spec.attributes.Set("kv_heads", int64_t{s.kv_heads});
  spec.attributes.Set("head_dim", int64_t{s.head_dim});
  spec.attributes.Set("scale", 1.0 / std::sqrt(static_cast<double>(s.head_dim)));
  spec.attributes.Set("window", int64_t{s.window});
  const int64_t widths[3] = {int64_t{s.heads} * s.head_dim, int64_t{s.kv_heads} * s.head_dim,
                             int64_t{s.kv_heads} * s.head_dim};
  spec.inputs = {RowsOf(widths[0]), RowsOf(widths[1]), RowsOf(widths[2])};
  spec.outputs = {RowsOf(widths[0])};
  OpRunner runner("attention", spec, choice.choice, Pool(several), kv);
  const auto page_count = static_cast<size_t>((tokens + kKvPageTokens - 1) / kKvPageTokens);
  auto memory = Buffer::Create(std::make_shared<Allocator>(), page_count * kv.page_bytes(), "kv");
  Require(memory.ok());
  std::memset(memory->data(), 0xff, memory->size());
  std::vector<uint8_t*> pages;
  for (size_t i = 0; i < page_count; ++i) pages.push_back(memory->data() + i * kv.page_bytes());
  std::vector<uint8_t> all;
  const size_t rows_most = static_cast<size_t>(tokens) + 1;
  for (int64_t at = 0; at < tokens;) {
    const int64_t rows =
        std::min<int64_t>(tokens - at, 1 + static_cast<int64_t>(pieces.Below(rows_most)));
    PlainStep step(rows, static_cast<int32_t>(at));
    step.sequence.pages = pages.data();
    step.sequence.kv_type = s.cache;
    std::vector<std::vector<uint8_t>> inputs;
    for (size_t i = 0; i < 3; ++i) {
      inputs.push_back(ToBytes(std::span(qkv[i]).subspan(static_cast<size_t>(at * widths[i]),
                                                         static_cast<size_t>(rows * widths[i]))));
    }
    const auto out = runner.Run(step.step, inputs, rows)[0];
    all.insert(all.end(), out.begin(), out.end());
    at += rows;
  }
  return all;
}

void CheckAttention(Input& input) {
  Heads s;
  s.kv_heads = static_cast<int32_t>(input.Range(1, 2));
  s.heads = s.kv_heads * static_cast<int32_t>(input.Range(1, 3));
  s.head_dim = static_cast<int32_t>(input.Bool() ? 8 * input.Range(1, 4) : input.Range(1, 20));
  s.window = input.Bool() ? 0 : static_cast<int32_t>(input.Range(1, 300));
  s.cache = input.Pick(KvLayout::kTypes);
  const int64_t tokens = input.Byte() < 224 ? input.Range(1, 40) : input.Range(1, 300);
  const uint8_t kind = input.Byte();
  std::vector<std::vector<float>> qkv;
  Random random(kind);
  const auto rows = static_cast<size_t>(tokens);
  const size_t widths[3] = {static_cast<size_t>(s.heads * s.head_dim),
                            static_cast<size_t>(s.kv_heads * s.head_dim),
                            static_cast<size_t>(s.kv_heads * s.head_dim)};
  const bool any = (kind & 3) == 0;  // values of any kind, else such that results can be near
  for (const size_t width : widths) {
    qkv.push_back(any ? Values(input, rows * width) : std::vector<float>(rows * width));
    if (any) continue;
    for (float& x : qkv.back()) x = random.Uniform() * ((kind & 4) != 0 ? 1.0f : 3.0f);
  }
  const bool several = input.Byte() % 16 == 0;
  const uint64_t seed = input.Byte();
  std::vector<float> expected;
  for (const Choice* each : SomeChoices(input)) {
    const Choice& choice = *each;
    if (choice.name == "xnnpack" || choice.name == "avx2 by hand") continue;
    const auto once = Attend(s, choice, false, tokens, qkv, Random(seed));
    const auto again = Attend(s, choice, several, tokens, qkv, Random(seed + 1));
    Require(Same(ToFloats(once), ToFloats(again)));
    const std::vector<float> out = ToFloats(once);
    if (expected.empty()) expected = out;
    for (size_t i = 0; i < out.size() && !any; ++i) {
      Require(std::abs(out[i] - expected[i]) <= (s.cache == DType::kQC8 ? 4e-3f : 1e-4f));
    }
  }
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hob::fuzz;
  constexpr void (*kChecks[])(Input&) = {
      CheckQuantize,         CheckAdd,          CheckNorm,          CheckRope,      CheckSwiglu,
      CheckQuantizedProduct, CheckFloatProduct, CheckFusedProducts, CheckEmbedding, CheckBlocks,
      CheckAttention};
  Input input(data, size);
  input.Pick(kChecks)(input);
  return 0;
}
