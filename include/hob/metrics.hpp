// SPDX-License-Identifier: Apache-2.0
// What a runtime has done so far. Outside the promise so far: hob_experimental.hpp.
#ifndef HOB_METRICS_HPP_
#define HOB_METRICS_HPP_

#include <hob/metrics.h>

#include <hob/error.hpp>
#include <hob/runtime.hpp>

namespace hob {
inline namespace v0 {

// See hob_runtime_get_metrics.
inline Result<hob_runtime_metrics> GetMetrics(const Runtime& runtime) {
  hob_runtime_metrics metrics = HOB_RUNTIME_METRICS_INIT;
  return detail::CallFor<hob_runtime_metrics>(
      [&](hob_error** error) { return hob_runtime_get_metrics(&metrics, runtime.get(), error); },
      [&] { return metrics; });
}

}  // namespace v0
}  // namespace hob

#endif  // HOB_METRICS_HPP_
