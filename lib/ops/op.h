// SPDX-License-Identifier: Apache-2.0
// What an operator is: a definition that checks a node and makes a kernel for it, and the kernel
// that runs it. Each folder lib/ops/<name>/ defines `const OpDef hob::ops::<name>::kOp`; the table
// of all is generated from the folders.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/allocator.h"
#include "lib/base/attributes.h"
#include "lib/base/dtype.h"
#include "lib/base/status.h"
#include "lib/base/thread_pool.h"
#include "lib/format/model_file.h"
#include "lib/isa/cpu.h"
#include "lib/ops/step.h"

namespace hob {

// Symbolic first dimensions of values: the rows of a step, and those of them whose logits are
// wanted.
inline constexpr int64_t kTokensDim = -1;
inline constexpr int64_t kLogitRowsDim = -2;

// One input or output of a node. An absent optional input has `present` false.
struct Operand {
  bool present = false;
  DType type = DType::kF32;
  std::vector<int64_t> shape;      // shape[0] may be symbolic
  const Tensor* weight = nullptr;  // for constants: the tensor in the model file

  int64_t columns() const { return shape.empty() ? 0 : shape.back(); }
};

// A node as its operator sees it.
struct OpSpec {
  std::string name;  // "blk.3.attn_qkv"
  int32_t layer = -1;
  Attributes attributes = {};
  std::vector<Operand> inputs = {}, outputs = {};
};

// What making a kernel may use. Packing runs on `pool`. Without `pack` nothing is packed: such a
// kernel tells its sizes and is never run.
struct PlanContext {
  const KernelChoice* choice = nullptr;
  ThreadPool* pool = nullptr;
  std::shared_ptr<Allocator> allocator;
  KvLayout kv;
  int64_t max_rows = 1;  // of any step
  bool pack = true;
};

class Kernel;

// What a kernel runs on. Pointers are kAlignment-aligned; rows are contiguous (f32:
// [rows][columns]; kQ8Act: rows Q8ActLayout::stride() apart).
struct RunContext {
  std::span<uint8_t* const> inputs = {};  // null: absent optional input, weight or state
  std::span<uint8_t* const> outputs = {};
  int64_t rows = 0;  // value of the first output's symbolic dimension
  const Step* step = nullptr;
  ThreadPool* pool = nullptr;
  uint8_t* scratch = nullptr;    // Kernel::scratch_bytes() of it, shared by the nodes
  const Kernel* next = nullptr;  // the next that has weights to read; may be null
};

// A node made ready to run: weights packed, provider chosen. Run is called by one thread at a time
// and must not allocate or fail.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void Run(const RunContext& context) = 0;
  virtual size_t scratch_bytes() const { return 0; }
  virtual size_t packed_bytes() const { return 0; }  // memory held for weights beside the file
  // Whether weight `input` of the node is read in these rather than in the file.
  virtual bool Packs(size_t /*input*/) const { return packed_bytes() != 0; }
  virtual std::string_view provider() const = 0;  // "scalar", "simd", "avx512vnni", …

  // Where thread `thread` will begin to read weights; null where that is not known. A kernel that
  // streams from memory fetches the first of them for its successor.
  virtual const uint8_t* FirstWeights(size_t thread) const {
    (void)thread;
    return nullptr;
  }
};

struct OpDef {
  std::string_view name;
  // INVALID_ARGUMENT if shapes, types or attributes do not fit: graphs from files are untrusted.
  Status (*check)(const OpSpec& spec);
  // `spec` passed check. UNIMPLEMENTED if no allowed provider takes it.
  StatusOr<std::unique_ptr<Kernel>> (*make)(const OpSpec& spec, const PlanContext& context);
  // What a graph of an app's own may set. Another one there is the app's mistake, where in a model
  // file it may be from a later version.
  std::span<const std::string_view> attributes = {};
};

// The operator called `name`, or null.
const OpDef* FindOp(std::string_view name);

// Helpers for `check`.
Status CheckCounts(const OpSpec& spec, size_t min_inputs, size_t max_inputs, size_t outputs);
// Present, of this type, and [first, columns]; `columns` < 0 accepts any.
Status CheckMatrix(const OpSpec& spec, const Operand& operand, std::string_view what, DType type,
                   int64_t columns);
// Present, a weight, one-dimensional f32 of `columns` elements.
Status CheckVector(const OpSpec& spec, const Operand& operand, std::string_view what,
                   int64_t columns);
Status SpecError(const OpSpec& spec, std::string_view what);

}  // namespace hob
