// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/op_case.h"

#include <algorithm>
#include <cmath>

#include "lib/base/block_formats.h"
#include "lib/ops/matmul/linear.h"
#include "tests/ops/weights.h"

namespace hob::bench {
namespace {

Operand Rows(int64_t columns, DType type = DType::kF32, int64_t rows = kTokensDim) {
  return {true, type, {rows, columns}, nullptr};
}

class CaseBuilder {
 public:
  explicit CaseBuilder(const OpQuery& query) : q_(query) {
    case_.op = q_.op;
    case_.spec.name = q_.op;
  }

  OpCase Matmul(int64_t rows_dim = kTokensDim) {
    case_.op = "matmul";
    Set("weights", 1);
    const DType x =
        q_.activations != DType::kF32 && ops::matmul::WantsInt8Activations(q_.type, q_.columns)
            ? q_.activations
            : DType::kF32;
    Inputs({Rows(q_.columns, x, rows_dim), Matrix(q_.outputs, q_.columns), Operand{}});
    Output(q_.outputs, DType::kF32, rows_dim);
    Products(1, x);
    return std::move(case_);
  }

  OpCase MatmulSwiglu() {
    Set("activation", 0);
    const DType x = q_.activations == DType::kF32 ? DType::kQ16Act : q_.activations;
    const Operand gate = Matrix(q_.outputs, q_.columns);
    Inputs({Rows(q_.columns, x), gate, Matrix(q_.outputs, q_.columns)});
    Output(q_.outputs, Quantized());
    Products(2, x);
    return std::move(case_);
  }

  OpCase Attention() {
    const int64_t queries = int64_t{q_.heads} * q_.head_dim;
    const int64_t keys = int64_t{q_.kv_heads} * q_.head_dim;
    Set("heads", q_.heads);
    Set("kv_heads", q_.kv_heads);
    Set("head_dim", q_.head_dim);
    case_.spec.attributes.Set("scale", 1 / std::sqrt(static_cast<double>(q_.head_dim)));
    case_.spec.layer = 0;
    case_.kv = {q_.cache, 1, q_.kv_heads, q_.head_dim};
    Inputs({Rows(queries), Rows(keys), Rows(keys)});
    Output(queries, Quantized());
    const auto rows = static_cast<double>(q_.rows), context = static_cast<double>(q_.context);
    // Each row sees the context, the rows before it and itself.
    case_.operations = 4 * static_cast<double>(queries) * (rows * context + rows * (rows + 1) / 2);
    case_.streamed = (context + rows) * static_cast<double>(case_.kv.layer_bytes()) / kKvPageTokens;
    return std::move(case_);
  }

  OpCase RmsNorm() {
    case_.spec.attributes.Set("epsilon", 1e-5);
    Inputs({Rows(q_.columns), Vector(q_.columns)});
    Output(q_.columns, Quantized());
    return std::move(case_);
  }

  OpCase Quantize() {
    Inputs({Rows(q_.columns)});
    Output(q_.columns, q_.activations == DType::kF32 ? DType::kQ8Act : q_.activations);
    return std::move(case_);
  }

  OpCase Swiglu() {
    Set("activation", 0);
    Inputs({Rows(q_.columns), Rows(q_.columns)});
    Output(q_.columns, Quantized());
    return std::move(case_);
  }

  OpCase Add() {
    Inputs({Rows(q_.columns), Rows(q_.columns)});
    Output(q_.columns);
    return std::move(case_);
  }

  OpCase Rope() {
    const int64_t columns = int64_t{q_.heads} * q_.head_dim;
    Set("head_dim", q_.head_dim);
    Set("neox", 0);
    Inputs({Rows(columns), Rows(q_.head_dim)});
    Output(columns);
    return std::move(case_);
  }

  OpCase RopeAngles() {
    Set("dimensions", q_.head_dim);
    case_.spec.attributes.Set("base", 10000.0);
    case_.spec.attributes.Set("scale", 1.0);
    Inputs({Operand{}});
    Output(q_.head_dim);
    return std::move(case_);
  }

  OpCase SelectRows() {
    Inputs({Rows(q_.columns)});
    Output(q_.columns, DType::kF32, kLogitRowsDim);
    return std::move(case_);
  }

  OpCase Embedding() {
    Inputs({Matrix(q_.outputs, q_.columns)});
    Output(q_.columns);
    case_.streamed = static_cast<double>(q_.rows) * static_cast<double>(case_.bytes[0].size()) /
                     static_cast<double>(q_.outputs);
    return std::move(case_);
  }

 private:
  void Set(std::string_view key, int64_t value) { case_.spec.attributes.Set(key, value); }

  void Inputs(std::vector<Operand> inputs) {
    for (const Operand& input : inputs) Count(input);
    case_.spec.inputs = std::move(inputs);
  }

  void Output(int64_t columns, DType type = DType::kF32, int64_t rows_dim = kTokensDim) {
    case_.spec.outputs = {Rows(columns, type, rows_dim)};
    Count(case_.spec.outputs[0]);
  }

  void Count(const Operand& operand) {
    if (!operand.present || operand.weight != nullptr) return;
    case_.activations +=
        static_cast<double>(q_.rows) * static_cast<double>(ActivationRowBytes(
                                           operand.type, static_cast<size_t>(operand.columns())));
  }

  // What operators write that can write int8 for the product behind them.
  DType Quantized() const { return q_.activations == DType::kQ8Act ? DType::kQ8Act : DType::kF32; }

  Operand Add(const Tensor& tensor, std::vector<int64_t> shape) {
    case_.bytes.emplace_back(tensor.data.begin(), tensor.data.end());
    case_.weights.push_back(tensor);
    Tensor& own = case_.weights.back();
    own.shape = std::move(shape);
    own.data = case_.bytes.back();
    return {true, own.type, own.shape, &own};
  }
  Operand Matrix(int64_t outputs, int64_t columns) {
    return Add(test::Weights(q_.type, outputs, columns).tensor(), {outputs, columns});
  }
  Operand Vector(int64_t columns) {
    return Add(test::Weights(DType::kF32, 1, columns).tensor(), {columns});
  }

  void Products(int matrices, DType x) {
    case_.bound = x != DType::kF32 || q_.type == DType::kQC8 ? Bound::kInt8 : Bound::kF32;
    case_.operations = 2.0 * matrices * static_cast<double>(std::max<int64_t>(Int8Terms(x), 1)) *
                       static_cast<double>(q_.rows * q_.columns * q_.outputs);
    for (const auto& bytes : case_.bytes) case_.streamed += static_cast<double>(bytes.size());
  }

  const OpQuery& q_;
  OpCase case_;
};

// What of a query matters to an operator, for its description.
enum Part : unsigned { kType = 1, kActivations = 2, kK = 4, kN = 8, kHeads = 16, kContext = 32 };

struct OpEntry {
  std::string_view name;
  unsigned parts;
  OpCase (*make)(CaseBuilder& builder);
};
constexpr OpEntry kOps[] = {
    {"add", kK, [](CaseBuilder& b) { return b.Add(); }},
    {"attention", kActivations | kHeads | kContext, [](CaseBuilder& b) { return b.Attention(); }},
    {"embedding", kType | kK | kN, [](CaseBuilder& b) { return b.Embedding(); }},
    {"lm_head", kType | kActivations | kK | kN,
     [](CaseBuilder& b) { return b.Matmul(kLogitRowsDim); }},
    {"matmul", kType | kActivations | kK | kN, [](CaseBuilder& b) { return b.Matmul(); }},
    {"matmul_swiglu", kType | kActivations | kK | kN,
     [](CaseBuilder& b) { return b.MatmulSwiglu(); }},
    {"quantize", kActivations | kK, [](CaseBuilder& b) { return b.Quantize(); }},
    {"rms_norm", kActivations | kK, [](CaseBuilder& b) { return b.RmsNorm(); }},
    {"rope", kHeads, [](CaseBuilder& b) { return b.Rope(); }},
    {"rope_angles", kHeads, [](CaseBuilder& b) { return b.RopeAngles(); }},
    {"select_rows", kK, [](CaseBuilder& b) { return b.SelectRows(); }},
    {"swiglu", kActivations | kK, [](CaseBuilder& b) { return b.Swiglu(); }},
};

const OpEntry* Find(std::string_view name) {
  const auto* found = std::find_if(std::begin(kOps), std::end(kOps),
                                   [&](const OpEntry& op) { return op.name == name; });
  return found == std::end(kOps) ? nullptr : found;
}

}  // namespace

std::vector<std::string> OpNames() {
  std::vector<std::string> names;
  for (const OpEntry& op : kOps) names.emplace_back(op.name);
  return names;
}

std::string Describe(const OpQuery& query) {
  const OpEntry* op = Find(query.op);
  const unsigned parts = op == nullptr ? 0 : op->parts;
  std::string text = query.op;
  const auto add = [&](unsigned part, const auto&... words) {
    if ((parts & part) != 0) text += absl::StrCat("/", words...);
  };
  add(kType, std::string(FindDType(query.type)->name));
  add(kActivations, query.activations == DType::kF32     ? "f32"
                    : query.activations == DType::kQ8Act ? "int8"
                                                         : "int16");
  add(kK, "K:", query.columns);
  add(kN, "N:", query.outputs);
  add(kHeads, "heads:", query.heads, "x", query.head_dim);
  add(kContext, "kv_heads:", query.kv_heads,
      query.cache == DType::kF32   ? "/f32"
      : query.cache == DType::kQC8 ? "/int8"
                                   : "",
      "/context:", query.context);
  return absl::StrCat(text, "/rows:", query.rows);
}

StatusOr<OpCase> MakeCase(const OpQuery& query) {
  const OpEntry* op = Find(query.op);
  if (op == nullptr) {
    return Error(StatusCode::kInvalidArgument, absl::StrCat("no operator is called ", query.op));
  }
  const DTypeInfo* type = FindDType(query.type);
  if ((op->parts & kType) != 0 && query.columns % type->block_elements != 0) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("K of ", query.columns, " is no multiple of ", type->block_elements));
  }
  CaseBuilder builder(query);
  OpCase made = op->make(builder);
  HOB_RETURN_IF_ERROR(FindOp(made.op)->check(made.spec));
  return made;
}

}  // namespace hob::bench
