// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "lib/base/thread_pool.h"

namespace hob {
namespace {

#if defined(__linux__)
// CPUs' worth of time that the cgroup (v2) grants, rounded up; 0 when it sets no limit.
size_t CgroupQuota() {
  std::string group;
  std::ifstream self("/proc/self/cgroup");
  for (std::string line; std::getline(self, line);) {
    if (line.rfind("0::", 0) == 0) group = line.substr(3);
  }
  size_t best = 0;
  for (;;) {  // a parent's limit holds too
    std::ifstream file("/sys/fs/cgroup" + (group == "/" ? std::string() : group) + "/cpu.max");
    std::string quota;
    double period = 0;
    if (file >> quota >> period && quota != "max" && period > 0) {
      const double cpus = std::strtod(quota.c_str(), nullptr) / period;
      const size_t whole = std::max<size_t>(1, static_cast<size_t>(cpus + 0.999));
      best = best == 0 ? whole : std::min(best, whole);
    }
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
