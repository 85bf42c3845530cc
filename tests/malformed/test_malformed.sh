#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every file of make_malformed.py is refused in words, and nothing else happens (try_load.cpp says what is
# looked at).
#
#   tests/malformed/test_malformed.sh build/release/tests/try_load [--show]
#
# --show prints every rule and its sentence, for a human to read.
set -uo pipefail
try_load=$1 show=${2:-}
here=$(cd "$(dirname "$(realpath "$0")")" && pwd)
python=/usr/bin/python3
[ -x $python ] || { echo "skipped: $python makes the malformed files, and is not here"; exit 77; }
export OMP_NUM_THREADS=1  # a second thread is not worth its start
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/good"
"$try_load" make "$work/good" || exit 1
$python "$here/make_malformed.py" "$work/good" "$work/bad" > /dev/null || exit 1

# What the malformed files are made from is not refused.
mv "$work/bad/"good.* "$work/good"
for good in "weights model.safetensors" "checkpoint run.ckpt" "picture good.png" "picture good.jpg"; do
  [[ "$("$try_load" ${good% *} "$work/good/${good#* }" 2> /dev/null)" == LOADED* ]] || { echo "FAILED: a good file: $good"; exit 1; }
done

count=0 failures=0 most=0
while IFS=$'\t' read -r kind file rule words; do
  count=$((count + 1))
  said=$("$try_load" "$kind" "$work/bad/$file" 2> "$work/grown")
  status=$?
  grown=$(tail -1 "$work/grown")
  if [ $status != 0 ] || [[ "$said" != *"$words"* ]]; then
    failures=$((failures + 1))
    printf 'FAILED: %s (%s): status %s, expected "%s", got:\n%s\n' "$file" "$rule" $status "$words" "$said"
    [ $status -gt 1 ] && cat "$work/grown"
  elif [ -n "$show" ]; then
    printf '%s\n    %s\n' "$rule" "${said//$work\/bad\//}"
  fi
  most=$(printf '%s\n%s\n' "$most" "$grown" | sort -g | tail -1)
done < "$work/bad/manifest"

echo "$((count - failures)) of $count malformed files refused in words; memory grew by $most MB at most;" \
  "what was in memory before was there afterwards, bit for bit"
[ $failures = 0 ] && [ $count -ge 60 ]
