// SPDX-License-Identifier: Apache-2.0
#include "lib/base/metrics.h"

#include <hob/metrics.h>

#include <algorithm>
#include <array>

#include "abi/handles.h"

namespace hob::abi {
namespace {

uint64_t Read(const Metrics::Count& count) { return count.load(std::memory_order_relaxed); }

template <size_t kSize>
uint64_t Write(uint64_t (&out)[kSize], const std::array<Metrics::Count, kSize>& counts) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kSize; ++i) sum += out[i] = Read(counts[i]);
  return sum;
}

// `unit`: of the values, in those of the interface.
void Write(hob_histogram& out, const Histogram& histogram, double unit) {
  static_assert(HOB_HISTOGRAM_BUCKETS == Histogram::kBuckets);
  out.first = static_cast<double>(histogram.first()) * unit;
  out.sum = static_cast<double>(histogram.sum()) * unit;
  for (size_t i = 0; i < Histogram::kBuckets; ++i) out.counts[i] = histogram.count(i);
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_runtime_get_metrics(hob_runtime_metrics* out, const hob_runtime* runtime,
                                   hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(runtime, "runtime"));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_runtime_metrics"));
    const hob::Metrics& from = runtime->object->scheduler().metrics();
    hob_runtime_metrics to = HOB_RUNTIME_METRICS_INIT;
    // Ends before starts: never more ends than starts.
    const uint64_t over =
        Write(to.answers_ended, from.ended) + Write(to.answers_failed, from.failed);
    to.answers_started = Read(from.started);
    to.answers_running = to.answers_started - std::min(over, to.answers_started);
    to.answers_waiting = Read(from.waiting);
    to.prompt_tokens = Read(from.prompt_tokens);
    to.cached_tokens = Read(from.cached_tokens);
    to.generated_tokens = Read(from.generated_tokens);
    to.guessed_tokens = Read(from.guessed_tokens);
    to.right_tokens = Read(from.right_tokens);
    to.steps = Read(from.steps);
    to.step_rows = Read(from.step_rows);
    to.step_seconds = static_cast<double>(Read(from.step_ns)) * 1e-9;
    to.kv_pages = Read(from.kv_pages);
    const hob::Allocator& allocator = *runtime->object->allocator();
    to.bytes_in_use = allocator.bytes_in_use();
    to.peak_bytes = allocator.peak_bytes();
    to.memory_limit = allocator.limit();
    Write(to.time_to_first_token, from.first_token, 1e-9);
    Write(to.time_between_tokens, from.between_tokens, 1e-9);
    Write(to.answers_in_step, from.batch, 1);
    WriteStruct(out, to);
    return absl::OkStatus();
  });
}

}  // extern "C"
