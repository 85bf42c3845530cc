#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""npy files both ways between fovea and NumPy: $1 is tests/io/npy_copy, which reads an array and writes it again.

What NumPy saved comes back byte by byte, whatever the type, rank and version. What else np.load reads is read as
np.load reads it: either order of bytes and indices, headers by Python 2 and by other programs, and every type as
every other whose numbers are the same. What NumPy can save and fovea does not read is refused in one sentence.
Status 77: there is no NumPy here, nothing was tested."""
import io
import math
import os
import struct
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
except ImportError:
    print("skipped: this Python has no numpy (Debian: python3-numpy)")
    sys.exit(77)

warnings.simplefilter("ignore")  # np.load's, at headers by Python 2
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
    kinds = ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f4", "<f8")
    for kind in kinds:
        for shape in shapes:
            array = (rng.random(shape) * 120).astype(kind)
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

    def same_as_np_load(name, kind, rank=None):
        """Whether the file `source`, read as numbers of this kind, has those that np.load finds in it."""
        there = np.atleast_1d(np.load(source, allow_pickle=False)).astype(kind)
        if os.path.exists(target):
            os.remove(target)
        done = copy(kind, rank or there.ndim, source, target)
        if done.returncode != 0:
            return fail(f"{name} as {kind}: {done.stderr}")
        back = np.load(target)
        if back.dtype != np.dtype(kind) or back.shape != there.shape or back.tobytes() != there.tobytes():
            fail(f"{name} as {kind}: {back} instead of {there}")

    # Both orders of bytes and of indices, into the same type and into one that has all of its numbers.
    wider = {"f2": "<f4", "f4": "<f8", "b1": "<f4", "u1": "<f4", "i1": "<f4", "u2": "<i4", "i2": "<f4", "u4": "<f8", "i4": "<f8"}
    for kind in kinds + ("<f2",):
        for order in "<>":
            for shape in [(), (1,), (6,), (2, 3), (3, 1), (0, 3), (2, 3, 4), (1, 5, 2), (3, 2, 1, 4)]:
                array = (rng.random(shape) * 200 - (100 if kind[1] in "if" else 0)).astype(order + kind[1:])
                for fortran in (False, True):
                    np.save(source, np.asfortranarray(array) if fortran and shape else array)
                    name = f"{order + kind[1:]} {shape}{' in Fortran order' if fortran else ''}"
                    if kind != "<f2":
                        same_as_np_load(name, kind)
                    if kind[1:] in wider:
                        same_as_np_load(name, wider[kind[1:]])

    # Headers by hand, as Python 2 and other programs write them.
    def by_hand(text, data, version=1, align=64, end="\n"):
        prefix = 10 if version == 1 else 12
        text += " " * (-(prefix + len(text) + len(end)) % align) + end
        with open(source, "wb") as file:
            file.write(b"\x93NUMPY" + bytes((version, 0)) + struct.pack("<H" if version == 1 else "<I", len(text)))
            file.write(text.encode() + data)

    numbers = np.arange(6, dtype="<f4").tobytes()
    for text in [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2L, 3), }",
        "{'shape': (6L,), 'descr': '<f4', 'fortran_order': False}",
        '{"fortran_order": True, "shape": (3, 2), "descr": "<f4"}',
        "{'descr':'<f4','fortran_order':False,'shape':(2,3,)}",
        "{ 'descr' : '<f4' ,\t'fortran_order' : False ,\n'shape' : ( 1 , 2 , 3 , ) , }",
        "{u'descr': u'<f4', u'fortran_order': False, u'shape': (6,), }",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3), }",
        "{'descr': '=f4', 'fortran_order': True, 'shape': (2, 3), }",
        "{'descr': '|f4', 'fortran_order': False, 'shape': (6,), }",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (6,), }",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }",
        "{'descr': 'i1', 'fortran_order': True, 'shape': (4, 6), }",
        "{'descr': '<u1', 'fortran_order': False, 'shape': (24,), }",
        "{'descr': '>i1', 'fortran_order': False, 'shape': (24,), }",
        "{'descr': '>f8', 'fortran_order': True, 'shape': (3,), }",
        "{'descr': '<u8', 'fortran_order': True, 'shape': (3,), }",
    ]:
        for version, align, end in [(1, 64, "\n"), (1, 16, "\n"), (1, 1, "\n"), (1, 4096, "\n"), (1, 1, ""), (1, 7, "\n\n"),
                                    (2, 64, "\n"), (3, 16, "\n")]:
            if "L" in text and version == 3:
                continue  # there was no Python 2 then
            by_hand(text, numbers, version, align, end)
            same_as_np_load(text, "<f8" if "f" in text.split(",")[0] else "<i8" if "i" in text[:20] else "<u8")

    # A number as every type: taken if it is one of that type's, else refused.
    def holds(kind, number):
        if kind == "|b1":
            return number in (0, 1)
        if kind[1] == "f":
            with np.errstate(all="ignore"):
                there = float(np.dtype(kind).type(number))
            return there == number or not math.isfinite(number)  # Python compares int and float exactly
        return math.isfinite(number) and np.iinfo(kind).min <= number <= np.iinfo(kind).max and number == int(number)

    edges = [0, 1, 2, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, 65535, 65536, 2**24, 2**24 + 1, 2**31 - 1, 2**31,
             -2**31, 2**32 - 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -2**63, 2**64 - 1]
    reals = [-0.0, 0.5, 0.1, 1e-45, 2**-149, 2**-150, 65504.0, 2.0**64, -2.0**64, 3.5e38, 1e308, math.inf, -math.inf, math.nan]
    read = refused = 0
    for number in edges + reals:
        for stored in kinds + ("<f2",):
            if not holds(stored, number) or (isinstance(number, float) and stored[1] != "f"):
                continue
            np.save(source, np.array([number], stored))
            for kind in kinds:
                done = copy(kind, 1, source, target)
                if (done.returncode == 0) != holds(kind, number):
                    fail(f"{number} in {stored} as {kind}: {'read' if done.returncode == 0 else 'refused'}")
                elif done.returncode == 0:
                    read += 1
                    back = np.load(target)[0].item()
                    if back != number and not (math.isnan(back) and math.isnan(number)):
                        fail(f"{number} in {stored} as {kind}: became {back}")
                else:
                    refused += 1
                    if "expected numbers that are exactly " + kind not in done.stderr:
                        fail(f"{number} in {stored} as {kind}: {done.stderr}")
    if read < 500 or refused < 500:
        fail(f"expected 500 numbers read and 500 refused, found {read} and {refused}")

    plain = np.arange(6, dtype="<f4").reshape(2, 3)
    for name, array, words in [
        ("objects", np.array([{}, []], object), "pickled objects"),
        ("complex", plain.astype("<c8"), "found <c8 (complex numbers"),
        ("long double", plain.astype(np.longdouble), "found " + np.dtype(np.longdouble).str + " (bits that differ"),
        ("text", np.array(["a", "b"]), "found <U1 (text)"),
        ("bytes of text", np.array([b"a", b"b"]), "found |S1 (text)"),
        ("dates", np.array(["2000-01-01"], "<M8[D]"), "found <M8[D] (times)"),
        ("no type", np.zeros(2, "V3"), "found |V3"),
        ("fields", np.zeros(2, [("a", "<f4"), ("b", "<i4")]), "plain numbers"),
        ("a number that is no float", plain.astype("<f8") + 0.1, "exactly <f4, found the f8 0.1 at offset 0"),
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
