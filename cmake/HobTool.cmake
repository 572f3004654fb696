# SPDX-License-Identifier: Apache-2.0
# The hob command: an application over include/hob like any other.

file(GLOB_RECURSE _sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tools/*.cc")
if(_sources)
  add_executable(hob ${_sources})
  target_include_directories(hob PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(hob PRIVATE hob_flags hob::hob_static CLI11::CLI11 nlohmann_json::nlohmann_json Threads::Threads)
  # Line editing and history in `hob chat`, where libedit is there.
  find_path(HOB_LIBEDIT_INCLUDE editline/readline.h)
  find_library(HOB_LIBEDIT_LIBRARY edit)
  mark_as_advanced(HOB_LIBEDIT_INCLUDE HOB_LIBEDIT_LIBRARY)
  if(HOB_LIBEDIT_INCLUDE AND HOB_LIBEDIT_LIBRARY)
    target_compile_definitions(hob PRIVATE HOB_HAVE_LIBEDIT)
    target_include_directories(hob SYSTEM PRIVATE "${HOB_LIBEDIT_INCLUDE}")
    target_link_libraries(hob PRIVATE "${HOB_LIBEDIT_LIBRARY}")
  endif()
  set_property(TARGET hob PROPERTY INTERPROCEDURAL_OPTIMIZATION ${HOB_LTO})
  set_target_properties(hob PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  if(UNIX AND NOT APPLE)
    target_link_options(hob PRIVATE LINKER:--gc-sections)
  endif()
endif()
