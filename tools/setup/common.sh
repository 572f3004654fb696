# SPDX-License-Identifier: Apache-2.0
# Sourced by ./dev and by the scripts beside this file: messages, failure, the cache folder, logged steps.

HOB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HOB_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/hob
HOB_LOGS=$HOB_CACHE/logs
JOBS=${JOBS:-$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)}
mkdir -p "$HOB_LOGS"
export HOB_PROGRESS=${HOB_PROGRESS:-}

# Progress goes to stderr, and only to a person: on a terminal, or where HOB_PROGRESS=1 asks for it.
progress_on() { [ "${HOB_PROGRESS:-}" = 1 ] || { [ -t 2 ] && [ "${HOB_PROGRESS:-}" != 0 ]; }; }
say() { if progress_on; then printf '· %s\n' "$*" >&2; fi; }

# fail WHAT HINT…: one line on what went wrong, then what to do.
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  hint: %s\n' "$@" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# hash_of FILE…: a short name for the content of these files and of what comes on stdin.
hash_of() { { cat "$@" && cat; } | sha256sum | cut -c1-12; }

sha256_is() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

# logged NAME MESSAGE COMMAND…: the command's output goes to a log, its end to stderr where it fails. On a terminal
# ninja's [n/m] is shown as it goes.
logged() {
  local log=$HOB_LOGS/$1.log message=$2
  shift 2
  say "$message"
  if progress_on && [ -t 2 ]; then
    if "$@" </dev/null 2>&1 | tee "$log" | awk '/^\[[0-9]+\/[0-9]+\]/ { printf "\r  %s\033[K", $1; fflush() }
      END { printf "\r\033[K" }' >&2; then return 0; fi
  elif "$@" </dev/null >"$log" 2>&1; then
    return 0
  fi
  grep -v -e '^\[[0-9]*/[0-9]*\] [A-Z]' "$log" | tail -n 40 >&2
  return 1
}

# with_lock NAME COMMAND…: one process at a time; the one that waited finds the work done.
with_lock() {
  local lock=$HOB_CACHE/.lock-$1
  shift
  if have flock; then
    (flock 9 && "$@" 9>&-) 9>"$lock"
  else
    "$@"
  fi
}
