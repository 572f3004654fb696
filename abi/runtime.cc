// SPDX-License-Identifier: Apache-2.0
#include <hob/runtime.h>

#include "abi/handles.h"

namespace hob::abi {
namespace {

// A client may use whatever its header has: it must not be newer than the library.
Status CheckAbiVersion(uint32_t client) {
  const uint32_t major = client >> 16;
  const uint32_t minor = client & 0xFFFF;
  if (major == HOB_ABI_VERSION_MAJOR && minor <= HOB_ABI_VERSION_MINOR) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition,
               Concat("the caller was compiled for version ", major, ".", minor,
                      " of the interface, but this library has ", HOB_ABI_VERSION_MAJOR, ".",
                      HOB_ABI_VERSION_MINOR),
               major == HOB_ABI_VERSION_MAJOR ? "Use a newer library."
                                              : "Compile the caller with this library's headers.");
}

RuntimeOptions ToRuntimeOptions(const hob_runtime_options& given) {
  RuntimeOptions options;
  options.threads = given.threads;
  options.max_requests = given.max_requests;
  options.memory_limit = given.memory_limit;
  options.log_level = static_cast<LogLevel>(given.log_level);
  options.allocator = {given.allocate, given.release, given.allocator_user};
  if (given.log != nullptr) {
    options.log = [log = given.log, user = given.log_user](LogLevel level, std::string_view line) {
      log(user, static_cast<hob_log_level>(level), line.data(), line.size());
    };
  }
  return options;
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_runtime_create(hob_runtime** out, const hob_runtime_options* options,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    // Before anything else of the struct is looked at: a newer one may be laid out otherwise.
    if (options != nullptr) HOB_RETURN_IF_ERROR(CheckAbiVersion(options->abi_version));
    HOB_ASSIGN_OR_RETURN(
        const hob_runtime_options given,
        ReadStruct<hob_runtime_options>(options, HOB_RUNTIME_OPTIONS_INIT, "hob_runtime_options"));
    if (given.reserved != 0) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        "hob_runtime_options.reserved is not zero");
    }
    HOB_ASSIGN_OR_RETURN(auto runtime, hob::Runtime::Create(ToRuntimeOptions(given)));
    *out = Adopt(new hob_runtime{std::move(runtime)});
    return absl::OkStatus();
  });
}

void hob_runtime_destroy(hob_runtime* runtime) { hob::abi::Destroy(runtime); }

hob_status hob_runtime_get_info(hob_runtime_info* out, const hob_runtime* runtime,
                                hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(runtime, "runtime"));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_runtime_info"));
    hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
    info.threads = static_cast<uint32_t>(runtime->object->threads());
    info.bytes_in_use = runtime->object->allocator()->bytes_in_use();
    info.peak_bytes = runtime->object->allocator()->peak_bytes();
    WriteStruct(out, info);
    return absl::OkStatus();
  });
}

}  // extern "C"
