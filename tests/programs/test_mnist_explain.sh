#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# mnist_explain as a user runs it: a small run and what it leaves, a network trained elsewhere, and
# rubbish in every place. $1 is the program, WRITE_IDX the generator of synthetic digits, MNIST_TRAIN the
# program that trains elsewhere.
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
scripts=$(cd "$(dirname "$(realpath "$0")")/../../scripts" && pwd)

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
            translation_adversarial.svg noise.svg cutout.svg corruptions.svg corrupted_images.png fgsm.svg pgd.svg; do
  [ -s "$work/out/$file" ] || fail "good run left no $file"
done
grep -q $'\r' "$work/log" && fail "control characters though the output is not a terminal"
grep -q "measuring attacks .* s$" "$work/log" || fail "no times: $(cat "$work/log")"
[ "$(grep -c '^| ' "$work/out/robustness.md")" = 30 ] || fail "robustness.md: $(cat "$work/out/robustness.md")"

# explain.json is JSON and says what the page says.
python=/usr/bin/python3
if [ -x $python ]; then
  $python - "$work/out" <<'PY' || fail "explain.json"
import html, json, re, sys
data = json.load(open(sys.argv[1] + "/explain.json"))
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
    for condition in ("rotation", "noise", "cutout", "fgsm", "pgd"):
        assert all(p["images"] == 40 for p in data["robustness"][condition][network])
    row = data["robustness"]["table"]["PGD epsilon 0.3"][network]
    on_page("%.1f (%.1f-%.1f)" % (row["percent"], *row["interval"]))
on_page("ECE %.2f %%" % (100 * data["mistakes"]["ece"]))
for method, areas in data["attribution"]["faithfulness"].items():
    on_page("%.3f" % areas["deletion_area"])
PY
else
  echo "explain.json was not parsed, for want of $python"
fi

# The plain network, trained by mnist_train: the page says where it comes from, and finds the same in it, with
# another number of threads.
"$MNIST_TRAIN" --data "$work/data" --epochs 1 --out "$work/trained" --quiet > /dev/null || fail "mnist_train"
weights=$work/trained/model.safetensors
run --image 3 --class 5 --threads 1 --weights "$weights" --out "$work/loaded" > "$work/log" 2>&1 || fail "--weights: $(cat "$work/log")"
grep -q "^model.safetensors holds a self-test, which came out right here.*, as the file says.$" "$work/log" ||
  fail "--weights: $(cat "$work/log")"
grep -q "training, plain" "$work/log" && fail "--weights: a plain network was trained"
for file in report.html explain.json robustness.md losses.svg prototypes_loaded.png translation_loaded.svg; do
  [ -s "$work/loaded/$file" ] || fail "--weights left no $file"
done
grep -qF "$work/trained" "$work/loaded/report.html" "$work/loaded/explain.json" &&
  fail "the page says in which directory the weights were"
"$program" --help > "$work/help" || fail "--help has a non-zero status"
for option in --weights --no-selftest; do
  grep -q -e "$option" "$work/help" || fail "--help does not list $option"
done
if [ -x $python ]; then
  $python - "$work" <<'PY' || fail "the network trained elsewhere"
import html, json, re, struct, sys
work = sys.argv[1]
text = open(work + "/loaded/report.html").read()
page = html.unescape(re.sub(r"<[^>]+>", " ", text)).replace("\u00a0", " ")
for word in ("trained elsewhere (model.safetensors)", "What model.safetensors says of itself", "trained.on",
             "two networks trained here", "fresh ones of seed 1", "not clearly better or worse than the loaded one"):
    assert word in page, word + " is not on the page"
for word in ("plain network", "plain one", "before training", "random start:", "trained three times", "three trainings"):
    assert word not in page, word + " is on the page of a network trained elsewhere"
here, loaded = (json.load(open(f"{work}/{d}/explain.json")) for d in ("out", "loaded"))
file = loaded["networks"]["loaded"]
assert file["file"] == "model.safetensors" and file["metadata"]["trained.on"] == "mnist" and "epochs" not in file
assert file["selftest_error"] == 0
assert file["input_scaling"] == {"mean": 0.1307, "std": 0.3081, "said_by": "file"}
for a, b in (("plain", "loaded"), ("augmented", "augmented"), ("adversarial", "adversarial")):
    assert here["networks"][a]["accuracy"] == loaded["networks"][b]["accuracy"], a + " and " + b + " differ"
del here["filters"]["likeness_to_start"]
renamed = json.loads(json.dumps(loaded).replace('"loaded"', '"plain"'))
for key in here:
    assert key in ("run", "seconds", "networks") or here[key] == renamed[key], key + " differs in a loaded network, or depends on the threads"

# The same weights without metadata, as others write them; with another scaling and a self-test that
# fails; with a scaling that is none; as another network; with a weight that is no number.
data = open(work + "/trained/model.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
head, tensors = json.loads(data[8:8 + size]), data[8 + size:]
metadata = head.pop("__metadata__")
def write(name, tensors=tensors, **changed):
    header = dict(head, __metadata__=dict(metadata, **changed)) if changed else head
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    open(f"{work}/{name}.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + tensors)
write("bare")
write("unit", **{"input.mean": "0", "input.std": "1", "selftest.logits": "[1,2,3,4,5,6,7,8,9,10]"})
write("scaling", **{"input.std": "0"})
write("other", architecture="input (1, 28, 28)")
write("nan", struct.pack("<f", float("nan")) * (len(tensors) // 4))
PY
  run --weights "$work/bare.safetensors" --out "$work/bare" > "$work/log" 2>&1 || fail "bare: $(cat "$work/log")"
  for file in "$work/log" "$work/bare/report.html"; do
    grep -q "bare.safetensors holds no self-test.*the scaling of mnist, for the file does not say" "$file" ||
      fail "no metadata: not a word of it in $file"
  done
  run --weights "$work/unit.safetensors" --no-selftest --quiet --out "$work/unit" > "$work/log" 2>&1 ||
    fail "--no-selftest: $(cat "$work/log")"
  [ "$(wc -l < "$work/log")" = 1 ] || fail "--weights --quiet printed more than one line"
  grep -qF "which was not tried (--no-selftest)" "$work/unit/report.html" || fail "--no-selftest: not a word of it"
  grep -qF "this network sees black as 0.)" "$work/unit/report.html" || fail "the scaling of the file was not used"
  refused "unit.safetensors: expected the logits of its self-test, found" --data "$work/data" --weights "$work/unit.safetensors"
  refused "scaling.safetensors: expected a number above 0 for input.std, found 0" --data "$work/data" --weights "$work/scaling.safetensors"
  refused "other.safetensors: a file of another network: expected conv1" --data "$work/data" --weights "$work/other.safetensors"
  refused "nan.safetensors: conv1.weight: expected finite numbers, found" --data "$work/data" --weights "$work/nan.safetensors"
fi
small='{"conv1.weight":{"dtype":"F32","shape":[1,1,1,1],"data_offsets":[0,4]}}'
printf "\\x$(printf %02x ${#small})\\0\\0\\0\\0\\0\\0\\0%s\\0\\0\\0\\0" "$small" > "$work/small.safetensors"
refused "conv1.weight (1, 1, 1, 1) instead of (32, 1, 3, 3)" --data "$work/data" --weights "$work/small.safetensors"
refused "$work/nowhere: expected a file" --data "$work/data" --weights "$work/nowhere"
refused "$work/data: expected a file" --data "$work/data" --weights "$work/data"
refused "t10k-labels-idx1-ubyte: expected a header of at most" --data "$work/data" --weights "$work/data/t10k-labels-idx1-ubyte"
refused "--weights: expected the name of a file" --data "$work/data" --weights ""
refused "--no-selftest" --data "$work/data" --no-selftest

refused "--image: expected the number of a test image in [0, 40), got 40" --data "$work/data" --image 40
refused "--image: expected a whole number from 0" --data "$work/data" --image -1
refused "--image" --data "$work/data" --image seven
refused "--class: expected a class in [0, 10), or -1 for the image's own, got 10" --data "$work/data" --class 10
refused "--class: expected a whole number from -1" --data "$work/data" --class -2
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
"$scripts/check_page.py" "$work/out/report.html" "$work/loaded/report.html"
status=$?
[ $failures = 0 ] || { echo "$failures failures"; exit 1; }
[ $status = 0 ] && echo "mnist_explain: all good"
exit $status
