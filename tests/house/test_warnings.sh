#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The headers are included with -I, not as a system's, by programs that make errors of warnings: so the compiler has
# nothing to say about them, with every warning that it knows, but for those below. Seen in a program that uses every
# part of the library in float and in double, and in one with every picture and chart; what needs the optimiser, in training.
#
#   CXX=g++ tests/house/test_warnings.sh
#
# No #pragma silences anything. Left out are, with the reason:
#
#   a fault in no program: they say what was compiled, or ask for words that only make it faster
#       -Winline -Wpadded -Waggregate-return -Wdisabled-optimization -Wsuggest-attribute=... -Wsuggest-final-...
#       -Wvector-operation-performance -Wstack-protector, and -Wstrict-overflow above 2
#   C++ itself, or the C++20 that is required
#       -Wnamespaces -Wtemplates -Wmultiple-inheritance -Wvirtual-inheritance -Wabi -Wabi-tag -Wc++...-compat -Wpre-c++...-compat
#   other people's headers, and errors of warnings of which this test makes its own
#       -Wsystem-headers -Werror -Wfatal-errors
#   -Wmissing-braces of g++    std::array{1, 2} has one pair of braces since C++14; clang, which has this warning in
#                              -Wall, means everything else by it
#   -Wunsafe-buffer-usage      kernels work on pointers; View and Tensor are where these come from
#   -Wweak-vtables             an exception in a header has its table in every unit; there is no other place
set -euo pipefail
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
CXX=${CXX:-g++}
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
compile() { "$CXX" -std=c++20 -I . -I "$root/include" -isystem /usr/include/eigen3 -isystem /usr/include/stb "$@"; }

if "$CXX" --version | grep -q clang; then
  left_out="padded weak-vtables unsafe-buffer-usage c++98-compat c++98-compat-pedantic c++98-compat-local-type-template-args
    pre-c++14-compat pre-c++17-compat pre-c++17-compat-pedantic pre-c++20-compat pre-c++20-compat-pedantic"
  flags="-Weverything -Wno-unknown-warning-option -ferror-limit=0 -fno-caret-diagnostics"
else
  left_out="inline padded aggregate-return disabled-optimization suggest-attribute=cold suggest-attribute=const
    suggest-attribute=malloc suggest-attribute=noreturn suggest-attribute=pure suggest-final-methods suggest-final-types
    vector-operation-performance stack-protector namespaces templates multiple-inheritance virtual-inheritance abi abi-tag
    system-headers missing-braces error fatal-errors"
  # All that are switched on or off, and the strictest form of those with a number.
  flags=$({ "$CXX" -Q --help=warnings,c++; "$CXX" -Q --help=warnings,common; } |
    grep -oE '^ +-W[^[:space:]]+[[:space:]]+\[(disabled|available)' | awk '{print $1}' | grep -vE '=|<|>|-compat$|-Wno-|-extensions$' | sort -u)
  flags="$flags -Wall -Wextra -Wpedantic -Wcatch-value=3 -Wcast-align=strict -Wformat=2 -Wformat-overflow=2
    -Wformat-truncation=2 -Wimplicit-fallthrough=5 -Wnormalized=nfkc -Wplacement-new=2 -Wshift-overflow=2 -Wstrict-aliasing=3
    -Wstrict-overflow=2 -Wstringop-overflow=4 -Wunused-const-variable=2 -fno-diagnostics-show-caret"
fi
for name in $left_out; do flags="$flags -Wno-$name"; done

# Less fovea/mpi, for mpi.h is nowhere in particular; tests/mpi compiles that.
(cd "$root/include" && find fovea -name '*.hpp' ! -path 'fovea/mpi/*' | sort | sed 's/.*/#include "&"/') > every_header.hpp
compile -x c++ -E every_header.hpp > preprocessed || { echo "skipped: the headers include those above, which are not here"; exit 77; }

# quiet OPTION... FILE: no warning comes from our headers, and FILE compiles.
quiet() {
  # shellcheck disable=SC2086
  compile $flags "$@" > said 2>&1 || { grep error: said | head -5; fail "expected to compile: $*"; }
  ! grep -E "^$root/(include|examples)/.*(warning|error):" said | sort -u | head -20 | grep . || fail "expected no warning: $*"
}
quiet -fsyntax-only "$root/tests/house/uses_everything.cpp"
quiet -fsyntax-only -I "$root/examples" "$root/tests/report/sample_report.cpp"
for machine in "" "-march=native -fno-math-errno -fopenmp"; do
  # shellcheck disable=SC2086
  quiet -O2 $machine -DNAME=percent -c -o train.o "$root/tests/house/mixed_flags/train.cpp"
done

# The test can fail: a comparison that -Wfloat-equal and a conversion that -Wsign-conversion knows.
mkdir include
printf 'inline bool same(double a, double b) { return a == b; }\ninline unsigned cut(int i) { return i; }\n' > include/bad.hpp
printf '#include "%s/include/bad.hpp"\nint main() { return same(1, 2) + static_cast<int>(cut(3)); }\n' "$work" > bad.cpp
(root=$work && quiet -fsyntax-only bad.cpp) > bad
[ "$(grep -cE 'float-equal|sign-conversion' bad)" = 2 ] || { cat bad; fail "expected two warnings about bad.hpp"; }

[ $failures = 0 ] && echo "warnings: $CXX has nothing to say about the headers"
