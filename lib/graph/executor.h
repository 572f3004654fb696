// SPDX-License-Identifier: Apache-2.0
// Runs a model's graph, a step at a time, in memory planned at load.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/allocator.h"
#include "lib/base/log.h"
#include "lib/base/thread_pool.h"
#include "lib/format/model_file.h"
#include "lib/graph/graph.h"
#include "lib/graph/override_rope.h"
#include "lib/graph/ready_node.h"
#include "lib/ops/step.h"

namespace hob {

struct ExecutorOptions {
  // What block-quantised weights are multiplied by: kQ16Act, kQ8Act, or kF32 (for references, not
  // for speed).
  DType activations = DType::kQ16Act;
  // Of kv_layout: kF16, kF32 or kQC8. A step's sequences may have any of them, whatever this is.
  DType kv_type = DType::kF16;
  int32_t max_rows = 512;  // of one step: the prefill chunk, the decode batch
  Progress progress;       // bytes of weights prepared and in all; false cancels
  RopeOverride rope = {};
};

// What an executor takes, before it is made.
struct ExecutorPlan {
  ModelShape shape;
  KvLayout kv;
  int32_t max_rows = 0;
  size_t weight_bytes = 0;   // packed or copied, beside the mapped file
  size_t mapped_bytes = 0;   // of weights that are read in the file
  size_t scratch_bytes = 0;  // activations and kernels' scratch
};

class Executor {
 public:
  // Builds, checks and fuses the graph, plans memory, chooses kernels and packs weights (in
  // parallel on `pool`, which must outlive it). Errors: INVALID_ARGUMENT (a broken model),
  // UNIMPLEMENTED (family or type), RESOURCE_EXHAUSTED (with the bytes wanted), CANCELLED.
  static StatusOr<std::unique_ptr<Executor>> Create(std::shared_ptr<const ModelFile> file,
                                                    ThreadPool& pool,
                                                    std::shared_ptr<Allocator> allocator,
                                                    const ExecutorOptions& options);
  // What Create with these would take: by the same code, but nothing is packed or allocated.
  static StatusOr<ExecutorPlan> Plan(std::shared_ptr<const ModelFile> file, ThreadPool& pool,
                                     const ExecutorOptions& options);
  ~Executor();

  // Runs one step; step.rows() is 1 … max_rows, tokens are valid ids, pages cover all positions
  // (checked: INVALID_ARGUMENT). Nothing is allocated. One call at a time. The result for a row
  // depends on that row and its sequence's cache alone.
  // `stop` (may be null) is looked at between nodes: CANCELLED, the cache of the rows undefined.
  Status Run(const Step& step, const std::atomic<bool>* stop = nullptr);

  const ModelShape& shape() const;
  const KvLayout& kv_layout() const;  // of a sequence that asks for no other type
  int32_t max_rows() const;
  size_t weight_bytes() const;   // packed or copied, beside the mapped file
  size_t scratch_bytes() const;  // activations and kernels' scratch
  std::vector<PlannedNode> Describe() const;

 private:
  struct Impl;
  explicit Executor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hob
