#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: deb.sh BUILD WORK: makes the three packages, installs them into a root of their own, compiles and runs an app from
# it, and removes them again. CPACK, CC: what to call.
set -euo pipefail
build=$1 work=$2 source=$(dirname "${BASH_SOURCE[0]}")
root=$work/root
rm -rf "$work"
mkdir -p "$work" "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/triggers"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
fail() {
  echo "FAILED: $*" >&2
  exit 1
}

"$CPACK" -G DEB --config "$build/CPackConfig.cmake" -B "$work/packages" >"$work/cpack.log" 2>&1 || {
  cat "$work/cpack.log"
  fail "cpack"
}
names=$(for deb in "$work"/packages/*.deb; do dpkg-deb -f "$deb" Package; done | sort | xargs)
[ "$names" = "hob libhob-dev libhob0" ] || fail "the packages are: $names"
field() { dpkg-deb -f "$work"/packages/"$1"_*.deb "$2"; }
[[ "$(field libhob0 Depends)" == *libc6* ]] || fail "libhob0 depends on: $(field libhob0 Depends)"
[[ "$(field libhob-dev Depends)" == "libhob0 (= "* ]] || fail "libhob-dev depends on: $(field libhob-dev Depends)"
# What another package's shlibdeps will ask for.
dpkg-deb -I "$work"/packages/libhob0_*.deb shlibs | grep -q '^libhob 0 libhob0 (>= ' || fail "libhob0 has no shlibs"
files() { dpkg-deb --fsys-tarfile "$work"/packages/"$1"_*.deb | tar t | grep -v '/$' | sed 's|^\./usr/||' | sort | xargs; }
[[ "$(files libhob0)" =~ ^lib/libhob\.so\.0\ lib/libhob\.so\.[0-9.]+\ share/doc/libhob0/copyright\ share/sbom/libhob.cdx.json$ ]] || fail "libhob0: $(files libhob0)"
[[ "$(files hob)" == "bin/hob share/doc/hob/copyright share/sbom/hob.cdx.json" ]] || fail "hob: $(files hob)"
for file in include/hob/hob.h include/hob/hob.hpp lib/libhob.a lib/libhob.so lib/pkgconfig/hob.pc lib/cmake/hob/hobConfig.cmake; do
  [[ " $(files libhob-dev) " == *" $file "* ]] || fail "libhob-dev lacks $file"
done

# Into a database of its own; libc6 and its like are not in there.
dpkg=(dpkg --root="$root" --force-depends --force-not-root --force-script-chrootless --log=/dev/null)
"${dpkg[@]}" -i "$work"/packages/*.deb >"$work/dpkg.log" 2>&1 || {
  cat "$work/dpkg.log"
  fail "dpkg -i"
}
for name in $names; do
  [ "$(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${db:Status-Status}' "$name")" = installed ] || fail "$name is not installed"
done
sections=$(readelf -SW "$root/usr/lib/libhob.so.0")
[[ $sections != *debug_info* ]] || fail "libhob0 is not stripped"

export LD_LIBRARY_PATH=$root/usr/lib PKG_CONFIG_PATH=$root/usr/lib/pkgconfig
flags=$(pkg-config --cflags --libs hob)
for program in probe chat; do
  # shellcheck disable=SC2086
  "$CC" -std=c99 "$source/outside/$program.c" $flags -o "$work/$program"
done
libraries=$(ldd "$work/probe")
[[ $libraries == *"$root/usr/lib/libhob.so.0"* ]] || fail "the app does not use the installed library"
"$work/probe"
if [ -n "${HOB_MODEL:-}" ]; then "$work/chat" | grep Paris; fi
"$root/usr/bin/hob" --version
"${dpkg[@]}" -r $names >>"$work/dpkg.log" 2>&1 || fail "dpkg -r"
left=$(find "$root" -path "$root/var" -prune -o -not -type d -print)
[ -z "$left" ] || fail "left after removal: $left"
ls -l "$work"/packages/*.deb | awk '{ n = split($9, path, "/"); print path[n] ": " $5 " bytes" }'
