// SPDX-License-Identifier: Apache-2.0
#include "lib/base/system_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace hob {

Status SystemError(int error, std::string_view path, std::string_view what, std::string_view hint) {
  const Status status = absl::ErrnoToStatus(error, Concat(path, ": ", what));
  return Error(status.code(), std::string_view(status.message().data(), status.message().size()),
               hint);
}

Status CheckPath(const std::string& path) {
  if (path.empty()) return Error(StatusCode::kInvalidArgument, "the path is empty", kPathHint);
  if (path.find('\0') != std::string::npos) {
    return Error(StatusCode::kInvalidArgument, "the path contains a NUL byte", kPathHint);
  }
  return absl::OkStatus();
}

StatusOr<int> OpenToRead(const std::string& path, uint64_t* size) {
  HOB_RETURN_IF_ERROR(CheckPath(path));
  // O_NONBLOCK: opening a pipe without a writer must not wait.
  // Owned at once: an error's text may lack the memory.
  FileDescriptor file(
      Uninterrupted([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (file.get() < 0) return SystemError(errno, path, "cannot open", kPathHint);
  struct stat info;
  if (fstat(file.get(), &info) != 0) return SystemError(errno, path, "cannot stat");
  if (S_ISDIR(info.st_mode)) {
    return Error(StatusCode::kInvalidArgument, Concat(path, ": is a directory, not a file"),
                 "Name a file in it.");
  }
  if (!S_ISREG(info.st_mode)) {
    return Error(StatusCode::kInvalidArgument, Concat(path, ": is not a regular file"),
                 "Save it to a file first.");
  }
  *size = static_cast<uint64_t>(info.st_size);
  return file.release();
}

}  // namespace hob
