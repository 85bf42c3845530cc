#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images/s of an ONNX file in ONNX Runtime, as JSON.

    onnx_suite.py FILE BATCH THREADS [SECONDS]
"""
import json
import sys
import time

import numpy
import onnxruntime

path, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 2
how = onnxruntime.SessionOptions()
how.intra_op_num_threads, how.inter_op_num_threads = threads, 1
session = onnxruntime.InferenceSession(path, how, providers=["CPUExecutionProvider"])
shape = session.get_inputs()[0].shape[1:]
x = numpy.random.default_rng(1).standard_normal((batch, *shape)).astype(numpy.float32)
for _ in range(3):
    session.run(None, {"x": x})
start, steps = time.perf_counter(), 0
while time.perf_counter() - start < seconds:
    session.run(None, {"x": x})
    steps += 1
print(json.dumps({"images_per_second": steps * batch / (time.perf_counter() - start),
                  "onnxruntime": onnxruntime.__version__}))
