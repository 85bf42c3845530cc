# SPDX-License-Identifier: MIT
"""The Conan 2 recipe: packages the clone that it is in.

    conan create packaging/conan -o 'fovea/*:with_io=True'

A consumer gets the CMake package that cmake --install makes, so the targets are the same everywhere.
"""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class FoveaConan(ConanFile):
    name = "fovea"
    description = "Convolutional networks to read, to train and to look into"
    license = "MIT"
    topics = ("convolutional-neural-networks", "education", "interpretability", "header-only")
    package_type = "header-library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"with_eigen": [True, False], "with_images": [True, False], "with_io": [True, False], "with_viz": [True, False]}
    default_options = {"with_eigen": False, "with_images": False, "with_io": False, "with_viz": False}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._root, "include", "fovea", "version.hpp"))
        self.version = ".".join(re.findall(r"FOVEA_VERSION_\w+ (\d+)", header))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "scripts/single_header.py"):
            copy(self, pattern, src=self._root, dst=self.export_sources_folder)

    def requirements(self):
        if self.options.with_eigen:
            self.requires("eigen/[>=3.4 <6]", transitive_headers=True)
        if self.options.with_images:
            self.requires("libpng/[>=1.6 <2]", transitive_headers=True, transitive_libs=True)
            self.requires("libjpeg-turbo/[>=2 <4]", transitive_headers=True, transitive_libs=True)
        if self.options.with_images or self.options.with_io:
            self.requires("zlib/[>=1.2.11 <2]", transitive_headers=True, transitive_libs=True)
        if self.options.with_io:
            self.requires("nlohmann_json/[>=3.10 <4]", transitive_headers=True)
        if self.options.with_viz:
            self.requires("stb/[*, include_prerelease]", transitive_headers=True)

    def package_id(self):
        self.info.clear()  # the same headers for all

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 20)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False  # no file in the source tree
        for what in ("TESTS", "EXAMPLES", "BENCHMARKS"):
            toolchain.cache_variables[f"FOVEA_BUILD_{what}"] = False
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        CMake(self).install()

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.builddirs = [os.path.join("share", "cmake", "fovea")]
        self.cpp_info.set_property("cmake_find_mode", "none")  # foveaConfig.cmake is in builddirs
