// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#if defined(__linux__)
#include <fcntl.h>
#include <sched.h>

#include <cerrno>

#include "lib/base/system_file.h"
#endif

#include "lib/base/thread_pool.h"

namespace hob {
namespace {

#if defined(__linux__)
// The first bytes of one of the kernel's own files, or "". No stream: those read numbers by the
// process's locale, which is the app's.
std::string ReadSmallFile(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char part[512];
  while (file.get() >= 0 && text.size() < size_t{64} << 10) {
    const ssize_t count = read(file.get(), part, sizeof(part));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(part, static_cast<size_t>(count));
  }
  return text;
}

// CPUs' worth of time that a cpu.max grants, rounded up; 0 if it sets no limit.
size_t ParseQuota(std::string_view text) {
  uint64_t quota = 0, period = 0;
  const char* const begin = text.begin();
  const char* const end = text.end();
  const auto first = std::from_chars(begin, end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return 0;  // "max 100000"
  if (std::from_chars(first.ptr + 1, end, period).ec != std::errc() || period == 0) return 0;
  const uint64_t whole = quota / period + (quota % period != 0 ? 1 : 0);
  return static_cast<size_t>(std::clamp<uint64_t>(whole, 1, 1 << 20));
}

// What the cgroup (v2) grants; 0 when it sets no limit.
size_t CgroupQuota() {
  std::string group;
  const std::string groups = ReadSmallFile("/proc/self/cgroup");
  for (size_t at = 0; at < groups.size();) {
    const size_t end = std::min(groups.find('\n', at), groups.size());
    if (groups.compare(at, 3, "0::") == 0) group = groups.substr(at + 3, end - at - 3);
    at = end + 1;
  }
  size_t best = 0;
  for (;;) {  // a parent's limit holds too
    const size_t whole = ParseQuota(
        ReadSmallFile("/sys/fs/cgroup" + (group == "/" ? std::string() : group) + "/cpu.max"));
    if (whole != 0) best = best == 0 ? whole : std::min(best, whole);
    if (group.empty() || group == "/") break;
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
  return best;
}
#endif

}  // namespace

size_t UsableCpus() {
  size_t cpus = std::max(1u, std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
    cpus = static_cast<size_t>(CPU_COUNT(&set));
  }
  if (const size_t quota = CgroupQuota(); quota != 0) cpus = std::min(cpus, quota);
#endif
  return cpus;
}

}  // namespace hob
