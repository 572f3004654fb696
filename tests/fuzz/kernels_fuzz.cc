// SPDX-License-Identifier: Apache-2.0
// Every provider of every operator beside the scalar one, over any shapes and values, NaN,
// infinities and denormals among them. What is compared, as docs/explanation/determinism.md has it:
// the same bits (NaN being NaN) from every provider for quantize, add, rms_norm, rope, and products
// with quantised rows; a bound on the error for f32 products, swiglu and attention, whose providers
// differ in order; and always the same bits for a row alone and among others, and for any number of
// threads.
#include "lib/base/f16.h"
#include "lib/base/per_channel.h"
#include "lib/base/quantize_blocks.h"
#include "lib/format/weight_row.h"
#include "lib/ops/matmul/linear.h"
#include "tests/fuzz/kernel_run.h"

namespace hob::fuzz {
namespace {

constexpr DType kWeights[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                              DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                              DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kQC8};
constexpr DType kActivations[] = {DType::kF32, DType::kQ8Act, DType::kQ16Act};

// Values of one kind or all kinds, as a byte says.
std::vector<float> Values(Input& input, size_t count) {
  constexpr float kOdd[] = {NAN,         HUGE_VALF, -HUGE_VALF, 1e-45f,    -1e-40f,  0x1p-126f,
                            3.4e38f,     -3.4e38f,  -0.0f,      0x1p-100f, 65504.0f, 65536.0f,
                            0x0.8p-100f, 1e30f,     -1e-30f,    127.0f};
  const uint8_t kind = input.Byte();
  Random random(input.Raw<uint16_t>());
  std::vector<float> values(count);
  for (float& x : values) {
    x = random.Uniform() * 2;
    if ((kind & 7) == 1) x *= 0x1p-130f;
    if ((kind & 7) == 2) x *= 0x1p+60f;
    if ((kind & 7) == 3) x = std::bit_cast<float>(static_cast<uint32_t>(random.Next()));
    if ((kind & 7) == 4) x = std::round(x * 3);
    if ((kind & 7) == 5 && random.Below(16) == 0) x = kOdd[random.Below(std::size(kOdd))];
    if ((kind & 7) == 6) x = 0;
  }
  for (int odd = kind >> 6; odd > 0 && count > 0; --odd) {
    values[input.Raw<uint16_t>() % count] = kOdd[input.Byte() % std::size(kOdd)];
  }
  return values;
}

// Of any type; scales of block types that are any bits where the input says so.
OwnTensor AnyWeight(Input& input, DType type, int64_t rows, int64_t columns) {
  const DTypeInfo& info = *FindDType(type);
  const auto count = static_cast<size_t>(rows * columns);
  if (type == DType::kF32) return FloatTensor(Values(input, count), {rows, columns});
  std::vector<float> values(count);
  Random random(input.Raw<uint16_t>());
  for (float& x : values) x = random.Uniform();
  if (type == DType::kQC8) {
    return {type, {rows, columns}, *QuantizePerChannel(values, rows, columns)};
  }
  std::vector<uint8_t> bytes(count / info.block_elements * info.block_bytes);
  if (!QuantizeRows(type, values, rows, columns, bytes).ok()) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next());
    // Scales that are numbers: of _K types the two at the front or the one at the end.
    for (size_t at = 0; at < bytes.size(); at += info.block_bytes) {
      const uint16_t scale = F32ToF16(random.Uniform() * 0.1f);
      for (const size_t offset : {size_t{0}, size_t{2}, size_t{info.block_bytes} - 2}) {
        if (type == DType::kQ6_K ? offset > 2 : offset <= 2) {
          std::memcpy(bytes.data() + at + offset, &scale, 2);
        }
      }
    }
  }
  const uint8_t odd = input.Byte();
  for (size_t i = 0; (odd & 1) && i < bytes.size(); i += 1 + random.Below(64)) {
    bytes[i] = static_cast<uint8_t>(random.Next());
  }
  return {type, {rows, columns}, bytes};
}

std::vector<float> RowsFrom(const std::vector<float>& x, size_t first, size_t columns) {
  return {x.begin() + static_cast<ptrdiff_t>(first * columns),
          x.begin() + static_cast<ptrdiff_t>((first + 1) * columns)};
}

struct Case {
  std::string_view op;
  OpSpec spec;
  std::vector<std::vector<float>> inputs;  // weights are empty
  int64_t rows = 1;
  DType input_type = DType::kF32;  // of input 0
};

std::vector<std::vector<uint8_t>> InputsOf(const Case& c, int64_t row = -1) {
  std::vector<std::vector<uint8_t>> bytes;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const std::vector<float>& x = c.inputs[i];
    const size_t columns = x.size() / static_cast<size_t>(c.rows);
    const std::vector<float> part =
        row < 0 || x.empty() ? x : RowsFrom(x, static_cast<size_t>(row), columns);
    bytes.push_back(x.empty() ? std::vector<uint8_t>()
                              : Quantized(part, row < 0 ? c.rows : 1, columns,
                                          i == 0 ? c.input_type : DType::kF32));
  }
  return bytes;
}

bool SameOutputs(const Case& c, const std::vector<std::vector<uint8_t>>& a,
                 const std::vector<std::vector<uint8_t>>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    const Operand& out = c.spec.outputs[i];
    if (!SameRows(out.type, static_cast<size_t>(out.columns()), a[i], b[i])) return false;
  }
  return a.size() == b.size();
}

struct Result {
  const Choice* choice;
  std::string provider;  // that took it
  std::vector<std::vector<uint8_t>> outputs;
};

// Scalar and two others: all of them would take the time of many inputs.
std::vector<const Choice*> SomeChoices(Input& input) {
  const std::vector<Choice>& all = Choices();
  std::vector<const Choice*> some = {&all[0]};
  const size_t first = input.Byte() % all.size();
  for (const size_t i : {first, (first + 1 + input.Byte() % 3) % all.size()}) {
    if (i != 0) some.push_back(&all[i]);
  }
  return some;
}

// The outputs of some choices, after a look at rows alone and at threads.
std::vector<Result> RunSome(Input& input, const Case& c,
                            const std::vector<const Choice*>& choices) {
  std::vector<Result> results;
  const PlainStep step(c.rows), one(1);
  const auto row = static_cast<int64_t>(input.Byte()) % c.rows;
  const bool several = input.Byte() % 16 == 0;
  const auto inputs = InputsOf(c), alone_inputs = InputsOf(c, row);
  for (const Choice* choice : choices) {
    OpRunner runner(c.op, c.spec, choice->choice, Pool(false));
    results.push_back(
        {choice, std::string(runner.provider()), runner.Run(step.step, inputs, c.rows)});
    const auto& outputs = results.back().outputs;
    const auto alone = runner.Run(one.step, alone_inputs, 1);
    for (size_t i = 0; i < alone.size(); ++i) {
      const Operand& out = c.spec.outputs[i];
      const size_t stride = alone[i].size();
      Require(SameRows(out.type, static_cast<size_t>(out.columns()), alone[i],
                       std::span(outputs[i]).subspan(static_cast<size_t>(row) * stride, stride)));
    }
    if (several) {
      OpRunner shared(c.op, c.spec, choice->choice, Pool(true));
      Require(SameOutputs(c, shared.Run(step.step, inputs, c.rows), outputs));
    }
  }
  return results;
}

void RequireSame(const Case& c, const Result& a, const Result& b) {
  if (SameOutputs(c, a.outputs, b.outputs)) return;
  std::fprintf(stderr, "%s: %s differs from %s\n", std::string(c.op).c_str(),
               b.choice->name.c_str(), a.choice->name.c_str());
  Require(false);
}

// All providers give the same bits.
void CheckSame(Input& input, const Case& c) {
  const auto results = RunSome(input, c, SomeChoices(input));
  for (const Result& result : results) RequireSame(c, results[0], result);
}

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

// |a − b| within `relative` of the larger and `floor`; NaN and infinities alike.
bool Near(float a, float b, double relative, double floor) {
  if (Same(a, b)) return true;
  if (!std::isfinite(a) || !std::isfinite(b)) return false;
  return std::abs(double{a} - double{b}) <=
         relative * std::max(std::abs(double{a}), std::abs(double{b})) + floor;
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

struct Product {
  DType weight_type, activation;
  int64_t columns, outputs, rows;
};
Product AnyProduct(Input& input, bool quantized) {
  Product p;
  p.weight_type = input.Pick(kWeights);
  p.activation = quantized ? input.Bool() ? DType::kQ16Act : DType::kQ8Act : DType::kF32;
  if (quantized && FindDType(p.weight_type)->block_elements == 1 && p.weight_type != DType::kQC8) {
    p.weight_type = DType::kQ8_0;
  }
  const auto block = static_cast<int64_t>(FindDType(p.weight_type)->block_elements);
  p.columns = block == 256 ? 256 * input.Range(1, 2) : 32 * input.Range(1, 6);
  if (block == 1 && p.weight_type != DType::kQC8) p.columns = input.Range(1, 200);
  p.outputs = input.Range(1, input.Byte() < 32 ? 80 : 34);
  p.rows = input.Range(1, 6);
  return p;
}

void CheckQuantizedProduct(Input& input) {
  const Product p = AnyProduct(input, true);
  const OwnTensor weight = AnyWeight(input, p.weight_type, p.outputs, p.columns);
  const uint8_t extras = input.Byte();
  const OwnTensor bias = FloatTensor(Values(input, static_cast<size_t>(p.outputs)), {p.outputs});
  Case c{"matmul",
         {},
         {Values(input, static_cast<size_t>(p.rows * p.columns)), {}, {}},
         p.rows,
         p.activation};
  c.spec.attributes.Set("weights", int64_t{1});
  c.spec.inputs = {RowsOf(p.columns, p.activation), WeightOf(weight.tensor), {}};
  if (extras & 1) c.spec.inputs[2] = WeightOf(bias.tensor);
  if (extras & 2) {
    c.spec.attributes.Set("residual", int64_t{1});
    c.spec.inputs.push_back(RowsOf(p.outputs));
    c.inputs.push_back(Values(input, static_cast<size_t>(p.rows * p.outputs)));
  }
  c.spec.outputs = {RowsOf(p.outputs)};
  const auto results = RunSome(input, c, SomeChoices(input));
  for (const Result& result : results) {
    if (result.choice->fused) RequireSame(c, results[0], result);
  }
}

void CheckFloatProduct(Input& input) {
  const Product p = AnyProduct(input, false);
  const OwnTensor weight = AnyWeight(input, p.weight_type, p.outputs, p.columns);
  Case c{"matmul", {}, {Values(input, static_cast<size_t>(p.rows * p.columns)), {}, {}}, p.rows};
  c.spec.attributes.Set("weights", int64_t{1});
  c.spec.inputs = {RowsOf(p.columns), WeightOf(weight.tensor), {}};
  c.spec.outputs = {RowsOf(p.outputs)};
  const auto results = RunSome(input, c, SomeChoices(input));
  std::vector<std::vector<float>> outs;
  for (const Result& result : results) outs.push_back(ToFloats(result.outputs[0]));
  std::vector<float> w(static_cast<size_t>(p.columns));
  for (int64_t n = 0; n < p.outputs; ++n) {
    DequantizeWeightRow(weight.tensor, n, w.data());
    for (int64_t r = 0; r < p.rows; ++r) {
      double exact = 0, size = 0, tiny = 0;
      const float* x = c.inputs[0].data() + r * p.columns;
      for (int64_t k = 0; k < p.columns; ++k) {
        const double product = double{x[k]} * double{w[static_cast<size_t>(k)]};
        exact += product;
        size += std::abs(product);
        constexpr float kLeastNormal = std::numeric_limits<float>::min();
        if (std::abs(x[k]) < kLeastNormal || std::abs(w[static_cast<size_t>(k)]) < kLeastNormal) {
          tiny += std::abs(product);
        }
      }
      // A sum that may pass the range on its way does so in one order, and not in another.
      const bool numbers = std::isfinite(size);
      if (numbers && size > 1e38) continue;
      for (size_t i = 0; i < outs.size(); ++i) {
        const float got = outs[i][static_cast<size_t>(r * p.outputs + n)];
        // Where one product is no number, some order may meet an overflow first.
        // XNNPACK takes denormals for zero.
        const double bound =
            4e-5 * size + 1e-36 + (results[i].provider == "xnnpack" ? 1.01 * tiny : 0.0);
        const bool holds = numbers ? std::abs(double{got} - exact) <= bound
                                   : !std::isnan(exact) || !std::isfinite(got);
        if (holds) continue;
        std::fprintf(stderr, "%s weights by %s: %g where the sum is %g of %g\n",
                     std::string(FindDType(p.weight_type)->name).c_str(),
                     results[i].provider.c_str(), static_cast<double>(got), exact, size);
        Require(false);
      }
    }
  }
}

// A tile of two products and their activation in one: what the parts give one after the other.
void CheckFusedProducts(Input& input) {
  Product p = AnyProduct(input, true);
  const DType out_type = input.Pick(kActivations);
  if (out_type != DType::kF32) p.outputs = 32 * (1 + p.outputs % 3);
  const OwnTensor gate = AnyWeight(input, p.weight_type, p.outputs, p.columns);
  const OwnTensor up = AnyWeight(input, p.weight_type, p.outputs, p.columns);
  const int64_t activation = input.Bool();
  Case fused{"matmul_swiglu",
             {},
             {Values(input, static_cast<size_t>(p.rows * p.columns)), {}, {}},
             p.rows,
             p.activation};
  fused.spec.attributes.Set("activation", activation);
  fused.spec.inputs = {RowsOf(p.columns, p.activation), WeightOf(gate.tensor), WeightOf(up.tensor)};
  fused.spec.outputs = {RowsOf(p.outputs, out_type)};
  Case product{"matmul", {}, {fused.inputs[0], {}, {}, {}, {}}, p.rows, p.activation};
  product.spec.attributes.Set("weights", int64_t{2});
  product.spec.inputs = {fused.spec.inputs[0], fused.spec.inputs[1], {}, fused.spec.inputs[2], {}};
  product.spec.outputs = {RowsOf(p.outputs), RowsOf(p.outputs)};
  const auto choices = SomeChoices(input);
  const auto results = RunSome(input, fused, choices), products = RunSome(input, product, choices);
  for (size_t i = 0; i < results.size(); ++i) {
    Case last{
        "swiglu", {}, {ToFloats(products[i].outputs[0]), ToFloats(products[i].outputs[1])}, p.rows};
    last.spec.attributes.Set("activation", activation);
    last.spec.inputs = {RowsOf(p.outputs), RowsOf(p.outputs)};
    last.spec.outputs = {RowsOf(p.outputs, out_type)};
    // Its own choice of vectors: "avx2" by hand is for products alone.
    const KernelChoice& choice = choices[i]->choice;
    const PlainStep step(p.rows);
    OpRunner runner("swiglu", last.spec, choice, Pool(false));
    Require(SameOutputs(fused, runner.Run(step.step, InputsOf(last), p.rows), results[i].outputs));
  }
}

void CheckEmbedding(Input& input) {
  const Product p = AnyProduct(input, false);
  const OwnTensor table = AnyWeight(input, p.weight_type, p.outputs, p.columns);
  const double scale = input.Bool() ? 1.0 : 11.5;
  OpSpec spec;
  spec.attributes.Set("scale", scale);
  spec.inputs = {WeightOf(table.tensor)};
  spec.outputs = {RowsOf(p.columns)};
  PlainStep step(p.rows);
  for (int32_t& token : step.tokens) token = static_cast<int32_t>(input.Byte() % p.outputs);
  OpRunner runner("embedding", spec, Choices()[0].choice, Pool(false));
  const std::vector<float> out = ToFloats(runner.Run(step.step, {{}}, p.rows)[0]);
  std::vector<float> expected, row(static_cast<size_t>(p.columns));
  for (const int32_t token : step.tokens) {
    DequantizeWeightRow(table.tensor, token, row.data());
    for (const float x : row) expected.push_back(scale == 1.0 ? x : x * static_cast<float>(scale));
  }
  Require(Same(out, expected));
}

// Blocks made of any values: refused where they are not finite or do not fit, else near.
void CheckBlocks(Input& input) {
  DType type = input.Pick(kWeights);
  const auto block = static_cast<int64_t>(FindDType(type)->block_elements);
  const int64_t rows = input.Range(1, 4);
  const int64_t columns = block * input.Range(1, 4) * (type == DType::kQC8 ? 4 : 1);
  const std::vector<float> values = Values(input, static_cast<size_t>(rows * columns));
  bool finite = true;
  float largest = 0;
  for (const float x : values) {
    finite = finite && std::isfinite(x);
    largest = std::max(largest, std::abs(x));
  }
  if (type == DType::kQC8) {
    const auto made = QuantizePerChannel(values, rows, columns);
    Require(made.ok() || !finite || largest < 1e-30f || largest > 1e30f);
    if (!made.ok()) return;
    Require(finite);
    std::vector<float> row(static_cast<size_t>(columns));
    for (int64_t r = 0; r < rows; ++r) {
      DequantizePerChannelRow(*made, rows, columns, r, row.data());
      float high = 0;
      for (int64_t k = 0; k < columns; ++k)
        high = std::max(high, std::abs(values[static_cast<size_t>(r * columns + k)]));
      for (int64_t k = 0; k < columns; ++k) {
        Require(Near(row[static_cast<size_t>(k)], values[static_cast<size_t>(r * columns + k)], 0,
                     high * 0.51 / 127 + 1e-37));
      }
    }
    return;
  }
  const DTypeInfo& info = *FindDType(type);
  std::vector<uint8_t> bytes(values.size() / info.block_elements * info.block_bytes);
  const Status made = QuantizeRows(type, values, rows, columns, bytes);
  if (type == DType::kQ4_K || type == DType::kQ5_K || type == DType::kQ6_K) {
    Require(made.code() == StatusCode::kUnimplemented);
    return;
  }
  if (!finite) Require(!made.ok());
  if (finite && largest < 30000.0f) Require(made.ok());
  if (!made.ok()) return;
  std::vector<float> back(values.size());
  Require(Dequantize(type, bytes.data(), values.size(), back.data()));
  const double step = type == DType::kQ8_0                           ? 1.0 / 254 + 0x1p-11
                      : type == DType::kQ5_0 || type == DType::kQ5_1 ? 1.05 / 16
                      : type == DType::kQ4_0 || type == DType::kQ4_1 ? 1.05 / 8
                      : type == DType::kF32                          ? 0
                                                                     : 0x1p-8;
  for (size_t at = 0; at < values.size(); at += info.block_elements) {
    float high = 0;
    for (size_t i = at; i < at + info.block_elements; ++i)
      high = std::max(high, std::abs(values[i]));
    for (size_t i = at; i < at + info.block_elements; ++i) {
      // f16 scales below 2⁻²⁴ vanish, and round coarsely below 2⁻¹⁴.
      Require(Near(back[i], values[i], 0, high * step + (type == DType::kF32 ? 0 : 1e-5)));
    }
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
