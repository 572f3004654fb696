// SPDX-License-Identifier: Apache-2.0
#include "lib/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <utility>

#include "lib/base/file_reader.h"
#include "lib/base/system_file.h"

namespace hob {
namespace {

constexpr std::string_view kFolderHint =
    "Check that the folder exists and that this user may write to it.";

// The pages that hold `part`, which madvise needs whole.
std::span<uint8_t> Pages(std::span<const uint8_t> part) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t start = begin / page * page;
  return {reinterpret_cast<uint8_t*>(start), begin + part.size() - start};
}

Status CheckSize(const std::string& path, uint64_t bytes) {
  if (bytes == 0) {
    return Error(StatusCode::kInvalidArgument, Concat(path, ": the file is empty"),
                 "Was its download or copy interrupted? Fetch it again.");
  }
  if (bytes > std::numeric_limits<size_t>::max() / 2) {
    return Error(StatusCode::kResourceExhausted,
                 Concat(path, ": ", bytes, " bytes do not fit this address space"),
                 "Use a 64-bit build.");
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  uint64_t bytes_in_file = 0;
  HOB_ASSIGN_OR_RETURN(const int fd, OpenToRead(path, &bytes_in_file));
  const FileDescriptor file(fd);
  HOB_RETURN_IF_ERROR(CheckSize(path, bytes_in_file));
  const auto size = static_cast<size_t>(bytes_in_file);
  // Memory comes first: what is mapped has an owner at once.
  std::shared_ptr<MappedFile> mapped(new MappedFile(path, std::span<const uint8_t>()));
  void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) {
    const int error = errno;
    return SystemError(error, path, Concat("cannot map ", size, " bytes"));
  }
  mapped->bytes_ = {static_cast<const uint8_t*>(address), size};
  return mapped;
}

StatusOr<std::shared_ptr<const MappedFile>> MappedFile::Copy(const std::string& path,
                                                             std::shared_ptr<Allocator> allocator) {
  HOB_ASSIGN_OR_RETURN(const std::unique_ptr<FileReader> file, FileReader::Open(path));
  HOB_RETURN_IF_ERROR(CheckSize(path, file->size()));
  auto copy = Buffer::Create(std::move(allocator), static_cast<size_t>(file->size()),
                             Concat("a copy of ", path));
  if (!copy.ok()) return copy.status();
  if (const Status read = file->Read(copy->span()); !read.ok()) return Annotate(read, path);
  return std::shared_ptr<const MappedFile>(new MappedFile(path, *std::move(copy)));
}

MappedFile::~MappedFile() {
  if (mapped() && !bytes_.empty()) munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
}

void MappedFile::WillNeed(std::span<const uint8_t> part) const {
  if (part.empty() || !mapped()) return;
  const std::span<uint8_t> pages = Pages(part);
  madvise(pages.data(), pages.size(), MADV_WILLNEED);
}

void MappedFile::DontNeed(std::span<const uint8_t> part) const {
  if (part.empty() || !mapped()) return;
  const std::span<uint8_t> pages = Pages(part);
  madvise(pages.data(), pages.size(), MADV_DONTNEED);
}

StatusOr<std::unique_ptr<AtomicFileWriter>> AtomicFileWriter::Create(const std::string& path) {
  HOB_RETURN_IF_ERROR(CheckPath(path));
  std::unique_ptr<AtomicFileWriter> writer(new AtomicFileWriter);
  writer->path_ = path;
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    // What is there and cannot be looked at is not replaced: it may be a link.
    if (errno != ENOENT) return SystemError(errno, path, "cannot stat", kFolderHint);
  } else {
    if (S_ISDIR(info.st_mode)) {
      return Error(StatusCode::kInvalidArgument,
                   Concat(path, ": is a directory, so no file can be written there"),
                   "Name a file inside it.");
    }
    if (!S_ISREG(info.st_mode)) {  // renaming over a device would replace it
      return Error(StatusCode::kInvalidArgument, Concat(path, ": exists and is not a regular file"),
                   "Name another file.");
    }
    // Through a symbolic link, the file behind it is replaced, not the link.
    const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
    if (real == nullptr) return SystemError(errno, path, "cannot follow the link", kFolderHint);
    writer->path_ = real.get();
  }
  // O_EXCL on a name of our own rather than mkstemp: the file gets the mode that the umask grants.
  for (int attempt = 0; attempt < 1000; ++attempt) {
    writer->temporary_ = Concat(writer->path_, ".part-", getpid(), "-", attempt);
    writer->fd_ = Uninterrupted([&] {
      return open(writer->temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    });
    if (writer->fd_ >= 0) {
      writer->unfinished_ = true;
      return writer;
    }
    if (errno != EEXIST) break;
  }
  return SystemError(errno, writer->temporary_, "cannot create", kFolderHint);
}

AtomicFileWriter::~AtomicFileWriter() { Discard(); }

void AtomicFileWriter::Discard() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  if (unfinished_) unlink(temporary_.c_str());
  unfinished_ = false;
}

Status AtomicFileWriter::Append(std::span<const uint8_t> bytes) {
  if (fd_ < 0) return Error(StatusCode::kFailedPrecondition, Concat(path_, ": is committed"));
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      return SystemError(error, path_, Concat("cannot write at byte ", offset_),
                         "Is the disk full?");
    }
    offset_ += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

Status AtomicFileWriter::PadTo(size_t alignment) {
  static constexpr uint8_t kZeros[4096] = {};
  if (alignment == 0) return Error(StatusCode::kInvalidArgument, "the alignment is 0");
  size_t missing = static_cast<size_t>((alignment - offset_ % alignment) % alignment);
  while (missing > 0) {
    const size_t part = missing < sizeof(kZeros) ? missing : sizeof(kZeros);
    HOB_RETURN_IF_ERROR(Append({kZeros, part}));
    missing -= part;
  }
  return absl::OkStatus();
}

Status AtomicFileWriter::Commit() {
  if (fd_ < 0) return Error(StatusCode::kFailedPrecondition, Concat(path_, ": is committed"));
  // Whatever fails, the text of its error included, no temporary stays.
  struct Guard {
    AtomicFileWriter& writer;
    ~Guard() { writer.Discard(); }
  } const guard{*this};
  // Made before the rename: nothing may fail after it.
  const size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  if (Uninterrupted([&] { return fsync(fd_); }) != 0) {
    return SystemError(errno, path_, "cannot sync", "Is the disk full?");
  }
  // Closed even where it is interrupted, and all is on the disk by now.
  if (close(std::exchange(fd_, -1)) != 0 && errno != EINTR) {
    return SystemError(errno, path_, "cannot close", "Is the disk full?");
  }
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    return SystemError(errno, path_, "cannot rename the finished file to this name");
  }
  unfinished_ = false;
  // The rename itself survives a power cut only once the folder is synced; best effort, as some
  // file systems refuse to sync a folder.
  const FileDescriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) static_cast<void>(fsync(directory.get()));
  return absl::OkStatus();
}

}  // namespace hob
