// SPDX-License-Identifier: Apache-2.0
// bidirectional_attention, and pool, which works on the same texts.
#include "tests/ops/support.h"

namespace hob::test {
namespace {

// A step whose sequences are texts of so many rows.
struct Texts {
  explicit Texts(const std::vector<int32_t>& lengths) {
    for (const int32_t rows : lengths) {
      first_rows.push_back(static_cast<int32_t>(tokens.size()));
      sequences.push_back({.first_row = first_rows.back(), .rows = rows});
      tokens.resize(tokens.size() + static_cast<size_t>(rows));
    }
    step.tokens = tokens;
    step.sequences = sequences;
    step.logit_rows = first_rows;
  }
  Texts(const Texts&) = delete;
  int64_t rows() const { return static_cast<int64_t>(tokens.size()); }
  std::vector<int32_t> tokens, first_rows;
  std::vector<SequenceRows> sequences;
  Step step;
};

OpSpec Spec(int64_t heads, int64_t width, DType output = DType::kF32) {
  OpSpec spec;
  spec.name = "attention";
  spec.layer = 0;
  spec.attributes.Set("heads", heads);
  spec.attributes.Set("head_dim", width);
  spec.attributes.Set("scale", 1.0 / std::sqrt(static_cast<double>(width)));
  spec.inputs = {Rows(heads * width), Rows(heads * width), Rows(heads * width)};
  spec.outputs = {Rows(heads * width, output)};
  return spec;
}

using Floats = std::vector<float>;

std::vector<double> Reference(size_t heads, size_t width, const Texts& texts, const Floats& q,
                              const Floats& k, const Floats& v) {
  const size_t columns = heads * width;
  std::vector<double> out(q.size());
  for (const SequenceRows& text : texts.sequences) {
    const size_t first = static_cast<size_t>(text.first_row), rows = static_cast<size_t>(text.rows);
    for (size_t r = first; r < first + rows; ++r) {
      for (size_t head = 0; head < columns; head += width) {
        std::vector<double> weights;
        double sum = 0;
        for (size_t t = first; t < first + rows; ++t) {
          double score = 0;
          for (size_t d = 0; d < width; ++d) {
            score += double{q[r * columns + head + d]} * k[t * columns + head + d];
          }
          weights.push_back(std::exp(score / std::sqrt(static_cast<double>(width))));
          sum += weights.back();
        }
        for (size_t t = 0; t < rows; ++t) {
          for (size_t d = 0; d < width; ++d) {
            out[r * columns + head + d] += weights[t] / sum * v[(first + t) * columns + head + d];
          }
        }
      }
    }
  }
  return out;
}

TEST_CASE("bidirectional_attention: near the double reference, a text's bits are its own") {
  auto pool = MakePool(3);
  struct Shape {
    int64_t heads, width;
  };
  for (const Shape shape : {Shape{1, 8}, Shape{3, 16}, Shape{12, 32}, Shape{2, 64}, Shape{2, 24},
                            Shape{2, 5}, Shape{1, 1}}) {
    for (const std::vector<int32_t>& lengths :
         {std::vector<int32_t>{1}, {2}, {17}, {129}, {1, 33, 7, 64, 6, 12, 2}}) {
      const Texts texts(lengths);
      const size_t columns = static_cast<size_t>(shape.heads * shape.width);
      const size_t count = static_cast<size_t>(texts.rows()) * columns;
      const Floats q = Random(count, 1, 3.0f), k = Random(count, 2, 2.0f), v = Random(count, 3);
      const auto expected = Reference(static_cast<size_t>(shape.heads),
                                      static_cast<size_t>(shape.width), texts, q, k, v);
      for (const NamedChoice& choice : Choices()) {
        CAPTURE(choice.name, shape.heads, shape.width, lengths);
        Runner runner("bidirectional_attention", Spec(shape.heads, shape.width), choice.choice,
                      *pool);
        CHECK((runner.provider() == (shape.width % 8 == 0 ? choice.choice.provider : "scalar")));
        const Floats out = runner.RunFloats(texts.step, {q, k, v}, texts.rows());
        CHECK(WorstError(out, expected, 0.1) < 2e-5);
        for (const SequenceRows& text : texts.sequences) {
          const size_t at = static_cast<size_t>(text.first_row) * columns;
          const size_t size = static_cast<size_t>(text.rows) * columns;
          const Texts one({text.rows});
          const Floats alone = runner.RunFloats(
              one.step, {Slice(q, at, size), Slice(k, at, size), Slice(v, at, size)}, text.rows);
          CHECK((alone == Slice(out, at, size)));
        }
      }
    }
  }
}

TEST_CASE("bidirectional_attention: threads and quantisation change nothing") {
  const Texts texts({40, 3, 90});
  const size_t count = static_cast<size_t>(texts.rows()) * 64;
  const Floats q = Random(count, 1, 3.0f), k = Random(count, 2, 2.0f), v = Random(count, 3);
  for (const NamedChoice& choice : Choices()) {
    CAPTURE(choice.name);
    Floats first;
    for (const size_t threads : {1, 2, 4}) {
      auto pool = MakePool(threads);
      Runner runner("bidirectional_attention", Spec(4, 16), choice.choice, *pool);
      const Floats out = runner.RunFloats(texts.step, {q, k, v}, texts.rows());
      if (first.empty()) first = out;
      CHECK((out == first));
      for (const DType type : {DType::kQ8Act, DType::kQ16Act}) {
        OpSpec spec;
        spec.inputs = {Rows(64)};
        spec.outputs = {Rows(64, type)};
        Runner quantize("quantize", spec, choice.choice, *pool);
        Runner fused("bidirectional_attention", Spec(4, 16, type), choice.choice, *pool);
        CHECK((fused.Run(texts.step, {q, k, v}, texts.rows()) ==
               quantize.Run(texts.step, {out}, texts.rows())));
      }
    }
  }
}

TEST_CASE("bidirectional_attention: broken nodes are refused") {
  REQUIRE(CheckOp("bidirectional_attention", Spec(2, 16)).ok());
  for (const char* name : {"heads", "head_dim", "scale"}) {
    OpSpec spec = Spec(2, 16);
    spec.attributes.Set(name, int64_t{0});
    CHECK_FALSE(CheckOp("bidirectional_attention", spec).ok());
  }
  for (size_t i = 0; i < 3; ++i) {
    OpSpec spec = Spec(2, 16);
    spec.inputs[i] = Rows(16);
    CHECK_FALSE(CheckOp("bidirectional_attention", spec).ok());
  }
  OpSpec spec = Spec(2, 16);
  spec.outputs[0] = Rows(32, DType::kF32, kLogitRowsDim);
  CHECK_FALSE(CheckOp("bidirectional_attention", spec).ok());
}

OpSpec PoolSpec(int64_t columns, int64_t type) {
  OpSpec spec;
  spec.name = "pool";
  spec.attributes.Set("type", type);
  spec.inputs = {Rows(columns)};
  spec.outputs = {Rows(columns, DType::kF32, kLogitRowsDim)};
  return spec;
}

TEST_CASE("pool: the mean of a text's rows, or its first") {
  auto pool = MakePool(2);
  Texts texts({3, 1, 20});
  for (const size_t columns : {1, 7, 384}) {
    const Floats x = Random(24 * columns, 1);
    std::vector<double> means(3 * columns), firsts(3 * columns);
    for (size_t t = 0; t < 3; ++t) {
      const SequenceRows& text = texts.sequences[t];
      for (size_t i = 0; i < columns; ++i) {
        firsts[t * columns + i] = x[static_cast<size_t>(text.first_row) * columns + i];
        for (size_t r = 0; r < static_cast<size_t>(text.rows); ++r) {
          means[t * columns + i] +=
              double{x[(static_cast<size_t>(text.first_row) + r) * columns + i]} / text.rows;
        }
      }
    }
    const auto width = static_cast<int64_t>(columns);
    Runner mean("pool", PoolSpec(width, 1), Choices()[0].choice, *pool);
    Runner first("pool", PoolSpec(width, 2), Choices()[0].choice, *pool);
    texts.step.pooling = Pooling::kModel;
    CHECK(WorstError(mean.RunFloats(texts.step, {x}, 3), means, 0.1) < 2e-6);
    CHECK(WorstError(first.RunFloats(texts.step, {x}, 3), firsts, 0.1) == 0);
    // A step may want the other.
    texts.step.pooling = Pooling::kFirst;
    CHECK(WorstError(mean.RunFloats(texts.step, {x}, 3), firsts, 0.1) == 0);
  }
  CHECK(CheckOp("pool", PoolSpec(8, 1)).ok());
  CHECK_FALSE(CheckOp("pool", PoolSpec(8, 0)).ok());
  CHECK_FALSE(CheckOp("pool", PoolSpec(8, 3)).ok());
  OpSpec spec = PoolSpec(8, 1);
  spec.outputs[0] = Rows(8);
  CHECK_FALSE(CheckOp("pool", spec).ok());
}

}  // namespace
}  // namespace hob::test
