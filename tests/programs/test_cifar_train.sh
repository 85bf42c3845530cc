#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# cifar_train as a user runs it, on images that are as many as CIFAR-10's and easier: what it writes, the same
# bits for any number of threads and after kill -9, and mistakes. $1 is cifar_train.
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
here=$(cd "$(dirname "$(realpath "$0")")" && pwd)
command -v python3 > /dev/null || { echo "there is no python3"; exit 77; }
unset FOVEA_CIFAR_DIR
data=$work/cifar10
python3 "$here/write_cifar.py" "$data" || exit 1
short=(--data "$data" --limit 128 --hold-out 40 --batch-size 32 --epochs 4 --seed 3)
sum() { sha256sum "$1/model.safetensors" | cut -d' ' -f1; }

"$program" "${short[@]}" --threads 1 --out "$work/whole" > "$work/log" 2>&1 || fail "good run: $(cat "$work/log")"
for file in model.safetensors metrics.json report.html conv1_filters.png mistakes.png confusion_matrix.png loss_curve.svg; do
  [ -s "$work/whole/$file" ] || fail "no $file"
done
grep -qE 'six views [0-9.]+ %.*one view [0-9.]+ %, trained in [0-9]+ s' "$work/log" || fail "the last lines: $(tail -3 "$work/log")"
for key in test_accuracy test_accuracy_one_view training_seconds images_per_second; do
  grep -q "\"$key\": [0-9]" "$work/whole/metrics.json" || fail "metrics.json has no $key"
done
# The classes are colours: it learns them.
grep -E '"test_accuracy": [0-9.]+' "$work/whole/metrics.json" | tail -1 | tr -dc '0-9.' | {
  read -r accuracy
  [ "${accuracy%.*}" -ge 60 ] || fail "test accuracy $accuracy, expected 60 or more"
  exit $failures
} || failures=$((failures + 1))

expected=$(sum "$work/whole")
for threads in 2 7; do
  "$program" "${short[@]}" --threads $threads --out "$work/t" --quiet > "$work/log" 2>&1 || fail "$threads threads: $(cat "$work/log")"
  [ "$(sum "$work/t")" = "$expected" ] || fail "$threads threads: other weights"
done

# Killed while it trains, in the epochs before and after the first layer's bias is left alone.
for epoch in 2 4; do
  rm -rf "$work/run.ckpt"*
  "$program" "${short[@]}" --every 1 --checkpoint "$work/run.ckpt" --out "$work/killed" > "$work/log" 2>&1 &
  for _ in $(seq 1200); do grep -q "epoch $epoch/4" "$work/log" && [ -e "$work/run.ckpt" ] && break; sleep 0.05; done
  kill -KILL $! 2> /dev/null || fail "epoch $epoch: it had ended before it could be killed"
  wait $! 2> /dev/null
  "$program" "${short[@]}" --checkpoint "$work/run.ckpt" --resume --out "$work/resumed" > "$work/log" 2>&1 || fail "--resume: $(cat "$work/log")"
  [ "$(sum "$work/resumed")" = "$expected" ] || fail "killed in epoch $epoch and resumed: other weights"
done
"$program" "${short[@]}" --epochs 5 --checkpoint "$work/run.ckpt" --resume --out "$work/other" > "$work/log" 2>&1 &&
  fail "a checkpoint of another run was taken"
grep -qF -e "--epochs" "$work/log" || fail "a checkpoint of another run: $(cat "$work/log")"

refused "no CIFAR-10 found: give its directory with --data"
mkdir "$work/empty"
refused "data_batch_1.bin: expected this file" --data "$work/empty"
refused "--batch-size: expected at most the 100 training images, found 101" --data "$data" --limit 100 --batch-size 101
refused "from 0 to 49999" --data "$data" --hold-out 50000
refused "expected a whole number" --data "$data" --epochs two
cp -r "$data" "$work/damaged"
head -c 30000000 "$data/data_batch_3.bin" > "$work/damaged/data_batch_3.bin"
refused "data_batch_3.bin: expected 10000 records" --data "$work/damaged"
exit $((failures > 0))
