#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# cmake --install into every kind of place: CMake and pkg-config find the headers from there, and the paths
# they say are those of the files. Compiles nothing but an #include.
#
#   FOVEA_COMPILERS=g++ tests/consumers/install.sh
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

include='#include <fovea/version.hpp>
#if !defined(FOVEA_VERSION_MAJOR)
#error
#endif
int main() {}'
mkdir "$work/project"
printf '%s\n' "$include" > "$work/project/main.cpp"
cat > "$work/project/CMakeLists.txt" << 'CODE'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES CXX)
find_package(fovea 0.1 REQUIRED)
get_target_property(directories fovea::fovea INTERFACE_INCLUDE_DIRECTORIES)
message(STATUS "headers in ${directories};")
CODE

# try_to_install WHAT OPTION... [-- INSTALL_OPTION...]: configures, and installs with DESTDIR=$stage.
stage=
try_to_install() {
  local configure=() install=() list=configure
  what=$1
  for option in "${@:2}"; do
    if [ "$option" = -- ]; then list=install; else eval "$list+=(\"\$option\")"; fi
  done
  rm -rf "$work/own"
  quietly cmake -S "$work/clone" -B "$work/own" -DCMAKE_CXX_COMPILER="${compilers[0]}" -DFOVEA_BUILD_TESTS=OFF \
    -DFOVEA_BUILD_EXAMPLES=OFF -DFOVEA_BUILD_BENCHMARKS=OFF -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON -DFOVEA_ARCH=none \
    "${configure[@]}"
  DESTDIR=$stage cmake --install "$work/own" "${install[@]}" > "$work/said" 2>&1
}
installs() { try_to_install "$@" || fail "$what: expected to install, got: $(cat "$work/said")"; }
# found HEADERS DATA: with the package in DATA, both CMake and pkg-config say that the headers are in HEADERS.
found() {
  local headers=$1 data=$2 says flags arguments
  [ -f "$headers/fovea/version.hpp" ] || { fail "$what: expected version.hpp in $headers, found none"; return 0; }
  rm -rf "$work/consumer"
  cmake -S "$work/project" -B "$work/consumer" -DCMAKE_CXX_COMPILER="${compilers[0]}" -Dfovea_DIR="$data/cmake/fovea" \
    -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON -DFOVEA_ARCH=none > "$work/said" 2>&1 ||
    fail "$what: expected to be found, got: $(cat "$work/said")"
  says=$(sed -n 's/^-- headers in \(.*\);$/\1/p' "$work/said")
  [ "$(realpath -m "$says")" = "$(realpath "$headers")" ] || fail "$what: expected headers in $headers, got $says"
  flags=$(PKG_CONFIG_LIBDIR=$data/pkgconfig pkg-config --print-errors --cflags 'fovea >= 0.1') || fail "$what: no fovea.pc"
  eval "arguments=($flags)"
  [ "$(realpath -m "${arguments[0]#-I}")" = "$(realpath "$headers")" ] && [ ${#arguments[@]} = 1 ] ||
    fail "$what: expected -I$headers, got $flags"
  "${compilers[0]}" -std=c++20 -fsyntax-only "${arguments[@]}" "$work/project/main.cpp" || fail "$what: $flags"
}

place=$work/a
installs "relative" -DCMAKE_INSTALL_PREFIX="$place"
found "$place/include" "$place/share"
mv "$place" "$work/a moved tree"
found "$work/a moved tree/include" "$work/a moved tree/share"
ln -s "a moved tree" "$work/link"
found "$work/link/include" "$work/link/share"

place="$work/with two spaces"
installs "spaces" -DCMAKE_INSTALL_PREFIX="$place"
found "$place/include" "$place/share"

place="$work/odd, more+@1%=x"
installs "odd letters" -DCMAKE_INSTALL_PREFIX=/usr -- --prefix "$place"
found "$place/include" "$place/share"

place=$work/b
installs "--prefix" -DCMAKE_INSTALL_PREFIX=/usr -- --prefix "$place"
found "$place/include" "$place/share"

place=$work/c
installs "deeper" -DCMAKE_INSTALL_PREFIX="$place" -DCMAKE_INSTALL_INCLUDEDIR=include/x86/fovea-0.1 \
  -DCMAKE_INSTALL_DATADIR=lib/x86_64-linux-gnu
found "$place/include/x86/fovea-0.1" "$place/lib/x86_64-linux-gnu"
place=$work/d
installs "with points" -DCMAKE_INSTALL_PREFIX="$place" -DCMAKE_INSTALL_INCLUDEDIR=./include/../headers/ \
  -DCMAKE_INSTALL_DATADIR=lib/../share/
found "$place/headers" "$place/share"

# Absolute directories, as Nix has them: each output somewhere else.
place=$work/e
dev=$work/dev
installs "absolute headers" -DCMAKE_INSTALL_PREFIX="$place" -DCMAKE_INSTALL_INCLUDEDIR="$dev/include"
found "$dev/include" "$place/share"
installs "absolute headers, --prefix" -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_INCLUDEDIR="$dev/include" -- --prefix "$work/f"
found "$dev/include" "$work/f/share"
place=$work/g
installs "absolute data" -DCMAKE_INSTALL_PREFIX="$place" -DCMAKE_INSTALL_DATADIR="$work/data"
found "$place/include" "$work/data"
place="$work/h h"
installs "both absolute" -DCMAKE_INSTALL_PREFIX="$place" -DCMAKE_INSTALL_INCLUDEDIR="$work/h dev/include" \
  -DCMAKE_INSTALL_DATADIR="$work/h data"
found "$work/h dev/include" "$work/h data"
installs "both absolute, --prefix" -DCMAKE_INSTALL_PREFIX="$place" -DCMAKE_INSTALL_INCLUDEDIR="$work/i dev" \
  -DCMAKE_INSTALL_DATADIR="$work/i data" -- --prefix "$work/i"
found "$work/i dev" "$work/i data"

# The one that CMake cannot do is refused, and nothing is written.
! try_to_install "absolute data, --prefix" -DCMAKE_INSTALL_PREFIX="$work/j" -DCMAKE_INSTALL_DATADIR="$work/j data" -- --prefix "$work/k" ||
  fail "$what: expected to be refused"
tr -s ' \n' ' ' < "$work/said" | grep -qF "expected the prefix of the configuration, $work/j, found $work/k" ||
  fail "$what: expected to be told why, got: $(cat "$work/said")"
[ ! -e "$work/k" ] && [ ! -e "$work/j data" ] || fail "$what: expected nothing to be written"

# DESTDIR: a staged tree is usable where it is, and says nothing of the stage.
stage="$work/stage"
installs "DESTDIR" -DCMAKE_INSTALL_PREFIX=/usr
found "$stage/usr/include" "$stage/usr/share"
! grep -rIl "$stage" "$stage" || fail "DESTDIR: the stage is in the files above"
stage="$work/stage two"
installs "DESTDIR, absolute" -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_INCLUDEDIR="$work/l/include" \
  -DCMAKE_INSTALL_DATADIR="$work/l/share"
mv "$stage$work/l" "$work/l"
found "$work/l/include" "$work/l/share"
! grep -rIl "$stage" "$work/l" || fail "DESTDIR, absolute: the stage is in the files above"
stage=

# The licence is there, and the list of installed files names every file.
place=$work/m
installs "list" -DCMAKE_INSTALL_PREFIX="$place"
[ -f "$place/share/doc/fovea/LICENSE" ] || fail "LICENSE: expected in share/doc/fovea"
diff <(find "$place" -type f | sort) <(sort "$work/own/install_manifest.txt") || fail "install_manifest.txt: see above"

[ $failures = 0 ] && echo "install: all is well"
