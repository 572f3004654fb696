# SPDX-License-Identifier: Apache-2.0
# Abseil: status, strings, containers. Debian 12's is of 2022 and its static archives cannot go into a shared
# library; ours is position-independent, hidden, and becomes part of libhob.

recipe_fetch() {
  local archive
  archive=$(fetch_source \
    abseil_20240722.0.orig.tar.gz 20240722.0-4 df6d1f5ef540725f3851201176a60486aab332410788465c9877910bb471c34a)
  unpack_source src "$archive"
  # Parts that hob never uses and that take half of the build's time.
  sed -i -E '/^add_subdirectory\((flags|log|random)\)/d' src/absl/CMakeLists.txt
  # Two headers include <iostream> for an ostream; it puts a static initialiser into everything that sees a Status.
  sed -i 's/#include <iostream>/#include <ostream>/' src/absl/strings/internal/charconv_bigint.h \
    src/absl/strings/internal/cord_rep_btree_navigator.h
}

recipe_cmake() {
  printf '%s\n' -DCMAKE_CXX_STANDARD=20 -DABSL_PROPAGATE_CXX_STD=ON -DABSL_ENABLE_INSTALL=ON \
    -DABSL_BUILD_TESTING=OFF -DBUILD_TESTING=OFF
}
