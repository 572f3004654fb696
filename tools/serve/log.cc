// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/log.h"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>

#include "tools/serve/json.h"

namespace tool::serve {
namespace {

// A pipe that can be written to takes so many bytes at once (POSIX: at least PIPE_BUF, here 4096).
constexpr size_t kMostBytes = 4096;

// "2026-01-31T12:00:00.123Z"
std::string Now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  char date[32], text[48];
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof(text), "%s.%03dZ", date, static_cast<int>(ms));
  return text;
}

std::string Number(const Log::Value& value) {
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f", std::get<double>(value));
  return text;
}

constexpr std::string_view kLevels[] = {"info", "warning", "error"};

}  // namespace

void Log::Write(LogLevel level, std::string_view event, std::span<const Field> fields) {
  if (format_ == LogFormat::kOff) return;
  const bool json = format_ == LogFormat::kJson;
  const std::string_view level_name = kLevels[static_cast<size_t>(level)];
  std::string line;
  const auto add = [&](std::string_view name, const Value& value) {
    const auto* text = std::get_if<std::string_view>(&value);
    if (text != nullptr && text->empty()) return;
    if (json) {
      line.push_back(',');
      AppendJsonString(line, name);
      line.push_back(':');
    } else {
      line.append(" ").append(name).append("=");
    }
    if (text == nullptr) {
      line += Number(value);
    } else if (json || text->find_first_of(" \"\\\n\r\t") != std::string_view::npos) {
      line += Quoted(text->substr(0, 512));
    } else {
      line += text->substr(0, 512);
    }
  };
  if (json) {
    line = R"({"time":")" + Now() + R"(","level":")" + std::string(level_name) + R"(","event":)";
    AppendJsonString(line, event);
  } else {
    line = Now() + " " + std::string(level_name) + " " + std::string(event);
  }
  for (const auto& [name, value] : fields) add(name, value);
  const int64_t dropped = dropped_.exchange(0, std::memory_order_relaxed);
  if (dropped > 0) add("dropped_lines", dropped);
  line += json ? "}\n" : "\n";

  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  const bool writable =
      line.size() <= kMostBytes && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
  if (!writable || write(STDERR_FILENO, line.data(), line.size()) < 0) {
    dropped_.fetch_add(dropped + 1, std::memory_order_relaxed);
  }
}

}  // namespace tool::serve
