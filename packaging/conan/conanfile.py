# SPDX-License-Identifier: Apache-2.0
"""hob for Conan 2, of this checkout: conan create packaging/conan --build=missing"""

import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy

required_conan_version = ">=2.0"


class HobConan(ConanFile):
    name = "hob"
    version = "0.1.0"
    license = "Apache-2.0"
    description = "A language model assistant to link into an application"
    topics = ("llm", "inference", "on-device")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    # XNNPACK has to be of November 2024 or newer, which Conan's own collection may not have.
    options = {"shared": [True, False], "tools": [True, False], "xnnpack": [True, False], "lto": [True, False]}
    default_options = {"shared": True, "tools": False, "xnnpack": False, "lto": False}

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "lib/*", "abi/*", "tools/*"):
            copy(self, pattern, src=root, dst=self.export_sources_folder)

    def requirements(self):
        # All of it goes into libhob: no header of theirs is seen from outside.
        for reference in ("abseil/[>=20240116.0]", "flatbuffers/[>=23.5.26]", "highway/[>=1.0.3]", "libsodium/[>=1.0.18]",
                          "nlohmann_json/[>=3.11]", "pcre2/[>=10.40]", "utf8proc/[>=2.8.0]", "xxhash/[>=0.8.1]"):  # fmt: skip
            self.requires(reference, visible=False)
        if self.options.xnnpack:
            self.requires("xnnpack/[>=cci.20241101]", visible=False)
        if self.options.tools:
            self.requires("cli11/[>=2.3]", visible=False)

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.25]")
        self.tool_requires("flatbuffers/<host_version>")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["HOB_BUILD_SHARED"] = bool(self.options.shared)
        toolchain.cache_variables["HOB_BUILD_STATIC"] = not self.options.shared
        toolchain.cache_variables["HOB_BUILD_TOOLS"] = bool(self.options.tools)
        toolchain.cache_variables["HOB_BUILD_TESTS"] = False
        toolchain.cache_variables["HOB_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["HOB_WITH_XNNPACK"] = bool(self.options.xnnpack)
        toolchain.cache_variables["HOB_LTO"] = bool(self.options.lto)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # hob's own hobConfig.cmake and hob.pc name what is to be linked.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("lib", "cmake", "hob")]
        self.cpp_info.libs = ["hob"]
        if not self.options.shared:
            self.cpp_info.defines = ["HOB_STATIC"]
            if self.settings.os in ("Linux", "FreeBSD"):
                self.cpp_info.system_libs = ["stdc++", "m", "pthread"]
