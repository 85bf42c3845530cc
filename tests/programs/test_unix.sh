#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The programs among other Unix programs: links, pipes, devices, names, numbers, a full disk behind standard
# output. $1 is mnist_predict, MNIST_TRAIN and MNIST_EXPLAIN the others, MILESTONES those of examples/milestones,
# COURSE the six of examples; WRITE_IDX and PHOTOS make synthetic digits.
# As root, all is tried again as the user nobody.
if [ "${AGAIN:-}" = "" ] && [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups "$1" --help > /dev/null 2>&1; then
  AGAIN=yes setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$1" || exit 1
fi
command -v python3 > /dev/null || { echo "skipped: python3 reads the JSON, and is not here"; exit 77; }
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
cd "$work" || exit 1
"$WRITE_IDX" . 256 100 && "$PHOTOS" . 4 || exit 1
mkdir data && mv train-* t10k-* data
"$MNIST_TRAIN" --data data --epochs 1 --out out --quiet > /dev/null || exit 1
weights=$work/out/model.safetensors
predict() { "$program" --weights "$weights" "$@"; }
train() { "$MNIST_TRAIN" --data data --epochs 1 --quiet "$@"; }
set -- 00000*.png
png=$1 idx=originals
sum() { sha256sum < "${1:-/dev/stdin}" | cut -d' ' -f1; }
predict "$png" --show good.png > good.txt && predict --idx $idx --logits good.npy || fail "good run"
good_png=$(sum good.png) good_npy=$(sum good.npy)
same() { [ "$(sum "$2")" = "$1" ] || fail "$3: other bytes"; }

# told WORDS STATUS ARGUMENTS...: this status, one line on standard error with these words.
told() {
  local words=$1 expected=$2 status
  shift 2
  "$@" > stdout 2> stderr < /dev/null
  status=$?
  [ $status = "$expected" ] || fail "$*: status $status instead of $expected"
  [ "$(wc -l < stderr)" = 1 ] || fail "$*: not one line: $(cat stderr)"
  grep -qF -e "$words" stderr || fail "$*: expected '$words', got: $(cat stderr)"
}

# 1. What is written to is no file. Programs that are broken would replace a device of the machine if root
# lets them, so root has devices of its own, and does not try /dev/stdout.
null_device=/dev/null full_device=/dev/full
if [ "$(id -u)" = 0 ]; then
  null_device=$work/null full_device=$work/full
  mknod "$null_device" c 1 3 && mknod "$full_device" c 1 7 && : > "$null_device" || null_device=
fi 2> mknod.log
mkfifo fifo
sha256sum < fifo > through & predict "$png" --show fifo > /dev/null || fail "--show into a pipe"
wait
[ "$(cut -d' ' -f1 through)" = "$good_png" ] && [ -p fifo ] || fail "--show into a pipe"
[ "$(id -u)" = 0 ] || same "$good_npy" <(predict --idx $idx --logits /dev/stdout) "--logits /dev/stdout"
same "$good_npy" <(predict --idx $idx --logits /dev/fd/7 7>&1 > /dev/null) "--logits /dev/fd/7"
predict --idx $idx --logits >(cat > substituted) && wait $! && same "$good_npy" substituted "--logits >(cat)"
{ printf before; predict --idx $idx --logits /dev/fd/1; printf after; } > together
[ "$(head -c 6 together)" = before ] && [ "$(tail -c 5 together)" = after ] || fail "/dev/fd/1 into a file: its position"
printf before > together
predict --idx $idx --logits /proc/self/fd/1 >> together
same "$good_npy" <(tail -c +7 together) "--logits /proc/self/fd/1, appended"
mkdir far
for link in far/new.npy "$work/far/new.npy"; do
  rm -f link far/new.npy
  ln -s "$link" link
  predict --idx $idx --logits link && [ -L link ] && same "$good_npy" far/new.npy "a link to nothing yet"
  predict --idx $idx --logits link && [ -L link ] && same "$good_npy" far/new.npy "a link"
done
ln -s loop loop
told "loop: cannot be written (Too many levels of symbolic links)" 2 predict --idx $idx --logits loop
if [ -n "$null_device" ]; then
  told "full: cannot be written (No space left on device)" 2 predict --idx $idx --logits "$full_device"
  predict --idx $idx --logits "$null_device" && [ -c "$null_device" ] && [ -c "$full_device" ] || fail "a device"
  predict "$png" --show "$null_device" --idx $idx --logits "$null_device" > /dev/null || fail "one device for two outputs"
else
  echo "not tried: a device as an output ($(cat mknod.log))"
fi
cp good.npy rights.npy
chmod 600 rights.npy
predict --idx $idx --logits rights.npy && [ "$(stat -c %a rights.npy)" = 600 ] || fail "rights: $(stat -c %a rights.npy)"
(umask 077; predict --idx $idx --logits new.npy) && [ "$(stat -c %a new.npy)" = 600 ] || fail "umask of a new file"
echo old > readonly
chmod 444 readonly
if [ "$(id -u)" != 0 ]; then
  told "readonly: cannot be written (Permission denied)" 2 predict --idx $idx --logits readonly
  [ "$(cat readonly)" = old ] || fail "a file that is not to be written has changed"
  mkdir ro && echo old > ro/metrics.json && chmod 444 ro/metrics.json
  told "ro/metrics.json: expected a file that can be written over, found one that cannot (Permission denied)" 2 train --out ro
  told "/etc/passwd: cannot be written (Permission denied)" 2 predict --idx $idx --logits /etc/passwd
else
  predict --idx $idx --logits readonly && same "$good_npy" readonly "root writes" && [ "$(stat -c %a readonly)" = 444 ] ||
    fail "rights of a file that root wrote"
fi
mkdir linked
for name in model.safetensors metrics.json loss_curve.svg conv1_filters.png; do ln -s "$work/far/$name" linked/$name; done
train --out linked > /dev/null || fail "results through links"
for name in model.safetensors metrics.json loss_curve.svg conv1_filters.png; do
  [ -L linked/$name ] && [ -s far/$name ] || fail "$name was not written through its link"
done
cmp -s far/model.safetensors "$weights" || fail "a model through a link"
ln -s far/run.ckpt run.ckpt
train --out linked --checkpoint run.ckpt > /dev/null && [ -L run.ckpt ] && [ -s far/run.ckpt ] || fail "a checkpoint through a link"

# 4. Numbers on the command line.
for limit in 0100 100 00000000000000000000100; do
  train --limit $limit --out n$limit > /dev/null || fail "--limit $limit"
done
same "$(sum n100/model.safetensors)" n0100/model.safetensors "--limit 0100 is 100"
same "$(sum n100/model.safetensors)" n00000000000000000000100/model.safetensors "--limit 0...0100 is 100"
train --limit 64 --out n64 > /dev/null
cmp -s n64/model.safetensors n0100/model.safetensors && fail "--limit 0100 is 64"
for text in 0x10 1e3 " 5" "5 " +5 1_000 5. nan inf 99999999999999999999 -1 5,000 ５ five 1.5 "5;"; do
  told "expected a whole number from 0 to 2147483647, found $text" 2 train --out x "--limit=$text"
  told "expected a whole number from 0 to 18446744073709551615, found $text" 2 train --out x "--seed=$text"
done
told "--batch-size: expected a whole number from 1 to 65536, found 65537" 2 train --out x --batch-size 65537
told "--threads: expected a whole number from 0 to 1024, found 0x2" 2 predict --threads 0x2 "$png"
told "--image: expected a whole number from 0 to" 2 "$MNIST_EXPLAIN" --data data --out x --image 1e1
told "--class: expected a whole number from -1 to" 2 "$MNIST_EXPLAIN" --data data --out x --class=-2
for text in 0x1p-3 " 1" "1 " +1 1_0 nan inf -inf 1e999 1e-999 -1e-3 0,5; do
  told "--learning-rate: expected a finite number of 0 or more, found $text" 2 train --out x "--learning-rate=$text"
done
for text in 0.001 1e-3 .001 1.E-3 00.00100; do
  train --limit 64 --learning-rate $text --out rate > /dev/null && same "$(sum n64/model.safetensors)" rate/model.safetensors "--learning-rate $text"
done
for option in --limit --seed --learning-rate; do told "$option: 1 required" 2 train --out x $option=; done
[ -e x ] && fail "a wrong number: something was written"

# 5. Names, and pipes that are read.
names=("[7]" "[]" "[[7]]" "[a,b]" "{}" "%%" "%s%n" "a b" $'a\nb' "a,b" "-x.png" "--json" $'\xff\xfe' $'\x01[7]' "ünï" "a=b" "*" '"q"' "--" "-")
mkdir names
for name in "${names[@]}"; do cp "$png" "names/$name" || exit 1; done
cd names || exit 1
for name in "${names[@]}"; do
  case $name in -) continue ;; esac
  predict --json -- "$name" > ../name.json || fail "a file named $name"
  python3 -c '
import json, sys
name = sys.argv[1].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
found = json.load(open("../name.json"))
assert [f["file"] for f in found] == [name], (found, name)' "$name" || fail "--json of a file named $name"
  predict "--show=./$name" ../"$png" > /dev/null && same "$good_png" "./$name" "--show to a file named $name"
done
predict ./- > ../named && [ "$(sed 's/^[^ ]* *//' ../named)" = "$(sed 's/^[^ ]* *//' ../good.txt)" ] || fail "a file named ./-"
cp ../"$png" $'a\nb'
[ "$(predict -- $'a\nb' | wc -l)" = 1 ] || fail "a name with a newline is more than a line"
told $'no?such: expected a file, found nothing' 2 predict $'no\nsuch'
told "[8]: expected a file, found nothing" 2 predict "[8]"
cp "$weights" "[w]" && "$program" --weights "[w]" ../"$png" > /dev/null || fail "--weights [w]"
cd ..
[ "$("$program" --weights <(cat "$weights") "$png")" = "$(cat good.txt)" ] || fail "weights from a pipe"
[ "$("$program" --weights /dev/stdin "$png" < "$weights")" = "$(cat good.txt)" ] || fail "weights from standard input"
[ "$(cat "$weights" | "$program" --weights /proc/self/fd/0 "$png")" = "$(cat good.txt)" ] || fail "weights from /proc/self/fd/0"
told "expected a safetensors file, found only 0 bytes" 2 "$program" --weights /dev/null "$png"
told "found more" 2 predict /dev/zero
told "standard input: cannot be opened for reading (Bad file descriptor)" 2 bash -c '"$@" - <&-' - "$program" --weights "$weights"
told "standard input: expected a file, found a directory" 2 bash -c '"$@" - < /' - "$program" --weights "$weights"
cat "$png" > fifo & predict fifo > named && wait && [ "$(sed 's/^[^ ]* *//' named)" = "$(sed 's/^[^ ]* *//' good.txt)" ] || fail "a picture from a pipe"
{ head -c 7 > /dev/null; predict - > named; } < <(printf 1234567; cat "$png") && grep -q '^- ' named || fail "standard input from where it is"

# One limit for an IDX file, whether it is plain, packed, or comes through a pipe: 50331648 bytes.
limits() {  # BYTES: what each of the ways says
  printf '\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1' > large && truncate -s "$1" large
  gzip -c large > large.gz
  for way in large large.gz; do predict --idx $way --logits x.npy 2>&1; done
  cat large | predict --idx - --logits x.npy 2>&1
  cat large.gz | predict --idx - --logits x.npy 2>&1
}
limits 50331648 > said
[ "$(grep -c "found 50331632 (trailing bytes)" said)" = 4 ] || fail "just at the limit: $(cat said)"
limits 50331649 > said
[ "$(grep -c "expected at most 50331648 bytes" said)" = 4 ] || fail "above the limit: $(cat said)"
head -c 7000 $idx | gzip -c > two.gz && tail -c +7001 $idx | gzip -c >> two.gz && head -c 512 /dev/zero >> two.gz
predict --idx two.gz --logits two.npy && same "$good_npy" two.npy "gzip of two members, filled up with zeros"

# --json is an array whatever happens.
is_array() { [ "$(python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' 2> /dev/null)" = "$1" ] || fail "--json: $2"; }
predict --json /dev/null 2> /dev/null | is_array 0 "no digit"
predict --json nowhere /dev/null "$png" 2> /dev/null | is_array 1 "one of three"
predict --json --idx $idx --logits x.npy | is_array 0 "logits alone"
"$program" --json --weights nowhere "$png" 2> /dev/null | is_array 0 "no weights"
predict --json "$png" --show /nowhere/x.png 2> /dev/null | is_array 0 "no picture"

# 6. Standard output that does not take what is printed: status 2, and a sentence.
full="standard output: cannot be written (No space left on device)"
closed="standard output: cannot be written (Bad file descriptor)"
into() { told "$1" 2 bash -c "\"\$@\" $2" - "${@:3}"; }
for where in "full:> /dev/full" "closed:>&-"; do
  words=${where%%:*}
  for command in "$program" "$MNIST_TRAIN" "$MNIST_EXPLAIN"; do into "${!words}" "${where#*:}" "$command" --help; done
  into "${!words}" "${where#*:}" "$program" --weights "$weights" "$png"
  into "${!words}" "${where#*:}" "$program" --weights "$weights" --json "$png"
  into "${!words}" "${where#*:}" "$MNIST_TRAIN" --data data --epochs 1 --quiet --out "o$words"
  cmp -s "o$words/model.safetensors" "$weights" || fail "$where: the model is another one"
done
"$MNIST_TRAIN" --data data --epochs 1 --out oall > /dev/full 2> stderr
[ $? = 2 ] && grep -q "standard output: cannot be written" stderr || fail "all lines of a training onto a full disk: $(cat stderr)"
predict --idx $idx --logits x.npy >&- || fail "nothing was printed, so a closed standard output is no error"
predict --idx $idx --logits x.npy >&- 2>&- <&- && same "$good_npy" x.npy "all streams closed"
predict nowhere "$png" 2>&- > out.txt
[ $? = 2 ] && [ "$(cat out.txt)" = "$(cat good.txt)" ] || fail "standard error is closed: $(cat out.txt)"
# The milestones say so before they train, and end.
mkdir cifar && for name in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
  truncate -s 30730000 cifar/$name.bin
done
for milestone in $MILESTONES; do
  case $milestone in *lenet*) arguments=() ;; *) arguments=(cifar 1) ;; esac
  for where in "> /dev/full" ">&-"; do
    told "standard output cannot be written" 1 bash -c "\"\$@\" $where" - timeout 20 "$milestone" "${arguments[@]}"
  done
done
for lesson in $COURSE; do
  case $lesson in *06_train_mnist) arguments=(data) ;; *) arguments=() ;; esac
  told "standard output: No space left on device" 1 bash -c '"$@" > /dev/full' - timeout 60 "$lesson" "${arguments[@]}"
  told "standard output: Bad file descriptor" 1 bash -c '"$@" >&-' - timeout 60 "$lesson" "${arguments[@]}"
done
(trap - PIPE; "$program" --help; echo $? > status) | true
[ "$(cat status)" = 141 ] || [ "$(cat status)" = 0 ] || fail "a reader that is gone: status $(cat status)"
(trap '' PIPE; sleep 0.2; "$program" --help 2> stderr; echo $? > status) | true
[ "$(cat status)" = 2 ] && grep -qF "cannot be written (Broken pipe)" stderr || fail "a reader that is gone, SIGPIPE ignored: $(cat status stderr)"
[ "$(predict $idx | head -1 | wc -l)" = 1 ] || fail "| head -1"

[ $failures = 0 ] && echo "among Unix programs, as $(id -un): all good" || { echo "$failures failures"; exit 1; }
