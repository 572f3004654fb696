# SPDX-License-Identifier: Apache-2.0
# XNNPACK of November 2024 (the snapshot that Debian 13 ships): dynamic quantisation, 4-bit weights, VNNI, NEON
# dotprod and i8mm. Debian 12's, of 2022, has none of them. Built with its own pthreadpool, cpuinfo and FXdiv.

recipe_fetch() {
  local xnnpack pthreadpool fxdiv cpuinfo
  xnnpack=$(fetch_source xnnpack_0.0~git20241108.4ea82e5.orig.tar.xz '0.0~git20241108.4ea82e5-2' \
    90bde2caef0f880f627bab0dc805a86c4b8070cd98e3243db3046ab3f3be1a99)
  pthreadpool=$(fetch_source pthreadpool_0.0~git20240616.560c60d.orig.tar.xz '0.0~git20240616.560c60d-1' \
    4cc3cbd933b28131d2a34edc54f76af9fb41bc490af5eae1a5bd3cd07ea90708)
  fxdiv=$(fetch_source fxdiv_0.0~git20200417.b408327.orig.tar.xz '0.0~git20200417.b408327-4' \
    7953482badaf4cb34026c3487c257b8e4ab2df061c019bd6fabbbc12ad52c44b)
  # The first of these was seen missing on a mirror; both were tested.
  cpuinfo=$(fetch_source \
    cpuinfo_0.0~git20250327.39ea79a.orig.tar.xz '0.0~git20250327.39ea79a-1' \
    2a10028948f7f0663c56cc34405484391ee3d7ccdf09fe51d73897937b99d9d4 \
    cpuinfo_0.0~git20250905.877328f.orig.tar.xz '0.0~git20250905.877328f-1' \
    557ca404a3836b9f335a3a06b65ff9fe9dbaaefab7fb5c0185f53d9f33615a10)
  unpack_source src "$xnnpack"
  unpack_source pthreadpool "$pthreadpool"
  unpack_source fxdiv "$fxdiv"
  unpack_source cpuinfo "$cpuinfo"
  # Where it finds no processor, as without file descriptors, it reads the first of none.
  sed -i 's|^\tprocessors = calloc(processors_count, |\tif (processors_count == 0)\n\t\tgoto cleanup;\n&|' \
    cpuinfo/src/x86/linux/init.c
  [ "$(grep -c '^	if (processors_count == 0)$' cpuinfo/src/x86/linux/init.c)" = 1 ] ||
    fail "cpuinfo's source is another than the recipe knows" "look at src/x86/linux/init.c"
}

recipe_cmake() {
  printf '%s\n' -DXNNPACK_LIBRARY_TYPE=static -DXNNPACK_BUILD_TESTS=OFF -DXNNPACK_BUILD_BENCHMARKS=OFF \
    -DXNNPACK_BUILD_ALL_MICROKERNELS=OFF -DXNNPACK_ENABLE_KLEIDIAI=OFF \
    "-DCPUINFO_SOURCE_DIR=$PWD/cpuinfo" "-DPTHREADPOOL_SOURCE_DIR=$PWD/pthreadpool" \
    "-DFXDIV_SOURCE_DIR=$PWD/fxdiv" -DCPUINFO_LIBRARY_TYPE=static -DPTHREADPOOL_LIBRARY_TYPE=static
}

# XNNPACK installs no CMake package; FindXNNPACK.cmake of this repository reads the folder.
recipe_check() { [ -f "$1/lib/libXNNPACK.a" ] && [ -f "$1/lib/libmicrokernels-prod.a" ] && [ -f "$1/include/xnnpack.h" ]; }
