# SPDX-License-Identifier: Apache-2.0
# What libhob and the command are made of, as CycloneDX: written when they are linked, by sbom.cmake, from the archives
# and headers that were found here and the shared libraries that the linked file asks for.

# hob_sbom(TARGET NAME HEADER…): <build>/sbom/NAME.cdx.json; a header stands for a library of headers alone.
function(hob_sbom target name)
  hob_static_closure(archives other hob_deps)
  set(inputs "${PROJECT_BINARY_DIR}/sbom/${name}.txt")
  set(out "${PROJECT_BINARY_DIR}/sbom/${name}.cdx.json")
  list(TRANSFORM archives PREPEND "static ")
  set(headers ${ARGN})
  list(TRANSFORM headers PREPEND "headers ")
  list(JOIN archives "\n" archives)
  list(JOIN headers "\n" headers)
  file(GENERATE OUTPUT "${inputs}" CONTENT "${archives}\n${headers}\n")
  get_target_property(type ${target} TYPE)
  set(script "${PROJECT_SOURCE_DIR}/cmake/sbom.cmake")
  set(licences "${PROJECT_SOURCE_DIR}/cmake/sbom_licences.txt")
  add_custom_command(OUTPUT "${out}" DEPENDS ${target} "${inputs}" "${script}" "${licences}" VERBATIM
    COMMAND "${CMAKE_COMMAND}" "-DFILE=$<TARGET_FILE:${target}>" "-DTYPE=${type}" "-DNAME=${name}"
      "-DVERSION=${PROJECT_VERSION}" "-DINPUTS=${inputs}" "-DLICENCES=${licences}" "-DOUT=${out}"
      "-DNATIVE=$<NOT:$<BOOL:${CMAKE_CROSSCOMPILING}>>" -P "${script}"
    COMMENT "Bill of materials of ${name}")
  add_custom_target(${name}_sbom ALL DEPENDS "${out}")
endfunction()

find_path(HOB_JSON_INCLUDE nlohmann/json.hpp)
mark_as_advanced(HOB_JSON_INCLUDE)
set(_headers "${HOB_HWY_INCLUDE}/hwy/highway.h" "${HOB_FLATBUFFERS_INCLUDE}/flatbuffers/flatbuffers.h"
  "${HOB_XXHASH_INCLUDE}/xxhash.h")
set(_of_the_tool "${HOB_JSON_INCLUDE}/nlohmann/json.hpp")
if(HOB_WITH_HF)
  list(APPEND _headers ${_of_the_tool})
endif()
if(HOB_WITH_HANDOFF)
  # Loaded when it is first used.
  list(APPEND _headers "${HOB_CURL_INCLUDE}/curl/curl.h")
endif()
if(TARGET hob_shared)
  hob_sbom(hob_shared libhob ${_headers})
  install(FILES "${PROJECT_BINARY_DIR}/sbom/libhob.cdx.json" DESTINATION "${CMAKE_INSTALL_DATADIR}/sbom"
    COMPONENT runtime)
endif()
if(TARGET hob)
  find_path(HOB_CLI11_INCLUDE CLI/CLI.hpp)
  mark_as_advanced(HOB_CLI11_INCLUDE)
  if(HOB_WITH_SERVE)
    list(APPEND _of_the_tool "${HOB_BOOST_INCLUDE}/boost/beast/http/parser.hpp")
  endif()
  hob_sbom(hob hob ${_headers} ${_of_the_tool} "${HOB_CLI11_INCLUDE}/CLI/CLI.hpp")
  install(FILES "${PROJECT_BINARY_DIR}/sbom/hob.cdx.json" DESTINATION "${CMAKE_INSTALL_DATADIR}/sbom" COMPONENT tool)
endif()
