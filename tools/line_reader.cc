// SPDX-License-Identifier: Apache-2.0
#include "tools/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#if defined(HOB_HAVE_LIBEDIT)
#include <editline/readline.h>
#endif

namespace tool {
namespace {

volatile std::sig_atomic_t interrupts = 0;
void CountInterrupt(int) { interrupts = interrupts + 1; }

// A line without its end, or nothing: the input ended or a signal came.
std::optional<std::string> PlainLine() {
  std::string line;
  for (;;) {
    char c;
    const ssize_t got = read(STDIN_FILENO, &c, 1);
    if (got == 1 && c == '\n') return line;
    if (got == 1) {
      line += c;
      continue;
    }
    if (got < 0 && errno == EINTR && interrupts == 0) continue;
    if (got == 0 && !line.empty()) return line;
    return std::nullopt;
  }
}

}  // namespace

LineReader::LineReader() : terminal_(isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0) {}

std::optional<std::string> LineReader::Read(const char* prompt, bool& interrupted) {
  interrupted = false;
  if (!terminal_) return PlainLine();
  struct sigaction action = {}, previous;
  action.sa_handler = CountInterrupt;  // without SA_RESTART: the read below returns
  sigemptyset(&action.sa_mask);
  interrupts = 0;
  sigaction(SIGINT, &action, &previous);
  std::optional<std::string> result;
#if defined(HOB_HAVE_LIBEDIT)
  if (char* line = readline(prompt); line != nullptr) {
    result = line;
    if (!result->empty()) add_history(line);
    std::free(line);
  }
#else
  std::fputs(prompt, stdout);
  std::fflush(stdout);
  result = PlainLine();
#endif
  sigaction(SIGINT, &previous, nullptr);
  interrupted = interrupts != 0;
  return result;
}

}  // namespace tool
