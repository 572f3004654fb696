// SPDX-License-Identifier: Apache-2.0
// Threads that cannot be had; locks that take their time; waits that end for no reason.
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

#include <cerrno>
#include <cstdint>

#include "tests/inject/interpose.h"

using hob::inject::Fails;
using hob::inject::Kind;

HOB_INTERPOSE(int, pthread_create, pthread_t* out, const pthread_attr_t* attributes,
              void* (*start)(void*), void* argument) {
  if (Fails(Kind::kThread, "pthread_create")) return EAGAIN;
  return Real_pthread_create()(out, attributes, start, argument);
}

namespace {

// Others get their turn, in whatever order.
void HoldUp() {
  const timespec time = {0, 50'000};
  sched_yield();
  nanosleep(&time, nullptr);
}

}  // namespace

HOB_INTERPOSE(int, pthread_mutex_lock, pthread_mutex_t* mutex) {
  if (Fails(Kind::kLock, "pthread_mutex_lock")) HoldUp();
  return Real_pthread_mutex_lock()(mutex);
}
HOB_INTERPOSE(int, pthread_mutex_trylock, pthread_mutex_t* mutex) {
  if (Fails(Kind::kLock, "pthread_mutex_trylock")) return EBUSY;
  return Real_pthread_mutex_trylock()(mutex);
}
HOB_INTERPOSE(int, pthread_mutex_timedlock, pthread_mutex_t* mutex, const timespec* until) {
  if (Fails(Kind::kLock, "pthread_mutex_timedlock")) return ETIMEDOUT;
  return Real_pthread_mutex_timedlock()(mutex, until);
}
HOB_INTERPOSE(int, pthread_rwlock_rdlock, pthread_rwlock_t* lock) {
  if (Fails(Kind::kLock, "pthread_rwlock_rdlock")) HoldUp();
  return Real_pthread_rwlock_rdlock()(lock);
}
HOB_INTERPOSE(int, pthread_rwlock_wrlock, pthread_rwlock_t* lock) {
  if (Fails(Kind::kLock, "pthread_rwlock_wrlock")) HoldUp();
  return Real_pthread_rwlock_wrlock()(lock);
}

namespace {

// Lets go of the mutex, as a wait does, and wakes.
bool Spurious(const char* function, pthread_mutex_t* mutex) {
  if (!Fails(Kind::kLock, function)) return false;
  pthread_mutex_unlock(mutex);
  HoldUp();
  Real_pthread_mutex_lock()(mutex);
  return true;
}

}  // namespace

HOB_INTERPOSE(int, pthread_cond_wait, pthread_cond_t* condition, pthread_mutex_t* mutex) {
  if (Spurious("pthread_cond_wait", mutex)) return 0;
  return Real_pthread_cond_wait()(condition, mutex);
}
HOB_INTERPOSE(int, pthread_cond_timedwait, pthread_cond_t* condition, pthread_mutex_t* mutex,
              const timespec* until) {
  if (Spurious("pthread_cond_timedwait", mutex)) return ETIMEDOUT;
  return Real_pthread_cond_timedwait()(condition, mutex, until);
}
HOB_INTERPOSE(int, pthread_cond_clockwait, pthread_cond_t* condition, pthread_mutex_t* mutex,
              clockid_t clock, const timespec* until) {
  if (Spurious("pthread_cond_clockwait", mutex)) return ETIMEDOUT;
  return Real_pthread_cond_clockwait()(condition, mutex, clock, until);
}

// std::atomic::wait is a futex.
HOB_INTERPOSE(long, syscall, long number, long a, long b, long c, long d, long e, long f) {
  const bool waits = number == SYS_futex && ((b & FUTEX_CMD_MASK) == FUTEX_WAIT ||
                                             (b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET);
  if (waits && Fails(Kind::kLock, "futex")) {
    HoldUp();
    errno = EINTR;
    return -1;
  }
  return Real_syscall()(number, a, b, c, d, e, f);
}
