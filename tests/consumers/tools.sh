#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A project with two components, installed and as a clone, under every CMake and generator that is here, and
# with the tools and switches that a project sets for all of its targets. Too long for each change: scripts/full.sh.
#
#   FOVEA_CMAKES="cmake /usr/bin/cmake" FOVEA_COMPILERS=g++ tests/consumers/tools.sh
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
failures=0 count=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
read -r -a cmakes <<< "${FOVEA_CMAKES:-$(type -ap cmake | xargs -n 1 realpath | sort -u | tr '\n' ' ')}"

# builds WHAT CMAKE OPTION...: configures without a warning, builds, and runs the programs.
builds() {
  what=$1
  local cmake=$2 program
  for from in "-DCMAKE_PREFIX_PATH=$work/installed" "-DFOVEA=$work/clone"; do
    rm -rf "$work/consumer"
    "$cmake" -S "$here/components" -B "$work/consumer" -DCMAKE_CXX_COMPILER="${compilers[0]}" -DCOMPONENTS="eigen;io;viz" -DVERSION=0.1 \
      "$from" --no-warn-unused-cli --warn-uninitialized -Werror=dev "${@:3}" > "$work/said" 2>&1 &&
      "$cmake" --build "$work/consumer" --config Debug >> "$work/said" 2>&1 ||
      { fail "$what, $from: $(tail -30 "$work/said")"; continue; }
    ! grep -A3 -E 'CMake (Deprecation )?Warning' "$work/said" || fail "$what, $from: warns as above"
    for program in "program OFF" uses_eigen uses_io uses_viz; do
      program=$(find "$work/consumer" -name "${program% *}" -type f -perm -u+x)${program#"${program% *}"}
      # shellcheck disable=SC2086
      eval "$program" > /dev/null || fail "$what, $from: $program: wrong answer"
    done
  done
  count=$((count + 1))
  echo "$what"
}

for cmake in "${cmakes[@]}"; do
  version=$("$cmake" --version | sed -n 's/cmake version //p')
  rm -rf "$work/own" "$work/installed"
  quietly "$cmake" -S "$work/clone" -B "$work/own" -DCMAKE_CXX_COMPILER="${compilers[0]}" -DFOVEA_BUILD_TESTS=OFF \
    -DFOVEA_BUILD_EXAMPLES=OFF -DFOVEA_BUILD_BENCHMARKS=OFF
  quietly "$cmake" --install "$work/own" --prefix "$work/installed"
  for generator in "Unix Makefiles" Ninja "Ninja Multi-Config"; do
    case $generator in Ninja*) command -v ninja > /dev/null || continue ;; esac
    builds "CMake $version, $generator" "$cmake" -G "$generator"
  done
done

# has TOOL: whether it is here; else its row is left out, in words.
has() { command -v "$1" > /dev/null || { echo "left out, for want of $1: ${*:2}"; return 1; }; }
! has clang-tidy-14 "clang-tidy" || builds "clang-tidy" cmake \
  "-DCMAKE_CXX_CLANG_TIDY=clang-tidy-14;-checks=-*,bugprone-*,-bugprone-exception-escape,performance-*;-warnings-as-errors=*"
! has cppcheck "cppcheck" || builds "cppcheck" cmake "-DCMAKE_CXX_CPPCHECK=cppcheck;--enable=warning;--inline-suppr"
! has ldd "what is linked" || builds "CMAKE_LINK_WHAT_YOU_USE" cmake -DCMAKE_LINK_WHAT_YOU_USE=ON
if "${compilers[0]}" --version | grep -q -i 'g++\|gcc'; then builds "-fanalyzer" cmake -DCMAKE_CXX_FLAGS=-fanalyzer; fi
builds "warnings as errors" cmake -DCMAKE_COMPILE_WARNING_AS_ERROR=ON "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wshadow -Wconversion"
builds "CMAKE_UNITY_BUILD" cmake -DCMAKE_UNITY_BUILD=ON
builds "CMAKE_EXPORT_COMPILE_COMMANDS" cmake -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
builds "hidden symbols, position-independent, no extensions, C++23" cmake -DCMAKE_CXX_VISIBILITY_PRESET=hidden \
  -DCMAKE_VISIBILITY_INLINES_HIDDEN=ON -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_CXX_EXTENSIONS=OFF \
  -DCMAKE_CXX_STANDARD=23 -DBUILD_SHARED_LIBS=ON
builds "link-time optimisation" cmake -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
builds "PREFER_CONFIG, global targets" cmake -DCMAKE_FIND_PACKAGE_PREFER_CONFIG=ON -DCMAKE_FIND_PACKAGE_TARGETS_GLOBAL=ON

[ $failures = 0 ] && echo "tools: $count ways to build, all is well"
