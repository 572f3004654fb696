// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace hob::test {

// Calls of operator new since the start, on all threads. Counted in out_of_memory_test.cc.
extern std::atomic<int64_t> heap_allocations;

}  // namespace hob::test
