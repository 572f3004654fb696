# SPDX-License-Identifier: Apache-2.0
# Finds what hob is built from. `./dev setup` writes build/deps.cmake with the folders of the libraries that it
# built; an installed one that CMAKE_PREFIX_PATH or HOB_XNNPACK_ROOT leads to comes first.

set(HOB_XNNPACK_ROOT "" CACHE PATH "Where XNNPACK, pthreadpool and cpuinfo are installed")
if(DEFINED ENV{HOB_XNNPACK_ROOT} AND NOT HOB_XNNPACK_ROOT)
  set(HOB_XNNPACK_ROOT "$ENV{HOB_XNNPACK_ROOT}")
endif()
set(HOB_DEPS_FILE "" CACHE FILEPATH "Where ./dev says what it built; build/deps.cmake unless cross-compiling")
if(HOB_DEPS_FILE)
  include("${HOB_DEPS_FILE}")
elseif(NOT CMAKE_CROSSCOMPILING)
  include("${PROJECT_SOURCE_DIR}/build/deps.cmake" OPTIONAL)
endif()

set(_hint "run ./dev setup, or install it and lead CMAKE_PREFIX_PATH to it")

find_package(Threads REQUIRED)
if(HOB_WITH_XNNPACK)
  find_package(XNNPACK MODULE REQUIRED)
endif()

find_package(absl CONFIG)
if(NOT absl_FOUND)
  message(FATAL_ERROR "Abseil was not found: ${_hint}")
elseif(NOT absl_VERSION STREQUAL "head" AND absl_VERSION VERSION_LESS 20240116)
  message(FATAL_ERROR "Abseil ${absl_VERSION} in ${absl_DIR} is too old (20240116 or newer): ${_hint}")
endif()

# The archive goes into libhob, so that an app needs nothing else; a shared one is taken where there is no other.
function(hob_find_library name header)
  string(MAKE_C_IDENTIFIER "HOB_${name}" var)
  find_path(${var}_INCLUDE ${header})
  find_library(${var}_LIBRARY NAMES ${CMAKE_STATIC_LIBRARY_PREFIX}${name}${CMAKE_STATIC_LIBRARY_SUFFIX}
    ${name}-static ${name})
  mark_as_advanced(${var}_INCLUDE ${var}_LIBRARY)
  if(NOT ${var}_INCLUDE OR NOT ${var}_LIBRARY)
    message(FATAL_ERROR "${name} (${header}) was not found: ${_hint}")
  endif()
  add_library(hob_dep::${name} UNKNOWN IMPORTED)
  set_target_properties(hob_dep::${name} PROPERTIES IMPORTED_LOCATION "${${var}_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${${var}_INCLUDE}")
endfunction()
hob_find_library(pcre2-8 pcre2.h)
hob_find_library(utf8proc utf8proc.h)
set_target_properties(hob_dep::pcre2-8 PROPERTIES INTERFACE_COMPILE_DEFINITIONS "PCRE2_CODE_UNIT_WIDTH=8;$<$<BOOL:${WIN32}>:PCRE2_STATIC>")

if(HOB_WITH_SIGNATURES)
  hob_find_library(sodium sodium.h)
  # An archive: a shared libsodium would need nothing of this.
  set_target_properties(hob_dep::sodium PROPERTIES INTERFACE_COMPILE_DEFINITIONS "$<$<BOOL:${WIN32}>:SODIUM_STATIC>")
endif()

# Used through their headers only.
find_path(HOB_HWY_INCLUDE hwy/highway.h)
find_path(HOB_FLATBUFFERS_INCLUDE flatbuffers/flatbuffers.h)
find_path(HOB_XXHASH_INCLUDE xxhash.h)
find_program(HOB_FLATC flatc)
mark_as_advanced(HOB_HWY_INCLUDE HOB_FLATBUFFERS_INCLUDE HOB_XXHASH_INCLUDE HOB_FLATC)
foreach(need IN ITEMS HWY_INCLUDE:Highway FLATBUFFERS_INCLUDE:FlatBuffers XXHASH_INCLUDE:xxHash "FLATC:the FlatBuffers compiler flatc")
  string(REGEX MATCH "^([A-Z_]+):(.*)$" _ "${need}")
  if(NOT HOB_${CMAKE_MATCH_1})
    message(FATAL_ERROR "${CMAKE_MATCH_2} was not found: ${_hint}")
  endif()
endforeach()

if(HOB_BUILD_TOOLS OR HOB_BUILD_BENCH)
  find_package(CLI11 CONFIG REQUIRED)
endif()
if(HOB_WITH_HF OR HOB_BUILD_TOOLS OR HOB_BUILD_TESTS OR HOB_BUILD_BENCH)
  find_package(nlohmann_json CONFIG REQUIRED)
endif()
if(HOB_BUILD_TESTS)
  find_package(Catch2 3 CONFIG REQUIRED)
endif()
if(HOB_BUILD_BENCH)
  find_package(benchmark CONFIG REQUIRED)
endif()
