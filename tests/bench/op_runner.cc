// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/op_runner.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>

#include "lib/base/block_formats.h"

namespace hob::bench {
namespace {

constexpr size_t kTokens = 65536;  // different rows of an embedding before they come again

std::string Text(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

}  // namespace

StatusOr<std::unique_ptr<OpRunner>> OpRunner::Create(const OpQuery& query,
                                                     const std::string& provider, size_t threads) {
  std::unique_ptr<OpRunner> runner(new OpRunner);
  OpRunner& r = *runner;
  HOB_ASSIGN_OR_RETURN(r.case_, MakeCase(query));
  HOB_ASSIGN_OR_RETURN(r.pool_, ThreadPool::Create(threads));
  r.choice_ = {CpuFeatures::Detect(), provider};
  r.rows_ = query.rows;
  double held = static_cast<double>(r.case_.kv.layer_bytes()) *
                std::ceil(static_cast<double>(query.context + query.rows) / kKvPageTokens);
  for (const auto& bytes : r.case_.bytes) held += static_cast<double>(bytes.size());
  if (r.case_.streamed > 0) {
    r.copies_ = 1 + std::min<size_t>(
                        static_cast<size_t>(static_cast<double>(FromMemoryBytes()) / held), 4095);
  }
  HOB_RETURN_IF_ERROR(r.MakeKernels(provider, query));
  HOB_RETURN_IF_ERROR(r.MakeActivations(query));
  HOB_RETURN_IF_ERROR(r.MakeCache(query));
  r.activations_ = std::make_unique<ReadBandwidth>(static_cast<size_t>(r.case_.activations));
  return runner;
}

Status OpRunner::MakeKernels(const std::string& provider, const OpQuery& query) {
  case_.kv.layers = static_cast<int32_t>(copies_);
  const OpDef* def = FindOp(case_.op);
  size_t scratch = 0;
  for (size_t i = 0; i < copies_; ++i) {
    OpSpec spec = case_.spec;
    if (spec.layer >= 0) spec.layer = static_cast<int32_t>(i);
    for (Operand& input : spec.inputs) {
      if (input.weight == nullptr || i == 0) continue;
      // A kernel may keep the file's bytes, or pack its own.
      copied_bytes_.emplace_back(input.weight->data.begin(), input.weight->data.end());
      copied_weights_.push_back(*input.weight);
      copied_weights_.back().data = copied_bytes_.back();
      input.weight = &copied_weights_.back();
    }
    PlanContext context{&choice_, pool_.get(), allocator_, case_.kv, query.rows};
    HOB_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, def->make(spec, context));
    if (!provider.empty() && kernel->provider() != provider) {
      return Error(StatusCode::kUnavailable, "not with this operator, type or CPU");
    }
    scratch = std::max(scratch, kernel->scratch_bytes());
    kernels_.push_back(std::move(kernel));
  }
  HOB_ASSIGN_OR_RETURN(scratch_, Buffer::Create(allocator_, scratch + kAlignment, "scratch"));
  return absl::OkStatus();
}

Status OpRunner::MakeActivations(const OpQuery& query) {
  std::mt19937 generator(1);
  tokens_.resize(kTokens + static_cast<size_t>(rows_));
  for (int32_t& token : tokens_) {
    token = static_cast<int32_t>(generator() % static_cast<uint32_t>(query.outputs));
  }
  logit_rows_.resize(static_cast<size_t>(rows_));
  for (size_t i = 0; i < logit_rows_.size(); ++i) logit_rows_[i] = static_cast<int32_t>(i);
  uint32_t seed = 1;
  for (const Operand& input : case_.spec.inputs) {
    inputs_.push_back(nullptr);
    if (!input.present || input.weight != nullptr) continue;
    HOB_ASSIGN_OR_RETURN(Buffer rows, MakeRows(input, seed++));
    inputs_.back() = rows.data();
    buffers_.push_back(std::move(rows));
  }
  for (const Operand& output : case_.spec.outputs) {
    HOB_ASSIGN_OR_RETURN(Buffer rows, MakeRows(output, 0));
    outputs_.push_back(rows.data());
    buffers_.push_back(std::move(rows));
  }
  return absl::OkStatus();
}

// Rows of random numbers in the operand's type; zeros without a seed.
StatusOr<Buffer> OpRunner::MakeRows(const Operand& operand, uint32_t seed) {
  const auto count = static_cast<size_t>(rows_), columns = static_cast<size_t>(operand.columns());
  const size_t bytes = count * ActivationRowBytes(operand.type, columns);
  HOB_ASSIGN_OR_RETURN(Buffer rows, Buffer::Create(allocator_, bytes, "activations"));
  if (seed == 0) return rows;
  HOB_ASSIGN_OR_RETURN(Buffer floats,
                       Buffer::Create(allocator_, count * columns * sizeof(float), "activations"));
  std::mt19937 generator(seed);
  for (size_t i = 0; i < count * columns; ++i) {
    floats.as<float>()[i] = static_cast<float>(generator() >> 8) * 0x1p-23f - 1.0f;
  }
  if (operand.type == DType::kF32) return floats;
  OpSpec spec;
  spec.name = "quantize";
  spec.inputs = {operand};
  spec.inputs[0].type = DType::kF32;
  spec.outputs = {operand};
  const KernelChoice any{choice_.cpu, ""};
  HOB_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel,
                       FindOp("quantize")->make(spec, {&any, pool_.get(), allocator_, {}, rows_}));
  uint8_t* from[] = {floats.data()};
  uint8_t* to[] = {rows.data()};
  kernel->Run({from, to, rows_, nullptr, pool_.get(), nullptr});
  return rows;
}

// One sequence, its cache full of some small number up to the rows of the step.
Status OpRunner::MakeCache(const OpQuery& query) {
  sequence_ = {nullptr, case_.kv.type, 0, static_cast<int32_t>(rows_),
               static_cast<int32_t>(query.context)};
  step_.sequences = {&sequence_, 1};
  step_.logit_rows = logit_rows_;
  const size_t page = case_.kv.page_bytes();
  if (page == 0) return absl::OkStatus();
  const auto positions = static_cast<size_t>(query.context + rows_);
  for (size_t at = 0; at < positions; at += kKvPageTokens) {
    HOB_ASSIGN_OR_RETURN(Buffer memory, Buffer::Create(allocator_, page, "cache"));
    std::memset(memory.data(), 0x2c, memory.size());
    pages_.push_back(memory.data());
    buffers_.push_back(std::move(memory));
  }
  sequence_.pages = pages_.data();
  return absl::OkStatus();
}

void OpRunner::Run() {
  const auto rows = static_cast<size_t>(rows_);
  step_.tokens = std::span(tokens_).subspan(turn_ * rows % kTokens, rows);
  kernels_[turn_ % copies_]->Run({inputs_, outputs_, rows_, &step_, pool_.get(), scratch_.data()});
  ++turn_;
}

Limit OpRunner::MeasureLimit() const {
  // Filled once: pages take longer to get than to read.
  static const ReadBandwidth* const memory = new ReadBandwidth(FromMemoryBytes());
  const bool streams = case_.streamed > 0;
  const double rate = (streams ? *memory : *activations_).Measure(*pool_);
  if (rate <= 0) return {};
  Limit limit{(streams ? case_.streamed : case_.activations) / rate,
              Text(streams ? "memory %.1f GB/s" : "cache %.0f GB/s", 1e-9 * rate)};
  if (case_.operations == 0) return limit;
  const bool int8 = case_.bound == Bound::kInt8;
  const double peak = int8 ? Int8Peak(*pool_) : F32Peak(*pool_);
  if (peak > 0 && case_.operations / peak > limit.seconds) {
    limit = {case_.operations / peak, Text(int8 ? "int8 %.0f GOPS" : "f32 %.0f GOPS", 1e-9 * peak)};
  }
  return limit;
}

}  // namespace hob::bench
