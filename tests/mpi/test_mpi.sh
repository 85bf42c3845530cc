#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A training on 1, 2, 3, 4, 5 and 8 ranks has the bits of one process, and what goes wrong on one rank ends all of them
# with its name.
#
#   tests/mpi/test_mpi.sh build/release/tests/train_parts
#
# MPIRUN is the launcher (mpirun); status 77 where there is none.
set -uo pipefail
program=$1
launcher=${MPIRUN:-mpirun}
command -v "$launcher" > /dev/null || { echo "skipped, for want of $launcher (Debian: openmpi-bin)"; exit 77; }
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
export OMP_WAIT_POLICY=passive
options=()
if [[ $("$launcher" --version 2>&1) =~ Open\ MPI|OpenRTE ]]; then
  options=(--oversubscribe)
  [ "$(id -u)" != 0 ] || options+=(--allow-run-as-root)
fi
on() {  # on RANKS ARGUMENT...
  local ranks=$1
  shift
  timeout 60 "$launcher" "${options[@]}" -n "$ranks" "$program" "$@"
}

for statistics in batch chunk; do
  alone=$("$program" $statistics 1) || fail "alone, $statistics: status $?"
  [[ $alone =~ ^[0-9a-f]{16}$ ]] || fail "alone, $statistics: expected a hash, found $alone"
  for run in "1 1" "2 1" "2 2" "3 1" "4 1" "5 1" "8 1"; do
    read -r ranks threads <<< "$run"
    found=$(on "$ranks" $statistics "$threads") || fail "$ranks ranks, $statistics: status $?"
    [ "$found" = "$alone" ] || fail "$ranks ranks of $threads threads, $statistics: expected $alone, found $found"
  done
done
[ "$("$program" batch)" != "$("$program" chunk)" ] || fail "expected other weights with statistics of chunks"

# What each rank sends of the gradients: 2 (P - 1) / P of them, whatever P is.
for ranks in 2 3 4 8; do
  on $ranks batch 1 bytes > sent.$$ || fail "bytes on $ranks ranks: status $?"
  while read -r _ rank _ sent _ _ _ _ gradients; do
    awk -v sent="$sent" -v all="$gradients" -v P=$ranks 'BEGIN { ideal = 2 * (P - 1) / P * all; exit !(sent > 0.99 * ideal && sent < 1.01 * ideal) }' ||
      fail "rank $rank of $ranks: expected 2 (P - 1) / P of $gradients bytes, sent $sent"
  done < sent.$$
  [ "$(wc -l < sent.$$)" = $ranks ] || fail "expected $ranks lines about bytes"
done
rm -f sent.$$

# One rank is wrong: all end, soon, with its name and what it is.
wrong() {  # wrong WORDS ARGUMENT...
  local words=$1 said status
  shift
  said=$(on 3 batch 1 "$@" 2>&1)
  status=$?
  [ $status != 0 ] && [ $status != 124 ] || fail "$*: expected an end with an error, got status $status"
  [[ $said == *"$words"* ]] || fail "$*: expected \"$words\", found $said"
}
wrong "rank 2: expected what rank 0 has, learning rate: 0.05, found learning rate: 0.1" option 2
wrong "rank 1: this rank has had enough" throw 1
wrong "rank 2: expected the weights of rank 0 after step 5, found others in conv1.weight" weight 2

[ $failures = 0 ] && echo "1, 2, 3, 4, 5 and 8 ranks: one hash for each kind of batch normalisation"
