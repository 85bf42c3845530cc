#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Projects of other shapes: two libraries that each bring fovea, languages enabled late or not at all, C sources
# beside C++, other standards, no exceptions and no RTTI.
#
#   FOVEA_COMPILERS=g++ tests/consumers/projects.sh
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
installed=-DCMAKE_PREFIX_PATH=$work/installed

# configured CODE OPTION...: what CMake makes of a project with this code; warnings for developers are errors.
project=$work/project
mkdir "$project"
printf '#include <fovea/version.hpp>\nint main() {}\n' > "$project/main.cpp"
echo 'int f(void) { return 0; }' > "$project/f.c"
configured() {
  printf 'cmake_minimum_required(VERSION 3.20)\n%s\n' "$1" > "$project/CMakeLists.txt"
  rm -rf "$work/consumer"
  CXX=${compilers[0]} cmake -S "$project" -B "$work/consumer" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    -DCMAKE_BUILD_TYPE=Release --warn-uninitialized -Werror=dev "${@:2}" > "$work/said" 2>&1
}
accepted() {
  what=$1
  configured "${@:2}" || fail "$what: expected to be accepted, got: $(cat "$work/said")"
  ! grep -A3 'Warning' "$work/said" || fail "$what: warns as above"
}
# command_has WORD FILE, command_lacks WORD FILE: whether the compile command of the file has the word.
command_has() { grep '"command"' "$work/consumer/compile_commands.json" | grep -F "$2" | grep -qF -e "$1"; }
has() { command_has "$@" || fail "$what: $2: expected $1, got: $(grep -F "$2" "$work/consumer/compile_commands.json")"; }
lacks() { ! command_has "$@" || fail "$what: $2: expected no $1, got: $(grep -F "$2" "$work/consumer/compile_commands.json")"; }

# Two parents with a copy each, a copy beside an installed one, and a copy of another version.
cp -r "$work/clone" "$work/copy"
accepted "two parents" 'project(consumer LANGUAGES CXX)
add_subdirectory(${A} a)
add_subdirectory(${B} b)
add_executable(main main.cpp)
target_link_libraries(main PRIVATE fovea::fast fovea::viz)' -DA="$work/clone" -DB="$work/copy"
has "$work/clone/include" main.cpp
lacks "$work/copy/include" main.cpp
accepted "FetchContent, twice and as a package" 'project(consumer LANGUAGES CXX)
include(FetchContent)
FetchContent_Declare(fovea SOURCE_DIR ${A})
FetchContent_MakeAvailable(fovea)
FetchContent_MakeAvailable(fovea)
find_package(fovea 0.1 REQUIRED COMPONENTS viz)
add_executable(main main.cpp)
target_link_libraries(main PRIVATE fovea::fast fovea::viz)' -DA="$work/clone" "$installed"
has "$work/clone/include" main.cpp
accepted "a package, then a copy" 'project(consumer LANGUAGES CXX)
find_package(fovea 0.1 REQUIRED)
find_package(fovea 0.1 REQUIRED COMPONENTS viz)
add_subdirectory(${A} a)
add_executable(main main.cpp)
target_link_libraries(main PRIVATE fovea::fast fovea::viz)' -DA="$work/clone" "$installed"
has "$work/installed/include" main.cpp
sed -i 's/FOVEA_VERSION_MINOR .*/FOVEA_VERSION_MINOR 2/' "$work/copy/include/fovea/version.hpp"
what="two versions"
! configured 'project(consumer LANGUAGES CXX)
add_subdirectory(${A} a)
add_subdirectory(${B} b)' -DA="$work/clone" -DB="$work/copy" || fail "$what: expected to be refused"
tr -s ' \n' ' ' < "$work/said" | grep -qF "expected version 0.2.0 in all of the project, found a fovea::fovea of version 0.1.0" ||
  fail "$what: expected to be told which, got: $(cat "$work/said")"

# Policies of an older CMake; libraries and fovea itself by FetchContent, in the place of find_package.
accepted "old policies" 'cmake_minimum_required(VERSION 3.10)
project(consumer LANGUAGES CXX)
find_package(fovea 0.1 REQUIRED COMPONENTS eigen)
add_executable(main main.cpp)
target_link_libraries(main PRIVATE fovea::fast fovea::eigen)' "$installed"
has -march=native main.cpp
mkdir "$work/zlib"
cat > "$work/zlib/CMakeLists.txt" << 'CODE'
add_library(own_zlib INTERFACE)
target_compile_definitions(own_zlib INTERFACE OWN_ZLIB)
add_library(ZLIB::ZLIB ALIAS own_zlib)
CODE
if [ "$(printf '3.24\n%s\n' "$(cmake --version | sed -n 's/cmake version //p')" | sort -V | head -1)" = 3.24 ]; then
  accepted "OVERRIDE_FIND_PACKAGE" 'project(consumer LANGUAGES CXX)
include(FetchContent)
FetchContent_Declare(ZLIB SOURCE_DIR ${ZLIB_OF_MINE} OVERRIDE_FIND_PACKAGE)
FetchContent_Declare(fovea SOURCE_DIR ${A} OVERRIDE_FIND_PACKAGE)
find_package(fovea 0.1 REQUIRED COMPONENTS io)
add_executable(main main.cpp)
target_link_libraries(main PRIVATE fovea::fast fovea::io)' -DZLIB_OF_MINE="$work/zlib" -DA="$work/clone"
  has -DOWN_ZLIB main.cpp
  has "$work/clone/include" main.cpp
fi

# A project that exports a library with fovea in its interface.
accepted "exported again" 'project(consumer LANGUAGES CXX)
add_subdirectory(${A} a)
add_library(mine STATIC main.cpp)
target_link_libraries(mine PUBLIC fovea::fast)
install(TARGETS mine EXPORT mine)
install(EXPORT mine DESTINATION share/mine)' -DA="$work/clone" -DFOVEA_INSTALL=ON

# Languages.
linked='find_package(fovea 0.1 REQUIRED)
enable_language(CXX)
add_executable(main main.cpp)
target_link_libraries(main PRIVATE fovea::fast)'
for languages in NONE C CXX "C CXX"; do
  accepted "LANGUAGES $languages" "project(consumer LANGUAGES $languages)
$linked" "$installed"
  has -march=native main.cpp
  has -fopenmp main.cpp
done
accepted "C++ enabled late, flags of its own" "project(consumer LANGUAGES C)
set(CMAKE_CXX_FLAGS -march=x86-64)
$linked" "$installed"
lacks -march=native main.cpp
accepted "C alone" 'project(consumer LANGUAGES C)
find_package(fovea 0.1 REQUIRED)
add_executable(main f.c)' "$installed"
accepted "C beside C++" 'project(consumer LANGUAGES C CXX)
find_package(fovea 0.1 REQUIRED)
add_executable(main main.cpp f.c)
target_link_libraries(main PRIVATE fovea::fast)' "$installed"
has -march=native main.cpp
lacks -march=native f.c
lacks -fno-math-errno f.c
accepted "C with a copy" 'project(consumer LANGUAGES C)
add_subdirectory(${A} a)
add_executable(main f.c)' -DA="$work/clone"

# Standards: what is below 20 becomes 20, or is refused in words where CMake does not choose.
for standard in 17 20 23; do
  accepted "CMAKE_CXX_STANDARD $standard" "project(consumer LANGUAGES CXX)
$linked" "$installed" -DCMAKE_CXX_STANDARD=$standard -DCMAKE_CXX_STANDARD_REQUIRED=ON -DCMAKE_CXX_EXTENSIONS=OFF
  case $standard in 17) ;; *) has "-std=c++2" main.cpp ;; esac
  lacks -std=c++17 main.cpp
done
compiles() { "${compilers[0]}" -fsyntax-only -I "$work/installed/include" "$@" -include fovea/fovea.hpp "$here/program.cpp" > "$work/said" 2>&1; }
for standard in c++17 gnu++17 c++14; do
  ! compiles -std=$standard || fail "-std=$standard: expected an error"
  grep -m1 'error' "$work/said" | grep -qF 'fovea needs C++20: compile with -std=c++20' ||
    fail "-std=$standard: expected the first error to say why, got: $(grep -m1 error "$work/said")"
done
! compiles -std=c++20 -fno-exceptions || fail "-fno-exceptions: expected an error"
grep -m1 'error' "$work/said" | grep -qF 'fovea needs exceptions' || fail "-fno-exceptions: $(grep -m1 error "$work/said")"
compiles -std=c++2b -Wall -Wextra -Werror || fail "-std=c++2b: $(cat "$work/said")"
compiles -std=c++20 -fno-rtti -Wall -Wextra -Werror || fail "-fno-rtti: $(cat "$work/said")"

[ $failures = 0 ] && echo "projects: all is well"
