// SPDX-License-Identifier: Apache-2.0
// Runs a graph of an app's own: the same passes, kernels and bits as a model's, without a model.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lib/base/allocator.h"
#include "lib/base/thread_pool.h"
#include "lib/graph/graph_builder.h"
#include "lib/graph/ready_node.h"

namespace hob {

struct ProgramOptions {
  DType activations = DType::kQ16Act;  // as in ExecutorOptions
  int32_t max_rows = 512;              // of one run
};

struct ProgramRun {
  // One pointer an input, one an output, in the order in which they were added: rows of floats
  // without gaps.
  std::span<const float* const> inputs;
  std::span<float* const> outputs;
  int64_t rows = 0;
  const int32_t* tokens = nullptr;  // of each row; null unless the graph embeds
  int32_t position = 0;             // of the first row, for angles
};

class Program {
 public:
  static constexpr int32_t kMaxRows = 65536;

  // Fuses the graph, plans memory, chooses kernels and packs weights on `pool`, which must outlive
  // this. Weights that are packed are let go. Errors: INVALID_ARGUMENT, UNIMPLEMENTED,
  // RESOURCE_EXHAUSTED.
  static StatusOr<std::unique_ptr<Program>> Create(const GraphBuilder& builder, ThreadPool& pool,
                                                   std::shared_ptr<Allocator> allocator,
                                                   const ProgramOptions& options);

  // One call at a time, while nothing else runs on the pool. Rows beyond max_rows are
  // INVALID_ARGUMENT. A row's result depends on that row alone.
  Status Run(const ProgramRun& run);
  // The same in parts: CheckRun, however many rows there are, then RunPart for `rows` of them at a
  // time, at most max_rows.
  Status CheckRun(const ProgramRun& run) const;
  void RunPart(const ProgramRun& run, int64_t first, int64_t rows);

  int32_t max_rows() const { return max_rows_; }
  size_t weight_bytes() const { return packed_bytes_ + held_bytes_; }  // packed, or held as given
  size_t scratch_bytes() const { return scratch_bytes_; }
  std::vector<PlannedNode> Describe() const { return hob::Describe(nodes_); }

 private:
  struct Port {
    int64_t columns = 0;
    size_t value = 0;
  };

  Program() = default;
  static std::vector<Port> Ports(const Graph& graph, const std::vector<ValueId>& ids);
  Status Prepare(const Graph& graph, const PlanContext& context);

  ThreadPool* pool_ = nullptr;
  int32_t max_rows_ = 0;
  ModelFile weights_;
  std::vector<std::shared_ptr<const void>> owners_;
  std::vector<ReadyNode> nodes_;
  std::vector<Port> inputs_, outputs_;
  std::vector<uint8_t*> places_;  // of activations, by value
  Buffer activations_, scratch_;
  std::vector<int32_t> no_tokens_;
  int64_t vocabulary_ = 0;  // rows of the smallest table; 0: the graph embeds nothing
  size_t packed_bytes_ = 0, held_bytes_ = 0, scratch_bytes_ = 0;
};

}  // namespace hob
