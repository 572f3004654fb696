// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/curl_library.h"

#include <dlfcn.h>

#include <mutex>

namespace hob::handoff {
namespace {

template <typename F>
bool Find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

bool FindAll(void* library, CurlLibrary& curl) {
  return Find(library, "curl_global_init", curl.global_init) &&
         Find(library, "curl_easy_init", curl.easy_init) &&
         Find(library, "curl_easy_setopt", curl.easy_setopt) &&
         Find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
         Find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
         Find(library, "curl_easy_strerror", curl.easy_strerror) &&
         Find(library, "curl_slist_append", curl.slist_append) &&
         Find(library, "curl_slist_free_all", curl.slist_free_all) &&
         Find(library, "curl_multi_init", curl.multi_init) &&
         Find(library, "curl_multi_cleanup", curl.multi_cleanup) &&
         Find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
         Find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
         Find(library, "curl_multi_perform", curl.multi_perform) &&
         Find(library, "curl_multi_poll", curl.multi_poll) &&
         Find(library, "curl_multi_info_read", curl.multi_info_read);
}

}  // namespace

std::span<const char* const> CurlLibrary::Names() {
#if defined(__APPLE__)
  static constexpr const char* kNames[] = {"libcurl.4.dylib", "/usr/lib/libcurl.4.dylib"};
#else
  static constexpr const char* kNames[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
#endif
  return kNames;
}

StatusOr<const CurlLibrary*> CurlLibrary::Load(std::span<const char* const> names) {
  // Nothing of this needs a destructor at the end of the process.
  static std::mutex mutex;
  static CurlLibrary loaded;
  static bool is_loaded = false;
  const std::lock_guard lock(mutex);
  if (is_loaded && names.data() == Names().data()) return &loaded;
  for (const char* name : names) {
    void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) continue;
    CurlLibrary found = {};
    if (!FindAll(library, found) || found.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) continue;
    loaded = found;
    is_loaded = true;
    return &loaded;
  }
  return Error(StatusCode::kNotFound, "libcurl is not on this system, so nothing can be sent",
               "Install libcurl 7.66 or newer (libcurl4 on Debian).");
}

}  // namespace hob::handoff
