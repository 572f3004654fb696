// SPDX-License-Identifier: Apache-2.0
#include "tests/inject/points.h"

#include <dirent.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace hob::inject {
namespace {

std::atomic<bool> counting = false;
std::atomic<Mode> mode = Mode::kNone;
std::atomic<Kind> wanted = Kind::kAllocation;
std::atomic<int64_t> at = 0;
std::atomic<int64_t> seen[kKinds];
std::atomic<int64_t> fired = 0;
std::atomic<const char*> fired_in = "";
std::atomic<bool> trace = false;

// The test's own thread is outside until it says otherwise, the library's threads are inside.
thread_local bool outside = false;
std::atomic<int64_t> live_blocks = 0;
std::atomic<int64_t> live_mappings = 0;

struct Outside {
  bool before = outside;
  Outside() { outside = true; }
  ~Outside() { outside = before; }
};

void PrintTrace() {
  void* frames[48];
  const int count = backtrace(frames, 48);
  backtrace_symbols_fd(frames, count, STDERR_FILENO);
}

// Blocks that are recorded, with the calls that made them.
constexpr size_t kSlots = 1u << 16;
constexpr int kFrames = 24;
struct Slot {
  void* block;
  void* frames[kFrames];
  int count;
};
Slot slots[kSlots];
std::atomic<bool> recording = false;
std::atomic_flag slots_lock = ATOMIC_FLAG_INIT;

struct SlotsLock {
  SlotsLock() {
    while (slots_lock.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~SlotsLock() { slots_lock.clear(std::memory_order_release); }
};

int64_t CountEntries(const char* folder) {
  int64_t count = 0;
  DIR* const dir = opendir(folder);
  if (dir == nullptr) return -1;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

bool Hit(Kind kind, const char* function, bool alone) {
  if (!counting.load(std::memory_order_acquire) || outside) return false;
  const int64_t n = seen[static_cast<int>(kind)].fetch_add(1, std::memory_order_relaxed) + 1;
  const Mode now = mode.load(std::memory_order_acquire);
  if (now == Mode::kNone || wanted.load(std::memory_order_relaxed) != kind) return false;
  const int64_t first = at.load(std::memory_order_relaxed);
  if (now == Mode::kOnce || alone ? n != first : n < first) return false;
  if (fired.fetch_add(1) == 0) {
    fired_in = function;
    if (trace) {
      const Outside guard;
      std::fprintf(stderr, "%s fails here:\n", function);
      PrintTrace();
    }
  }
  return true;
}

}  // namespace

std::string_view Name(Kind kind) {
  constexpr std::string_view kNames[] = {"alloc", "file", "interrupt", "map", "thread", "lock"};
  return kNames[static_cast<int>(kind)];
}

std::string_view Name(Mode which) {
  constexpr std::string_view kNames[] = {"none", "once", "call", "on"};
  return kNames[static_cast<int>(which)];
}

void Begin(const Plan& plan) {
  outside = true;
  for (auto& each : seen) each = 0;
  fired = 0;
  fired_in = "";
  wanted = plan.kind;
  at = plan.at;
  mode = plan.mode;
  counting = true;
}

void Cease() { mode = Mode::kNone; }

void End() {
  counting = false;
  Cease();
}

int64_t Seen(Kind kind) { return seen[static_cast<int>(kind)]; }
int64_t Fired() { return fired; }
const char* FiredIn() { return fired_in; }
void TraceFirst(bool on) {
  void* frame[1];
  backtrace(frame, 1);  // loads what it needs
  trace = on;
}

InCall::InCall() { outside = false; }
InCall::~InCall() { outside = true; }
InCallback::InCallback() : before_(outside) { outside = true; }
InCallback::~InCallback() { outside = before_; }

bool Fails(Kind kind, const char* function) { return Hit(kind, function, false); }
bool FailsAlone(Kind kind, const char* function) { return Hit(kind, function, true); }

void* Resolve(const char* name) {
  const Outside guard;
  void* const real = dlsym(RTLD_NEXT, name);
  if (real == nullptr) {
    std::fprintf(stderr, "the C library has no %s\n", name);
    std::abort();
  }
  return real;
}

Live CountLive() {
  const Outside guard;
  Live live;
  live.blocks = live_blocks;
  live.mappings = live_mappings;
  live.descriptors = CountEntries("/proc/self/fd");
  live.threads = CountEntries("/proc/self/task");
  return live;
}

void AddBlocks(int64_t count) { live_blocks.fetch_add(count, std::memory_order_relaxed); }
void AddMappings(int64_t count) { live_mappings.fetch_add(count, std::memory_order_relaxed); }

void RecordBlocks() {
  const SlotsLock lock;
  std::memset(slots, 0, sizeof(slots));
  recording = true;
}

void PrintBlocks() {
  recording = false;
  const Outside guard;
  for (const Slot& slot : slots) {
    if (slot.block == nullptr) continue;
    std::fprintf(stderr, "a block that is still there was allocated here:\n");
    backtrace_symbols_fd(slot.frames, slot.count, STDERR_FILENO);
  }
}

void Recorded(void* block) {
  if (!recording) return;
  const Outside guard;
  const SlotsLock lock;
  size_t i = reinterpret_cast<uintptr_t>(block) / 16 % kSlots;
  for (size_t tries = 0; tries < kSlots; ++tries, i = (i + 1) % kSlots) {
    if (slots[i].block != nullptr) continue;
    slots[i].block = block;
    slots[i].count = backtrace(slots[i].frames, kFrames);
    return;
  }
}

void Forget(void* block) {
  if (!recording) return;
  const SlotsLock lock;
  size_t i = reinterpret_cast<uintptr_t>(block) / 16 % kSlots;
  for (size_t tries = 0; tries < 256; ++tries, i = (i + 1) % kSlots) {
    if (slots[i].block != block) continue;
    slots[i].block = nullptr;
    return;
  }
}

}  // namespace hob::inject
