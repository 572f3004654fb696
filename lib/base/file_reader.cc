// SPDX-License-Identifier: Apache-2.0
#include "lib/base/file_reader.h"

#include <cerrno>
#include <cstring>

#include "lib/base/system_file.h"

namespace hob {
namespace {

Status EndsEarly(size_t missing) {
  return Error(StatusCode::kDataLoss, Concat("ends early: ", missing, " bytes are missing"));
}

}  // namespace

Status MemoryReader::Read(std::span<uint8_t> out) {
  if (out.size() > bytes_.size() - at_) return EndsEarly(out.size() - (bytes_.size() - at_));
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + at_, out.size());
  at_ += out.size();
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<FileReader>> FileReader::Open(const std::string& path) {
  uint64_t size = 0;
  HOB_ASSIGN_OR_RETURN(const int fd, OpenToRead(path, &size));
  FileDescriptor file(fd);
  std::unique_ptr<FileReader> reader(new FileReader(path, size));
  reader->fd_ = file.release();
  return reader;
}

FileReader::~FileReader() {
  if (fd_ >= 0) close(fd_);
}

Status FileReader::Read(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = read(fd_, out.data(), out.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      return SystemError(errno, path_, "cannot read");
    }
    if (got == 0) return EndsEarly(out.size());
    out = out.subspan(static_cast<size_t>(got));
  }
  return absl::OkStatus();
}

}  // namespace hob
