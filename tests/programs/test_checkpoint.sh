#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Training that stops and goes on, as a user runs it: Ctrl-C, other threads, a checkpoint of another
# run, two programs at once, a full disk, a disk that cannot be written, and things in the file's place.
# $1 is mnist_train, WRITE_IDX the generator of synthetic digits.
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
reader=$(cd "$(dirname "$(realpath "$0")")/../exchange" && pwd)/safetensors.py

mkdir "$work/data"
"$WRITE_IDX" "$work/data" 640 100 || exit 1
train() { exec "$program" --data "$work/data" --epochs 2 --quiet "$@"; }
sum() { sha256sum "$1" | cut -d' ' -f1; }
numbers() { grep -E 'train_loss|test_accuracy' "$1/metrics.json"; }
wait_for() { for _ in $(seq 600); do [ -e "$1" ] && return; sleep 0.05; done; fail "$1 was never written"; }

# The same SHA-256 for any number of threads, without a checkpoint and with one.
(train --threads 1 --out "$work/whole") > "$work/log" 2>&1 || fail "good run: $(cat "$work/log")"
expected=$(sum "$work/whole/model.safetensors") expected_numbers=$(numbers "$work/whole")
is_the_same() {  # DIRECTORY WHAT
  [ "$(sum "$1/model.safetensors")" = "$expected" ] || fail "$2: other weights"
  [ "$(numbers "$1")" = "$expected_numbers" ] || fail "$2: other numbers: $(numbers "$1")"
}
for threads in 1 2 3 4 7; do
  (train --threads $threads --every 7 --checkpoint "$work/t$threads.ckpt" --out "$work/t$threads") > "$work/log" 2>&1 ||
    fail "$threads threads: $(cat "$work/log")"
  is_the_same "$work/t$threads" "$threads threads"
done

# A checkpoint in the middle, of Ctrl-C: status 130, a word about --resume, and a checkpoint.
stop_early() {  # FILE OUT [options]
  local file=$1 out=$2
  shift 2
  (exec "$program" --data "$work/data" --epochs 2 --every 1 --checkpoint "$file" --out "$out" "$@") > "$work/log" 2>&1 &
  local pid=$!
  wait_for "$file"
  kill -INT $pid
  wait $pid
}
for threads in 1 2 3 4 7; do
  other=$((threads % 7 + 1))
  for _ in 1 2 3 4 5; do  # until Ctrl-C comes in time
    rm -rf "$work/run.ckpt"*
    stop_early "$work/run.ckpt" "$work/stopped" --threads $threads
    status=$?
    [ $status = 0 ] || break
  done
  [ $status = 130 ] || fail "Ctrl-C: status $status instead of 130"
  grep -qF "Add --resume to go on from $work/run.ckpt." "$work/log" || fail "Ctrl-C: $(cat "$work/log")"
  (train --checkpoint "$work/run.ckpt" --resume --threads $other --out "$work/resumed") > "$work/stdout" 2> "$work/stderr" ||
    fail "--resume: $(cat "$work/stderr")"
  is_the_same "$work/resumed" "stopped with $threads threads, resumed with $other"
done
(train --checkpoint "$work/run.ckpt" --resume --out "$work/again") > /dev/null || fail "--resume of a finished training"
is_the_same "$work/again" "resumed after its end"
"$program" --data "$work/data" --epochs 2 --checkpoint "$work/new.ckpt" --resume --out "$work/new" > "$work/log" ||
  fail "--resume without a checkpoint"
grep -qF "$work/new.ckpt: no checkpoint yet, training begins" "$work/log" || fail "--resume without a checkpoint: $(cat "$work/log")"
is_the_same "$work/new" "--resume without a checkpoint"

# A checkpoint of another run is refused with what differs, and stays as it is.
before=$(sum "$work/run.ckpt")
resume() {  # WORDS OPTIONS...
  local words=$1
  shift
  refused "$words" --checkpoint "$work/run.ckpt" --resume "$@"
  [ "$(sum "$work/run.ckpt")" = "$before" ] || fail "$*: changed the checkpoint"
}
good=(--data "$work/data" --epochs 2)
another="$work/run.ckpt: a checkpoint of another run"
resume "$another, --epochs: expected 3, found 2" --data "$work/data" --epochs 3
resume "$another, --seed: expected 2, found 1" "${good[@]}" --seed 2
resume "$another, --batch-size: expected 32, found 64" "${good[@]}" --batch-size 32
resume "$another, --learning-rate: expected 0.002, found 0.001" "${good[@]}" --learning-rate 0.002
resume "$another, --schedule: expected cosine, found constant" "${good[@]}" --schedule cosine
resume "$another, training images: expected mnist (320, 1, 28, 28)" "${good[@]}" --limit 320
resume "$another, test images: expected fashion (100, 1, 28, 28)" "${good[@]}" --dataset fashion
for file in train-images-idx3 t10k-images-idx3 train-labels-idx1 t10k-labels-idx1; do
  rm -rf "$work/other"
  cp -r "$work/data" "$work/other"
  printf '\x03\x04' | dd of="$work/other/$file-ubyte" bs=1 seek=40 conv=notrunc status=none
  what=training
  [ "${file#t10k}" = "$file" ] || what=test
  resume "$another, $what images: expected mnist (" --data "$work/other" --epochs 2
done
cp "$work/whole/model.safetensors" "$work/weights"
refused "$work/weights: expected a checkpoint (fovea checkpoint 1), found the format pt" "${good[@]}" \
  --checkpoint "$work/weights" --resume
head -c 100000 "$work/run.ckpt" > "$work/torn"
refused "$work/torn: expected" "${good[@]}" --checkpoint "$work/torn" --resume

# A new training does not run over an old one.
refused "$work/run.ckpt: expected no checkpoint yet, found a file (go on with --resume, or remove it)" "${good[@]}" \
  --checkpoint "$work/run.ckpt"
refused "--resume requires --checkpoint" "${good[@]}" --resume
refused "--every requires --checkpoint" "${good[@]}" --every 5
refused "--every" "${good[@]}" --checkpoint "$work/x" --every 0
[ "$(sum "$work/run.ckpt")" = "$before" ] || fail "a refused run changed the checkpoint"

# Two at once: the second is refused, the first knows nothing of it; kill -9 gives the file free.
(exec "$program" --data "$work/data" --epochs 10000 --checkpoint "$work/two.ckpt" --out "$work/two" --quiet) > /dev/null 2>&1 &
pid=$!
wait_for "$work/two.ckpt"
refused "$work/two.ckpt.lock: expected a free lock, found one that another process holds" \
  --data "$work/data" --epochs 10000 --checkpoint "$work/two.ckpt" --resume
kill -0 $pid 2> /dev/null || fail "two at once: the first one ended"
kill -9 $pid
{ wait $pid; } 2> /dev/null
refused "$work/two.ckpt: a checkpoint of another run" "${good[@]}" --checkpoint "$work/two.ckpt" --resume
refused "$work/two.ckpt: expected no checkpoint yet" "${good[@]}" --checkpoint "$work/two.ckpt"

# What stands in the way: one sentence, and the old checkpoint as it was.
for _ in 1 2 3 4 5; do
  rm -rf "$work/run.ckpt"*
  stop_early "$work/run.ckpt" "$work/stopped" --threads 1 || break
done
# blocked WORDS OPTIONS...: training begins or does not, and ends in a sentence.
blocked() {
  local words=$1 status
  shift
  (train "$@") > "$work/stdout" 2> "$work/stderr"
  status=$?
  [ $status = 2 ] || fail "$*: status $status instead of 2"
  [ "$(wc -l < "$work/stderr")" = 1 ] || fail "$*: not one line: $(cat "$work/stderr")"
  grep -qF -e "$words" "$work/stderr" || fail "$*: expected '$words', got: $(cat "$work/stderr")"
}
old=$(sum "$work/run.ckpt")
intact() {  # FILE WHAT
  [ "$(sum "$1")" = "$old" ] || fail "$2: the old checkpoint is not what it was"
}
for ending in "" .lock .part .previous; do
  directory=$work/in_the_way$ending
  mkdir "$directory"
  cp "$work/run.ckpt" "$directory/"
  [ -n "$ending" ] || mv "$directory/run.ckpt" "$directory/kept"
  mkdir "$directory/run.ckpt$ending"
  case $ending in
    "") words="run.ckpt: expected a checkpoint or nothing, found a directory" ;;
    .lock) words="run.ckpt.lock: cannot be opened for writing (Is a directory)" ;;
    *) words="run.ckpt: cannot be written (Is a directory)" ;;
  esac
  blocked "$words" --checkpoint "$directory/run.ckpt" --resume --every 1 --out "$directory/out"
  [ -n "$ending" ] && intact "$directory/run.ckpt" "a directory in the place of run.ckpt$ending"
  [ -d "$directory/run.ckpt$ending" ] || fail "a directory in the place of run.ckpt$ending is gone"
done
mkfifo "$work/fifo"
blocked "fifo: expected a checkpoint or nothing, found a pipe" --checkpoint "$work/fifo" --out "$work/o"
blocked "nowhere/run.ckpt.lock: cannot be opened for writing (No such file or directory)" \
  --checkpoint "$work/nowhere/run.ckpt" --out "$work/o"
mkdir -p "$work/taken/model.safetensors"
blocked "taken/model.safetensors: expected a file to write over, or nothing, found a directory" --out "$work/taken"

# A disk of its own, full or not to be written.
disk=$work/disk
mkdir "$disk"
skipped=
if mount -t tmpfs -o size=32m fovea "$disk" 2> "$work/stderr"; then
  trap 'umount "$disk"; rm -rf "$work"' EXIT
  full() { dd if=/dev/zero of="$disk/filler" bs=64k status=none 2> /dev/null; }
  full
  blocked "disk/run.ckpt: cannot be written (No space left on device)" --checkpoint "$disk/run.ckpt" --out "$work/o"
  [ -z "$(find "$disk" -name '*.part' -o -name run.ckpt)" ] || fail "a full disk: left $(ls "$disk")"

  rm -rf "${disk:?}"/*
  cp "$work/run.ckpt" "$work/run.ckpt.previous" "$disk"
  previous=$(sum "$work/run.ckpt.previous")
  full
  blocked "disk/run.ckpt: cannot be written (No space left on device)" --checkpoint "$disk/run.ckpt" --resume \
    --every 1 --out "$work/o"
  intact "$disk/run.ckpt" "a full disk"
  [ "$(sum "$disk/run.ckpt.previous")" = "$previous" ] || fail "a full disk: the checkpoint before it has changed"
  [ -z "$(find "$disk" -name '*.part')" ] || fail "a full disk: left $(ls "$disk")"

  # Where the results go, full: what was there stays, and the checkpoint has it all.
  rm "$disk/filler"
  mkdir "$disk/out"
  echo old | tee "$disk/out/model.safetensors" > "$disk/out/metrics.json"
  full
  cp "$work/run.ckpt" "$work/full.ckpt"
  blocked "cannot be written (No space left on device)" --checkpoint "$work/full.ckpt" --resume --out "$disk/out"
  [ "$(cat "$disk/out/model.safetensors")" = old ] || fail "a full disk: the old weights are not what they were"
  [ -z "$(find "$disk" -name '*.part')" ] || fail "a full disk: left $(ls -R "$disk")"

  mount -o remount,ro "$disk"
  for out in "$work/o" "$disk/out"; do
    blocked "(Read-only file system)" --checkpoint "$disk/run.ckpt" --resume --out "$out"
  done
  blocked "disk/out/.probe: cannot be written (Read-only file system)" --out "$disk/out"
  intact "$disk/run.ckpt" "a disk that cannot be written"

  mount -o remount,rw "$disk"
  rm "$disk/filler"
  (train --checkpoint "$disk/run.ckpt" --resume --every 1 --out "$work/room") > /dev/null 2> "$work/stderr" ||
    fail "with room again: $(cat "$work/stderr")"
  is_the_same "$work/room" "with room again"
else
  skipped="; not tried, for want of a disk of its own: a full one, one that cannot be written ($(head -1 "$work/stderr"))"
fi
if [ "$(id -u)" != 0 ]; then
  mkdir "$work/closed"
  cp "$work/run.ckpt" "$work/closed"
  chmod a-w "$work/closed"
  blocked "(Permission denied)" --checkpoint "$work/closed/run.ckpt" --resume --out "$work/o"
  intact "$work/closed/run.ckpt" "a directory that cannot be written"
  chmod u+w "$work/closed"
fi

# Somebody else reads them, too.
python=/usr/bin/python3
if [ -x $python ]; then
  $python "$reader" "$work/whole/model.safetensors" "$work/run.ckpt" "$work/run.ckpt.previous" > "$work/seen" ||
    fail "another reader: $(cat "$work/seen")"
fi

[ $failures = 0 ] && echo "checkpoints: all good$skipped" || { echo "$failures failures"; exit 1; }
