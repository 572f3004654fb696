// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tool::serve {

enum class LogFormat { kOff, kText, kJson };
enum class LogLevel { kInfo, kWarning, kError };

// Lines on standard error, one for each request and for what happens to the server. Prompts,
// answers and keys are never in them. Thread-safe. A reader of standard error that has stopped
// never holds up the server: lines that do not fit are dropped and counted in the next one.
class Log {
 public:
  using Value = std::variant<std::string_view, int64_t, double>;
  using Field = std::pair<std::string_view, Value>;  // empty texts are left out

  explicit Log(LogFormat format) : format_(format) {}

  void Write(LogLevel level, std::string_view event, std::span<const Field> fields);
  void Write(LogLevel level, std::string_view event, std::initializer_list<Field> fields = {}) {
    Write(level, event, std::span(fields.begin(), fields.size()));
  }

 private:
  const LogFormat format_;
  std::atomic<int64_t> dropped_{0};
};

}  // namespace tool::serve
