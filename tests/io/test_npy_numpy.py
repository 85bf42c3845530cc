#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""npy files both ways between fovea and NumPy: $1 is tests/io/npy_copy, which reads an array and writes it again.

What NumPy saved comes back byte by byte, whatever the type, rank and version; what NumPy can save and
fovea does not read is refused in one sentence. Status 77: there is no NumPy here, nothing was tested."""
import io
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: this Python has no numpy (Debian: python3-numpy)")
    sys.exit(77)

program, failures = sys.argv[1], 0


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def copy(kind, rank, source, target):
    return subprocess.run([program, kind, str(rank), source, target], capture_output=True, text=True)


with tempfile.TemporaryDirectory() as work:
    source, target = os.path.join(work, "source.npy"), os.path.join(work, "target.npy")
    rng = np.random.default_rng(1)
    shapes = [(7,), (0,), (1, 1), (3, 5), (2, 0, 4), (2, 3, 4), (10000, 1), (2, 3, 4, 5), (4, 1, 28, 28)]
    for kind in ("<f4", "<f8", "|u1", "<i4", "<i8"):
        for shape in shapes:
            array = (rng.random(shape) * 250).astype(kind)
            np.save(source, array)
            saved = open(source, "rb").read()
            done = copy(kind, len(shape), source, target)
            if done.returncode != 0:
                fail(f"{kind} {shape}: {done.stderr}")
                continue
            back = np.load(target, allow_pickle=False)
            if back.dtype != array.dtype or back.shape != shape or back.tobytes() != array.tobytes():
                fail(f"{kind} {shape}: another array came back")
            # Earlier NumPys leave less room in the header.
            modern = tuple(map(int, np.__version__.split(".")[:2])) >= (1, 24)
            if modern and open(target, "rb").read() != saved:
                fail(f"{kind} {shape}: not the bytes of np.save")
            for version in ((1, 0), (2, 0), (3, 0)):
                with open(source, "wb") as file:
                    np.lib.format.write_array(file, array, version)
                done = copy(kind, len(shape), source, target)
                if done.returncode != 0 or np.load(target).tobytes() != array.tobytes():
                    fail(f"{kind} {shape} in version {version}: {done.stderr}")

    special = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45], "<f4")
    np.save(source, special)
    copy("<f4", 1, source, target)
    if np.load(target).tobytes() != special.tobytes():
        fail("special numbers")

    plain = np.arange(6, dtype="<f4").reshape(2, 3)
    for name, array, words in [
        ("big-endian", plain.astype(">f4"), "most significant byte first"),
        ("Fortran order", np.asfortranarray(plain), "Fortran order"),
        ("objects", np.array([{}, []], object), "pickled objects"),
        ("booleans", plain > 2, "found |b1"),
        ("half", plain.astype("<f2"), "found <f2"),
        ("complex", plain.astype("<c8"), "found <c8"),
        ("text", np.array(["a", "b"]), "found <U1"),
        ("fields", np.zeros(2, [("a", "<f4"), ("b", "<i4")]), "plain numbers"),
        ("another type", plain.astype("<f8"), "expected numbers of type <f4, found <f8"),
        ("another rank", plain.ravel(), "expected an array of rank 2, found shape (6)"),
        ("a single number", np.float32(1), "expected an array of rank 2, found shape ()"),
    ]:
        np.save(source, array, allow_pickle=True)
        if os.path.exists(target):
            os.remove(target)
        done = copy("<f4", 2, source, target)
        if done.returncode != 2 or words not in done.stderr or done.stderr.count("\n") != 1:
            fail(f"{name}: expected '{words}', got status {done.returncode}: {done.stderr}")
        if os.path.exists(target):
            fail(f"{name}: something was written")
    zipped = io.BytesIO()
    np.savez(zipped, plain)
    open(source, "wb").write(zipped.getvalue())
    if "begins with" not in copy("<f4", 2, source, target).stderr:
        fail("an npz file")

print("npy: all good" if failures == 0 else f"{failures} failures")
sys.exit(failures != 0)
