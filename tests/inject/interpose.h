// SPDX-License-Identifier: Apache-2.0
// Defines a function of the C library in this program. The assembler's name keeps it apart from the
// headers' declarations, which differ between systems.
#pragma once

#include <atomic>

#include "tests/inject/points.h"

#define HOB_INTERPOSE(result, name, ...)                                                       \
  extern "C"                                                                                   \
      __attribute__((visibility("default"))) result inject_##name(__VA_ARGS__) __asm__(#name); \
  namespace {                                                                                  \
  std::atomic<decltype(&inject_##name)> real_##name;                                           \
  [[maybe_unused]] decltype(&inject_##name) Real_##name() {                                    \
    auto* real = real_##name.load(std::memory_order_relaxed);                                  \
    if (real == nullptr) {                                                                     \
      real = reinterpret_cast<decltype(real)>(::hob::inject::Resolve(#name));                  \
      real_##name.store(real, std::memory_order_relaxed);                                      \
    }                                                                                          \
    return real;                                                                               \
  }                                                                                            \
  }                                                                                            \
  extern "C" result inject_##name(__VA_ARGS__)
