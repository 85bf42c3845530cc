#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# mnist_explain as a stranger uses it: a small run and what it leaves, and rubbish in every place. $1 is
# the program, WRITE_IDX the generator of synthetic digits.
. "$(dirname "$0")/stranger.sh"
scripts=$(cd "$(dirname "$0")/../../scripts" && pwd)

mkdir "$work/data"
"$WRITE_IDX" "$work/data" 640 40 || exit 1
run() { "$program" --data "$work/data" --epochs 1 "$@"; }

# A run from beginning to end.
run --image 3 --class 5 --out "$work/out" > "$work/log" 2>&1 || fail "good run: $(cat "$work/log")"
for file in report.html explain.json robustness.md input.png conv1_filters.png conv1_activations.png \
            conv2_activations.png conv2_kernels.png conv2_patches.png receptive_fields.png \
            effective_fields.png poster.png attribution.png prototypes_plain.png \
            prototypes_adversarial.png confusion_matrix.png losses.svg filter_matches.svg silent_units.svg \
            deletion.svg insertion.svg randomisation.svg ablation_conv1.svg ablation_conv2.svg \
            reliability.svg rotation.svg translation_plain.svg translation_augmented.svg \
            translation_adversarial.svg noise.svg occlusion.svg corruptions.svg corrupted_images.png fgsm.svg pgd.svg; do
  [ -s "$work/out/$file" ] || fail "good run left no $file"
done
grep -q $'\r' "$work/log" && fail "control characters though the output is not a terminal"
grep -q "measuring attacks .* s$" "$work/log" || fail "no times: $(cat "$work/log")"
[ "$(grep -c '^| ' "$work/out/robustness.md")" = 30 ] || fail "robustness.md: $(cat "$work/out/robustness.md")"

# The same seed gives the same numbers with any number of threads.
run --image 3 --class 5 --threads 1 --quiet --out "$work/one" > "$work/quiet" || fail "one thread"
[ "$(wc -l < "$work/quiet")" = 1 ] || fail "--quiet printed more than one line"
cmp -s "$work/out/robustness.md" "$work/one/robustness.md" || fail "another number of threads changed the table"

# explain.json is JSON and says what the page says.
python=/usr/bin/python3
if [ -x $python ]; then
  $python - "$work/out" "$work/one" <<'PY' || fail "explain.json"
import html, json, re, sys
load = lambda d: json.load(open(d + "/explain.json"))
data, other = load(sys.argv[1]), load(sys.argv[2])
page = html.unescape(re.sub(r"<[^>]+>", " ", open(sys.argv[1] + "/report.html").read())).replace("\u00a0", " ")
def on_page(text):
    assert text in page, text + " is not on the page"
assert data["image"]["index"] == 3 and data["image"]["class_explained"] == 5
assert [data["receptive_fields"][k]["size"] for k in ("conv1", "pool1", "conv2", "pool2")] == [3, 4, 8, 10]
assert data["receptive_fields"]["conv2"]["without_pooling"] == 5
assert data["attribution"]["integrated_gradients"]["residual"] <= 0.01
for network in ("plain", "augmented", "adversarial"):
    a = data["networks"][network]["accuracy"]
    assert a["images"] == 40 and a["percent"] == 100 * a["correct"] / 40
    on_page("%.2f %% (%.2f to %.2f)" % (a["percent"], *a["interval"]))
    for condition in ("rotation", "noise", "occlusion", "fgsm", "pgd"):
        assert all(p["images"] == 40 for p in data["robustness"][condition][network])
    row = data["robustness"]["table"]["PGD epsilon 0.3"][network]
    on_page("%.1f (%.1f-%.1f)" % (row["percent"], *row["interval"]))
on_page("ECE %.2f %%" % (100 * data["mistakes"]["ece"]))
for method, areas in data["attribution"]["faithfulness"].items():
    on_page("%.3f" % areas["deletion_area"])
for key in data:
    assert key in ("run", "seconds", "networks") or data[key] == other[key], key + " depends on the threads"
PY
else
  echo "explain.json was not parsed, for want of $python"
fi

refused "--image: expected the number of a test image in [0, 40), got 40" --data "$work/data" --image 40
refused "--image: expected the number of a test image in [0, 40), got -1" --data "$work/data" --image -1
refused "--image" --data "$work/data" --image seven
refused "--class: expected a class in [0, 10), or -1 for the image's own, got 10" --data "$work/data" --class 10
refused "--class: expected a class" --data "$work/data" --class -2
refused "no layer conv3" --data "$work/data" --layer conv3
refused "--layer: expected a layer with rows and columns, got fc1" --data "$work/data" --layer fc1
refused "$work/nowhere" --data "$work/nowhere"
refused "--epochs" --data "$work/data" --epochs 0
refused "--nonsense" --nonsense
# empty PART: well-formed files without a single image, as the training or the test part.
empty() {
  rm -rf "$work/empty"
  cp -r "$work/data" "$work/empty"
  printf '\x00\x00\x08\x03\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x1c' > "$work/empty/$1-images-idx3-ubyte"
  printf '\x00\x00\x08\x01\x00\x00\x00\x00' > "$work/empty/$1-labels-idx1-ubyte"
}
empty t10k
refused "t10k-images-idx3-ubyte: expected at least one image" --data "$work/empty"
empty train
refused "train-images-idx3-ubyte: expected at least one image" --data "$work/empty"
touch "$work/file"
run --out "$work/file" > /dev/null 2> "$work/stderr"
[ $? = 2 ] && grep -qF "$work/file: expected a directory" "$work/stderr" || fail "--out is a file: $(cat "$work/stderr")"

# Ctrl-C: status 130.
"$program" --data "$work/data" --epochs 10000 --out "$work/interrupted" > "$work/log" 2>&1 &
pid=$!
for _ in $(seq 600); do grep -q "epoch 1/10000  loss" "$work/log" && break; sleep 0.1; done
kill -INT $pid
wait $pid
status=$?
[ $status = 130 ] || fail "interrupt: status $status instead of 130"
[ "$(grep -c "stopped by Ctrl-C" "$work/log")" = 1 ] || fail "interrupt: $(cat "$work/log")"

# The page in a browser; check_page.py says why if it has to skip.
"$scripts/check_page.py" "$work/out/report.html"
status=$?
[ $failures = 0 ] || { echo "$failures failures"; exit 1; }
[ $status = 0 ] && echo "mnist_explain: all good"
exit $status
