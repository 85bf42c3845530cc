#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# mnist_train and cifar_train on several ranks, built with -DFOVEA_MPI=ON: one SHA-256 for any number of ranks and
# threads, resumed with another number, killed at random moments; and one sentence for what is wrong.
#
#   tests/mpi/test_programs.sh build/mpi/examples [KILLS]
#
# MPIRUN is the launcher (mpirun); FOVEA_DATA_DIR where MNIST is, FOVEA_CIFAR_DIR where CIFAR-10 is (left out without).
set -uo pipefail
programs=$(realpath "$1")
kills=${2:-30}
launcher=${MPIRUN:-mpirun}
command -v "$launcher" > /dev/null || { echo "skipped, for want of $launcher (Debian: openmpi-bin)"; exit 77; }
[ -n "${FOVEA_DATA_DIR:-}" ] || { echo "skipped, for want of FOVEA_DATA_DIR"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
export OMP_WAIT_POLICY=passive
options=()
if [[ $("$launcher" --version 2>&1) =~ Open\ MPI|OpenRTE ]]; then
  options=(--oversubscribe)
  [ "$(id -u)" != 0 ] || options+=(--allow-run-as-root)
fi
hash_of() { sha256sum < "$1/model.safetensors" | cut -c1-64; }
on() {  # on RANKS PROGRAM ARGUMENT...
  local ranks=$1 program=$2
  shift 2
  timeout 900 "$launcher" "${options[@]}" -n "$ranks" "$programs/$program" "$@"
}

# One hash: 100 steps of the course CNN, 20 of the network for CIFAR-10.
same() {  # same PROGRAM ARGUMENT...
  local program=$1 run ranks threads expected found
  shift
  "$programs/$program" "$@" --threads 2 --quiet --out alone > log 2>&1 || fail "$program alone: $(tail -1 log)"
  expected=$(hash_of alone)
  for run in "1 1" "2 1" "2 2" "3 1" "4 1" "5 1" "8 1"; do
    read -r ranks threads <<< "$run"
    on "$ranks" "$program" "$@" --threads "$threads" --quiet --out shared > log 2>&1 ||
      fail "$program on $ranks ranks: $(tail -1 log)"
    found=$(hash_of shared)
    [ "$found" = "$expected" ] || fail "$program on $ranks ranks of $threads threads: expected $expected, found $found"
    grep -q "\"ranks\": $ranks" shared/metrics.json || fail "metrics.json: expected $ranks ranks"
    rm -rf shared
  done
}
same mnist_train --epochs 1 --limit 6400
if [ -n "${FOVEA_CIFAR_DIR:-}" ]; then
  same cifar_train --epochs 1 --limit 5120 --batch-size 256 --hold-out 100
fi

# Killed, and resumed: on another number of ranks every time.
train=(--epochs 2 --limit 2560 --threads 1 --quiet)
kept=(--checkpoint run.ckpt --every 7 --out shared)
"$programs/mnist_train" "${train[@]}" --out alone > log 2>&1 || fail "alone: $(tail -1 log)"
expected=$(hash_of alone)
start=$(date +%s%N)
on 4 mnist_train "${train[@]}" --out shared > log 2>&1 || fail "4 ranks: $(tail -1 log)"
whole=$((($(date +%s%N) - start) / 1000000))
in_training=0 slowest=0
for ((i = 1; i <= kills; ++i)); do
  rm -rf run.ckpt* shared
  on 4 mnist_train "${train[@]}" "${kept[@]}" > log 2>&1 &
  job=$!
  sleep "$(awk -v ms="$whole" -v r=$RANDOM 'BEGIN { print ms * (0.05 + 0.9 * r / 32767) / 1000 }')"
  mapfile -t victims < <(pgrep -f "^$programs/mnist_train .*--checkpoint run.ckpt" || true)
  if [ ${#victims[@]} = 0 ]; then wait $job; continue; fi
  start=$(date +%s%N)
  kill -9 "${victims[RANDOM % ${#victims[@]}]}"
  wait $job
  took=$((($(date +%s%N) - start) / 1000000))
  [ $took -le 10000 ] || fail "kill $i: the others ended after $took ms"
  [ $took -le $slowest ] || slowest=$took
  [ ! -f run.ckpt ] || in_training=$((in_training + 1))
  ranks=$((1 + i % 3 * 2 - i % 3 / 2))
  on $ranks mnist_train "${train[@]}" "${kept[@]}" --resume > log 2>&1 || fail "resume $i on $ranks ranks: $(tail -1 log)"
  [ "$(hash_of shared)" = "$expected" ] || fail "resume $i on $ranks ranks: other weights"
done
rm -rf run.ckpt* shared

# What is wrong is one sentence, and all ranks end.
said_once() {  # said_once WORDS PROGRAM ARGUMENT...
  local words=$1 said
  shift
  said=$(on 3 "$@" 2>&1) && fail "$*: expected an error"
  [ "$(grep -cF "$words" <<< "$said")" = 1 ] || fail "$*: expected \"$words\" once, found: $said"
}
said_once "expected a directory with the four IDX files" mnist_train --data /nonexistent --out shared
said_once "batch-size" mnist_train --batch-size 0 --out shared
cat > one_differs << CODE
#!/bin/sh
rank=\${OMPI_COMM_WORLD_RANK:-\$PMI_RANK}
[ "\$rank" != 1 ] || set -- "\$@" --learning-rate 0.5
exec "$programs/mnist_train" "\$@"
CODE
chmod +x one_differs
said=$(timeout 100 "$launcher" "${options[@]}" -n 3 "$work/one_differs" "${train[@]}" --out shared 2>&1) &&
  fail "other options on rank 1: expected an error"
[ "$(grep -c 'rank 1: expected what rank 0 has, --learning-rate: 0.001, found --learning-rate: 0.5' <<< "$said")" = 1 ] ||
  fail "other options on rank 1: found $said"

[ $failures = 0 ] || exit 1
echo "one SHA-256 for 1, 2, 3, 4, 5 and 8 ranks; $kills kills, $in_training in training, resumed on 1, 3 or 4 ranks to the same; the others ended within $slowest ms"
