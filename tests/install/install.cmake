# SPDX-License-Identifier: Apache-2.0
# cmake -DBUILD= -DSTAGE= -DPREFIX= -P: installs into STAGE and moves that to PREFIX, to see that nothing keeps the path.
file(REMOVE_RECURSE "${STAGE}" "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${STAGE}" --strip OUTPUT_QUIET
  COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${STAGE}" "${PREFIX}")
file(GLOB_RECURSE files "${PREFIX}/*.cmake" "${PREFIX}/*.pc" "${PREFIX}/*.h" "${PREFIX}/*.hpp")
foreach(file IN LISTS files)
  file(STRINGS "${file}" leaked REGEX "${BUILD}")
  if(leaked)
    message(FATAL_ERROR "${file} names the build folder: ${leaked}")
  endif()
endforeach()
