#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# ResNet-20 on CIFAR-10 from PyTorch's initial weights, in the same order of images, by the recipe of
# examples/milestones/resnet_2015.cpp without augmentation: the first 50 losses agree to 1e-4.
#
#   FOVEA_CIFAR_DIR=data/cifar10 tests/exchange/test_resnet20.py RESNET20         (the program of resnet20.cpp)
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile

import safetensors

STEPS, BATCH = 50, 128


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as error:
    skip(f"no PyTorch for {sys.executable} ({error}; Debian: python3-torch)")
data = pathlib.Path(os.environ.get("FOVEA_CIFAR_DIR", "nowhere"))
if not list(data.glob("data_batch_1.bin*")):
    skip("FOVEA_CIFAR_DIR does not name a directory with CIFAR-10")


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                               nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = None
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu((self.shortcut(x) if self.shortcut else x) + self.f(x))


def images():
    file = data / "data_batch_1.bin"
    raw = file.read_bytes() if file.exists() else gzip.decompress((data / "data_batch_1.bin.gz").read_bytes())
    records = np.frombuffer(raw, np.uint8).reshape(-1, 3073)
    pixels = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32)) / 255
    mean, std = (torch.tensor(x).reshape(1, 3, 1, 1) for x in ([0.49140, 0.48216, 0.44653], [0.24703, 0.24349, 0.26159]))
    return (pixels - mean) / std, torch.from_numpy(records[:, 0].astype(np.int64))


def main():
    torch.manual_seed(1)
    sizes = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    net = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *(Block(*s) for s in sizes),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    ours = ["conv1", "bn1", None, *(f"repeat1.chain{i}.residual1" for i in (1, 2, 3)), "chain1.residual1",
            *(f"repeat2.chain{i}.residual1" for i in (1, 2)), "chain2.residual1",
            *(f"repeat3.chain{i}.residual1" for i in (1, 2)), None, None, "fc1"]
    inside = {"f.0": "f.conv1", "f.1": "f.bn1", "f.3": "f.conv2", "f.4": "f.bn2", "shortcut.0": "shortcut.conv1",
              "shortcut.1": "shortcut.bn1"}
    state = {}
    for name, tensor in net.state_dict().items():
        number, rest = name.split(".", 1)
        for theirs, own in inside.items():
            rest = rest.replace(theirs + ".", own + ".")
        state[f"{ours[int(number)]}.{rest}"] = tensor.clone()
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "in.safetensors"
        safetensors.write(file, safetensors.from_torch(state))
        printed = subprocess.run([sys.argv[1], file, data, str(STEPS)], check=True, capture_output=True, text=True).stdout
    losses = [float(line) for line in printed.split()]
    x, labels = images()
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(sgd, max_lr=0.2, total_steps=3910, cycle_momentum=False)
    worst = 0
    for step in range(STEPS):
        part = slice(step * BATCH, (step + 1) * BATCH)
        loss = nn.functional.cross_entropy(net(x[part]), labels[part])
        worst = max(worst, abs(loss.item() - losses[step]))
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        rate.step()
    assert worst <= 1e-4, f"expected the losses of PyTorch to 1e-4 in {STEPS} steps, found them {worst:.1e} off"
    print(f"ResNet-20: {STEPS} losses, from {losses[0]:.4f} to {losses[-1]:.4f}, within {worst:.1e} of PyTorch's")


if __name__ == "__main__":
    main()
