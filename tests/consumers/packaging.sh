#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The packages of packaging/, made from this tree and used by the test project of the components: vcpkg by a
# stand-in for its functions, Conan by itself, without a remote. Skipped as far as there is no Conan.
#
#   CONAN=conan FOVEA_COMPILERS=g++ tests/consumers/packaging.sh
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
clone=$work/clone
version=$(sed -n 's/^#define FOVEA_VERSION_[A-Z]* //p' "$clone/include/fovea/version.hpp" | paste -sd.)

# vcpkg
grep -q "\"version\": \"$version\"" "$clone/packaging/vcpkg/fovea/vcpkg.json" ||
  fail "vcpkg.json: expected version $version as in version.hpp, found $(grep '"version"' "$clone/packaging/vcpkg/fovea/vcpkg.json")"
python3 - "$clone" << 'CODE' || fail "vcpkg.json: see above"
import json, re, sys
from pathlib import Path
port = json.loads(Path(sys.argv[1], "packaging/vcpkg/fovea/vcpkg.json").read_text())
text = Path(sys.argv[1], "cmake/foveaComponents.cmake").read_text()
components = re.search(r"set\(fovea_components (.*)\)", text)[1].split()
assert sorted(port["features"]) == sorted(components), f"expected the features {components}, found {list(port['features'])}"
names = {"Eigen3": "eigen3", "ZLIB": "zlib", "nlohmann_json": "nlohmann-json", "stb": "stb", "MPI": "mpi",
         "PNG": "libpng", "JPEG": "libjpeg-turbo"}
for component in components:
    needs = sorted(names[n.split("::")[0]] for n in re.search(rf"set\(fovea_{component}_needs (.*)\)", text)[1].split())
    found = port["features"][component]["dependencies"]
    assert sorted(found) == needs, f"{component}: expected the dependencies {needs}, found {found}"
CODE
quietly cmake -DPORT_DIR="$clone/packaging/vcpkg/fovea" -DWORK="$work/vcpkg" -P "$here/packaging/vcpkg_stand_in.cmake"
mv "$work/vcpkg/packages" "$work/vcpkg installed"  # vcpkg moves it, too
quietly cmake -S "$here/components" -B "$work/consumer" -DCMAKE_CXX_COMPILER="${compilers[0]}" \
  -DCMAKE_PREFIX_PATH="$work/vcpkg installed" -DCOMPONENTS="eigen;images;io;viz"
grep -qF "fovea_DIR:PATH=$work/vcpkg installed/share/fovea" "$work/consumer/CMakeCache.txt" || fail "vcpkg: another fovea was found"
quietly cmake --build "$work/consumer"
for program in "program OFF" uses_eigen uses_images uses_io uses_viz; do
  # shellcheck disable=SC2086
  "$work/consumer/"$program > /dev/null || fail "vcpkg: $program: wrong answer"
done
[ "$(PKG_CONFIG_LIBDIR="$work/vcpkg installed/share/pkgconfig" pkg-config --modversion fovea)" = "$version" ] ||
  fail "vcpkg: expected pkg-config to find version $version"
[ $failures = 0 ] && echo "vcpkg: all is well (by a stand-in for its functions)"

# Conan, with a home of its own. What the options require comes from recipes that wrap the system's headers.
conan=${CONAN:-conan}
if ! command -v "$conan" > /dev/null; then
  echo "packaging: Conan is skipped, for want of it"
  [ $failures = 0 ] && exit 77 || exit 1
fi
export CONAN_HOME=$work/conan CXX=${compilers[0]}
quietly "$conan" profile detect
quietly "$conan" remote disable '*'
system() {  # system NAME VERSION DIRECTORY CMAKE_FILE TARGET LIBRARIES
  mkdir "$work/system-$1"
  cat > "$work/system-$1/conanfile.py" << CODE
from conan import ConanFile
class System(ConanFile):
    name, version = "$1", "$2"
    def package_info(self):
        self.cpp_info.includedirs, self.cpp_info.libdirs, self.cpp_info.bindirs = ["$3"], [], []
        self.cpp_info.system_libs = "$6".split()
        self.cpp_info.set_property("cmake_file_name", "$4")
        self.cpp_info.set_property("cmake_target_name", "$5")
CODE
  quietly "$conan" create "$work/system-$1"
}
system eigen 3.4.0 /usr/include/eigen3 Eigen3 Eigen3::Eigen ""
system zlib 1.2.13 /usr/include ZLIB ZLIB::ZLIB z
system nlohmann_json 3.11.2 /usr/include/nlohmann/.. nlohmann_json nlohmann_json::nlohmann_json ""
system stb cci.20230920 /usr/include/stb stb stb::stb ""
system libpng 1.6.40 /usr/include/libpng16 PNG PNG::PNG "png z"
system libjpeg-turbo 3.0.2 /usr/include JPEG JPEG::JPEG jpeg
recipe=$clone/packaging/conan
quietly "$conan" create "$recipe" -s compiler.cppstd=20
grep -q 'one thread' "$work/log" || fail "Conan: expected the test program to run, got: $(cat "$work/log")"
quietly "$conan" create "$recipe" -s compiler.cppstd=20 -o 'fovea/*:with_eigen=True' -o 'fovea/*:with_images=True' \
  -o 'fovea/*:with_io=True' -o 'fovea/*:with_viz=True'
for component in eigen images io viz; do
  grep -q "RUN: ./uses_$component" "$work/log" || fail "Conan: expected uses_$component to run, got: $(cat "$work/log")"
done
"$conan" list "fovea/*" 2> /dev/null | grep -q "fovea/$version" || fail "Conan: expected fovea/$version in the cache"
! "$conan" create "$recipe" -s compiler.cppstd=17 > "$work/said" 2>&1 || fail "Conan: expected C++17 to be refused"
grep -qF "Current cppstd (17) is lower than the required C++ standard (20)" "$work/said" || fail "Conan, C++17: got $(cat "$work/said")"
[ $failures = 0 ] && echo "packaging: all is well"
