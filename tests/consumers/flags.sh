#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The instruction set that a user names is used: fovea::fast adds no -march=native where the flags of a target
# name another, in every way that CMake has to set a flag. Only configures; the compile commands say the rest.
#
#   FOVEA_COMPILERS=g++ tests/consumers/flags.sh
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
[ "$(uname -m)" = x86_64 ] || { echo "flags: skipped, the instruction sets here are those of x86-64"; exit 77; }

# target NAME EXPECTED CODE: a target in a directory of its own. CODE links fovea::fast to ${name}.
project=$work/flags
mkdir -p "$project"
printf '#include <fovea/version.hpp>\nint main() {}\n' > "$project/main.cpp"
target() {
  mkdir "$project/$1"
  printf 'set(name %s)\n%s\n' "$1" "$3" > "$project/$1/CMakeLists.txt"
  echo "add_subdirectory($1)" >> "$project/targets.cmake"
  echo "$1 $2" >> "$work/expected"
}
made='use_fovea()
add_executable(${name} ../main.cpp)'
linked="$made"'
target_link_libraries(${name} PRIVATE fovea::fast)'

target by_default                native  "$linked"
target options_before            x86-64  "add_compile_options(-march=x86-64)
$linked"
target options_after_fovea       x86-64  "use_fovea()
add_compile_options(-march=x86-64)
$linked"
target options_of_the_target     x86-64  "$linked"'
target_compile_options(${name} PRIVATE -march=x86-64)'
target options_with_an_expression x86-64 "$linked"'
target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-march=x86-64>)'
target options_for_the_shell     x86-64  "$linked"'
target_compile_options(${name} PRIVATE "SHELL:-Wall -march=x86-64")'
target compile_flags             x86-64  "$linked"'
set_target_properties(${name} PROPERTIES COMPILE_FLAGS -march=x86-64)'
target cxx_flags                 x86-64  "$linked"'
set(CMAKE_CXX_FLAGS "-march=x86-64")'
target cxx_flags_release         x86-64  "$linked"'
string(APPEND CMAKE_CXX_FLAGS_RELEASE " -march=x86-64")'
target cxx_flags_debug           native  "$linked"'
string(APPEND CMAKE_CXX_FLAGS_DEBUG " -march=x86-64")'
target linked_before             x86-64  "$made"'
add_library(own_options INTERFACE)
target_compile_options(own_options INTERFACE -march=x86-64)
target_link_libraries(${name} PRIVATE own_options fovea::fast)'
target linked_library_has_its_own native "$linked"'
add_library(other STATIC ../main.cpp)
target_compile_options(other PRIVATE -march=x86-64)
target_link_libraries(${name} PRIVATE other)'
target through_a_library         x86-64  "$made"'
add_library(between INTERFACE)
target_link_libraries(between INTERFACE fovea::fast)
target_link_libraries(${name} PRIVATE between)
target_compile_options(${name} PRIVATE -march=x86-64)'
target of_the_source             x86-64  "$linked"'
set_source_files_properties(../main.cpp PROPERTIES COMPILE_OPTIONS -march=x86-64)'
target arch_none                 -       "$linked"'
set(FOVEA_ARCH none)'
target arch_named                x86-64-v2 "$linked"'
set(FOVEA_ARCH x86-64-v2)'
target arch_named_and_a_flag     x86-64-v2 "$linked"'
set(FOVEA_ARCH x86-64-v2)
target_compile_options(${name} PRIVATE -march=x86-64)'
target only_mavx2                -       "$linked"'
target_compile_options(${name} PRIVATE -mavx2)'
target only_mno_avx              -       "$linked"'
target_compile_options(${name} PRIVATE -mno-avx512f)'
target only_mtune                native  "$linked"'
target_compile_options(${name} PRIVATE -mtune=generic -m64 -mcmodel=small)'
target without_fast              -       "$made"'
target_link_libraries(${name} PRIVATE fovea::fovea)'

cat > "$project/CMakeLists.txt" << 'CODE'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES CXX)
if(FOVEA)
  add_subdirectory("${FOVEA}" fovea)
endif()
macro(use_fovea)
  if(NOT FOVEA)
    find_package(fovea 0.1 REQUIRED)
  endif()
endmacro()
if(ALL)
  include(targets.cmake)
else()
  add_subdirectory(by_default)
endif()
CODE

# configured OPTION...: what CMake makes of the project, in $work/consumer.
configured() {
  rm -rf "$work/consumer"
  "${CMAKE:-cmake}" -S "$project" -B "$work/consumer" -DCMAKE_CXX_COMPILER="${CXX_IS:-${compilers[0]}}" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@" > "$work/said" 2>&1
}
# command_of TARGET [CONFIG]: its compile command.
command_of() {
  grep '"command"' "$work/consumer/compile_commands.json" | grep -F "/$1.dir/${2:+$2/}" | head -1
}
# gets EXPECTED TARGET [CONFIG]: the last -march of the command is the expected one, or there is none.
gets() {
  local command march
  command=$(command_of "${@:2}")
  march=$(grep -oE -e ' -march=[^ ]+' <<< "$command" | tail -1 | cut -d= -f2 || true)
  [ -n "$command" ] || { fail "${*:2}: expected a compile command, found none"; return 0; }
  [ "${march:--}" = "$1" ] || fail "$what: ${*:2}: expected -march=$1, got: $command"
}

installed=-DCMAKE_PREFIX_PATH=$work/installed
for from in "$installed" "-DFOVEA=$work/clone"; do
  what=$from
  configured "$from" -DALL=ON || fail "$from: expected to configure, got: $(cat "$work/said")"
  while read -r name expected; do gets "$expected" "$name"; done < "$work/expected"
done

# once EXPECTED OPTION...: the same target, with what a user sets from outside.
once() {
  what=${*:2}
  configured "$installed" "${@:2}" || { fail "${*:2}: expected to configure, got: $(cat "$work/said")"; return 0; }
  gets "$1" by_default
}
once x86-64 -DCMAKE_CXX_FLAGS=-march=x86-64
CXXFLAGS=-march=x86-64-v2 once x86-64-v2
once x86-64 "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -march=x86-64"
CXX_IS="${compilers[0]};-march=x86-64" once x86-64
once - -DFOVEA_ARCH=none
once x86-64-v3 -DFOVEA_ARCH=x86-64-v3
once - -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=riscv64
printf 'set(CMAKE_CXX_FLAGS_INIT "-march=x86-64")\n' > "$work/toolchain.cmake"
once x86-64 -DCMAKE_TOOLCHAIN_FILE="$work/toolchain.cmake"

! configured "$installed" -DFOVEA_ARCH=pentium99 || fail "pentium99: expected to be refused"
tr -s ' \n' ' ' < "$work/said" | grep -qF "expected native, none or what the compiler takes after -march=, found pentium99" ||
  fail "pentium99: expected to be named, got: $(cat "$work/said")"

# This project's own programs.
own() {
  what="own ${*:2}"
  rm -rf "$work/consumer"
  quietly cmake -S "$work/clone" -B "$work/consumer" -DCMAKE_CXX_COMPILER="${compilers[0]}" -DFOVEA_BUILD_TESTS=OFF \
    -DFOVEA_BUILD_BENCHMARKS=OFF -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "${@:2}"
  gets "$1" 01_tensors
}
own native
own x86-64 -DCMAKE_CXX_FLAGS=-march=x86-64
own - -DFOVEA_ARCH=none

# One configuration of several names one.
if command -v ninja > /dev/null; then
  what="Ninja Multi-Config"
  configured "$installed" -G "Ninja Multi-Config" "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -march=x86-64" ||
    fail "$what: expected to configure, got: $(cat "$work/said")"
  gets x86-64 by_default Release
  gets native by_default Debug
fi

[ $failures = 0 ] && echo "flags: all is well"
