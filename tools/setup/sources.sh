# SPDX-License-Identifier: Apache-2.0
# Upstream source archives of libraries that this system's packages are too old for. They come from Debian's
# archive through apt, which checks them against its signed index; this file checks them again against the
# sha256 of the archive that was tested. Nothing of the system's own apt configuration is changed: the newer
# suites are seen through a private view below the cache folder, on the mirror that the machine already uses.

HOB_SOURCES=$HOB_CACHE/sources
SOURCE_SUITES="trixie sid bookworm-backports"

apt_view() {
  local view=$HOB_CACHE/apt key=/usr/share/keyrings/debian-archive-keyring.gpg mirror suite
  APT_VIEW=$view/apt.conf
  if [ -n "${APT_VIEW_READY:-}" ]; then return 0; fi
  have apt-get || fail "$1: its source archive comes through apt, and there is no apt-get here" \
    "install it another way (vcpkg.json names the packages) and point CMAKE_PREFIX_PATH or HOB_XNNPACK_ROOT at it" \
    "or put the archive into $HOB_SOURCES yourself; its sha256 is in tools/setup/recipes"
  [ -f "$key" ] || fail "$1: Debian's archive keys are missing ($key)" \
    "install the package debian-archive-keyring"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    grep '/debian/*$' | head -n 1)
  [ -n "$mirror" ] || fail "$1: no Debian mirror in this machine's apt configuration" \
    "add one, or put the archive into $HOB_SOURCES yourself; its sha256 is in tools/setup/recipes"
  mkdir -p "$view"/{lists/partial,cache/archives/partial}
  for suite in $SOURCE_SUITES; do echo "deb-src [signed-by=$key] $mirror $suite main"; done >"$view/sources.list"
  cat >"$APT_VIEW" <<CONF
Dir::Etc::SourceList "$view/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$view/lists";
Dir::Cache "$view/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
  # A suite that is missing on the mirror is a warning here; the archive may be in another one.
  APT_CONFIG=$APT_VIEW logged apt-view "Reading Debian's index of sources" apt-get -q update || true
  APT_VIEW_READY=1
}

# fetch_source FILE VERSION SHA256 [FILE VERSION SHA256]…: the first of these archives that can be had is left
# in $HOB_SOURCES; its path is printed. FILE is <source package>_<upstream version>.orig.tar.<ext>, VERSION the
# Debian version it is part of.
fetch_source() {
  local file version sha tried="" package=${1%%_*} work=$HOB_SOURCES/partial-$$
  local -a wanted=("$@")
  while [ $# -ge 3 ]; do
    if sha256_is "$HOB_SOURCES/$1" "$3"; then
      echo "$HOB_SOURCES/$1"
      return 0
    fi
    shift 3
  done
  apt_view "$package"
  mkdir -p "$work"
  set -- "${wanted[@]}"
  while [ $# -ge 3 ]; do
    file=$1 version=$2 sha=$3
    shift 3
    if (cd "$work" && APT_CONFIG=$APT_VIEW apt-get -qq source --download-only --tar-only \
      "$package=$version") >"$HOB_LOGS/source-$package.log" 2>&1 && [ -f "$work/$file" ]; then
      sha256_is "$work/$file" "$sha" || fail "$file is not the archive that was tested (sha256 differs)" \
        "delete $HOB_CACHE/apt and try again; if it stays so, report it"
      mv "$work/$file" "$HOB_SOURCES/$file"
      rm -rf "$work"
      echo "$HOB_SOURCES/$file"
      return 0
    fi
    tried="$tried $version"
  done
  rm -rf "$work"
  tail -n 3 "$HOB_LOGS/source-$package.log" >&2
  fail "the source of $package could not be fetched (tried:$tried; suites: $SOURCE_SUITES)" \
    "check the network and the mirror in your apt configuration, then run the command again" \
    "or put ${wanted[0]} (sha256 ${wanted[2]}) into $HOB_SOURCES"
}

# unpack_source FOLDER ARCHIVE: a clean copy, without the archive's own top folder.
unpack_source() {
  rm -rf "$1" && mkdir -p "$1" && tar -xf "$2" -C "$1"
  if [ ! -f "$1/CMakeLists.txt" ]; then
    local inner=("$1"/*/)
    [ ${#inner[@]} -eq 1 ] || fail "$2 does not look like a source archive" "delete it and try again"
    mv "${inner[0]}" "$1.inner" && rm -rf "$1" && mv "$1.inner" "$1"
  fi
}
