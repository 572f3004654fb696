# SPDX-License-Identifier: Apache-2.0
# `cpack -G DEB` in the build folder: libhob<major>, libhob-dev and hob, one package a component. Binaries are stripped;
# what the library needs of the system is asked of dpkg-shlibdeps.

set(CPACK_PACKAGE_NAME hob)
set(CPACK_PACKAGE_VENDOR "The hob authors")
set(CPACK_PACKAGE_CONTACT "The hob authors <hob@localhost>" CACHE STRING "Maintainer of the packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL development)
if(TARGET hob_shared)
  list(APPEND CPACK_COMPONENTS_ALL runtime)
endif()
if(TARGET hob)
  list(APPEND CPACK_COMPONENTS_ALL tool)
endif()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "${PROJECT_HOMEPAGE_URL}")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(_runtime "libhob${PROJECT_VERSION_MAJOR}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME "${_runtime}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
# Other packages' shlibdeps then ask for this library by its version: additions come with a minor one.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "Shared library of hob\nRuns language models inside a program of your own.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libhob-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "")
if(TARGET hob_shared)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${_runtime} (= ${PROJECT_VERSION})")
endif()
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "Headers and static library of hob\nFor programs in C and C++: headers, libhob.a, hob.pc and the CMake package.")
set(CPACK_DEBIAN_TOOL_PACKAGE_NAME hob)
set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION utils)
set(CPACK_COMPONENT_TOOL_DESCRIPTION
  "Chat with a language model on this machine\nThe hob command: chat, convert, inspect, measure. Needs no other package of hob.")

# Debian wants a copyright file in each package.
foreach(component IN ITEMS runtime development tool)
  string(TOUPPER "${component}" _upper)
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/${CPACK_DEBIAN_${_upper}_PACKAGE_NAME}"
    RENAME copyright COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
include(CPack)
