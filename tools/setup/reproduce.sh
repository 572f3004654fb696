# SPDX-License-Identifier: Apache-2.0
# ./dev reproduce: builds the last commit twice, in two clones whose paths have other lengths, and compares the bytes of all
# that is given to others: libhob.so, libhob.a, the command, the wheel's library, the wheel, the Debian packages and the
# bills of materials. What both share: this machine's packages, and the libraries in the cache folder.

REPRODUCE_PARTS="shared/libhob.so merged/libhob.a bin/hob python/libhob.so sbom/libhob.cdx.json sbom/hob.cdx.json"

# clone_and_configure FOLDER
clone_and_configure() {
  mkdir -p "$(dirname "$1")" && git clone -q --no-hardlinks "$HOB_ROOT" "$1" && mkdir -p "$1/build" &&
    cp "$DEPS_FILE" "$1/build/deps.cmake" && (cd "$1" && cmake --preset release)
}

# reproduce_one FOLDER TARGET…: a clone and its release build.
reproduce_one() {
  local folder=$1
  shift
  clone_and_configure "$folder" && (cd "$folder" && cmake --build build/release -j "$JOBS" --target "$@")
}

reproduce_packages() {
  local folder=$1
  (cd "$folder/build/release" && cpack -G DEB) &&
   "$HOB_PYTHON" -m pip wheel -q --no-deps --no-build-isolation --no-index -w "$folder/build/wheel" \
    -C "cmake.define.HOB_PYTHON_LIBRARY=$folder/build/release/python/libhob.so" -C "build-dir=$folder/build/wheel.work" \
    "$folder/bindings/python"
}

# same FILE1 FILE2: prints the sha256 of both, or of each.
same() {
  local one two
  one=$(sha256sum <"$1") two=$(sha256sum <"$2")
  if [ "${one%% *}" = "${two%% *}" ]; then
    printf 'same      %s  %s\n' "${one%% *}" "$(basename "$(dirname "$1")")/$(basename "$1")"
  else
    printf 'DIFFERENT %s\n  %s %s\n  %s %s\n' "$(basename "$1")" "${one%% *}" "$1" "${two%% *}" "$2"
    return 1
  fi
}

# --objects: only the objects of abi/ and lib/base/, without ccache, so that both are really compiled.
reproduce() {
  local work part failed=0 count=0 objects="" a b
  if [ "$*" = --objects ]; then objects=yes; elif [ $# -gt 0 ]; then fail "./dev reproduce takes --objects or nothing: $*"; fi
  setup_build
  ensure_test_python
  [ -z "$(git -C "$HOB_ROOT" status --porcelain)" ] || say "Changes that are not committed are left out"
  work=$(mktemp -d)
  trap "rm -rf '$work'" EXIT
  a=$work/a/hob b=$work/the-second-one-with-a-longer-name/of-hob
  SOURCE_DATE_EPOCH=$(git -C "$HOB_ROOT" log -1 --format=%ct)
  export SOURCE_DATE_EPOCH
  if [ -n "$objects" ]; then
    export CCACHE_DISABLE=1
    reproduce_compare_objects "$a" "$b" || exit 1
    return 0
  fi
  for part in "$a" "$b"; do
    export CCACHE_BASEDIR=$part CCACHE_NOHASHDIR=1
    logged reproduce-build "Building in $part" reproduce_one "$part" hob hob_shared hob_merged hob_python libhob_sbom hob_sbom
    logged reproduce-pack "Packing" reproduce_packages "$part"
  done
  for part in $REPRODUCE_PARTS $(cd "$a/build/release" && ls packages/*.deb) $(cd "$a/build/release" && ls ../wheel/*.whl); do
    count=$((count + 1))
    same "$a/build/release/$part" "$b/build/release/$part" || failed=$((failed + 1))
  done
  printf '%d files compared, %d differ\n' "$count" "$failed"
  [ "$failed" -eq 0 ]
}

reproduce_compare_objects() {
  local folder object failed=0 count=0 pattern='CMakeFiles/hob_objects\.dir/(abi|lib/base)/[a-z_]*\.cc\.o$'
  for folder in "$1" "$2"; do
    logged reproduce-configure "Configuring in $folder" clone_and_configure "$folder"
    # shellcheck disable=SC2046
    (cd "$folder" && logged reproduce-objects "Compiling in $folder" cmake --build build/release -j "$JOBS" --target \
      $(ninja -C build/release -t targets all | sed 's/: .*//' | grep -E "$pattern"))
  done
  for object in $(cd "$1/build/release" && find CMakeFiles/hob_objects.dir -name '*.o' | LC_ALL=C sort); do
    count=$((count + 1))
    cmp "$1/build/release/$object" "$2/build/release/$object" || failed=$((failed + 1))
  done
  printf '%d objects compiled twice, %d differ\n' "$count" "$failed"
  [ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
}
