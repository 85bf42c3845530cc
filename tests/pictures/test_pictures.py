#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Pictures as people's programs write them: make_corpus.py makes one digit in hundreds of forms, and each is
# read with the right grey levels and as the same digit, or refused for the true reason.
#
#   WRITE_IDX=... PHOTOS=... MNIST_TRAIN=... tests/pictures/test_pictures.py MNIST_PREDICT WRITE_GREY [CORPUS]
#
# CORPUS is where the files are left, to look at. Where Pillow opens a file and knows all that there is to know
# about it, what it sees is compared, too. Status 77: a program that makes the pictures is not here.
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import warnings

tools = ("convert", "cjpeg", "jpegtran", "wrjpgcom", "pngcrush", "exiftool")
missing = [tool for tool in tools if shutil.which(tool) is None]
try:
    import numpy as np
    from PIL import Image, ImageCms, ImageOps  # noqa: F401
except ImportError:
    missing.append("NumPy and Pillow")
if missing:
    print("skipped: the pictures are made with", ", ".join(missing), "(Debian: imagemagick libjpeg-turbo-progs",
          "pngcrush libimage-exiftool-perl python3-numpy python3-pil)")
    sys.exit(77)

here = pathlib.Path(__file__).resolve().parent
predict, write_grey = sys.argv[1:3]
work = pathlib.Path(tempfile.mkdtemp())
corpus = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else work / "corpus"
failures = []


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode not in (0, 2):
        sys.exit(f"{command[0]}: status {done.returncode}: {done.stderr}")
    return done.stdout, done.stderr


def fail(file, what):
    failures.append(file)
    print(f"FAILED: {file}: {what}")


def read_digits(*files):
    """What is read in each file; what is refused is not in it."""
    stdout, stderr = run(predict, "--weights", work / "out/model.safetensors", "--json", *files)
    found = {pathlib.Path(line["file"]).name: line["digit"] for line in json.loads(stdout or "[]")}
    return found, stderr


def boxes(grey):
    """Averages as the reader takes them of what has more than 2048 pixels a side."""
    k = -(-max(grey.shape) // 2048)
    starts = [np.arange(0, extent, k) for extent in grey.shape]
    sums = np.add.reduceat(np.add.reduceat(grey.astype(np.uint32), starts[0], 0), starts[1], 1)
    heights, widths = (np.minimum(k, extent - start) for extent, start in zip(grey.shape, starts))
    counts = np.outer(heights, widths)
    return ((sums + counts // 2) // counts).astype(np.uint8)


try:
    for directory in ("data", "photos", "seen"):
        (work / directory).mkdir()
    run(os.environ["WRITE_IDX"], work / "data", 3000, 200)
    run(os.environ["MNIST_TRAIN"], "--data", work / "data", "--epochs", 3, "--out", work / "out", "--quiet")
    run(os.environ["PHOTOS"], work / "photos", 20)
    base = work / "photos/00019_is_7.png"
    subprocess.run([sys.executable, here / "make_corpus.py", base, corpus], check=True)
    manifest = json.loads((corpus / "manifest.json").read_text())
    files = [corpus / entry["file"] for entry in manifest]

    # The digit tells which way is up: it is read as another one in every other orientation.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(base) as upright:
        for turn in (Image.ROTATE_90, Image.ROTATE_180, Image.ROTATE_270):
            upright.transpose(turn).save(work / f"turned_{turn}.png")
    digits, _ = read_digits(base, *work.glob("turned_*.png"))
    digit = digits.pop(base.name)
    if digit != 7 or digit in digits.values():
        fail(base.name, f"read as {digit}, turned as {digits}")

    # What a header promises is compared with the limits before memory is asked for, even if it is not used.
    said, _ = run(write_grey, work / "seen", *files,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)))
    sentences = dict(line.split("\t", 1) for line in said.splitlines())
    digits, refusals = read_digits(*files)
    by_pillow = 0
    warnings.simplefilter("ignore")  # of Pillow's about the oddities
    for entry in manifest:
        file, said = entry["file"], sentences.get(entry["file"], "nothing")
        if entry["truth"] is None:
            if entry["words"] not in said:
                fail(file, f"expected to be refused with '{entry['words']}', found '{said}'")
            if entry["file"] in digits:
                fail(file, f"read as {digits[file]}")
            if not any(f"/{file}: " in line and entry["words"] in line for line in refusals.splitlines()):
                fail(file, "mnist_predict says something else, or nothing")
            continue
        if said != "ok":
            fail(file, f"refused: {said}")
            continue
        seen = np.asarray(Image.open(work / "seen" / f"{file}.pgm")).astype(int)
        truth = np.load(corpus / "truth" / entry["truth"])
        truth = truth if entry.get("reduced") else boxes(truth)
        if seen.shape != truth.shape:
            fail(file, f"expected the extents {truth.shape}, found {seen.shape}")
        elif (off := np.abs(seen - truth).mean()) > entry["mean"]:
            fail(file, f"grey levels are off by {off:.2f} in the mean, {entry['mean']} is allowed")
        if entry["digit"] and digits.get(file) != digit:
            fail(file, f"read as {digits.get(file)} instead of {digit}")
        if not entry["digit"] and file not in digits and f"/{file}: " not in refusals:
            fail(file, "neither read nor refused")

        # A second opinion, but for what Pillow does not do: paper under what is transparent, 16 bits, the
        # orientation that only these readers look for, and pictures too large to open twice.
        if entry.get("reduced"):
            continue
        try:
            with Image.open(corpus / file) as image:
                image.load()
                if image.mode in ("L", "RGB", "P", "1", "CMYK") and "transparency" not in image.info:
                    other = boxes(np.asarray(ImageOps.exif_transpose(image).convert("L")))
                    by_pillow += other.shape == seen.shape and np.abs(seen - other).mean() < 2.6
        except Exception:  # whatever Pillow has against it
            continue
    if by_pillow < 400:
        fail("the corpus", f"Pillow sees the same in {by_pillow} pictures only")
finally:
    shutil.rmtree(work)

refused = sum(entry["truth"] is None for entry in manifest)
print(f"{len(manifest)} pictures: {len(manifest) - refused} to read, {refused} to refuse, {by_pillow} as Pillow sees them; "
      f"{len(failures)} failures")
sys.exit(bool(failures))
