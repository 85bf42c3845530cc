#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Writes one random course network twice, for ONNX Runtime and for fovea, and images to try them on.
#
#   torch_export.py DIR   ->   course.onnx, weights.bin, images.bin, empty.onnx
#
# The .bin files are bare float32 numbers. empty.onnx does next to nothing: what a call of it takes is
# what the binding of ONNX Runtime takes.
import sys
from pathlib import Path

import torch

from torch_net import course_cnn

IMAGES = 64


def export(net, example, path):
    names = {"input_names": ["x"], "output_names": ["y"]}
    batch = {"x": {0: "n"}, "y": {0: "n"}}
    torch.onnx.export(net.eval(), example, str(path), opset_version=13, dynamic_axes=batch, **names)


directory = Path(sys.argv[1])
torch.manual_seed(1)
net = course_cnn()
images = torch.randn(IMAGES, 1, 28, 28)
export(net, images, directory / "course.onnx")
export(torch.nn.ReLU(), torch.zeros(1, 10), directory / "empty.onnx")
weights = torch.cat([p.detach().flatten() for p in net.parameters()])
weights.numpy().tofile(directory / "weights.bin")
images.numpy().tofile(directory / "images.bin")
