# SPDX-License-Identifier: Apache-2.0
# What an app finds after `cmake --install`: headers, libhob.so, libhob.a, find_package(hob CONFIG), hob.pc, hob.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(HOB_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/hob")

# Three components, each a package of its own (HobPackage.cmake): runtime is what an app needs to run, development what
# it needs to be built, tool the command.
install(DIRECTORY include/hob DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
  FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
if(TARGET hob_shared)
  install(TARGETS hob_shared EXPORT hobTargets
    RUNTIME COMPONENT runtime
    LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
    ARCHIVE COMPONENT development)
  install(EXPORT hobTargets NAMESPACE hob:: DESTINATION "${HOB_CMAKE_DIR}" COMPONENT development)
endif()
if(TARGET hob)
  install(TARGETS hob RUNTIME COMPONENT tool)
endif()

# The static library must link from outside with nothing else at hand, so the archives that hob was linked with are
# merged into it. hob_static_closure(OUT_ARCHIVES OUT_OTHER TARGET): what TARGET links, directly or not.
function(hob_static_closure out_archives out_other root)
  set(todo ${root})
  set(seen)
  set(archives)
  set(other)
  while(todo)
    list(POP_FRONT todo item)
    if(item MATCHES "^\\$<LINK_ONLY:(.*)>$")
      set(item "${CMAKE_MATCH_1}")
    endif()
    if(NOT item OR item IN_LIST seen)
      continue()
    endif()
    list(APPEND seen "${item}")
    if(NOT TARGET "${item}")
      if(item MATCHES "^-l(.*)$")
        list(APPEND other "${CMAKE_MATCH_1}")
      elseif(item MATCHES "^[a-z]+$")
        list(APPEND other "${item}")
      endif()
      continue()
    endif()
    get_target_property(next "${item}" INTERFACE_LINK_LIBRARIES)
    if(next)
      list(APPEND todo ${next})
    endif()
    get_target_property(imported "${item}" IMPORTED)
    get_target_property(type "${item}" TYPE)
    if(imported AND NOT type STREQUAL "INTERFACE_LIBRARY")
      get_target_property(file "${item}" LOCATION)
      if(file MATCHES "\\${CMAKE_STATIC_LIBRARY_SUFFIX}$")
        list(APPEND archives "${file}")
      else()
        list(APPEND other "${file}")
      endif()
    endif()
  endwhile()
  list(REMOVE_DUPLICATES archives)
  list(REMOVE_DUPLICATES other)
  set(${out_archives} "${archives}" PARENT_SCOPE)
  set(${out_other} "${other}" PARENT_SCOPE)
endfunction()

set(HOB_STATIC_LIBS_CMAKE "Threads::Threads")
set(HOB_LIBS_PRIVATE "")
if(HOB_BUILD_STATIC)
  hob_static_closure(_archives _other hob_deps)
  # In the order that static linking needs: the C++ library asks for the mathematical one.
  list(REMOVE_ITEM _other m)
  if(UNIX AND NOT APPLE)
    list(APPEND _other stdc++ m pthread)
  elseif(APPLE)
    list(APPEND _other c++)
  endif()
  foreach(lib IN LISTS _other)
    if(lib MATCHES "/")
      string(APPEND HOB_LIBS_PRIVATE " ${lib}")
    else()
      string(APPEND HOB_LIBS_PRIVATE " -l${lib}")
    endif()
  endforeach()
  list(APPEND HOB_STATIC_LIBS_CMAKE ${_other})

  set(_merged "${PROJECT_BINARY_DIR}/merged/${CMAKE_STATIC_LIBRARY_PREFIX}hob${CMAKE_STATIC_LIBRARY_SUFFIX}")
  file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/merged/archives.txt"
    CONTENT "$<TARGET_FILE:hob_static>\n$<JOIN:${_archives},\n>\n")
  add_custom_command(OUTPUT "${_merged}" DEPENDS hob_static "${PROJECT_BINARY_DIR}/merged/archives.txt" VERBATIM
    COMMAND "${CMAKE_COMMAND}" "-DAR=${CMAKE_AR}" "-DRANLIB=${CMAKE_RANLIB}" "-DOUT=${_merged}"
      "-DLIST=${PROJECT_BINARY_DIR}/merged/archives.txt" "-DAPPLE=${APPLE}"
      -P "${PROJECT_SOURCE_DIR}/cmake/merge_archives.cmake"
    COMMENT "Merging hob and what it is built from into one static library")
  add_custom_target(hob_merged ALL DEPENDS "${_merged}")
  install(FILES "${_merged}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
endif()

configure_package_config_file(cmake/hobConfig.cmake.in "${HOB_GEN}/hobConfig.cmake" INSTALL_DESTINATION "${HOB_CMAKE_DIR}"
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file("${HOB_GEN}/hobConfigVersion.cmake" COMPATIBILITY SameMajorVersion)
install(FILES "${HOB_GEN}/hobConfig.cmake" "${HOB_GEN}/hobConfigVersion.cmake" DESTINATION "${HOB_CMAKE_DIR}"
  COMPONENT development)

# The way from lib/pkgconfig to the prefix, so that the tree can be moved.
file(RELATIVE_PATH HOB_PC_TO_PREFIX "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
configure_file(cmake/hob.pc.in "${HOB_GEN}/hob.pc" @ONLY)
install(FILES "${HOB_GEN}/hob.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
