# An overlay port of this checkout: vcpkg install hob --overlay-ports=packaging/vcpkg
# The shared library alone: the static one carries its dependencies within it, which vcpkg's own would collide with.
vcpkg_check_linkage(ONLY_DYNAMIC_LIBRARY)

get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../.." ABSOLUTE)
vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS
  FEATURES
    tools HOB_BUILD_TOOLS
    xnnpack HOB_WITH_XNNPACK
)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${FEATURE_OPTIONS}
    -DHOB_BUILD_STATIC=OFF
    -DHOB_BUILD_TESTS=OFF
    -DHOB_BUILD_EXAMPLES=OFF
    # Not what ./dev built in this checkout.
    "-DHOB_DEPS_FILE=${CMAKE_CURRENT_LIST_DIR}/no-deps.cmake"
    "-DHOB_FLATC=${CURRENT_HOST_INSTALLED_DIR}/tools/flatbuffers/flatc${VCPKG_HOST_EXECUTABLE_SUFFIX}"
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/hob)
vcpkg_fixup_pkgconfig()
if("tools" IN_LIST FEATURES)
  vcpkg_copy_tools(TOOL_NAMES hob AUTO_CLEAN)
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
