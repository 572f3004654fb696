// SPDX-License-Identifier: Apache-2.0
// What the classes that read and write files share. For their .cc files only.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/status.h"

namespace hob {

inline constexpr std::string_view kPathHint =
    "Check the path and that this user may read the file.";

// `path: what: <text of errno>`, with the code that the errno stands for.
Status SystemError(int error, std::string_view path, std::string_view what,
                   std::string_view hint = {});

// INVALID_ARGUMENT for what no system takes as a path.
Status CheckPath(const std::string& path);

// Calls `f`, a system call, until no signal interrupts it.
template <typename F>
auto Uninterrupted(F&& f) {
  auto result = f();
  while (result == -1 && errno == EINTR) result = f();
  return result;
}

// Opens a file to read, and INVALID_ARGUMENT unless it is a regular one; sets its size.
StatusOr<int> OpenToRead(const std::string& path, uint64_t* size);

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  // It is the caller's now.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace hob
