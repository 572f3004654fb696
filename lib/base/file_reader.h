// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lib/base/status.h"

namespace hob {

// Bytes that are read once, in order: a file's, or those of a piece of memory.
class ByteReader {
 public:
  virtual ~ByteReader() = default;
  // All there are.
  virtual uint64_t size() const = 0;
  // Fills `out` with the next ones. DATA_LOSS if there are fewer.
  virtual Status Read(std::span<uint8_t> out) = 0;
};

class MemoryReader final : public ByteReader {
 public:
  explicit MemoryReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  Status Read(std::span<uint8_t> out) override;

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

// Reads by system calls rather than through a mapping: a file that somebody cuts short meanwhile is
// an error and not a signal.
class FileReader final : public ByteReader {
 public:
  // Errors: NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT (not a regular file).
  static StatusOr<std::unique_ptr<FileReader>> Open(const std::string& path);
  ~FileReader() override;
  uint64_t size() const override { return size_; }
  Status Read(std::span<uint8_t> out) override;

 private:
  FileReader(std::string path, uint64_t size) : path_(std::move(path)), size_(size) {}
  std::string path_;
  int fd_ = -1;
  uint64_t size_;
};

}  // namespace hob
