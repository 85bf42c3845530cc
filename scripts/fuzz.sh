#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Fuzzing: libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer makes up inputs for every reader
# of files, for so many seconds each, beginning with tests/fuzz/corpus. Stops at the first find.
#
#   scripts/fuzz.sh SECONDS [READER...]        readers: idx gzip safetensors npy checkpoint image
#
# What it has found out about the readers stays in build/fuzz/corpus and is used the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?fuzz.sh: expected a number of seconds}
shift
[ $# -gt 0 ] || set -- idx gzip safetensors npy checkpoint image
clang=${CLANG:-clang++-14}

for reader in "$@"; do
  source=tests/fuzz/$reader.cpp
  [ -f "$source" ] || { echo "fuzz.sh: expected one of the readers in tests/fuzz, found $reader" >&2; exit 2; }
  extra=()
  [ "$reader" = image ] && extra=(examples/support/decode_image.cpp -lpng -ljpeg)
  mkdir -p "build/fuzz/corpus/$reader" "build/fuzz/finds"
  "$clang" -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -I include -I examples "$source" "${extra[@]}" -lz -o "build/fuzz/$reader"
  dictionary=tests/fuzz/$reader.dict
  log=build/fuzz/$reader.log
  if ! "build/fuzz/$reader" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/finds/$reader-" ${dictionary:+$([ -f "$dictionary" ] && echo "-dict=$dictionary")} \
      "build/fuzz/corpus/$reader" "tests/fuzz/corpus/$reader" > "$log" 2>&1; then
    grep -E "ERROR|SUMMARY|runtime error|Test unit written" "$log" >&2 || tail -20 "$log" >&2
    echo "$reader: a find, see $log" >&2
    exit 1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  echo "$reader: $seconds s, $runs inputs, nothing found"
done
