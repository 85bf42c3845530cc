#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Units with different flags in one program. A weak symbol that two of them share would be kept once, with the
# instructions of either; so they must share none of fovea's, and instantiate nothing of Eigen's.
#
#   CXX=g++ tests/house/test_mixed_flags.sh
set -euo pipefail
here=$(cd "$(dirname "$(realpath "$0")")/mixed_flags" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
CXX=${CXX:-g++}
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
# Without optimisation nothing is copied into its callers, so more symbols stay to be compared.
compile() { "$CXX" -std=c++20 -O0 -I "$root/include" "$@"; }

declare -A flags=([plain]="" [native]="-march=native -fopenmp" [plain_omp]="-fopenmp" [avx2]="-march=x86-64-v3"
  [avx512]="-march=x86-64-v4")
for unit in "${!flags[@]}"; do
  compile ${flags[$unit]} -DNAME=${unit}_percent -c "$here/train.cpp" -o $unit.o
  nm -C $unit.o | grep -E '^[0-9a-f ]{16} [WVu] ' | cut -c20- | grep -E 'fovea::|Eigen::' | sort -u > $unit.weak
  [ "$(wc -l < $unit.weak)" -gt 20 ] || fail "$unit: expected many weak symbols, found $(wc -l < $unit.weak)"
  ! grep -m3 'Eigen::' $unit.weak || fail "$unit instantiates the above"
done
for a in "${!flags[@]}"; do
  for b in "${!flags[@]}"; do
    # On a machine with AVX2 or AVX-512 the native unit has the name of the one that says so.
    [[ $a < $b && $b != native && $a != native || "$a $b" == "native plain" ]] || continue
    [ -z "$(comm -12 $a.weak $b.weak)" ] ||
      fail "$a and $b share $(comm -12 $a.weak $b.weak | wc -l) symbols, $(comm -12 $a.weak $b.weak | head -n 1)"
  done
done

# Both train, in one program. The runtime of OpenMP comes along with the native one.
compile -fopenmp "$here/main.cpp" plain.o native.o -o both && ./both || fail "one of the units does not learn"

# A tensor stays on its side: the linker finds no function that takes the other side's.
compile -c "$here/taker.cpp" -o taker.o
compile "$here/giver.cpp" taker.o -o same && ./same || fail "a tensor between equals: expected to link and run"
if compile -march=native -fopenmp "$here/giver.cpp" taker.o -o across 2> message; then
  fail "a tensor across flags: expected not to link"
else
  grep -q "undefined reference to .*first_of(fovea::abi_[a-z0-9_]*::Tensor" message ||
    fail "a tensor across flags: expected an undefined reference that names the two sides, got $(cat message)"
fi
[ $failures = 0 ] && echo "mixed flags: all is well"
