#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: swift.sh test|chat|static|format SWIFT SOURCE PREFIX LIBDIR WORK
# The Swift binding as an app uses it, over the hob that is installed in PREFIX. Everything that Swift writes is below
# WORK and stays there, so that the next run builds what changed.
set -euo pipefail
what=$1 swift=$2 source=$3 prefix=$4 libdir=$5 work=$6
mkdir -p "$work"
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig LD_LIBRARY_PATH=$prefix/$libdir
options=(--cache-path "$work/cache" --config-path "$work/config" --security-path "$work/security"
  --scratch-path "$work/$what")

# chat PROGRAM: asks the real model, where there is one.
chat() {
  if "$1" /no/such/model.gguf hello 2>"$work/$what.error"; then
    echo "a missing model was opened" >&2
    exit 1
  fi
  grep -q '^NOT_FOUND: ' "$work/$what.error"
  if [ -z "${HOB_MODEL:-}" ]; then
    printf 'SKIPPED:\n  the example was built but not asked, as HOB_MODEL names no model\n'
    return 0
  fi
  "$1" "$HOB_MODEL" "What is the capital of France?" | tee "$work/$what.output"
  grep -q Paris "$work/$what.output"
  printf 'What is the capital of France?\nAnd of Italy?\n' | "$1" "$HOB_MODEL" >"$work/$what.output"
  grep -q Paris "$work/$what.output"
}

case $what in
  test) "$swift" test --package-path "$source/bindings/swift" "${options[@]}" ;;
  chat)
    lines=$(grep -c -v -E '^ *(//|$)' "$source/examples/swift/chat/Sources/chat/main.swift")
    [ "$lines" -lt 25 ] || { echo "the example has $lines lines" >&2 && exit 1; }
    "$swift" build -c release --package-path "$source/examples/swift/chat" "${options[@]}"
    chat "$work/$what/release/chat"
    # As it is shipped: the library beside the program, and nothing in the environment.
    cp -a "$prefix/$libdir"/libhob.so* "$work/$what/release/"
    unset LD_LIBRARY_PATH
    chat "$work/$what/release/chat"
    rm "$work/$what/release"/libhob.so*
    ;;
  static)
    # An installation without the shared library: the archive and what it needs of the system are linked in.
    rm -rf "$work/prefix"
    mkdir -p "$work/prefix/$libdir"
    cp -a "$prefix/include" "$work/prefix/"
    cp -a "$prefix/$libdir/pkgconfig" "$prefix/$libdir/libhob.a" "$work/prefix/$libdir/"
    export PKG_CONFIG_PATH=$work/prefix/$libdir/pkgconfig LD_LIBRARY_PATH=
    "$swift" build --package-path "$source/examples/swift/chat" "${options[@]}" -Xlinker -lstdc++ -Xlinker -lm
    if readelf -d "$work/$what/debug/chat" | grep -q libhob; then
      echo "it asks for a shared libhob" >&2
      exit 1
    fi
    chat "$work/$what/debug/chat"
    ;;
  format)
    find "$source/bindings/swift" "$source/examples/swift" -name .build -prune -o -name '*.swift' -print0 |
      xargs -0 "$swift" format lint --strict --configuration "$source/bindings/swift/.swift-format"
    ;;
  *) echo "unknown: $what" >&2 && exit 2 ;;
esac
