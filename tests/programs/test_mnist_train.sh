#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# mnist_train as a user runs it: a good run, and rubbish in every place. $1 is the program,
# WRITE_IDX the generator of synthetic digits.
. "$(dirname "$(realpath "$0")")/external_consumer.sh"

mkdir "$work/data"
"$WRITE_IDX" "$work/data" 640 200 || exit 1

# A run from beginning to end.
"$program" --data "$work/data" --epochs 2 --out "$work/out" > "$work/log" 2>&1 || fail "good run: $(cat "$work/log")"
for file in metrics.json input.png conv1_filters.png conv1_activations.png conv2_activations.png \
            loss_curve.svg confusion_matrix.png; do
  [ -s "$work/out/$file" ] || fail "good run left no $file"
done
for key in dataset parameters threads isa seed epochs epoch train_loss test_accuracy seconds images_per_second; do
  grep -q "\"$key\"" "$work/out/metrics.json" || fail "metrics.json has no $key"
done
grep -q '"parameters": 421642' "$work/out/metrics.json" || fail "parameters"
grep -q 'epoch 2/2  loss' "$work/log" || fail "no line for epoch 2: $(cat "$work/log")"
grep -q $'\r' "$work/log" && fail "control characters though the output is not a terminal"

# The same seed gives the same numbers with any number of threads, another seed does not.
numbers() { grep -E 'train_loss|test_accuracy' "$work/$1/metrics.json"; }
for threads in 1 3; do
  "$program" --data "$work/data" --epochs 2 --threads $threads --out "$work/t$threads" --quiet > "$work/quiet" || fail "threads $threads"
  [ "$(numbers out)" = "$(numbers t$threads)" ] || fail "$threads threads changed the numbers"
done
[ "$(wc -l < "$work/quiet")" = 1 ] || fail "--quiet printed more than one line"
"$program" --data "$work/data" --epochs 2 --seed 2 --out "$work/s2" --quiet > /dev/null || fail "seed 2"
[ "$(numbers out)" != "$(numbers s2)" ] || fail "the seed changed nothing"
for schedule in cosine one-cycle; do
  "$program" --data "$work/data" --epochs 1 --limit 128 --schedule $schedule --out "$work/s" --quiet > /dev/null || fail "$schedule"
done
FOVEA_DATA_DIR="$work/data" "$program" --epochs 1 --limit 64 --out "$work/v" --quiet > /dev/null || fail "FOVEA_DATA_DIR"
"$program" --help > "$work/help" || fail "--help has a non-zero status"
for option in --data --dataset --epochs --batch-size --learning-rate --seed --threads --limit --out --quiet; do
  grep -q -e "$option" "$work/help" || fail "--help does not list $option"
done

refused "batch-size" --data "$work/data" --batch-size 0
refused "threads" --data "$work/data" --threads -1
refused "epochs" --data "$work/data" --epochs 0
refused "learning-rate" --data "$work/data" --learning-rate -1
refused "--learning-rate: expected a finite number of 0 or more, found nan" --data "$work/data" --learning-rate nan
for seed in banana -1 99999999999999999999999; do
  refused "--seed: expected a whole number from 0 to 18446744073709551615, found $seed" --data "$work/data" --seed=$seed
done
refused "dataset" --data "$work/data" --dataset cats
refused "--colour" --data "$work/data" --colour
refused "$work/nowhere: expected a directory" --data "$work/nowhere"

# broken COMMAND WORDS: a copy of the data, damaged by the command, is refused.
broken() {
  rm -rf "$work/broken"
  cp -r "$work/data" "$work/broken"
  (cd "$work/broken" && eval "$1")
  refused "$2" --data "$work/broken"
}
for file in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
  broken "rm $file" "$file: expected this file"
  broken "printf '\\x07' | dd of=$file bs=1 seek=3 conv=notrunc status=none" "$file: expected the IDX magic"
  broken "truncate -s -1 $file" "truncated"
  broken "printf x >> $file" "trailing bytes"
  broken "printf '\\xff\\xff\\xff\\xff' | dd of=$file bs=1 seek=4 conv=notrunc status=none" "truncated"
  broken ": > $file" "found 0 bytes"
  broken "gzip $file && truncate -s -9 $file.gz" "$file.gz: expected"
  broken "gzip -n $file && printf 'garbage' | dd of=$file.gz bs=1 seek=60 conv=notrunc status=none" "$file.gz: expected"
  broken "gzip -c < /dev/null > $file.gz && rm $file" "found 0 bytes"
done
broken "printf '\\x0a' | dd of=train-labels-idx1-ubyte bs=1 seek=100 conv=notrunc status=none" "labels in [0, 10), found 10 at 92"
broken "cp t10k-labels-idx1-ubyte train-labels-idx1-ubyte" "expected 640 labels, one for each image, found 200"

# A header that promises 2^96 bytes asks for no memory.
broken "printf '\\x00\\x00\\x08\\x03\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff' > train-images-idx3-ubyte" "truncated"

# Where nothing can be written.
touch "$work/file"
"$program" --data "$work/data" --out "$work/file" > /dev/null 2> "$work/stderr"
[ $? = 2 ] && grep -qF "$work/file: expected a directory" "$work/stderr" || fail "--out is a file: $(cat "$work/stderr")"
mkdir -p "$work/blocked/model.safetensors"
"$program" --data "$work/data" --out "$work/blocked" > "$work/stdout" 2> "$work/stderr"
[ $? = 2 ] && grep -qF "model.safetensors: expected a file to write over, or nothing, found a directory" "$work/stderr" &&
  [ ! -s "$work/stdout" ] || fail "a directory in the way of the weights: $(cat "$work/stderr")"
"$program" --data "$work/data" --out "$work/file/below" > /dev/null 2> "$work/stderr"
[ $? = 2 ] && [ "$(wc -l < "$work/stderr")" = 1 ] || fail "--out below a file: $(cat "$work/stderr")"
"$program" --data "$work/data" --out /proc/nowhere > /dev/null 2> "$work/stderr"
[ $? = 2 ] && [ "$(wc -l < "$work/stderr")" = 1 ] || fail "--out in /proc: $(cat "$work/stderr")"

# A loss that is not a number.
rm -rf "$work/nan"
"$program" --data "$work/data" --learning-rate 1e20 --out "$work/nan" > /dev/null 2> "$work/stderr"
[ $? = 2 ] && grep -q "the loss is .* at epoch .*, step " "$work/stderr" || fail "NaN loss: $(cat "$work/stderr")"
[ -e "$work/nan/metrics.json" ] && fail "NaN loss left a metrics.json"

# Ctrl-C: what was measured so far is written, status 130.
"$program" --data "$work/data" --epochs 10000 --out "$work/interrupted" > "$work/log" 2>&1 &
pid=$!
for _ in $(seq 600); do grep -q "epoch 1/10000  loss" "$work/log" && break; sleep 0.1; done
kill -INT $pid
wait $pid
status=$?
[ $status = 130 ] || fail "interrupt: status $status instead of 130"
grep -q '"epoch": 1' "$work/interrupted/metrics.json" || fail "interrupt: no metrics of the first epoch"
[ -s "$work/interrupted/conv1_filters.png" ] || fail "interrupt: no pictures"

[ $failures = 0 ] && echo "mnist_train: all good" || { echo "$failures failures"; exit 1; }
