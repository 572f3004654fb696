# SPDX-License-Identifier: Apache-2.0
# XNNPACK::XNNPACK, with pthreadpool and cpuinfo, from HOB_XNNPACK_ROOT, CMAKE_PREFIX_PATH or the system. The
# version is asked of the header: before the end of 2023 there is no dynamic quantisation.

find_path(XNNPACK_INCLUDE_DIR xnnpack.h HINTS ${HOB_XNNPACK_ROOT} PATH_SUFFIXES include)
find_path(XNNPACK_PTHREADPOOL_INCLUDE_DIR pthreadpool.h HINTS ${HOB_XNNPACK_ROOT} PATH_SUFFIXES include)
foreach(_lib IN ITEMS XNNPACK microkernels-prod pthreadpool cpuinfo)
  string(MAKE_C_IDENTIFIER "XNNPACK_${_lib}_LIBRARY" _var)
  find_library(${_var} NAMES ${_lib} HINTS ${HOB_XNNPACK_ROOT} PATH_SUFFIXES lib)
  mark_as_advanced(${_var})
endforeach()
mark_as_advanced(XNNPACK_INCLUDE_DIR XNNPACK_PTHREADPOOL_INCLUDE_DIR)

set(_reason "XNNPACK was not found: run ./dev setup, or set HOB_XNNPACK_ROOT or CMAKE_PREFIX_PATH")
if(XNNPACK_INCLUDE_DIR)
  file(STRINGS "${XNNPACK_INCLUDE_DIR}/xnnpack.h" _modern REGEX "xnn_create_fully_connected_nc_qd8_f32_qb4w\\(")
  if(NOT _modern)
    set(_reason "XNNPACK in ${XNNPACK_INCLUDE_DIR} is too old (November 2024 or newer): run ./dev setup, or set HOB_XNNPACK_ROOT")
    set(XNNPACK_INCLUDE_DIR XNNPACK_INCLUDE_DIR-NOTFOUND)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(XNNPACK REASON_FAILURE_MESSAGE "${_reason}"
  REQUIRED_VARS XNNPACK_XNNPACK_LIBRARY XNNPACK_pthreadpool_LIBRARY XNNPACK_INCLUDE_DIR
    XNNPACK_PTHREADPOOL_INCLUDE_DIR)

if(XNNPACK_FOUND AND NOT TARGET XNNPACK::XNNPACK)
  # Order matters to static linking. A shared libXNNPACK carries its micro-kernels in itself.
  set(_parts)
  foreach(_lib IN ITEMS microkernels-prod pthreadpool cpuinfo)
    string(MAKE_C_IDENTIFIER "XNNPACK_${_lib}_LIBRARY" _var)
    if(${_var})
      add_library(XNNPACK::${_lib} UNKNOWN IMPORTED)
      set_target_properties(XNNPACK::${_lib} PROPERTIES IMPORTED_LOCATION "${${_var}}")
      list(APPEND _parts XNNPACK::${_lib})
    endif()
  endforeach()
  add_library(XNNPACK::XNNPACK UNKNOWN IMPORTED)
  set_target_properties(XNNPACK::XNNPACK PROPERTIES IMPORTED_LOCATION "${XNNPACK_XNNPACK_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${XNNPACK_INCLUDE_DIR};${XNNPACK_PTHREADPOOL_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${_parts};Threads::Threads;$<$<NOT:$<BOOL:${WIN32}>>:m>")
endif()
