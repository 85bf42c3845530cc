#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Trains the course network with seeds FIRST to LAST and prints a table with the means.
#
#   scripts/seeds.sh mnist 1 10 [options of mnist_train]
#
# Results go to out/seeds/<dataset>/<seed>/metrics.json; a seed that is already there is not run again.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
dataset=${1:?mnist or fashion} first=${2:?first seed} last=${3:?last seed}
shift 3
program=${MNIST_TRAIN:-build/release/examples/mnist_train}
[ -x "$program" ] || { echo "build first: cmake --preset release && cmake --build build/release" >&2; exit 2; }

for seed in $(seq "$first" "$last"); do
  out=out/seeds/$dataset/$seed
  [ -f "$out/metrics.json" ] || "$program" --dataset "$dataset" --seed "$seed" --out "$out" --quiet "$@" >&2
done
for seed in $(seq "$first" "$last"); do
  awk -v seed="$seed" -F'[:,]' '
    /"train_loss"/ { loss[++epochs] = $2 }
    /"test_accuracy"/ { accuracy = $2 }
    /"images_per_second"/ { speed += $2 }
    END { printf "%d %.4f %.4f %.4f %.2f %.0f\n", seed, loss[1], loss[2], loss[3], accuracy, speed / epochs }
  ' "out/seeds/$dataset/$seed/metrics.json"
done | awk '
  BEGIN { print "| seed | loss, epoch 1 | epoch 2 | epoch 3 | test accuracy | images/s |\n|---|---|---|---|---|---|" }
  { printf "| %s | %s | %s | %s | %s %% | %s |\n", $1, $2, $3, $4, $5, $6
    for (i = 2; i <= 6; ++i) sum[i] += $i; square += $5 * $5 }
  END {
    mean = sum[5] / NR; deviation = NR > 1 ? sqrt((square - NR * mean * mean) / (NR - 1)) : 0
    printf "| **mean** | %.4f | %.4f | %.4f | **%.3f %%** (standard deviation %.2f) | %.0f |\n",
           sum[2] / NR, sum[3] / NR, sum[4] / NR, mean, deviation, sum[6] / NR
  }'
