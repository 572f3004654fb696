// SPDX-License-Identifier: Apache-2.0
// What the checks of the kernels target share: values of every kind, weights of every type, and an
// operator's case with the providers that it is run by.
#pragma once

#include "lib/base/f16.h"
#include "lib/base/per_channel.h"
#include "lib/base/quantize_blocks.h"
#include "tests/fuzz/kernel_run.h"

namespace hob::fuzz {

constexpr DType kWeights[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                              DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                              DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kQC8};
constexpr DType kActivations[] = {DType::kF32, DType::kQ8Act, DType::kQ16Act};

// Values of one kind or all kinds, as a byte says.
inline std::vector<float> Values(Input& input, size_t count) {
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
inline OwnTensor AnyWeight(Input& input, DType type, int64_t rows, int64_t columns) {
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

inline std::vector<float> RowsFrom(const std::vector<float>& x, size_t first, size_t columns) {
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

inline std::vector<std::vector<uint8_t>> InputsOf(const Case& c, int64_t row = -1) {
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

inline bool SameOutputs(const Case& c, const std::vector<std::vector<uint8_t>>& a,
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
inline std::vector<const Choice*> SomeChoices(Input& input) {
  const std::vector<Choice>& all = Choices();
  std::vector<const Choice*> some = {&all[0]};
  const size_t first = input.Byte() % all.size();
  for (const size_t i : {first, (first + 1 + input.Byte() % 3) % all.size()}) {
    if (i != 0) some.push_back(&all[i]);
  }
  return some;
}

// The outputs of some choices, after a look at rows alone and at threads.
inline std::vector<Result> RunSome(Input& input, const Case& c,
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

inline void RequireSame(const Case& c, const Result& a, const Result& b) {
  if (SameOutputs(c, a.outputs, b.outputs)) return;
  std::fprintf(stderr, "%s: %s differs from %s\n", std::string(c.op).c_str(),
               b.choice->name.c_str(), a.choice->name.c_str());
  Require(false);
}

// All providers give the same bits.
inline void CheckSame(Input& input, const Case& c) {
  const auto results = RunSome(input, c, SomeChoices(input));
  for (const Result& result : results) RequireSame(c, results[0], result);
}

// |a − b| within `relative` of the larger and `floor`; NaN and infinities alike.
inline bool Near(float a, float b, double relative, double floor) {
  if (Same(a, b)) return true;
  if (!std::isfinite(a) || !std::isfinite(b)) return false;
  return std::abs(double{a} - double{b}) <=
         relative * std::max(std::abs(double{a}), std::abs(double{b})) + floor;
}

}  // namespace hob::fuzz
