// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lib/base/allocator.h"
#include "lib/base/status.h"

namespace hob {

// A whole file in memory: mapped read-only and shared between processes, or a copy of its own.
// Immutable; any thread may read it.
class MappedFile {
 public:
  // Errors: NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT (a directory, an empty file, not
  // regular). A mapped file that is cut short meanwhile is a signal (SIGBUS) where it is read.
  static StatusOr<std::shared_ptr<const MappedFile>> Open(const std::string& path);
  // Reads the file instead, by system calls: what happens to it later changes nothing. Errors also:
  // DATA_LOSS (cut short meanwhile), RESOURCE_EXHAUSTED.
  static StatusOr<std::shared_ptr<const MappedFile>> Copy(const std::string& path,
                                                          std::shared_ptr<Allocator> allocator);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const uint8_t> bytes() const { return bytes_; }
  const std::string& path() const { return path_; }
  size_t copied_bytes() const { return copy_.size(); }  // 0: mapped

  // Tells the system that `part` will be read soon / is not needed in memory for now. Hints only;
  // a copy stays.
  void WillNeed(std::span<const uint8_t> part) const;
  void DontNeed(std::span<const uint8_t> part) const;

 private:
  MappedFile(std::string path, std::span<const uint8_t> bytes)
      : path_(std::move(path)), bytes_(bytes) {}
  MappedFile(std::string path, Buffer copy)
      : path_(std::move(path)), bytes_(copy.span()), copy_(std::move(copy)) {}
  bool mapped() const { return copied_bytes() == 0; }

  std::string path_;
  std::span<const uint8_t> bytes_;
  Buffer copy_;  // none: mapped
};

// Writes a file whole or not at all: `write` fills a temporary beside `path`, which is synced and
// renamed over it. On error the temporary is removed and `path` is as it was.
class AtomicFileWriter {
 public:
  static StatusOr<std::unique_ptr<AtomicFileWriter>> Create(const std::string& path);
  ~AtomicFileWriter();  // removes the temporary unless committed
  Status Append(std::span<const uint8_t> bytes);
  Status PadTo(size_t alignment);
  uint64_t offset() const { return offset_; }
  Status Commit();

 private:
  AtomicFileWriter() = default;
  void Discard();
  std::string path_;
  std::string temporary_;
  int fd_ = -1;
  bool unfinished_ = false;  // temporary_ is there
  uint64_t offset_ = 0;
};

}  // namespace hob
