#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes a Swift package for Apple systems: CHob.xcframework (hob and all it is built from as a static library for
# macOS, iOS and the iOS simulator, with headers and module map), the sources of Hob, and a manifest that joins them.
#
# It needs macOS with Xcode, CMake 3.25 and Ninja. It HAS NOT BEEN RUN: the project is developed and tested on Linux,
# where the tests check no more than its syntax, the commands that it prints, and the manifest that it writes.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: make-xcframework.sh --deps FOLDER --out FOLDER [--print]
       make-xcframework.sh --manifest

  --deps FOLDER  what hob is built from, for each slice in FOLDER/<slice>-<arch>, as static libraries: Abseil,
                 XNNPACK with pthreadpool and cpuinfo, PCRE2 (8 bit), utf8proc, and the headers of Highway,
                 FlatBuffers and xxHash; the slices are macos-arm64, macos-x86_64, ios-arm64, simulator-arm64,
                 simulator-x86_64. flatc, of this machine, is on PATH.
  --out FOLDER   a new folder for the package
  --print        print the commands; do nothing
  --manifest     print the package's manifest
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
deps='' out='' print=0
slices=(macos ios simulator)

# What Package.swift here says, with the framework in place of pkg-config.
manifest() {
  cat <<'TEXT'
// swift-tools-version: 6.0
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
  name: "hob",
  platforms: [.macOS(.v15), .iOS(.v18)],
  products: [.library(name: "Hob", targets: ["Hob"])],
  targets: [
    .binaryTarget(name: "CHob", path: "CHob.xcframework"),
    .target(name: "Hob", dependencies: ["CHob"], linkerSettings: [.linkedLibrary("c++")]),
  ]
)
TEXT
}

run() {
  if [ "$print" = 1 ]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi
}

# write FILE: from standard input.
write() {
  if [ "$print" = 1 ]; then
    cat >/dev/null
    printf '# writes %q\n' "$1"
  else
    cat >"$1"
  fi
}

architectures() { if [ "$1" = ios ]; then echo arm64; else echo arm64 x86_64; fi; }

# One architecture at a time: files named for an instruction set have flags that another one's compiler refuses.
build_architecture() {
  local slice=$1 arch=$2 build=$out/build/$1-$2 system=iOS sdk=iphoneos minimum=18.0
  case $slice in
    macos) system=Darwin sdk=macosx minimum=15.0 ;;
    simulator) sdk=iphonesimulator ;;
  esac
  run cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    "-DCMAKE_SYSTEM_NAME=$system" "-DCMAKE_SYSTEM_PROCESSOR=$arch" "-DCMAKE_OSX_SYSROOT=$sdk" \
    "-DCMAKE_OSX_ARCHITECTURES=$arch" "-DCMAKE_OSX_DEPLOYMENT_TARGET=$minimum" \
    "-DCMAKE_FIND_ROOT_PATH=$deps/$slice-$arch" "-DCMAKE_PREFIX_PATH=$deps/$slice-$arch" \
    "-DHOB_XNNPACK_ROOT=$deps/$slice-$arch" \
    -DHOB_BUILD_SHARED=OFF -DHOB_BUILD_STATIC=ON -DHOB_BUILD_TOOLS=OFF -DHOB_BUILD_TESTS=OFF -DHOB_BUILD_EXAMPLES=OFF
  run cmake --build "$build"
  run cmake --install "$build" --prefix "$out/stage/$slice-$arch"
}

build_slice() {
  local slice=$1 arch archives=()
  for arch in $(architectures "$slice"); do
    build_architecture "$slice" "$arch"
    archives+=("$out/stage/$slice-$arch/lib/libhob.a")
  done
  run mkdir -p "$out/stage/$slice"
  run lipo -create "${archives[@]}" -output "$out/stage/$slice/libhob.a"
}

# The same for all slices: hob's C headers, and the module that Swift imports.
collect_headers() {
  local headers=$out/stage/Headers
  run mkdir -p "$headers/hob"
  for header in "$root"/include/hob/*.h; do run cp "$header" "$headers/hob/"; done
  run cp "$here/Sources/CHob/CHob.h" "$headers/"
  # The framework itself is what is linked.
  grep -v 'link "hob"' "$here/Sources/CHob/module.modulemap" | write "$headers/module.modulemap"
}

main() {
  while [ $# -gt 0 ]; do
    case $1 in
      --deps | --out)
        [ $# -ge 2 ] || { usage >&2 && exit 2; }
        if [ "$1" = --deps ]; then deps=$2; else out=$2; fi
        shift
        ;;
      --print) print=1 ;;
      --manifest) manifest && exit 0 ;;
      -h | --help) usage && exit 0 ;;
      *) usage >&2 && exit 2 ;;
    esac
    shift
  done
  if [ -z "$deps" ] || [ -z "$out" ]; then
    usage >&2
    exit 2
  fi
  if [ "$print" = 0 ]; then
    [ "$(uname)" = Darwin ] || { echo "this needs macOS with Xcode; --print shows what it does" >&2 && exit 1; }
    [ ! -e "$out" ] || { echo "$out exists: give a new folder" >&2 && exit 1; }
    mkdir -p "$out"
    # Absolute: cmake and xcodebuild run elsewhere.
    deps=$(cd "$deps" && pwd) out=$(cd "$out" && pwd)
  fi

  local slice libraries=()
  collect_headers
  for slice in "${slices[@]}"; do
    build_slice "$slice"
    libraries+=(-library "$out/stage/$slice/libhob.a" -headers "$out/stage/Headers")
  done
  run xcodebuild -create-xcframework "${libraries[@]}" -output "$out/CHob.xcframework"
  run mkdir -p "$out/Sources"
  run cp -R "$here/Sources/Hob" "$out/Sources/"
  manifest | write "$out/Package.swift"
}

main "$@"
