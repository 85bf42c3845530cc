#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# mnist_predict as a user runs it: good pictures in every form, and rubbish in every place. $1 is the
# program, WRITE_IDX and PHOTOS make synthetic digits, MNIST_TRAIN a network that reads them.
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
. "$(dirname "$(realpath "$0")")/read_right.sh"

mkdir "$work/data" "$work/photos"
"$WRITE_IDX" "$work/data" 3000 200 || exit 1
"$PHOTOS" "$work/photos" 100 || exit 1
"$MNIST_TRAIN" --data "$work/data" --epochs 3 --out "$work/out" --quiet > /dev/null || exit 1
weights=$work/out/model.safetensors
predict() { "$program" --weights "$weights" "$@"; }

# Photographs of synthetic digits, three in a hundred fewer than the originals at most.
compare_photos "$weights" "$work/photos" 100 33

cd "$work/photos" || exit 1
# The first one that is read right, as nearly all are.
for png in *.png; do
  jpg=${png%.png}.jpg digit=${png#*_is_} digit=${digit%.png}
  [ "$(predict "$png" "$jpg" | grep -c "g   $digit ")" = 2 ] && break
done

# The terminal, a pipe, JSON, a picture.
predict "$png" "$jpg" > "$work/lines" 2> "$work/stderr" || fail "good run: $(cat "$work/stderr")"
[ "$(wc -l < "$work/lines")" = 2 ] || fail "not a line for each image: $(cat "$work/lines")"
grep -q "^$png   $digit  *[0-9.]* %" "$work/lines" || fail "unexpected line: $(cat "$work/lines")"
[ -s "$work/stderr" ] && fail "remarks about good weights: $(cat "$work/stderr")"
predict --json - < "$jpg" > "$work/pipe.json" || fail "pipe"
grep -q "\"file\":\"-\",\"digit\":$digit,\"probabilities\":\[" "$work/pipe.json" || fail "pipe: $(cat "$work/pipe.json")"
predict --json "$png" originals > "$work/all.json" || fail "--json"
[ "$(grep -c '"probabilities":\[\([-0-9.e]*,\)\{9\}[-0-9.e]*\]' "$work/all.json")" = 101 ] || fail "--json has not 101 lines of ten"
[ "$(head -1 "$work/all.json")" = "[" ] && [ "$(tail -1 "$work/all.json")" = "]" ] || fail "--json is no array"
grep -q '"file":"originals\[99\]"' "$work/all.json" || fail "--json does not name the images of an IDX file"
predict "$png" "$jpg" --show "$work/show.png" > /dev/null || fail "--show"
[ "$(head -c 4 "$work/show.png" | tail -c 3)" = PNG ] || fail "--show wrote no PNG"
gzip -c originals > originals.gz
[ "$(predict originals | sed 's/^[^ ]* *//')" = "$(predict originals.gz | sed 's/^[^ ]* *//')" ] || fail "a .gz is read differently"
for threads in 1 3; do
  predict --threads $threads --idx originals --logits "$work/logits$threads.npy" > "$work/stdout" || fail "--logits"
done
[ -s "$work/stdout" ] && fail "--logits printed something"
[ "$(wc -c < "$work/logits1.npy")" = $((128 + 100 * 10 * 4)) ] || fail "--logits: wrong size"
cmp -s "$work/logits1.npy" "$work/logits3.npy" || fail "the number of threads changed the logits"
"$program" --help > "$work/help" || fail "--help has a non-zero status"
for option in --weights --show --json --idx --logits --threads --no-selftest --quiet; do
  grep -q -e "$option" "$work/help" || fail "--help does not list $option"
done

# refused WORDS ARGUMENTS...: status 2, one sentence with these words, nothing printed, nothing written.
refused() {
  local words=$1 status
  shift
  "$program" "$@" > "$work/stdout" 2> "$work/stderr" < /dev/null
  status=$?
  [ $status = 2 ] || fail "$*: status $status instead of 2"
  [ "$(wc -l < "$work/stderr")" = 1 ] || fail "$*: not one line: $(cat "$work/stderr")"
  grep -qF -e "$words" "$work/stderr" || fail "$*: expected '$words', got: $(cat "$work/stderr")"
  [ -s "$work/stdout" ] && fail "$*: printed $(cat "$work/stdout")"
  [ -e "$work/bad.png" ] || [ -e "$work/bad.npy" ] && fail "$*: wrote something"
  rm -f "$work/bad.png" "$work/bad.npy"
}
refused "--weights is required" "$png"
refused "expected pictures to read" --weights "$weights"
refused "$work/nowhere: expected a file" --weights "$work/nowhere" "$png"
refused "$png: expected" --weights "$png" "$png"
refused "nowhere.png: expected a file, found nothing" --weights "$weights" nowhere.png --show "$work/bad.png"
refused ".: expected a file, found a directory" --weights "$weights" .
refused "standard input: expected a PNG, JPEG or IDX file, found an empty file" --weights "$weights" -
refused "threads" --weights "$weights" --threads -1 "$png"
refused "--logits" --weights "$weights" --idx originals
refused "--idx" --weights "$weights" --logits "$work/bad.npy"
refused "expected the IDX magic" --weights "$weights" --idx "$work/data/t10k-labels-idx1-ubyte" --logits "$work/bad.npy"
refused "IDX" --weights "$weights" --idx "$png" --logits "$work/bad.npy"
refused "cannot be written" --weights "$weights" --idx originals --logits "$work/nowhere/bad.npy"
cp "$png" copy.png
refused "--show: expected a file of its own, found copy.png" --weights "$weights" copy.png --show copy.png
refused "--show: expected a file of its own, found $weights" --weights "$weights" "$png" --show "$weights"
refused "--logits: expected a file of its own, found ./originals" --weights "$weights" --idx originals --logits ./originals
refused "--show: expected pictures to draw, found none" --weights "$weights" --idx originals --logits "$work/bad.npy" --show "$work/bad.png"
refused "--weights: expected the name of a file" --weights "" "$png"
cmp -s "$png" copy.png || fail "a picture was overwritten"
refused "cannot be written" --weights "$weights" "$png" --show "$work/nowhere/bad.png"

# broken COMMAND WORDS: copies named x.png and x.jpg, damaged by the command, are refused.
broken() {
  cp "$png" x.png && cp "$jpg" x.jpg && cp originals x.idx
  eval "$1"
  local file
  for file in x.png x.jpg x.idx; do
    case $1 in *"$file"*) refused "$2" --weights "$weights" --show "$work/bad.png" "$file" ;; esac
  done
}
poke() { printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
broken "truncate -s -1 x.png" "x.png: expected"
broken "truncate -s -12 x.png" "IEND"
broken "truncate -s 40 x.png" "truncated"
broken "truncate -s 8 x.png" "IEND"
broken "poke x.png 60 garbage" "x.png: expected the checksum of the PNG chunk IDAT"
broken "poke x.png 16 '\\x7f\\xff\\xff\\xff\\x7f\\xff\\xff\\xff'" "checksum of the PNG chunk IHDR"
broken "truncate -s -2 x.jpg" "x.jpg: expected a JPEG file, found a damaged one"
broken "truncate -s 700 x.jpg" "found a damaged one"
broken "truncate -s 3 x.jpg" "found a damaged one"
broken "truncate -s 2 x.jpg" "x.jpg: expected a PNG, JPEG or IDX file, found something else"
broken "truncate -s -1 x.idx" "truncated"
broken "printf x >> x.idx" "trailing bytes"
broken "poke x.idx 4 '\\xff\\xff\\xff\\xff'" "truncated"
broken "printf 'GIF89a' > x.png" "expected a PNG, JPEG or IDX file, found a GIF file (convert it to PNG or JPEG)"
broken "truncate -s 257M x.png" "expected at most 268435456 bytes, found 269484032"
broken "truncate -s 257M x.jpg" "expected at most 268435456 bytes"
broken "printf '\\0\\0\\x08\\x03' > x.idx; truncate -s 60M x.idx" "expected at most 50331648 bytes"
sizes=$(LC_ALL=C grep -obUaP '\xff\xc0' x.jpg | head -1 | cut -d: -f1)
broken "poke x.jpg $((sizes + 5)) '\\xff\\xdc\\xff\\xdc'" "expected a height and a width in [1, 65535] and at most 400000000 pixels, found 65500 x 65500"

# One that cannot be read among others: told, and the others are read.
printf 'not a picture' > x.png
predict x.png "$png" "$jpg" > "$work/lines" 2> "$work/stderr"
[ $? = 2 ] || fail "a bad picture among good ones: the status is not 2"
[ "$(wc -l < "$work/lines")" = 2 ] && [ "$(wc -l < "$work/stderr")" = 1 ] || fail "a bad picture among good ones: $(cat "$work/lines" "$work/stderr")"

# Weights without a self-test: a remark, which --quiet and --no-selftest leave out. The key is renamed.
sed 's/selftest\.logits/selftest-logits/' "$weights" > "$work/plain.safetensors"
"$program" --weights "$work/plain.safetensors" "$png" > "$work/lines" 2> "$work/stderr" || fail "weights without a self-test"
grep -q "no self-test" "$work/stderr" || fail "no remark about the self-test: $(cat "$work/stderr")"
"$program" --weights "$work/plain.safetensors" --quiet "$png" 2>&1 | grep -q "no self-test" && fail "--quiet remarks"
sed 's/input\.mean/input-mean/' "$weights" > "$work/plain.safetensors"
"$program" --weights "$work/plain.safetensors" "$png" 2>&1 > /dev/null | grep -q "no input.mean and input.std in it, so MNIST's are taken" || fail "no remark about the scaling"

[ $failures = 0 ] && echo "mnist_predict: all good" || { echo "$failures failures"; exit 1; }
