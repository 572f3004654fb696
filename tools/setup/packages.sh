# SPDX-License-Identifier: Apache-2.0
# What the system's own package manager installs, and only where it is missing.

PACKAGES_BUILD="g++ pkg-config xz-utils ccache libflatbuffers-dev flatbuffers-compiler libhwy-dev libcli11-dev
  nlohmann-json3-dev libutf8proc-dev libpcre2-dev libxxhash-dev libedit-dev libsodium-dev libboost-dev
  libcurl4-openssl-dev"
PACKAGES_BENCH="libbenchmark-dev"
PACKAGES_FORMAT="clang-format-19"
PACKAGES_LINT="clang-tidy-19"
PACKAGES_ABI="abigail-tools dpkg-dev"
PACKAGES_TEST="minisign prometheus"
PACKAGES_DOCS="doxygen"
PACKAGES_MEMCHECK="valgrind"
PACKAGES_FUZZ="clang-19 libclang-rt-19-dev"

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    return 1
  fi
}

# package_at_least PACKAGE VERSION: apt has, or could install, that version.
package_at_least() {
  have apt-cache || return 1
  local candidate
  candidate=$(apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ { print $2 }')
  [ -n "$candidate" ] && [ "$candidate" != "(none)" ] && dpkg --compare-versions "${candidate#*:}" ge "$2"
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The index may be absent (a fresh container) or old: it is read again where a package is not in it.
apt_index_once() {
  [ -z "${APT_INDEX_READ:-}" ] || return 0
  APT_INDEX_READ=1
  # A third-party archive that does not answer is no reason to stop.
  logged apt-update "Reading the package index" as_root apt-get -q update 2>/dev/null || true
}

# ensure_packages PACKAGE…: where there is no apt (macOS, other systems), CMake says what it does not find.
ensure_packages() {
  local package missing=()
  have dpkg-query && have apt-get || return 0
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || have sudo || fail "missing packages: ${missing[*]}" \
    "run as root: apt-get install --no-install-recommends ${missing[*]}"
  for package in "${missing[@]}"; do package_at_least "$package" 0 || apt_index_once; done
  apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}"; }
  say "Installing ${missing[*]}"
  if ! apt_install >"$HOB_LOGS/apt-install.log" 2>&1 </dev/null; then
    apt_index_once
    logged apt-install "Trying again with a fresh package index" apt_install ||
      fail "apt could not install: ${missing[*]}" "see the lines above, or $HOB_LOGS/apt-install.log" \
        "then run the command again"
  fi
}

cmake_is_new() {
  have cmake && have ninja || return 1
  local version
  version=$(cmake --version | awk 'NR == 1 { print $3 }')
  [ "$(printf '3.25\n%s\n' "$version" | sort -V | head -n 1)" = 3.25 ]
}

# CMake 3.25 and Ninja: what is there, else apt's, else PyPI's in a folder of our own.
ensure_cmake() {
  [ ! -d "$HOB_CACHE/cmake/bin" ] || PATH=$HOB_CACHE/cmake/bin:$PATH
  if cmake_is_new; then return 0; fi
  if have apt-get && { [ "$(id -u)" = 0 ] || have sudo; }; then
    package_at_least cmake 3.25 || apt_index_once
    if package_at_least cmake 3.25; then
      ensure_packages cmake ninja-build
      hash -r
      if cmake_is_new; then return 0; fi
    fi
  fi
  ensure_python
  logged cmake "Installing CMake and Ninja from PyPI into $HOB_CACHE/cmake" \
    make_venv "$HOB_CACHE/cmake" 'cmake>=3.25' ninja ||
    fail "CMake 3.25 or newer and Ninja are needed and could not be installed" "install them, then run the command again"
  PATH=$HOB_CACHE/cmake/bin:$PATH
}

# make_venv FOLDER REQUIREMENT…: a Python environment; nothing is left of one that failed.
make_venv() {
  local folder=$1
  shift
  rm -rf "$folder"
  if python3 -m venv "$folder" && "$folder/bin/python" -m pip install -q --disable-pip-version-check "$@" &&
    touch "$folder/.done"; then
    return 0
  fi
  rm -rf "$folder"
  return 1
}
