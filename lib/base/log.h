// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace hob {

enum class LogLevel : int32_t { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

// The app's callback; null means silence, the default. May be called from any thread.
struct LogSink {
  void (*write)(void* user, LogLevel level, const char* message, size_t length) = nullptr;
  void* user = nullptr;

  void Log(LogLevel level, std::string_view message) const {
    if (write != nullptr) write(user, level, message.data(), message.size());
  }
};

}  // namespace hob
