#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: xcframework.sh SOURCE WORK
# What can be checked of make-xcframework.sh where it cannot run: its syntax, that it prints every step for every
# slice, that what it copies is there, that it refuses to run elsewhere, and that SwiftPM reads its manifest.
set -euo pipefail
source=$1 work=$2 script=$1/bindings/swift/make-xcframework.sh
rm -rf "$work"
mkdir -p "$work/deps" "$work/package"

bash -n "$script"
if command -v shellcheck >/dev/null; then shellcheck "$script" "$source"/tests/swift/*.sh; fi

bash "$script" --deps "$work/deps" --out "$work/a folder" --print >"$work/commands"
cat "$work/commands"
[ ! -e "$work/a folder" ] || { echo "--print wrote something" >&2 && exit 1; }
bash -n "$work/commands"
count() {
  local found
  found=$(grep -c -e "$1" "$work/commands" || true)
  [ "$found" = "$2" ] || { echo "expected $2 times, found $found times: $1" >&2 && exit 1; }
}
count '^cmake -S ' 5
count '^cmake --install ' 5
count 'CMAKE_OSX_SYSROOT=iphoneos ' 1
count 'CMAKE_OSX_SYSROOT=iphonesimulator ' 2
count 'CMAKE_SYSTEM_NAME=Darwin ' 2
count '^lipo -create ' 3
count '^xcodebuild -create-xcframework .*macos.*ios.*simulator.* -output ' 1
count '^cp .*/include/hob/.*\.h ' "$(find "$source/include/hob" -name '*.h' | wc -l)"
# What is copied is there.
grep '^cp ' "$work/commands" | sed 's/^cp \(-R \)\?//' | while read -r from _; do [ -e "$from" ]; done

if [ "$(uname)" != Darwin ]; then
  if bash "$script" --deps "$work/deps" --out "$work/out" 2>"$work/refusal"; then exit 1; fi
  grep -q macOS "$work/refusal"
fi

bash "$script" --manifest >"$work/package/Package.swift"
if [ -x "${HOB_SWIFT:-}" ]; then
  "$HOB_SWIFT" package --package-path "$work/package" --cache-path "$work/cache" --config-path "$work/config" \
    --security-path "$work/security" --scratch-path "$work/scratch" dump-package >"$work/manifest.json"
  grep -q '"type" : "binary"' "$work/manifest.json"
fi
