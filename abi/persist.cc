// SPDX-License-Identifier: Apache-2.0
#include "lib/session/persist.h"

#include <hob/session.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "abi/handles.h"

extern "C" {

hob_status hob_session_save(const hob_session* session, const char* path, size_t path_size,
                            hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckRange(path, path_size, "path"));
    return hob::SaveSession(use.session(), std::string(View(path, path_size)));
  });
}

hob_status hob_session_save_buffer(void** out, size_t* out_size, const hob_session* session,
                                   hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    if (out_size == nullptr) return NullArgument("out_size");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_ASSIGN_OR_RETURN(const hob::SessionImage image, hob::SessionImage::Create(use.session()));
    const auto size = static_cast<size_t>(image.size());
    std::unique_ptr<uint8_t, decltype(&std::free)> memory(static_cast<uint8_t*>(std::malloc(size)),
                                                          &std::free);
    if (memory == nullptr) {
      return hob::Error(hob::StatusCode::kResourceExhausted,
                        hob::Concat("out of memory for a saved session of ", size, " bytes"));
    }
    size_t at = 0;
    HOB_RETURN_IF_ERROR(image.Write([&](std::span<const uint8_t> part) {
      std::memcpy(memory.get() + at, part.data(), part.size());
      at += part.size();
      return absl::OkStatus();
    }));
    *out = memory.release();
    *out_size = size;
    return absl::OkStatus();
  });
}

hob_status hob_session_restore(hob_session* session, const char* path, size_t path_size,
                               hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckRange(path, path_size, "path"));
    return hob::RestoreSession(use.session(), std::string(View(path, path_size)));
  });
}

hob_status hob_session_restore_buffer(hob_session* session, const void* data, size_t size,
                                      hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckRange(data, size, "data"));
    hob::MemoryReader reader({static_cast<const uint8_t*>(data), size});
    return hob::RestoreSession(use.session(), reader);
  });
}

}  // extern "C"
