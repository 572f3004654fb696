#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: build_dep.sh NAME PREFIX: fetches, builds and installs recipes/NAME.sh. An interrupted build goes on where
# it stopped. HOB_TOOLCHAIN_FILE is a CMake toolchain file to build for another machine.
set -euo pipefail
name=$1 prefix=$2
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/sources.sh"
recipe_check() { [ -d "$1/include" ]; }
. "$(dirname "$0")/recipes/$name.sh"
[ ! -f "$prefix/.done" ] || exit 0

mkdir -p "$HOB_SOURCES" "$prefix.work"
cd "$prefix.work"
if [ ! -f .unpacked ]; then
  say "Fetching the source of $name"
  recipe_fetch
  touch .unpacked
fi

mapfile -t args < <(recipe_cmake)
if [ -n "${HOB_TOOLCHAIN_FILE:-}" ]; then args+=("-DCMAKE_TOOLCHAIN_FILE=$HOB_TOOLCHAIN_FILE"); fi
build_and_install() {
  cmake -S src -B build -G Ninja -Wno-dev -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    "-DCMAKE_INSTALL_PREFIX=$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POLICY_VERSION_MINIMUM=3.5 \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_C_VISIBILITY_PRESET=hidden -DCMAKE_CXX_VISIBILITY_PRESET=hidden \
    "-DCMAKE_C_FLAGS=-ffunction-sections -fdata-sections" "-DCMAKE_CXX_FLAGS=-ffunction-sections -fdata-sections" \
    "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG" "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG" "${args[@]}" &&
    cmake --build build -j "$JOBS" && rm -rf "$prefix" && cmake --install build
}
logged "dep-$name" "Building $name (once)" build_and_install
recipe_check "$prefix" || fail "$name was built but its files are not in $prefix" "see $HOB_LOGS/dep-$name.log"
touch "$prefix/.done"
cd / && rm -rf "$prefix.work"
