#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Of the mathematical functions of the C library the headers use sqrt and floor alone, which IEEE 754 defines to
# the last bit: seen in the symbols of a unit that uses what computes numbers, and in the text of all headers.
# And core/math.hpp has the bits that its test expects, in a build without contraction.
#
#   CXX=g++ tests/house/test_libm.sh
set -euo pipefail
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
CXX=${CXX:-g++}
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
flags="-std=c++20 -O2 -ffp-contract=off"
[ "$(uname -m)" != x86_64 ] || flags="$flags -march=x86-64"
compile() {
  # shellcheck disable=SC2086
  "$CXX" $flags -w -I "$root/include" -I "$root/tests" "$@"
}

# Everything in <math.h> that is not sqrt or floor, with the ends of float and long double, GNU's sincos and
# the names that glibc gives to its vector and its "finite" variants. fabs and the like are one instruction.
names='acos|acosh|asin|asinh|atan|atan2|atanh|cbrt|ceil|copysign|cos|cosh|erf|erfc|exp|exp10|exp2|expm1|fdim|fma|fmax'
names="$names|fmin|fmod|frexp|hypot|ilogb|j0|j1|jn|ldexp|lgamma|llrint|llround|log|log10|log1p|log2|logb|lrint|lround"
names="$names|modf|nearbyint|nextafter|nexttoward|pow|remainder|remquo|rint|round|roundeven|scalbln|scalbn|sin|sincos"
names="$names|sinh|tan|tanh|tgamma|trunc|y0|y1|yn"
symbols="^(__?|_ZGV[a-zA-Z]+[0-9]+v+_)?($names)[fl]?(_finite)?(@.*)?\$"

compile -c "$root/tests/house/libm.cpp" -o libm.o
nm -u libm.o | awk '{print $NF}' > undefined
grep -q sqrt undefined || fail "expected the unit to call sqrt; does it compute anything?"
! grep -E "$symbols" undefined || fail "libm.cpp calls the functions of libm above"

# The text, without comments: std::exp and ::exp are nowhere, exp is in the two pages that have one of their own.
cd "$root/include/fovea"
{
  grep -rnE "(^|[^A-Za-z0-9_>])(std)?::($names)[fl]?\(" . || true
  grep -rnE "(^|[^A-Za-z0-9_.:>])($names)[fl]?\(" . | grep -vE '^\./(core/(bits|math)|kernels/vector_functions)\.hpp:' || true
} | grep -vE '^[^:]*:[0-9]+: *//' > "$work/calls" || true
cd "$work"
[ ! -s calls ] || { cat calls; fail "headers call the functions of libm above"; }

if compile "$root/tests/main.cpp" "$root/tests/core/test_math.cpp" -o bits 2> errors; then
  ./bits --test-case='math: the same bits*' > printed || { cat printed; fail "core/math.hpp: other bits"; }
  ! grep 'left out' printed || fail "expected a build without contraction"
elif ! grep -q 'doctest/doctest.h' errors; then
  cat errors
  fail "expected tests/core/test_math.cpp to compile"
fi

[ $failures = 0 ] && echo "libm: sqrt and floor alone"
