// SPDX-License-Identifier: Apache-2.0
#include "lib/xnnpack/xnnpack.h"

#if defined(HOB_HAVE_XNNPACK)

#if defined(__GNUC__) && !defined(_WIN32)
#include <cstdarg>

// XNNPACK looks at the CPU through cpuinfo, which writes to standard error where that fails. These
// stand in for its two functions that write; weak, so that an app's own cpuinfo is as it was. Here,
// since a linker takes them from an object that it has already rather than from cpuinfo's archive.
extern "C" {
__attribute__((weak)) void cpuinfo_vlog_error(const char* /*format*/, va_list /*arguments*/) {}
__attribute__((weak)) void cpuinfo_vlog_fatal(const char* /*format*/, va_list /*arguments*/) {}
}
#endif

namespace hob::xnnpack {

bool Available() {
  static const bool available = xnn_initialize(nullptr) == xnn_status_success;
  return available;
}

Status ToStatus(xnn_status status, std::string_view what) {
  switch (status) {
    case xnn_status_success:
      return absl::OkStatus();
    case xnn_status_out_of_memory:
      return Error(
          StatusCode::kResourceExhausted, Concat(what, ": out of memory in XNNPACK"),
          "free memory, use a smaller model, or set HOB_PROVIDER=simd, which packs nothing");
    case xnn_status_unsupported_parameter:
    case xnn_status_unsupported_hardware:
      return Error(StatusCode::kUnimplemented, Concat(what, ": not supported by XNNPACK here"),
                   "set HOB_PROVIDER=simd");
    default:
      return Error(StatusCode::kInternal,
                   Concat(what, ": XNNPACK answers ", static_cast<int>(status)),
                   "set HOB_PROVIDER=simd, and report this");
  }
}

}  // namespace hob::xnnpack

#endif  // HOB_HAVE_XNNPACK
