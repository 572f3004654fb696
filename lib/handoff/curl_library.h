// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <span>

#include "lib/base/status.h"

namespace hob::handoff {

// What is used of libcurl. It is loaded when it is used, never linked: docs/adr/0013.
struct CurlLibrary {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_multi_init) multi_init;
  decltype(&curl_multi_cleanup) multi_cleanup;
  decltype(&curl_multi_add_handle) multi_add_handle;
  decltype(&curl_multi_remove_handle) multi_remove_handle;
  decltype(&curl_multi_perform) multi_perform;
  decltype(&curl_multi_poll) multi_poll;
  decltype(&curl_multi_info_read) multi_info_read;

  // The names that systems have it under.
  static std::span<const char* const> Names();
  // The first of `names` that is there, once for the process; it is never unloaded. NOT_FOUND.
  static StatusOr<const CurlLibrary*> Load(std::span<const char* const> names = Names());
};

}  // namespace hob::handoff
