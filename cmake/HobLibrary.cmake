# SPDX-License-Identifier: Apache-2.0
# The library: one set of hidden, position-independent objects; hob_shared and hob_static are made of them.

file(GLOB_RECURSE HOB_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/*.cc" "${PROJECT_SOURCE_DIR}/abi/*.cc")
if(NOT HOB_SOURCES)
  message(FATAL_ERROR "no sources below lib/ and abi/")
endif()
if(NOT HOB_WITH_SIGNATURES)
  list(FILTER HOB_SOURCES EXCLUDE REGEX "/lib/sign/")
endif()
if(NOT HOB_WITH_HF)
  list(FILTER HOB_SOURCES EXCLUDE REGEX "/lib/format/(hf_[a-z]+|safetensors)\\.cc$")
endif()
if(NOT HOB_WITH_HANDOFF)
  list(FILTER HOB_SOURCES EXCLUDE REGEX "/lib/handoff/")
endif()
if(NOT HOB_WITH_HF AND NOT HOB_WITH_HANDOFF)
  list(FILTER HOB_SOURCES EXCLUDE REGEX "/lib/format/json\\.cc$")
endif()
hob_set_isa_flags(${HOB_SOURCES})
# The types of the interface, for the comparison with the baseline: without them abidiff finds no difference, ever.
if(HOB_BUILD_TESTS AND NOT MSVC)
  file(GLOB _abi CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/abi/*.cc")
  set_property(SOURCE ${_abi} APPEND PROPERTY COMPILE_OPTIONS -g ${HOB_PREFIX_MAP})
endif()

# What lib/ and abi/ see, and the tests of their insides too.
add_library(hob_deps INTERFACE)
target_include_directories(hob_deps INTERFACE "${PROJECT_SOURCE_DIR}" "${HOB_GEN}")
target_include_directories(hob_deps SYSTEM INTERFACE "${HOB_HWY_INCLUDE}" "${HOB_FLATBUFFERS_INCLUDE}" "${HOB_XXHASH_INCLUDE}")
# Highway's debug assertions live in its library, which hob does not link.
target_compile_definitions(hob_deps INTERFACE HWY_IS_DEBUG_BUILD=0)
target_link_libraries(hob_deps INTERFACE hob_flags
  absl::status absl::statusor absl::strings absl::cord
  hob_dep::pcre2-8 hob_dep::utf8proc Threads::Threads)
if(HOB_CHECKED)
  target_compile_definitions(hob_deps INTERFACE HOB_CHECKED=1)
endif()
if(HOB_WITH_XNNPACK)
  target_compile_definitions(hob_deps INTERFACE HOB_HAVE_XNNPACK=1)
  target_link_libraries(hob_deps INTERFACE XNNPACK::XNNPACK)
endif()
if(HOB_WITH_SIGNATURES)
  target_link_libraries(hob_deps INTERFACE hob_dep::sodium)
endif()
if(HOB_WITH_HANDOFF)
  # Its header alone: libcurl is loaded at run time.
  target_include_directories(hob_deps SYSTEM INTERFACE "${HOB_CURL_INCLUDE}")
  target_link_libraries(hob_deps INTERFACE ${CMAKE_DL_LIBS})
endif()
if(HOB_WITH_HF OR HOB_WITH_HANDOFF)
  target_link_libraries(hob_deps INTERFACE nlohmann_json::nlohmann_json)
endif()
foreach(part IN ITEMS CONVERT HANDOFF HF REGEX_JIT SIGNATURES)
  if(NOT HOB_WITH_${part})
    target_compile_definitions(hob_deps INTERFACE HOB_WITHOUT_${part})
  endif()
endforeach()

# What hob_describe_library tells of this build.
set(_kernels "")
foreach(isa IN ITEMS avx2 avx512 avx512vnni avx512bf16 neon neon_dotprod neon_i8mm)
  if(DEFINED HOB_ISA_${isa} AND "${HOB_SOURCES}" MATCHES "/${isa}\\.cc")
    string(APPEND _kernels " ${isa}")
  endif()
endforeach()
if(HOB_WITH_XNNPACK)
  string(APPEND _kernels " xnnpack")
endif()
set_property(SOURCE "${PROJECT_SOURCE_DIR}/lib/session/build_info.cc" APPEND PROPERTY COMPILE_DEFINITIONS
  HOB_BUILD_TYPE="${CMAKE_BUILD_TYPE}" HOB_BUILD_KERNELS="${_kernels}" HOB_BUILD_SANITIZERS="${HOB_SANITIZE}"
  HOB_BUILD_COMPILER="${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
  HOB_BUILD_SYSTEM="${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}" HOB_BUILD_LTO=$<BOOL:${HOB_LTO}>)
# Kernels are where the time goes; the rest may be small.
if(HOB_SMALL AND NOT MSVC)
  set(_rest ${HOB_SOURCES})
  list(FILTER _rest EXCLUDE REGEX "/lib/(ops|base)/")
  set_property(SOURCE ${_rest} APPEND PROPERTY COMPILE_OPTIONS -Os)
endif()
# A fuzzer learns nothing from the comparisons of kernels, the sanitizers' own among them, and writing them down is most
# of their time.
if(HOB_SANITIZE MATCHES "fuzzer")
  set(_kernel_sources ${HOB_SOURCES})
  list(FILTER _kernel_sources INCLUDE REGEX "/lib/(ops/.+/|base/(panels|per_channel|quantize_blocks|block_formats)\\.cc)")
  list(FILTER _kernel_sources EXCLUDE REGEX "/op\\.cc$")
  set_property(SOURCE ${_kernel_sources} APPEND PROPERTY COMPILE_OPTIONS -fno-sanitize-coverage=trace-cmp)
endif()

add_library(hob_objects OBJECT ${HOB_SOURCES} ${HOB_GENERATED_SOURCES})
set_target_properties(hob_objects PROPERTIES POSITION_INDEPENDENT_CODE ON
  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_include_directories(hob_objects PUBLIC "${PROJECT_SOURCE_DIR}/include")
target_compile_definitions(hob_objects PRIVATE HOB_BUILDING_LIBRARY HOB_VERSION_STRING="${PROJECT_VERSION}")
target_link_libraries(hob_objects PRIVATE hob_deps)
if(NOT MSVC)
  target_compile_options(hob_objects PRIVATE -ffunction-sections -fdata-sections)
endif()
if(HOB_LTO)
  set_property(TARGET hob_objects PROPERTY INTERPROCEDURAL_OPTIMIZATION ON)
  # The archive that is installed has to link with other compilers too, so its objects hold machine code as well.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND HOB_BUILD_STATIC)
    target_compile_options(hob_objects PRIVATE -ffat-lto-objects)
  endif()
endif()

add_library(hob_static STATIC $<TARGET_OBJECTS:hob_objects>)
add_library(hob::hob_static ALIAS hob_static)
add_library(hob::static ALIAS hob_static)
set_target_properties(hob_static PROPERTIES OUTPUT_NAME hob ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/static")
target_include_directories(hob_static PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
target_compile_definitions(hob_static PUBLIC HOB_STATIC)
target_link_libraries(hob_static PRIVATE hob_deps)

# hob_internal: for tests that look inside.
add_library(hob_internal INTERFACE)
target_link_libraries(hob_internal INTERFACE hob_static hob_deps)

if(HOB_BUILD_SHARED)
  add_library(hob_shared SHARED $<TARGET_OBJECTS:hob_objects>)
  add_library(hob::hob ALIAS hob_shared)
  add_library(hob::shared ALIAS hob_shared)
  set_target_properties(hob_shared PROPERTIES OUTPUT_NAME hob EXPORT_NAME hob
    VERSION "${PROJECT_VERSION}" SOVERSION "${PROJECT_VERSION_MAJOR}"
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/shared" RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/shared")
  target_include_directories(hob_shared PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    "$<INSTALL_INTERFACE:include>")
  target_link_libraries(hob_shared PRIVATE hob_deps)
  set_property(TARGET hob_shared PROPERTY INTERPROCEDURAL_OPTIMIZATION ${HOB_LTO})
  # Nothing but what abi/stable_abi.toml lists leaves the library (cmake/HobExports.cmake).
  if(APPLE)
    set(HOB_EXPORTS "${HOB_GEN}/hob.exports")
    target_link_options(hob_shared PRIVATE "LINKER:-exported_symbols_list,${HOB_EXPORTS}" LINKER:-dead_strip)
  elseif(WIN32)
    set(HOB_EXPORTS "${HOB_GEN}/hob.def")
    target_sources(hob_shared PRIVATE "${HOB_EXPORTS}")
  else()
    set(HOB_EXPORTS "${HOB_GEN}/hob.map")
    target_link_options(hob_shared PRIVATE "LINKER:--version-script=${HOB_EXPORTS}" LINKER:--exclude-libs,ALL
      LINKER:--gc-sections LINKER:-z,relro,-z,now)
    if(NOT HOB_SANITIZE)
      target_link_options(hob_shared PRIVATE LINKER:--no-undefined)
    endif()
  endif()
  set_property(TARGET hob_shared APPEND PROPERTY LINK_DEPENDS "${HOB_EXPORTS}")
else()
  add_library(hob::hob ALIAS hob_static)
endif()
