// SPDX-License-Identifier: Apache-2.0
// The checks of operators that read weights: products, the tile of two of them, rows of an
// embedding, and the making of blocks.
#pragma once

#include "lib/format/weight_row.h"
#include "lib/ops/matmul/linear.h"
#include "tests/fuzz/kernel_cases.h"

namespace hob::fuzz {

struct Product {
  DType weight_type, activation;
  int64_t columns, outputs, rows;
};
inline Product AnyProduct(Input& input, bool quantized) {
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

inline void CheckQuantizedProduct(Input& input) {
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

inline void CheckFloatProduct(Input& input) {
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
      double exact = 0, size = 0, tiny = 0, weighed = 0, weighed_size = 0;
      const float* x = c.inputs[0].data() + r * p.columns;
      for (int64_t k = 0; k < p.columns; ++k) {
        const double product = double{x[k]} * double{w[static_cast<size_t>(k)]};
        exact += product;
        size += std::abs(product);
        constexpr float kLeastNormal = std::numeric_limits<float>::min();
        if (std::abs(x[k]) < kLeastNormal || std::abs(w[static_cast<size_t>(k)]) < kLeastNormal) {
          tiny += std::abs(product);
        }
        if (std::abs(w[static_cast<size_t>(k)]) >= kLeastNormal) {
          weighed += product;
          weighed_size += std::abs(product);
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
        // XNNPACK leaves out weights of zero in the last columns, whatever they are multiplied by.
        if (results[i].provider == "xnnpack" && std::isfinite(weighed_size) &&
            std::abs(double{got} - weighed) <= 4e-5 * weighed_size + 1e-36) {
          continue;
        }
        std::fprintf(stderr, "%s weights by %s: %g where the sum is %g of %g\n",
                     std::string(FindDType(p.weight_type)->name).c_str(),
                     results[i].provider.c_str(), static_cast<double>(got), exact, size);
        Require(false);
      }
    }
  }
}

// A tile of two products and their activation in one: what the parts give one after the other.
inline void CheckFusedProducts(Input& input) {
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

inline void CheckEmbedding(Input& input) {
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
inline void CheckBlocks(Input& input) {
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

}  // namespace hob::fuzz
