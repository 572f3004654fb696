// SPDX-License-Identifier: Apache-2.0
// Files: each function fails with an errno that it has, or is interrupted, or does a part.
#include <dirent.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>

#include "tests/inject/interpose.h"

using hob::inject::Fails;
using hob::inject::FailsAlone;
using hob::inject::Kind;

namespace {

bool FileFails(const char* function, int error) {
  if (!Fails(Kind::kFile, function)) return false;
  errno = error;
  return true;
}

// Never twice in a row on a thread: whoever tries again gets on.
thread_local bool interrupted_last = false;

bool Interrupted(const char* function) {
  if (!Fails(Kind::kInterruption, function) || interrupted_last) return interrupted_last = false;
  errno = EINTR;
  return interrupted_last = true;
}

// In turn: interrupted before anything is done (0), after one byte, after half.
enum class Part { kAll, kNone, kSome };
Part PartOf(const char* function, size_t& size) {
  if (!Fails(Kind::kInterruption, function)) return Part::kAll;
  static std::atomic<unsigned> turn = 0;
  const unsigned now = turn++ % 3;
  if (now == 0 && !interrupted_last) {
    errno = EINTR;
    interrupted_last = true;
    return Part::kNone;
  }
  interrupted_last = false;
  if (size > 1) size = now == 1 ? 1 : size / 2;
  return Part::kSome;
}

}  // namespace

HOB_INTERPOSE(int, open, const char* path, int flags, mode_t mode) {
  if (FileFails("open", EMFILE) || Interrupted("open")) return -1;
  return Real_open()(path, flags, mode);
}
HOB_INTERPOSE(int, open64, const char* path, int flags, mode_t mode) {
  if (FileFails("open64", EMFILE) || Interrupted("open64")) return -1;
  return Real_open64()(path, flags, mode);
}
HOB_INTERPOSE(int, openat, int folder, const char* path, int flags, mode_t mode) {
  if (FileFails("openat", EMFILE) || Interrupted("openat")) return -1;
  return Real_openat()(folder, path, flags, mode);
}
HOB_INTERPOSE(int, openat64, int folder, const char* path, int flags, mode_t mode) {
  if (FileFails("openat64", EMFILE) || Interrupted("openat64")) return -1;
  return Real_openat64()(folder, path, flags, mode);
}
HOB_INTERPOSE(FILE*, fopen, const char* path, const char* mode) {
  return FileFails("fopen", EMFILE) ? nullptr : Real_fopen()(path, mode);
}
HOB_INTERPOSE(FILE*, fopen64, const char* path, const char* mode) {
  return FileFails("fopen64", EMFILE) ? nullptr : Real_fopen64()(path, mode);
}
HOB_INTERPOSE(FILE*, fdopen, int fd, const char* mode) {
  return FileFails("fdopen", ENOMEM) ? nullptr : Real_fdopen()(fd, mode);
}

HOB_INTERPOSE(ssize_t, read, int fd, void* out, size_t size) {
  if (FileFails("read", EIO) || PartOf("read", size) == Part::kNone) return -1;
  return Real_read()(fd, out, size);
}
HOB_INTERPOSE(ssize_t, pread, int fd, void* out, size_t size, off_t offset) {
  if (FileFails("pread", EIO) || PartOf("pread", size) == Part::kNone) return -1;
  return Real_pread()(fd, out, size, offset);
}
HOB_INTERPOSE(ssize_t, pread64, int fd, void* out, size_t size, off_t offset) {
  if (FileFails("pread64", EIO) || PartOf("pread64", size) == Part::kNone) return -1;
  return Real_pread64()(fd, out, size, offset);
}
HOB_INTERPOSE(ssize_t, readv, int fd, const struct iovec* parts, int count) {
  if (FileFails("readv", EIO) || Interrupted("readv")) return -1;
  return Real_readv()(fd, parts, count);
}
HOB_INTERPOSE(ssize_t, write, int fd, const void* bytes, size_t size) {
  if (FileFails("write", ENOSPC) || PartOf("write", size) == Part::kNone) return -1;
  return Real_write()(fd, bytes, size);
}
HOB_INTERPOSE(ssize_t, pwrite, int fd, const void* bytes, size_t size, off_t offset) {
  if (FileFails("pwrite", ENOSPC) || PartOf("pwrite", size) == Part::kNone) return -1;
  return Real_pwrite()(fd, bytes, size, offset);
}
HOB_INTERPOSE(ssize_t, writev, int fd, const struct iovec* parts, int count) {
  if (FileFails("writev", ENOSPC) || Interrupted("writev")) return -1;
  return Real_writev()(fd, parts, count);
}
HOB_INTERPOSE(off_t, lseek, int fd, off_t offset, int from) {
  return FileFails("lseek", EIO) ? -1 : Real_lseek()(fd, offset, from);
}
HOB_INTERPOSE(off_t, lseek64, int fd, off_t offset, int from) {
  return FileFails("lseek64", EIO) ? -1 : Real_lseek64()(fd, offset, from);
}
HOB_INTERPOSE(int, ftruncate, int fd, off_t size) {
  if (FileFails("ftruncate", EIO) || Interrupted("ftruncate")) return -1;
  return Real_ftruncate()(fd, size);
}
HOB_INTERPOSE(int, fsync, int fd) {
  return FileFails("fsync", EIO) || Interrupted("fsync") ? -1 : Real_fsync()(fd);
}
HOB_INTERPOSE(int, fdatasync, int fd) {
  return FileFails("fdatasync", EIO) || Interrupted("fdatasync") ? -1 : Real_fdatasync()(fd);
}

// As on Linux, the descriptor is gone whatever close() says.
HOB_INTERPOSE(int, close, int fd) {
  const bool fails = FileFails("close", EIO) || Interrupted("close");
  const int error = errno;
  const int result = Real_close()(fd);
  if (!fails) return result;
  errno = error;
  return -1;
}

HOB_INTERPOSE(int, stat, const char* path, void* out) {
  return FileFails("stat", EIO) ? -1 : Real_stat()(path, out);
}
HOB_INTERPOSE(int, stat64, const char* path, void* out) {
  return FileFails("stat64", EIO) ? -1 : Real_stat64()(path, out);
}
HOB_INTERPOSE(int, lstat, const char* path, void* out) {
  return FileFails("lstat", EIO) ? -1 : Real_lstat()(path, out);
}
HOB_INTERPOSE(int, fstat, int fd, void* out) {
  return FileFails("fstat", EIO) ? -1 : Real_fstat()(fd, out);
}
HOB_INTERPOSE(int, fstat64, int fd, void* out) {
  return FileFails("fstat64", EIO) ? -1 : Real_fstat64()(fd, out);
}
HOB_INTERPOSE(int, fstatat, int folder, const char* path, void* out, int flags) {
  return FileFails("fstatat", EIO) ? -1 : Real_fstatat()(folder, path, out, flags);
}
HOB_INTERPOSE(char*, realpath, const char* path, char* out) {
  return FileFails("realpath", EIO) ? nullptr : Real_realpath()(path, out);
}
HOB_INTERPOSE(ssize_t, readlink, const char* path, char* out, size_t size) {
  return FileFails("readlink", EIO) ? -1 : Real_readlink()(path, out, size);
}
HOB_INTERPOSE(char*, getcwd, char* out, size_t size) {
  return FileFails("getcwd", ENOENT) ? nullptr : Real_getcwd()(out, size);
}
HOB_INTERPOSE(int, rename, const char* from, const char* to) {
  return FileFails("rename", EACCES) ? -1 : Real_rename()(from, to);
}
HOB_INTERPOSE(int, mkdir, const char* path, mode_t mode) {
  return FileFails("mkdir", EACCES) ? -1 : Real_mkdir()(path, mode);
}
// Undoes what was done: fails alone.
HOB_INTERPOSE(int, unlink, const char* path) {
  if (FailsAlone(Kind::kFile, "unlink")) {
    errno = EIO;
    return -1;
  }
  return Real_unlink()(path);
}

HOB_INTERPOSE(DIR*, opendir, const char* path) {
  return FileFails("opendir", EMFILE) ? nullptr : Real_opendir()(path);
}
HOB_INTERPOSE(struct dirent*, readdir, DIR* dir) {
  return FileFails("readdir", EIO) ? nullptr : Real_readdir()(dir);
}
HOB_INTERPOSE(struct dirent*, readdir64, DIR* dir) {
  return FileFails("readdir64", EIO) ? nullptr : Real_readdir64()(dir);
}
HOB_INTERPOSE(int, posix_fadvise, int fd, off_t offset, off_t size, int advice) {
  if (Fails(Kind::kFile, "posix_fadvise")) return EINVAL;
  return Real_posix_fadvise()(fd, offset, size, advice);
}
// What the process may use is asked as a file is.
HOB_INTERPOSE(int, sched_getaffinity, pid_t process, size_t size, void* set) {
  if (FileFails("sched_getaffinity", EINVAL)) return -1;
  return Real_sched_getaffinity()(process, size, set);
}
