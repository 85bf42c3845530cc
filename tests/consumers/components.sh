#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A project that asks for no component needs neither Eigen nor zlib, JSON, stb, libpng or libjpeg; a component
# that cannot be had is refused with the name of the Debian package; a library may be a package of the system or
# a target of the parent project. Also: no flag is forced on anyone, and no installed file knows an absolute path.
#
#   FOVEA_COMPILERS=g++ tests/consumers/components.sh
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

installed=(-DCMAKE_PREFIX_PATH="$work/installed")
stb=$(cd "$work/build" && sed -n 's/^FOVEA_STB_INCLUDE_DIR:PATH=//p' CMakeCache.txt)
# hide PACKAGE...: the options that hide these packages of the system from CMake.
hide() {
  hidden=()
  for package in "$@"; do
    if [ "$package" = stb ]; then hidden+=("-DCMAKE_IGNORE_PATH=$stb"); else
      hidden+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON"); fi
  done
}

# configured WORDS OPTION...: whether CMake configures the project; its output, in one line, has the words.
# fovea::fast is not tried here, and without what it looks for CMake is twice as fast.
configured() {
  local words=$1 status=0
  rm -rf "$work/consumer"
  cmake -S "$here/components" -B "$work/consumer" -DCMAKE_CXX_COMPILER="${compilers[0]}" "${@:2}" \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON -DFOVEA_ARCH=none > "$work/said" 2>&1 || status=1
  tr -s ' \n' ' ' < "$work/said" | grep -qF -e "$words" || fail "${*:2}: expected '$words', got: $(cat "$work/said")"
  return $status
}
accepted() { configured "Configuring done" "$@" || fail "$*: expected to be accepted, got: $(cat "$work/said")"; }
refused() { ! configured "$@" || fail "${*:2}: expected to be refused"; }
# compiled_with WORD FILE: the compile command of the file has the word.
compiled_with() {
  grep '"command"' "$work/consumer/compile_commands.json" | grep -F "$2" | grep -qF -e "$1" ||
    fail "$2: expected to be compiled with $1, got: $(grep -F "$2" "$work/consumer/compile_commands.json")"
}

# All components, as they should be: installed, from the build directory, and from the clone.
for from in "${installed[0]}" "-Dfovea_ROOT=$work/build" "-DFOVEA=$work/clone"; do
  accepted "$from" -DCOMPONENTS="eigen;images;io;viz"
  case $from in *=$work/build) continue ;; esac
  quietly cmake --build "$work/consumer" --target uses_eigen uses_images uses_io uses_viz
  for component in eigen images io viz; do "$work/consumer/uses_$component" || fail "uses_$component: wrong answer"; done
done

# MPI is asked for in a clone, and by name in what is installed.
hide MPI
refused "fovea::mpi needs MPI (Debian: libopenmpi-dev and openmpi-bin)." "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="mpi"
refused "FOVEA_MPI needs MPI (Debian: libopenmpi-dev and openmpi-bin)" -DFOVEA="$work/clone" "${hidden[@]}" -DFOVEA_MPI=ON
if command -v mpicxx > /dev/null; then
  for from in "${installed[0]}" "-DFOVEA=$work/clone"; do
    accepted "$from" -DCOMPONENTS="mpi" -DFOVEA_MPI=ON
    quietly cmake --build "$work/consumer" --target uses_mpi
    "$work/consumer/uses_mpi" || fail "uses_mpi: wrong answer"
  done
fi

# None: nothing is looked for, and a machine that has none of it will do, for the installed one and the clone.
hide Eigen3 ZLIB nlohmann_json stb PNG JPEG
accepted "${installed[@]}"
! grep -E '^(Eigen|ZLIB|PNG|JPEG|nlohmann|FOVEA_STB)' "$work/consumer/CMakeCache.txt" || fail "expected nothing in the cache, found the above"
accepted "${installed[@]}" "${hidden[@]}"
accepted -DFOVEA="$work/clone" "${hidden[@]}"
quietly cmake --build "$work/consumer" --target program
"$work/consumer/program" OFF > /dev/null || fail "program: wrong answer"

# One that cannot be had, by one library or by all; one that does not exist.
refused "fovea::io needs ZLIB (Debian: zlib1g-dev) and nlohmann_json (Debian: nlohmann-json3-dev)." \
  "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="io"
refused "fovea::eigen needs Eigen3 (Debian: libeigen3-dev). fovea::viz needs stb (Debian: libstb-dev)." \
  "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="eigen;viz"
configured "no fovea::io, for want of ZLIB (Debian: zlib1g-dev) and nlohmann_json (Debian: nlohmann-json3-dev)" \
  -DFOVEA="$work/clone" "${hidden[@]}"
refused "fovea::images needs PNG (Debian: libpng-dev) and JPEG (Debian: libjpeg-dev) and ZLIB (Debian: zlib1g-dev)." \
  "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="images"
configured "no fovea::images, for want of PNG (Debian: libpng-dev) and JPEG (Debian: libjpeg-dev) and ZLIB (Debian: zlib1g-dev)" \
  -DFOVEA="$work/clone" "${hidden[@]}"
hide JPEG
refused "fovea::images needs JPEG (Debian: libjpeg-dev). " "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="images"
accepted "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="eigen;io;viz"
hide ZLIB
refused "fovea::io needs ZLIB (Debian: zlib1g-dev). " "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="io"
hide nlohmann_json
refused "fovea::io needs nlohmann_json (Debian: nlohmann-json3-dev). " "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="io"
accepted "${installed[@]}" "${hidden[@]}" -DCOMPONENTS="eigen;viz"
refused "fovea::tail needs to be one of the components eigen, images, io, mpi, viz" "${installed[@]}" -DCOMPONENTS="tail"

# Versions: 0.x promises nothing to 0.y. One project asks for one after the other.
mkdir "$work/versions"
cat > "$work/versions/CMakeLists.txt" << 'CODE'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES NONE)
foreach(version ${VERSIONS})
  unset(fovea_DIR CACHE)
  find_package(fovea ${version} QUIET)
  message(STATUS "${version} is found: ${fovea_FOUND}")
endforeach()
CODE
quietly cmake -S "$work/versions" -B "$work/versions" "${installed[@]}" \
  -DVERSIONS="0.1;0.1.0;0.1...0.1.9;99;1;0;0.0;0.0.9;0.2;0.1.1;1.1"
diff <(sed -n 's/^-- \(.*\) is found: 1$/\1/p' "$work/log" | tr '\n' ' ') <(printf '0.1 0.1.0 0.1...0.1.9 ') ||
  fail "expected the versions on the right to be found, found those on the left"
[ "$(grep -c 'is found: 0' "$work/log")" = 8 ] || fail "expected 8 versions to be refused, got: $(cat "$work/log")"

# Eigen: 5, whose version file says no to 3.4; one too old; a Find module of the parent that makes no target.
eigen() {  # eigen VERSION: a package of that version, which defines EIGEN_<major>
  mkdir -p "$work/eigen$1"
  cat > "$work/eigen$1/Eigen3Config.cmake" << CODE
add_library(Eigen3::Eigen INTERFACE IMPORTED)
target_include_directories(Eigen3::Eigen INTERFACE /usr/include/eigen3)
target_compile_definitions(Eigen3::Eigen INTERFACE EIGEN_${1%%.*})
CODE
  printf 'include(CMakePackageConfigHelpers)\nwrite_basic_package_version_file(%s/Eigen3ConfigVersion.cmake VERSION %s
  COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)\n' "$work/eigen$1" "$1" > "$work/version.cmake"
  quietly cmake -P "$work/version.cmake"
}
eigen 5.0.1
eigen 3.3.9
mkdir "$work/modules"
echo 'set(Eigen3_FOUND TRUE)' > "$work/modules/FindEigen3.cmake"
for from in "${installed[0]}" "-DFOVEA=$work/clone"; do
  accepted "$from" -DCOMPONENTS=eigen -DEigen3_DIR="$work/eigen5.0.1"
  compiled_with -DEIGEN_5 uses_eigen.cpp
  quietly cmake --build "$work/consumer" --target uses_eigen
  "$work/consumer/uses_eigen" || fail "uses_eigen: wrong answer with Eigen 5"
  accepted "$from" -DCOMPONENTS=eigen -DCMAKE_MODULE_PATH="$work/modules"
done
refused "fovea::eigen needs Eigen3 3.4 or newer, found 3.3.9 (Debian: libeigen3-dev)." "${installed[@]}" -DCOMPONENTS=eigen \
  -DEigen3_DIR="$work/eigen3.3.9"
accepted "${installed[@]}" -DCOMPONENTS="eigen;images;io;viz" -DCMAKE_FIND_PACKAGE_PREFER_CONFIG=ON

# Each library as a target of the parent, while the system has none: taken as it is, imported or built.
every=(Eigen3::Eigen ZLIB::ZLIB nlohmann_json::nlohmann_json stb::stb CLI11::CLI11 PNG::PNG JPEG::JPEG doctest::doctest
  benchmark::benchmark OpenMP::OpenMP_CXX)
for target in "${every[@]}"; do
  printf 'add_library(own_%s INTERFACE)\nadd_library(%s ALIAS own_%s)
target_compile_definitions(own_%s INTERFACE OWN_%s)\n' "${target##*:}" "$target" "${target##*:}" "${target##*:}" "${target##*:}"
done > "$work/built.cmake"
for target in "${every[@]}"; do
  printf 'add_library(%s INTERFACE IMPORTED)
target_compile_definitions(%s INTERFACE OWN_%s)\n' "$target" "$target" "${target##*:}"
done > "$work/imported.cmake"
hide "${every[@]%%::*}"
for first in built imported; do
  accepted "${installed[@]}" "${hidden[@]}" -DFIRST="$work/$first.cmake" -DCOMPONENTS="eigen;images;io;viz"
  compiled_with -DOWN_Eigen uses_eigen.cpp
  compiled_with -DOWN_nlohmann_json uses_io.cpp
  compiled_with -DOWN_ZLIB uses_io.cpp
  compiled_with -DOWN_stb uses_viz.cpp
  compiled_with -DOWN_PNG uses_images.cpp
  compiled_with -DOWN_JPEG uses_images.cpp
done
accepted -DFOVEA="$work/clone" "${hidden[@]}" -DFIRST="$work/built.cmake" -DCOMPONENTS="eigen;images;io;viz" -DFOVEA_BUILD_TESTS=ON \
  -DFOVEA_BUILD_EXAMPLES=ON -DFOVEA_BUILD_BENCHMARKS=ON
! grep 'for want of' "$work/said" || fail "expected all targets of the parent to be taken, found the above"
compiled_with -DOWN_Eigen uses_eigen.cpp
compiled_with -DOWN_ZLIB uses_io.cpp
compiled_with -DOWN_stb uses_viz.cpp
compiled_with -DOWN_nlohmann_json mnist/mnist_train.cpp
compiled_with -DOWN_CLI11 options.cpp
compiled_with -DOWN_PNG mnist/read_picture.cpp
compiled_with -DOWN_JPEG mnist/read_picture.cpp
compiled_with -DOWN_benchmark bench_kernels.cpp
compiled_with -DOWN_OpenMP_CXX 01_tensors.cpp
grep -q 'OWN_doctest' "$work/consumer/fovea/tests/CMakeFiles/fovea_tests.dir/flags.make" || fail "fovea_tests: no OWN_doctest"

# Each of them absent: what is left out says so, with the name of the Debian package, and the rest is there.
left_out() {  # left_out "PACKAGE..." WORDS...
  read -r -a packages <<< "$1"
  hide "${packages[@]}"
  rm -rf "$work/own"
  quietly cmake -S "$work/clone" -B "$work/own" -DCMAKE_CXX_COMPILER="${compilers[0]}" "${hidden[@]}"
  for words in "${@:2}"; do
    grep -qF -e "$words" "$work/log" || fail "without $1: expected '$words', got: $(cat "$work/log")"
  done
}
left_out "Eigen3 PNG benchmark OpenMP" "no fovea::eigen, for want of Eigen3 (Debian: libeigen3-dev)" \
  "the tests are left out, for want of Eigen3 (Debian: libeigen3-dev)" \
  "no fovea::images, for want of PNG (Debian: libpng-dev)" "mnist_predict is left out, for want of PNG (Debian: libpng-dev)" \
  "the benchmarks are left out, for want of benchmark (Debian: libbenchmark-dev)" \
  "fovea::fast runs on one thread, for want of OpenMP (Debian: part of g++, libomp-dev for clang)"
left_out "doctest JPEG" "the tests are left out, for want of doctest (Debian: doctest-dev)" \
  "no fovea::images, for want of JPEG (Debian: libjpeg-dev)" "mnist_predict is left out, for want of JPEG (Debian: libjpeg-dev)"
left_out "CLI11 nlohmann_json" "no fovea::io, for want of nlohmann_json (Debian: nlohmann-json3-dev)" \
  "the benchmarks are left out, for want of CLI11 (Debian: libcli11-dev)" \
  "mnist_train and mnist_explain are left out, for want of CLI11 (Debian: libcli11-dev) and nlohmann_json (Debian: nlohmann-json3-dev)"

# fovea.hpp includes nothing but the standard library (and omp.h).
"${compilers[0]}" -std=c++20 -fopenmp -M -include fovea/fovea.hpp -x c++ /dev/null -I "$work/installed/include" \
  -I /usr/include/eigen3 > "$work/dependencies"
grep -q 'fovea/nn/conv2d.hpp' "$work/dependencies" || fail "fovea.hpp: expected to include conv2d.hpp"
! grep -iE 'eigen|zlib|zconf|nlohmann|stb_|png|jpeg|fovea/(images|io|viz)/' "$work/dependencies" || fail "fovea.hpp includes the above"

# The header says what it needs, too.
echo '#include <fovea/core/eigen.hpp>' > "$work/eigen.cpp"
! "${compilers[0]}" -std=c++20 -fsyntax-only -I "$work/installed/include" "$work/eigen.cpp" 2> "$work/said" ||
  fail "eigen.hpp: expected an error without Eigen"
grep -q 'needs Eigen 3.4 or newer' "$work/said" || fail "eigen.hpp: expected to name Eigen, got: $(cat "$work/said")"

! grep -rIl -e "$work" -e "$root" "$work/installed" || fail "absolute paths in the installed files above"

[ $failures = 0 ] && echo "components: all is well"
