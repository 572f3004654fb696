# SPDX-License-Identifier: Apache-2.0
# Catch2 v3, the test framework. Debian 12 has v2; Debian 13's binary needs a newer C library.

recipe_fetch() {
  local archive
  archive=$(fetch_source \
    catch2_3.7.1.orig.tar.gz 3.7.1-0.6 c991b247a1a0d7bb9c39aa35faf0fe9e19764213f28ffba3109388e62ee0269c \
    catch2_3.7.1.orig.tar.gz 3.7.1-0.5 c991b247a1a0d7bb9c39aa35faf0fe9e19764213f28ffba3109388e62ee0269c \
    catch2_3.7.1.orig.tar.gz '3.7.1-0.4~bpo12+1' c991b247a1a0d7bb9c39aa35faf0fe9e19764213f28ffba3109388e62ee0269c)
  unpack_source src "$archive"
}

recipe_cmake() {
  printf '%s\n' -DCMAKE_CXX_STANDARD=20 -DCATCH_INSTALL_DOCS=OFF -DBUILD_TESTING=OFF
}
