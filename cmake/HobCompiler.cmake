# SPDX-License-Identifier: Apache-2.0
# How everything here is compiled: standard, warnings, arithmetic, sanitizers, compiler cache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(HOB_CCACHE ccache)
  mark_as_advanced(HOB_CCACHE)
  if(HOB_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER "${HOB_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${HOB_CCACHE}")
  endif()
endif()

# Over hob's own code; the libraries that it links are as they were built.
if(HOB_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT _lto OUTPUT _why LANGUAGES C CXX)
  if(NOT _lto)
    message(FATAL_ERROR "HOB_LTO: this compiler has no link-time optimisation: ${_why}")
  endif()
endif()

# hob_flags: on every target of this repository.
add_library(hob_flags INTERFACE)
if(MSVC)
  target_compile_options(hob_flags INTERFACE /W4 /fp:precise $<$<BOOL:${HOB_WERROR}>:/WX>)
else()
  # No fused multiply-add behind our back: scalar code gives the same bits everywhere, kernels fuse explicitly.
  target_compile_options(hob_flags INTERFACE -Wall -Wextra -Werror=return-type -ffp-contract=off
    $<$<BOOL:${HOB_WERROR}>:-Werror>)
endif()
if(HOB_SANITIZE)
  set(_sanitize "-fsanitize=${HOB_SANITIZE}")
  target_compile_options(hob_flags INTERFACE ${_sanitize} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(hob_flags INTERFACE ${_sanitize})
endif()

# No path of this machine in what is built: two builds in different folders give the same bytes. Release objects have
# no such path but for the few that are compiled with -g (HobLibrary.cmake), and sanitizers' reports need theirs. The last
# map that fits counts.
set(HOB_PREFIX_MAP)
if(NOT MSVC AND NOT HOB_SANITIZE)
  set(HOB_PREFIX_MAP "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." "-ffile-prefix-map=${PROJECT_BINARY_DIR}=./build")
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(hob_flags INTERFACE ${HOB_PREFIX_MAP})
  endif()
endif()

# Flags of the files named for an instruction set. Nothing else may be compiled with them: an inline function
# instantiated there could be the copy that the linker keeps for everybody.
set(_avx2 -mavx2 -mfma -mf16c -mbmi2)
set(_avx512 ${_avx2} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT MSVC)
  set(HOB_ISA_avx2 ${_avx2})
  set(HOB_ISA_avx512 ${_avx512})
  set(HOB_ISA_avx512vnni ${_avx512} -mavx512vnni)
  set(HOB_ISA_avx512bf16 ${_avx512} -mavx512bf16)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$" AND NOT MSVC)
  set(HOB_ISA_neon "")
  set(HOB_ISA_neon_dotprod -march=armv8.2-a+dotprod+fp16)
  set(HOB_ISA_neon_i8mm -march=armv8.2-a+dotprod+fp16+i8mm)
endif()

# hob_set_isa_flags(FILE…): by file name, as above; simd.cc is compiled once per target by Highway itself.
function(hob_set_isa_flags)
  # gcc 12 takes the undefined halves in its own AVX-512 header for mistakes.
  set(quiet)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    set(quiet -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
  foreach(file IN LISTS ARGN)
    cmake_path(GET file STEM LAST_ONLY isa)
    if(HOB_ISA_${isa})
      set_source_files_properties("${file}" PROPERTIES COMPILE_OPTIONS "${HOB_ISA_${isa}};${quiet}")
    elseif(isa STREQUAL "simd")
      # Leaves out SSSE3, what is newer than AVX-512 of 2017, and SVE (bits of hwy/detect_targets.h): build time
      # for little gain, and lib/isa/simd_dispatch.h does not choose them.
      set_source_files_properties("${file}" PROPERTIES COMPILE_OPTIONS "${quiet}"
        COMPILE_DEFINITIONS "HWY_DISABLED_TARGETS=0xF0010FFLL")
    endif()
  endforeach()
endfunction()
