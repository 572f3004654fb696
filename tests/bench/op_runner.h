// SPDX-License-Identifier: Apache-2.0
// An operator made ready to run again and again as it runs in a model: on activations in the cache,
// on weights and keys that come from memory, because the rest of the model was read meanwhile.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/limits.h"
#include "tests/bench/op_case.h"

namespace hob::bench {

// What a run takes at least on this machine, now.
struct Limit {
  double seconds = 0;  // 0: unknown
  std::string by;      // "memory 34.1 GB/s"
};

class OpRunner {
 public:
  // Makes as many copies of the weights, or layers of cache, as do not fit the caches. UNAVAILABLE
  // if `provider` does not take this operator here; "" is the best.
  static StatusOr<std::unique_ptr<OpRunner>> Create(const OpQuery& query,
                                                    const std::string& provider, size_t threads);

  // One run, on the next copy.
  void Run();

  Limit MeasureLimit() const;

  std::string_view provider() const { return kernels_[0]->provider(); }
  const OpCase& op_case() const { return case_; }

 private:
  OpRunner() = default;
  Status MakeKernels(const std::string& provider, const OpQuery& query);
  Status MakeActivations(const OpQuery& query);
  Status MakeCache(const OpQuery& query);
  StatusOr<Buffer> MakeRows(const Operand& operand, uint32_t seed);

  OpCase case_;
  std::deque<std::vector<uint8_t>> copied_bytes_;
  std::deque<Tensor> copied_weights_;
  std::shared_ptr<Allocator> allocator_ = std::make_shared<Allocator>();
  std::unique_ptr<ThreadPool> pool_;
  KernelChoice choice_;
  size_t copies_ = 1;
  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<Buffer> buffers_;
  std::vector<uint8_t*> inputs_, outputs_, pages_;
  Buffer scratch_;
  std::vector<int32_t> tokens_, logit_rows_;
  SequenceRows sequence_;
  Step step_;
  int64_t rows_ = 0;
  size_t turn_ = 0;
  std::unique_ptr<ReadBandwidth> activations_;  // a block as large as them
};

}  // namespace hob::bench
