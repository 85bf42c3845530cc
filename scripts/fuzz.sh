#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Fuzzing: libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer makes up inputs for every reader
# of files, for so many seconds of processor time each, beginning with tests/fuzz/corpus. As many readers at
# once as there are processors. A find ends its reader's turn and is kept in build/fuzz/finds.
#
#   scripts/fuzz.sh SECONDS [READER...]        readers: idx gzip safetensors npy checkpoint image
#
# What it has found out about the readers stays in build/fuzz/corpus and is used the next time.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
seconds=${1:?fuzz.sh: expected a number of seconds}
shift
[ $# -gt 0 ] || set -- idx gzip safetensors npy checkpoint image
for reader in "$@"; do
  [ -f "tests/fuzz/$reader.cpp" ] || { echo "fuzz.sh: expected one of the readers in tests/fuzz, found $reader" >&2; exit 2; }
done

fuzz() {
  local reader=$1 extra=() log=build/fuzz/$1.log runs=0 spent=0 used
  [ "$reader" = image ] && extra=(examples/mnist/read_picture.cpp -lpng -ljpeg)
  mkdir -p "build/fuzz/corpus/$reader" build/fuzz/finds
  "${CLANG:-clang++-14}" -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -I include -I examples "tests/fuzz/$reader.cpp" "${extra[@]}" -lz -o "build/fuzz/$reader"
  local options=(-max_len=8192 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 "-artifact_prefix=build/fuzz/finds/$reader-")
  [ -f "tests/fuzz/$reader.dict" ] && options+=("-dict=tests/fuzz/$reader.dict")
  # libFuzzer counts seconds of the clock; where processors are shared it gets another turn.
  TIMEFORMAT='%U %S'
  while [ "$spent" -lt "$seconds" ]; do
    if ! used=$({ time "build/fuzz/$reader" -max_total_time=$((seconds - spent)) "${options[@]}" \
      "build/fuzz/corpus/$reader" "tests/fuzz/corpus/$reader" > "$log" 2>&1; } 2>&1); then
      grep -E "ERROR|SUMMARY|runtime error|Test unit written" "$log" >&2 || tail -20 "$log" >&2
      echo "$reader: a find, see $log" >&2
      return 1
    fi
    spent=$((spent + $(awk '{ printf "%d", $1 + $2 + 0.5 }' <<< "$used")))
    runs=$((runs + $(sed -n 's/^stat::number_of_executed_units: *//p' "$log")))
  done
  echo "$reader: $spent s of processor time, $runs inputs, nothing found"
}
export -f fuzz
export seconds
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'fuzz {}'
echo "$# readers, at least $seconds s of processor time each: nothing found"
