#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What including the headers does to a program: no macro of theirs without FOVEA_, no iostream in core,
# kernels and nn, no need of run-time type information.
#
#   CXX=g++ tests/house/test_headers.sh
set -euo pipefail
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
CXX=${CXX:-g++}
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
compile() { "$CXX" -std=c++20 -I "$root/include" -isystem /usr/include/eigen3 -isystem /usr/include/stb "$@"; }

# new_macros HEADER...: the macros that these headers of ours leave behind, beyond those of what they include of
# other people's.
new_macros() {
  local flags=$1
  shift
  printf '#include "%s"\n' "$@" > ours.cpp
  # shellcheck disable=SC2086
  compile $flags -M ours.cpp | tr ' \\' '\n\n' | grep "^$root/include/" | sort -u |
    xargs sed -nE -e 's/^# *include (<[^>]+>)/#include \1/p' -e '/^#define STB_/p' | sort -u > theirs.cpp
  case $flags in *-fopenmp*) ;; *) sed -i '/omp.h/d' theirs.cpp ;; esac
  compile $flags -E -dM ours.cpp | awk '{print $2}' | sed 's/(.*//' | sort -u > ours.macros
  compile $flags -E -dM theirs.cpp | awk '{print $2}' | sed 's/(.*//' | sort -u > theirs.macros
  comm -23 ours.macros theirs.macros
}
for flags in "" "-O2 -march=native -fopenmp"; do
  new_macros "$flags" fovea/fovea.hpp > book
  grep -q '^FOVEA_VERSION_MAJOR$' book || fail "fovea.hpp: expected to see the macro FOVEA_VERSION_MAJOR"
  ! grep -v '^FOVEA_' book || fail "fovea.hpp leaves the macros above behind (flags: $flags)"
done
# The wings too; those of stb_image_write, asked for its definitions, are its own.
mapfile -t all < <(cd "$root/include" && find fovea -name '*.hpp' ! -path 'fovea/mpi/*' | sort)  # mpi.h is nowhere in particular
new_macros "" "${all[@]}" > everything
! grep -v '^FOVEA_' everything || fail "the headers leave the macros above behind"

# iostream would put a constructor into every unit of a program.
printf '#include "%s"\n' $(cd "$root/include" && find fovea/core fovea/kernels fovea/nn -name '*.hpp' | sort) > low.cpp
compile -M low.cpp > low.d
grep -q 'fovea/nn/conv2d.hpp' low.d || fail "expected core, kernels and nn to be included"
! tr ' ' '\n' < low.d | grep -E '/iostream$' || fail "core, kernels or nn include the above"

compile -O1 -fno-rtti -Werror "$root/tests/consumers/program.cpp" -o without_rtti
./without_rtti OFF || fail "without run-time type information: wrong answer"

[ $failures = 0 ] && echo "headers: all is well"
