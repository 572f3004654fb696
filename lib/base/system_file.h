// SPDX-License-Identifier: Apache-2.0
// What the classes that read and write files share. For their .cc files only.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

#include "lib/base/status.h"

namespace hob {

inline constexpr std::string_view kPathHint =
    "Check the path and that this user may read the file.";

// `path: what: <text of errno>`, with the code that the errno stands for.
Status SystemError(int error, std::string_view path, std::string_view what,
                   std::string_view hint = {});

// INVALID_ARGUMENT for what no system takes as a path.
Status CheckPath(const std::string& path);

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

 private:
  int fd_;
};

}  // namespace hob
