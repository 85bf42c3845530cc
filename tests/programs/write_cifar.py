#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""write_cifar.py DIR: six files as large as CIFAR-10's, of images whose colour says their class."""
import pathlib
import random
import sys

COLOURS = [bytes((40 * (k % 5) + 40, 90 * (k // 5) + 60, 25 * k)) for k in range(10)]
TABLES = [[bytes((colour + (n >> 3)) & 255 for n in range(256)) for colour in colours] for colours in COLOURS]
directory, dice = pathlib.Path(sys.argv[1]), random.Random(1)
directory.mkdir(parents=True, exist_ok=True)
for name in [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]:
    with open(directory / f"{name}.bin", "wb") as file:
        for _ in range(10000):
            k = dice.randrange(10)
            noise = dice.randbytes(1024)
            file.write(bytes([k]) + b"".join(noise.translate(table) for table in TABLES[k]))
