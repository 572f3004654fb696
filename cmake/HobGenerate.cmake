# SPDX-License-Identifier: Apache-2.0
# Sources that are generated into <build>/gen, which is on the include path: tables of the operators and model
# families that the folders hold, the FlatBuffers code, the lists of exports.

set(HOB_GEN "${PROJECT_BINARY_DIR}/gen")

# hob_table(OUT MACRO NAME…): a file of lines MACRO(NAME), for a list that nobody edits by hand.
function(hob_table out macro)
  set(content "// Generated from the folder; do not edit.\n")
  foreach(name IN LISTS ARGN)
    string(APPEND content "${macro}(${name})\n")
  endforeach()
  file(CONFIGURE OUTPUT "${HOB_GEN}/${out}" CONTENT "${content}" @ONLY)
endfunction()

# An operator is a folder lib/ops/<op>/ with an op.cc; a model family is a file lib/models/<family>.cc.
file(GLOB _ops RELATIVE "${PROJECT_SOURCE_DIR}/lib/ops" CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/ops/*/op.cc")
list(TRANSFORM _ops REPLACE "/op.cc$" "")
hob_table(lib/ops/op_table.inc HOB_OP ${_ops})

file(GLOB _families RELATIVE "${PROJECT_SOURCE_DIR}/lib/models" CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/models/*.cc")
list(TRANSFORM _families REPLACE "\\.cc$" "")
hob_table(lib/models/family_table.inc HOB_FAMILY ${_families})

# lib/<folder>/<schema>.fbs → gen/lib/<folder>/<schema>_generated.h
set(HOB_GENERATED_SOURCES)
file(GLOB _schemas CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/*/*.fbs")
foreach(schema IN LISTS _schemas)
  cmake_path(GET schema STEM stem)
  cmake_path(GET schema PARENT_PATH folder)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set(header "${HOB_GEN}/${folder}/${stem}_generated.h")
  add_custom_command(OUTPUT "${header}" DEPENDS "${schema}" VERBATIM
    COMMAND "${HOB_FLATC}" --cpp --cpp-std c++17 --scoped-enums --gen-object-api -o "${HOB_GEN}/${folder}" "${schema}"
    COMMENT "flatc ${stem}.fbs")
  list(APPEND HOB_GENERATED_SOURCES "${header}")
endforeach()

# The symbols that libhob exports.
include(HobExports)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/abi/stable_abi.toml")
hob_write_exports("${PROJECT_SOURCE_DIR}/abi/stable_abi.toml" "${HOB_GEN}" "${PROJECT_VERSION_MAJOR}")
