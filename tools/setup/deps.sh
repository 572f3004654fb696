# SPDX-License-Identifier: Apache-2.0
# Third-party libraries that this system's packages are too old for. Each is built once by build_dep.sh, static and
# position-independent, into $HOB_CACHE/deps/<name>-<hash of its recipe, compiler and toolchain file>.

# dep_prefix NAME: where that library is, or will be.
dep_prefix() {
  local here=$HOB_ROOT/tools/setup
  echo "$HOB_CACHE/deps/$1-$({ "${CXX:-c++}" -dumpfullversion && "${CXX:-c++}" -dumpmachine; } |
    hash_of "$here/recipes/$1.sh" "$here/build_dep.sh" "${HOB_TOOLCHAIN_FILE:-/dev/null}")"
}

# system_has NAME: this system's own package is new enough, or is after installing it.
system_has() {
  [ -z "${HOB_TOOLCHAIN_FILE:-}" ] || return 1
  case $1 in
    xnnpack) [ -n "${HOB_XNNPACK_ROOT:-}" ] || package_at_least libxnnpack-dev '0.0~git20241108' ;;
    abseil) package_at_least libabsl-dev 20240722 ;;
    catch2) package_at_least catch2 3.5 ;;
  esac
}

# record_sources NAME PREFIX: the source archives that PREFIX was built from, for the bill of materials: lines
# "package version archive sha256", as the recipe pins them. Of alternatives, the one that was fetched; where none is
# there any more, the first, and its sha256 is unknown.
record_sources() {
  local out=$2/sources.txt archive version sha here
  [ ! -f "$out" ] || return 0
  tr -d "'\\\\" <"$HOB_ROOT/tools/setup/recipes/$1.sh" | tr '\n' ' ' |
    grep -oE '[a-z0-9]+_[^ ]+\.orig\.tar\.[a-z]+ +[^ ]+ +[0-9a-f]{64}' |
    while read -r archive version sha; do
      if sha256_is "$HOB_CACHE/sources/$archive" "$sha"; then here=1; else here=0; fi
      echo "$here ${archive%%_*} $version $archive $sha"
    done | awk '{ p = $2; if (!(p in hash)) { order[++n] = p; line[p] = p " " $3 " " $4; hash[p] = $5; got[p] = $1 }
      else if ($5 != hash[p]) { if ($1 && !got[p]) { line[p] = p " " $3 " " $4; hash[p] = $5; got[p] = 1 } else several[p] = 1 }
      if ($1) got[p] = 1 }
      END { for (i = 1; i <= n; ++i) { p = order[i]; print line[p], several[p] && !got[p] ? "unknown" : hash[p] } }' \
      >"$out.$$"
  mv "$out.$$" "$out"
}

# ensure_deps NAME…: builds those that neither this system nor the cache has, and tells CMake in build/deps.cmake.
ensure_deps() {
  local name prefix prefixes="" content
  for name in "$@"; do
    if system_has "$name"; then continue; fi
    prefix=$(dep_prefix "$name")
    if [ ! -f "$prefix/.done" ]; then
      mkdir -p "$HOB_CACHE/deps"
      with_lock "dep-$name" bash "$HOB_ROOT/tools/setup/build_dep.sh" "$name" "$prefix" ||
        fail "building $name failed (log: $HOB_LOGS/dep-$name.log)" \
          "running the command again goes on from there" \
          "or install it yourself and lead CMAKE_PREFIX_PATH$([ "$name" != xnnpack ] || echo ' or HOB_XNNPACK_ROOT') to it"
    fi
    record_sources "$name" "$prefix"
    prefixes="$prefixes;$prefix"
  done
  content="# Written by ./dev: where the libraries are that it built.
list(APPEND CMAKE_PREFIX_PATH \"${prefixes#;}\")"
  mkdir -p "$HOB_ROOT/build"
  if [ "$(cat "$DEPS_FILE" 2>/dev/null)" != "$content" ]; then echo "$content" >"$DEPS_FILE"; fi
}

# deps_are_there FILE: the folders that it names have not been deleted since.
deps_are_there() {
  local folder
  [ -f "$1" ] || return 1
  for folder in $(sed -n 's/^list(APPEND CMAKE_PREFIX_PATH "\(.*\)")$/\1/p' "$1" | tr ';' ' '); do
    [ -f "$folder/.done" ] || return 1
  done
}
