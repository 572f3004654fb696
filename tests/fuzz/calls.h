// SPDX-License-Identifier: Apache-2.0
// What programs over the C interface share: each call is watched.
#pragma once

#include <hob/hob_experimental.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace hob::fuzz {

// Takes the error of one call and holds it against its status. Calls look like
//   Call call; call(hob_session_reset(session, call));
class Call {
 public:
  Call() { error_ = reinterpret_cast<hob_error*>(&error_); }  // what was there is not looked at
  ~Call() { hob_error_destroy(status_ == HOB_OK ? nullptr : error_); }
  Call(const Call&) = delete;
  operator hob_error**() { return &error_; }

  // Whether the call succeeded.
  bool operator()(hob_status status) {
    status_ = status;
    if (status == HOB_OK) {
      Require(error_ == nullptr);
      return true;
    }
    Require(error_ != nullptr && error_ != reinterpret_cast<hob_error*>(&error_));
    Require(hob_error_code(error_) == status);
    const hob_string message = hob_error_message(error_);
    Require(message.size > 0 && message.data[message.size] == '\0');
    // A fault of hob; but logits that are no numbers are the model's.
    const std::string_view text(message.data, message.size);
    if (status == HOB_INTERNAL || status == HOB_UNKNOWN) {
      std::fprintf(stderr, "%s\n", message.data);
      Require(text.find("logits are not numbers") != std::string_view::npos);
    }
    return false;
  }
  hob_status status() const { return status_; }

 private:
  hob_error* error_ = nullptr;
  hob_status status_ = HOB_OK;
};

// An options struct as a caller of any version has it: shorter, longer, with something in its tail.
template <typename T>
class Options {
 public:
  Options(Input& input, const T& value) {
    std::memcpy(bytes_, &value, sizeof(T));
    const uint8_t kind = input.Byte();
    uint32_t size = sizeof(T);
    if (kind >= 224) size = static_cast<uint32_t>(input.Range(0, sizeof(T) + 40));
    if (kind >= 248) size = static_cast<uint32_t>(input.Integer());
    if (kind >= 240 && kind < 248) bytes_[sizeof(T) + kind % 16] = 1;
    // A size that is more than is there would be the caller's mistake.
    if (size > sizeof(bytes_)) size = sizeof(T);
    std::memcpy(bytes_, &size, sizeof(size));
    size_ = size;
    null_ = kind == 223;
  }
  uint32_t size() const { return size_; }
  const T* get() const { return null_ ? nullptr : reinterpret_cast<const T*>(bytes_); }

 private:
  uint32_t size_ = 0;
  alignas(T) uint8_t bytes_[sizeof(T) + 64] = {};
  bool null_ = false;
};

// Handles of one kind, a few at a time.
template <typename T, void (*kDestroy)(T*)>
class Handles {
 public:
  ~Handles() {
    for (T* handle : all_) kDestroy(handle);
  }
  // Null now and then, and where there is none.
  T* Any(Input& input) const {
    const uint8_t byte = input.Byte();
    return all_.empty() || byte == 255 ? nullptr : all_[byte % all_.size()];
  }
  void Add(T* handle, size_t most = 6) {
    Require(handle != nullptr);
    all_.push_back(handle);
    if (all_.size() > most) Drop(0);
  }
  void Drop(size_t at) {
    if (all_.empty()) {
      kDestroy(nullptr);
      return;
    }
    at %= all_.size();
    kDestroy(all_[at]);
    all_.erase(all_.begin() + static_cast<ptrdiff_t>(at));
  }

 private:
  std::vector<T*> all_;
};

// A runtime that stays for the process.
inline hob_runtime* MakeRuntime(uint32_t threads, uint64_t memory_limit) {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = threads;
  options.memory_limit = memory_limit;
  hob_runtime* made = nullptr;
  Require(hob_runtime_create(&made, &options, nullptr) == HOB_OK);
  return made;
}
inline uint64_t BytesInUse(const hob_runtime* runtime) {
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  Require(hob_runtime_get_info(&info, runtime, nullptr) == HOB_OK);
  return info.bytes_in_use;
}

// What a call gives to be freed.
struct Freed {
  void operator()(void* memory) const { hob_free(memory); }
};
template <typename T>
using Given = std::unique_ptr<T, Freed>;

}  // namespace hob::fuzz
