# SPDX-License-Identifier: Apache-2.0
# The hob command: an application over include/hob like any other.

file(GLOB_RECURSE _sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tools/*.cc")
if(_sources)
  add_executable(hob ${_sources})
  target_include_directories(hob PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(hob PRIVATE hob_flags hob::hob_static CLI11::CLI11 nlohmann_json::nlohmann_json Threads::Threads)
  set_target_properties(hob PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  if(UNIX AND NOT APPLE)
    target_link_options(hob PRIVATE LINKER:--gc-sections)
  endif()
endif()
