// SPDX-License-Identifier: Apache-2.0
// How a call into the library is made: its status becomes a hob_error, and nothing is thrown past
// it.
#pragma once

#include <hob/base.h>

#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

#include "lib/base/status.h"

namespace hob::abi {

// Makes *error of `status`, unless `error` is null; returns the status code. Throws nothing:
// without memory for the texts, the error is one that says so.
hob_status Fail(hob_error** error, const Status& status);
hob_status FailOutOfMemory(hob_error** error) noexcept;
hob_status FailWithException(hob_error** error, const char* what) noexcept;

// Runs `f`, which returns a Status. lib throws nothing of its own: what is caught is the standard
// library's lack of memory, or what a callback of the app let through.
template <typename F>
hob_status Call(hob_error** error, F&& f) {
  if (error != nullptr) *error = nullptr;
  try {
    const Status status = std::forward<F>(f)();
    return status.ok() ? HOB_OK : Fail(error, status);
  } catch (const std::bad_alloc&) {
    return FailOutOfMemory(error);
  } catch (const std::length_error&) {  // a size that no memory could hold
    return FailOutOfMemory(error);
  } catch (const std::exception& exception) {
    return FailWithException(error, exception.what());
#if defined(__GLIBCXX__)
  } catch (const ::abi::__forced_unwind&) {
    throw;  // the thread is being cancelled (pthread_cancel) and must be let go
#endif
  } catch (...) {
    return FailWithException(error, "an exception of unknown type");
  }
}

}  // namespace hob::abi
