#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# rate_test: a rate that trains, in words and in a chart; the same bits for any number of threads.
#
#   WRITE_IDX=build/release/tests/write_idx tests/programs/test_rate_test.sh build/release/examples/rate_test
. "$(dirname "$(realpath "$0")")/external_consumer.sh"

mkdir "$work/data"
"$WRITE_IDX" "$work/data" 3000 10 || exit 1
OMP_NUM_THREADS=1 "$program" "$work/one.svg" "$work/data" > "$work/one" || fail "status $?: $(cat "$work/one")"
OMP_NUM_THREADS=3 "$program" "$work/three.svg" "$work/data" > "$work/three" || fail "3 threads: status $?"
cmp -s "$work/one.svg" "$work/three.svg" || fail "another chart with 3 threads"
diff <(grep -v "curve is in" "$work/one") <(grep -v "curve is in" "$work/three") || fail "other words with 3 threads"

# number BEFORE: the number after these words.
number() { sed -n "s/.*$1 \([0-9.e+-]*[0-9]\)[^0-9]*.*/\1/p" "$work/one" | head -1; }
between() { awk -v x="$2" -v low="$3" -v high="$4" 'BEGIN { exit !(low <= x && x <= high) }' || fail "$1: $2 is not in [$3, $4]"; }
between "the loss of ten classes at first" "$(number 'falls from')" 2.2 2.5
between "the smallest loss" "$(number ' to')" 0.01 0.8
between "the rate of the smallest loss" "$(number 'rate of')" 0.02 1
between "the suggested rate" "$(number 'Suggested:')" 0.002 0.1
awk -v a="$(number 'rate of')" -v b="$(number 'Suggested:')" 'BEGIN { exit !(8 < a / b && a / b < 12.5) }' ||
  fail "the suggested rate is not a tenth of the other"
grep -q "four times as large, and the test ends" "$work/one" || fail "the loss did not explode"

for tick in 0.0001 0.001 0.01 0.1; do grep -q ">$tick</text>" "$work/one.svg" || fail "no tick $tick on the axis"; done
for words in "learning rate" "smoothed loss" suggested; do grep -q ">$words</text>" "$work/one.svg" || fail "no '$words'"; done
if command -v python3 > /dev/null; then
  python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$work/one.svg" || fail "the chart is not XML"
fi

# in_words WORDS ARGUMENTS...: status 2, and one line with these words.
in_words() {
  local words=$1
  shift
  "$program" "$@" > "$work/stdout" 2> "$work/stderr"
  local status=$?
  [ $status = 2 ] || fail "$*: status $status instead of 2"
  [ "$(wc -l < "$work/stderr")" = 1 ] && grep -qF -e "$words" "$work/stderr" ||
    fail "$*: expected '$words', got: $(cat "$work/stderr")"
}
in_words "$work/nowhere" "$work/x.svg" "$work/nowhere"
in_words "expected at most a file and a directory, got 3 arguments" a b c
in_words "$work/nowhere/x.svg" "$work/nowhere/x.svg" "$work/data"
[ $failures = 0 ] || { echo "$failures failures"; exit 1; }
echo "rate_test: $(number 'Suggested:') is suggested, in words and in a chart, with any number of threads"
