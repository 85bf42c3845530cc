#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds same_bits.cpp for one platform after the other, runs it and compares the hashes it prints:
# compilers, C and C++ libraries, optimisation, threads, WebAssembly, other processors under emulation. All of
# them are builds without fused multiply-add and with 16-byte vectors, for which docs/numerics.md promises
# the same bits.
#
#   tests/platforms/same_bits.sh [quick]     a small training, the builds that differ most
#   tests/platforms/same_bits.sh all         every build, the small training and a larger one
#
# Prints a table and one line; the status is 1 if a build prints other hashes, 77 if there is nothing to
# compare. Builds and what they print are in BUILD_DIR (build/platforms); JOBS (2) builds at once.
set -uo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
mode=${1:-quick}
case $mode in quick) sizes="small" ;; all) sizes="small full" ;; *) echo "same_bits.sh: expected quick or all, found $mode" >&2; exit 2 ;; esac
out=${BUILD_DIR:-build/platforms}
mkdir -p "$out"
rm -f "$out"/*.txt "$out"/*.log "$out"/*.skipped

# This machine without fused multiply-add: x86-64 has none unless asked, other processors contract unless told.
if [ "$(uname -m)" = x86_64 ]; then plain=-march=x86-64; else plain=-ffp-contract=off; fi
clang=$(command -v clang++-14 || command -v clang++ || echo clang++)
export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}  # where Debian's em++ finds acorn
# Node 18 to 20 have a fetch() that emscripten 3.1.6 takes for a browser's.
node_options=$(node --no-experimental-fetch -e 0 2> /dev/null && echo --no-experimental-fetch)

# build NAME COMPILER OPTIONS [RUNNER] [FLAG]: a program, what has to be in front of it, what the processor must have.
declare -A compiler options runner flag
builds=()
build() {
  builds+=("$1")
  compiler[$1]=$2 options[$1]=$3 runner[$1]=${4:-} flag[$1]=${5:-}
}
# row BUILD TEXT [THREADS] [VARIABLE=VALUE] [LINES]: a line of the table; LINES may differ.
rows=()
row() { rows+=("$1|$2|${3:-0}|${4:-}|${5:-}"); }

build gcc g++ "-O2 $plain"
row gcc "g++ -O2"
row gcc "the same, the C library without FMA" 0 GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2_Usable,-FMA_Usable,-AVX2,-FMA
build gcc_openmp g++ "-O1 $plain -fopenmp"
for threads in 1 2 3 7; do row gcc_openmp "g++ -O1 -fopenmp, threads: $threads" $threads; done
build clang "$clang" "-O1 $plain"
row clang "clang -O1"
build libcxx "$clang" "-O1 $plain -stdlib=libc++"
row libcxx "clang -O1 -stdlib=libc++"
build wasm em++ "-O1 -msimd128 -fwasm-exceptions -s ALLOW_MEMORY_GROWTH=1" "node $node_options"
row wasm "WebAssembly, em++ -O1, in Node"
for processor in aarch64 s390x; do
  build $processor $processor-linux-gnu-g++ "-O1 -ffp-contract=off -static" qemu-$processor-static
  row $processor "$processor, g++ -O1 -ffp-contract=off, emulated"
done
if [ "$mode" = all ]; then
  for level in 0 1 3 s; do
    build gcc_O$level g++ "-O$level $plain"
    row gcc_O$level "g++ -O$level"
  done
  build gcc_fast g++ "-O3 $plain -fopenmp -fno-math-errno"
  row gcc_fast "g++ -O3 -fopenmp -fno-math-errno, threads: 3" 3
  build clang_openmp "$clang" "-O3 $plain -fopenmp -fno-math-errno"
  for threads in 1 2 7; do row clang_openmp "clang -O3 -fopenmp -fno-math-errno, threads: $threads" $threads; done
  build libcxx_O3 "$clang" "-O3 $plain -stdlib=libc++"
  row libcxx_O3 "clang -O3 -stdlib=libc++"
  build wasm_O3 em++ "-O3 -msimd128 -fwasm-exceptions -s ALLOW_MEMORY_GROWTH=1" "node $node_options"
  row wasm_O3 "WebAssembly, em++ -O3, in Node"
  build wasm_scalar em++ "-O2 -fwasm-exceptions -s ALLOW_MEMORY_GROWTH=1" "node $node_options"
  row wasm_scalar "WebAssembly without -msimd128, em++ -O2, in Node"
  if [ "$(uname -m)" = x86_64 ]; then
    build v2 g++ "-O2 -march=x86-64-v2"
    row v2 "g++ -O2 -march=x86-64-v2"
    build v3_without_fma g++ "-O2 -march=x86-64-v3 -mno-fma" "" avx2
    row v3_without_fma "g++ -O2 -march=x86-64-v3 -mno-fma"
    # Wider vectors: the gradients of convolutions' weights are sums in another order, all else is the same.
    trained='dW db|: (losses|weights|logits)$|attack: |explain: |: all$'
    build v3 g++ "-O2 -march=x86-64-v3 -ffp-contract=off" "" avx2
    row v3 "but for gradients: -march=x86-64-v3 -ffp-contract=off" 0 "" "$trained"
    build v4 g++ "-O2 -march=x86-64-v4 -ffp-contract=off" "" avx512vl
    row v4 "but for gradients: -march=x86-64-v4 -ffp-contract=off" 0 "" "$trained"
  fi
fi

# The program of one build, or a file that says why there is none; then what each of its rows prints.
can_run() { "$1" --version > /dev/null 2>&1; }
make_and_run() {
  local name=$1 program=$out/$1 i tool threads variables size
  [ "${compiler[$name]}" = em++ ] && program+=.js
  for tool in "${compiler[$name]}" ${runner[$name]%% *}; do
    can_run "$tool" || { echo "no $tool" > "$out/$name.skipped"; return; }
  done
  if [ -n "${flag[$name]}" ] && ! grep -qw "${flag[$name]}" /proc/cpuinfo; then
    echo "this processor has no ${flag[$name]}" > "$out/$name.skipped"
    return
  fi
  # shellcheck disable=SC2086
  if ! "${compiler[$name]}" -std=c++20 ${options[$name]} -I include tests/platforms/same_bits.cpp -o "$program" > "$out/$name.log" 2>&1; then
    echo 'int main() {}' > "$out/$name.cpp"  # a library or an option that is not there, or a mistake of ours?
    # shellcheck disable=SC2086
    "${compiler[$name]}" -std=c++20 ${options[$name]} -include string "$out/$name.cpp" -o "$program" > /dev/null 2>&1 ||
      echo "this ${compiler[$name]} cannot build with ${options[$name]}" > "$out/$name.skipped"
    return
  fi
  for i in "${!rows[@]}"; do
    IFS='|' read -r build _ threads variables _ <<< "${rows[i]}"
    [ "$build" = "$name" ] || continue
    for size in $sizes; do
      # shellcheck disable=SC2086
      env $variables ${runner[$name]} "$program" "$size" "$threads" 2>> "$out/$name.log" | sed "s/^/$size: /"
    done > "$out/$i.txt"
  done
}
for name in "${builds[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do wait -n; done
  make_and_run "$name" &
done
wait

# Without FMA glibc's functions give other bits, where the processor and the library know the variable.
cat > "$out/libm.cpp" << 'TEXT'
#include <cmath>
#include <cstdio>
#include <cstring>
int main() {
  unsigned long long hash = 0;
  for (int i = 1; i < 100000; ++i) {
    volatile double x = i * 1e-3;
    const double y[]{std::exp(-x), std::log(x), std::sin(x), std::pow(0.9, x)};
    unsigned long long bits[4];
    std::memcpy(bits, y, sizeof bits);
    for (const auto b : bits) hash = (hash ^ b) * 0x100000001b3;
  }
  std::printf("%llx\n", hash);
}
TEXT
tunables_work() {
  g++ -O1 "$out/libm.cpp" -o "$out/libm" 2> /dev/null && [ "$("$out/libm")" != "$(env "$1" "$out/libm")" ]
}

reference='' same=0 different=0
for i in "${!rows[@]}"; do
  IFS='|' read -r name text threads variables lines <<< "${rows[i]}"
  if [ -e "$out/$name.skipped" ]; then
    result="skipped: $(cat "$out/$name.skipped")"
  elif [ -n "$variables" ] && ! tunables_work "$variables"; then
    result="skipped: ${variables%%=*} does not change this C library"
  elif ! grep -q "${sizes##* }: all " "$out/$i.txt" 2> /dev/null; then
    different=$((different + 1))
    result="FAILED, see $out/$name.log"
  else
    reference=${reference:-$out/$i.txt}
    difference=$(diff "$reference" "$out/$i.txt" | sed -n 's/^> //p' | sed -E 's/ +[0-9a-f]{16}$//')
    [ -z "$lines" ] || difference=$(grep -vE "$lines" <<< "$difference")
    if [ -z "$difference" ]; then
      same=$((same + 1))
      result=$(sed -n "s/^${sizes##* }: all *//p" "$out/$i.txt")
    else
      different=$((different + 1))
      result="OTHER BITS, $(wc -l <<< "$difference") of $(wc -l < "$reference") lines, first \"$(head -1 <<< "$difference")\""
    fi
  fi
  printf '%-56s %s\n' "$text" "$result"
done
if [ $different != 0 ]; then
  echo "same bits: $different builds differ or failed"
  exit 1
elif [ $same -lt 2 ]; then
  echo "same bits: skipped, expected two builds or more to compare"
  exit 77
fi
echo "same bits: $same builds and ways to run them agree in $(wc -l < "$reference") hashes"
