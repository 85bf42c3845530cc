#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# kill -9 at random moments of a training that writes a checkpoint after every step, or every EVERY steps.
# Whatever is on the disk then must be whole, and the training that goes on from it must end with the same
# bits as one that was never stopped.
#
#   WRITE_IDX=build/release/tests/write_idx tests/programs/kill_and_resume.sh build/release/examples/mnist_train 200 [SEED]
#   EVERY=3 tests/programs/kill_and_resume.sh build/release/tests/train_colour 20 [SEED]
#
# The program takes the options below; --data only where WRITE_IDX makes some. The weights are all
# safetensors files that it leaves in the directory of --out.
#
# The moments are drawn from SEED, one from each of COUNT equal parts of the time that the whole run
# takes; one that comes too late is tried again, a little earlier. Every second time the training that goes
# on is killed, too; every fifth time the checkpoint before the last is the one that is gone on from.
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
count=${2:-8}
RANDOM=${3:-1}
here=$(cd "$(dirname "$(realpath "$0")")" && pwd)
reader=$here/../exchange/safetensors.py
python=/usr/bin/python3
[ -x $python ] || { python=; echo "no $python: that files are whole is seen by resuming alone"; }

data=()
if [ -n "${WRITE_IDX:-}" ]; then
  data=(--data "$work/data")
  mkdir "$work/data"
  "$WRITE_IDX" "$work/data" 640 100 || exit 1
fi
train() {  # DIRECTORY [more options]
  local directory=$1
  shift
  exec "$program" "${data[@]}" --epochs 2 --every "${EVERY:-1}" --checkpoint "$directory/run.ckpt" \
    --out "$directory/out" --threads 1 --quiet "$@"
}
milliseconds() { date +%s%3N; }
numbers() { grep -E 'train_loss|test_accuracy' "$1/out/metrics.json"; }
sum() { cat "$1"/out/*.safetensors | sha256sum; }

# The run that nobody stops, and how long it takes: the shortest time of three.
duration=1000000
for _ in 1 2 3; do
  rm -rf "$work/whole"
  mkdir "$work/whole"
  start=$(milliseconds)
  (train "$work/whole") > "$work/log" 2>&1 || { echo "FAILED: the run that nobody stops: $(cat "$work/log")"; exit 1; }
  took=$(($(milliseconds) - start))
  [ $took -lt $duration ] && duration=$took
done
expected_sum=$(sum "$work/whole") expected_numbers=$(numbers "$work/whole")

# kill_after MILLISECONDS DIRECTORY OPTIONS...: the program, killed then, which counts by what it was at;
# false if it had come to its end.
before=0 during=0 after=0 writing=0
kill_after() {
  local moment=$1 directory=$2
  shift 2
  (train "$directory" "$@") > "$work/log" 2>&1 &
  local pid=$!
  sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
  kill -9 $pid 2> /dev/null
  { wait $pid; } 2> /dev/null
  local status=$?
  [ $status = 137 ] || [ $status = 0 ] || fail "$directory: status $status: $(cat "$work/log")"
  [ $status = 0 ] && return 1
  if [ ! -e "$directory/run.ckpt" ]; then
    before=$((before + 1))
  elif head -c 4096 "$directory/run.ckpt" | grep -qa '"epoch":"2"'; then
    after=$((after + 1))
  else
    during=$((during + 1))
  fi
  [ -e "$directory/run.ckpt.part" ] && writing=$((writing + 1))
  local file files=()
  for file in "$directory/run.ckpt" "$directory/run.ckpt.previous" "$directory"/out/*.safetensors; do
    [ -e "$file" ] && files+=("$file")
  done
  if [ -n "$python" ] && [ ${#files[@]} != 0 ]; then
    $python "$reader" "${files[@]}" > "$work/seen" || fail "$directory after $moment ms: $(cat "$work/seen")"
  fi
  return 0
}
random() { echo $(((RANDOM * 32768 + RANDOM) % $1)); }

good=0
for ((i = 0; i < count; ++i)); do
  directory=$work/$i
  mkdir "$directory"
  moment=$((i * duration / count + $(random $((duration / count + 1)))))
  until kill_after "$moment" "$directory"; do
    moment=$((moment * 19 / 20)) duration=$((duration * 99 / 100))
    rm -rf "$directory"
    mkdir "$directory"
  done
  if [ $((i % 2)) = 1 ]; then
    moment="$moment and $(random "$duration")"
    kill_after "${moment##* }" "$directory" --resume
  fi
  if [ $((i % 5)) = 4 ] && [ -e "$directory/run.ckpt.previous" ]; then
    moment="$moment ms, from the checkpoint before"
    rm -f "$directory/run.ckpt"  # may be one file by two names, which mv would mind
    mv "$directory/run.ckpt.previous" "$directory/run.ckpt"
  fi
  if ! (train "$directory" --resume) > "$work/log" 2>&1; then
    fail "killed after $moment ms: cannot go on: $(cat "$work/log")"
  elif [ "$(sum "$directory")" != "$expected_sum" ]; then
    fail "killed after $moment ms: other weights"
  elif [ "$(numbers "$directory")" != "$expected_numbers" ]; then
    fail "killed after $moment ms: other losses or accuracies"
  elif [ -n "$(find "$directory" -name '*.part' -o -name '*.link')" ]; then
    fail "killed after $moment ms: left $(find "$directory" -name '*.part' -o -name '*.link')"
  else
    good=$((good + 1))
  fi
  rm -rf "$directory"
done

[ "$during" -ge $(((count + 3) / 4)) ] || fail "too few of the kills met a training at work: $during"
echo "$good of $count ended with the same SHA-256 and the same numbers as the run that nobody stopped;" \
  "killed $before times before the first checkpoint, $during in training, $after after it," \
  "$writing of them in the middle of writing a checkpoint"
[ $failures = 0 ] || { echo "$failures failures"; exit 1; }
