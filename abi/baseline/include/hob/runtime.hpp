// SPDX-License-Identifier: Apache-2.0
#ifndef HOB_RUNTIME_HPP_
#define HOB_RUNTIME_HPP_

#include <hob/runtime.h>

#include <hob/error.hpp>

namespace hob {
inline namespace v0 {

// Owns a hob_runtime: see runtime.h. Movable, not copyable.
class Runtime {
 public:
  static hob_runtime_options DefaultOptions() { return HOB_RUNTIME_OPTIONS_INIT; }

  static Result<Runtime> Create(const hob_runtime_options& options = DefaultOptions()) {
    hob_runtime* handle = nullptr;
    return detail::CallFor<Runtime>(
        [&](hob_error** error) { return hob_runtime_create(&handle, &options, error); },
        [&] { return Runtime(handle); });
  }

  Result<hob_runtime_info> Info() const {
    hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
    return detail::CallFor<hob_runtime_info>(
        [&](hob_error** error) { return hob_runtime_get_info(&info, get(), error); },
        [&] { return info; });
  }

  // Takes `handle` over.
  explicit Runtime(hob_runtime* handle) : handle_(handle) {}
  hob_runtime* get() const { return handle_.get(); }
  hob_runtime* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_runtime* handle) const { hob_runtime_destroy(handle); }
  };
  std::unique_ptr<hob_runtime, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_RUNTIME_HPP_
