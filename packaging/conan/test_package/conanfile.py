# SPDX-License-Identifier: MIT
"""Builds the test project of the components against the package, and runs it."""
import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain


class TestPackage(ConanFile):
    settings = "os", "compiler", "build_type", "arch"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        self.folders.build = os.path.join("build", str(self.settings.build_type))
        self.folders.generators = os.path.join(self.folders.build, "generators")

    @property
    def _components(self):
        options = self.dependencies["fovea"].options
        return [name for name in ("eigen", "images", "io", "viz") if options.get_safe(f"with_{name}")]

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False  # no file in the source tree
        toolchain.cache_variables["COMPONENTS"] = ";".join(self._components)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure(build_script_folder=os.path.join("..", "..", "..", "tests", "consumers", "components"))
        cmake.build()

    def test(self):
        if can_run(self):
            self.run("./program OFF", env="conanrun")
            for component in self._components:
                self.run(f"./uses_{component}", env="conanrun")
