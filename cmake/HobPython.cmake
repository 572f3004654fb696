# SPDX-License-Identifier: Apache-2.0
# libhob as the Python wheel carries it: the same objects, without a version in its name and with the C++ library
# inside, so that it runs on systems with an older one.

if(NOT TARGET hob_shared)
  return()
endif()
add_library(hob_python SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:hob_objects>)
set_target_properties(hob_python PROPERTIES OUTPUT_NAME hob LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/python"
  RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/python")
target_link_libraries(hob_python PRIVATE hob_deps)
get_target_property(_options hob_shared LINK_OPTIONS)
if(_options)
  target_link_options(hob_python PRIVATE ${_options})
endif()
if(UNIX AND NOT APPLE)
  target_link_options(hob_python PRIVATE -static-libstdc++ -static-libgcc LINKER:-s)
endif()
set_property(TARGET hob_python PROPERTY INTERPROCEDURAL_OPTIMIZATION ${HOB_LTO})
set_property(TARGET hob_python APPEND PROPERTY LINK_DEPENDS "${HOB_EXPORTS}")
