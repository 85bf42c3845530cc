#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Includes the library in every way an external consumer would, and runs what comes of it: seven rows (find_package
# twice, the second time after the installation was moved), two compilers, with and without OpenMP.
# Prints a table and writes nothing into the source tree; status 1 if a cell is red.
#
#   FOVEA_COMPILERS="g++ clang++-14" tests/consumers/run.sh
. "$(dirname "$(realpath "$0")")/external_consumer.sh"

# Each way builds ./program in the current directory with $compiler; $openmp is ON or OFF.
with_cmake() {  # with_cmake PROJECT OPTION...
  cmake -S "$here/$1" -B . -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 \
    -DFAST="$openmp" "${@:2}" && cmake --build .
}
flags() { [ "$openmp" = OFF ] && echo -O1 || echo -O1 -march=native -fno-math-errno -fopenmp; }

find_package() { with_cmake find_package -DCMAKE_PREFIX_PATH="$work/installed"; }
find_package_moved() { with_cmake find_package -DCMAKE_PREFIX_PATH="$work/moved here"; }
add_subdirectory() { with_cmake add_subdirectory -DFOVEA="$work/clone"; }
fetch_content() { with_cmake fetch_content -DFOVEA_URL="file://$work/clone"; }
pkg_config() {
  PKG_CONFIG_PATH=$work/installed/share/pkgconfig \
    make -f "$here/pkg_config/Makefile" CXX="$compiler" CXXFLAGS="$(flags)"
}
plain() { FOVEA=$work/clone CXX=$compiler CXXFLAGS=$(flags) "$here/plain/build.sh"; }
single_header() { SINGLE_HEADER=$work/single CXX=$compiler CXXFLAGS=$(flags) "$here/single_header/build.sh"; }

printf '%-20s' way
for compiler in "${compilers[@]}"; do printf '%-32s%-32s' "$compiler, OpenMP" "$compiler, without"; done
printf '\n'
: > "$work/failures"
for way in find_package find_package_moved add_subdirectory fetch_content pkg_config plain single_header; do
  printf '%-20s' $way
  for compiler in "${compilers[@]}"; do
    for openmp in ON OFF; do
      cell=$work/$way-${compiler##*/}-$openmp
      mkdir "$cell"
      if (cd "$cell" && $way > log 2>&1 && ./program $openmp > said 2>> log); then
        printf '%-32s' "$(cat "$cell/said")"
      else
        printf '%-32s' RED
        { echo "--- $way, $compiler, OpenMP $openmp"; tail -n 20 "$cell"/{log,said} 2>&1 || true; } >> "$work/failures"
      fi
    done
  done
  printf '\n'
done
cat "$work/failures" >&2
[ ! -s "$work/failures" ]
