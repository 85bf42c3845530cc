#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Weights go to PyTorch and come back, and both sides say the same of all test images.
#
#   FOVEA_DATA_DIR=data/mnist tests/exchange/test_pytorch.py MNIST_TRAIN MNIST_PREDICT [model.safetensors]
#
# mnist_train trains the network of the course report for an epoch, unless a model is given; PyTorch takes
# its file with load_state_dict(strict=True), trains a few steps more and writes it, with names of
# its own and with ours, in other types, too; mnist_predict takes that. Logits must agree to 1e-5 of
# the largest, and every prediction must be the same. Skipped in words where PyTorch or MNIST is missing.
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile

import safetensors


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as error:
    skip(f"no PyTorch for {sys.executable} ({error}; Debian: python3-torch)")
data = os.environ.get("FOVEA_DATA_DIR")
if not data or not list(pathlib.Path(data).glob("t10k-images-idx3-ubyte*")):
    skip("FOVEA_DATA_DIR does not name a directory with MNIST")
if len(sys.argv) < 3:
    sys.exit("test_pytorch.py: expected MNIST_TRAIN MNIST_PREDICT [model.safetensors]")
train, predict = sys.argv[1:3]
data = pathlib.Path(data)
work = tempfile.TemporaryDirectory()
path = pathlib.Path(work.name)
failures = []


def expect(condition, sentence):
    if not condition:
        print(f"FAILED: {sentence}")
        failures.append(sentence)


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: {' '.join(map(str, command))}: status {done.returncode}: {done.stdout}{done.stderr}")
    return done


def idx(name):
    """The file and its numbers."""
    file = next(f for f in (data / name, data / f"{name}.gz") if f.exists())
    content = (gzip.open if file.suffix == ".gz" else open)(file, "rb").read()
    shape = [int.from_bytes(content[4 * i:4 * i + 4], "big") for i in range(1, content[3] + 1)]
    return file, torch.from_numpy(np.frombuffer(content, np.uint8, offset=4 * len(shape) + 4).reshape(shape).copy())


class CourseCnn(nn.Module):
    """examples/support/course_cnn.hpp, with its names."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(3136, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
        return self.fc2(self.fc1(x.flatten(1)).relu())


def course_cnn():
    """The same as a Sequential: its names are numbers."""
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


NUMBERS = {"conv1": "0", "conv2": "3", "fc1": "7", "fc2": "9"}


def numbered(state):
    return {name.replace(name.split(".")[0], NUMBERS[name.split(".")[0]]): t for name, t in state.items()}


test_file, images = idx("t10k-images-idx3-ubyte")
_, labels = idx("t10k-labels-idx1-ubyte")


def inputs(some, metadata):
    """As the metadata say: pixels in [0, 1], then mean and standard deviation."""
    mean, std = float(metadata["input.mean"]), float(metadata["input.std"])
    return ((some.double() / 255 - mean) / std).float().unsqueeze(1)


@torch.no_grad()
def their_logits(net, metadata):
    return torch.cat([net(inputs(part, metadata)) for part in images.split(500)]).numpy()


def our_logits(model):
    run(predict, "--weights", model, "--idx", test_file, "--logits", path / "logits.npy", "--quiet")
    logits = np.load(path / "logits.npy")
    expect(logits.shape == (len(images), 10) and logits.dtype == np.float32, f"logits are {logits.dtype} {logits.shape}")
    return logits


def compare(what, ours, theirs):
    off = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    others = int((ours.argmax(1) != theirs.argmax(1)).sum())
    right = 100 * float((ours.argmax(1) == labels.numpy()).mean())
    print(f"{what}: {off:.1e} of the largest logit apart, {others} of {len(images)} predictions differ, {right:.2f} % right")
    expect(off <= 1e-5 and others == 0, what)
    return off


# Ours to PyTorch.
if len(sys.argv) > 3:
    model = pathlib.Path(sys.argv[3])
else:
    run(train, "--data", data, "--epochs", 1, "--out", path / "out", "--quiet")
    model = path / "out" / "model.safetensors"
content = model.read_bytes()
tensors, metadata = safetensors.decode(content)
expect(safetensors.encode(tensors, metadata) == content, "the bytes are not those of the reference writer")
expect(set(tensors) == {f"{layer}.{kind}" for layer in NUMBERS for kind in ("weight", "bias")}, f"tensors {sorted(tensors)}")
expect(metadata.get("format") == "pt", "the format in the metadata is not pt")
net = CourseCnn()
net.load_state_dict(safetensors.to_torch(tensors), strict=True)
worst = compare("trained by us, PyTorch computes the same", our_logits(model), their_logits(net, metadata))
sequential = course_cnn()
sequential.load_state_dict(numbered(safetensors.to_torch(tensors)), strict=True)

# A few steps of theirs, and back.
torch.manual_seed(1)
_, train_images = idx("train-images-idx3-ubyte")
_, train_labels = idx("train-labels-idx1-ubyte")
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(20):
    part = torch.randint(len(train_images), (64,))
    loss = nn.functional.cross_entropy(net(inputs(train_images[part], metadata)), train_labels[part].long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
theirs = their_logits(net, metadata)
changed = int((theirs.argmax(1) != our_logits(model).argmax(1)).sum())
print(f"20 steps by PyTorch: {changed} predictions changed")
expect(changed > 0, "their steps changed nothing, so nothing was tried")
scaling = {key: metadata[key] for key in ("input.mean", "input.std")}
state = net.state_dict()
for name, written, said in (("our names", state, {"format": "pt", **scaling}),
                            ("numbers for names", numbered(state), {"format": "pt", **scaling}),
                            ("no metadata at all", state, {})):
    safetensors.write(path / "theirs.safetensors", safetensors.from_torch(written), said)
    worst = max(worst, compare(f"trained on by PyTorch, {name}", our_logits(path / "theirs.safetensors"), theirs))
for kind in (torch.float64, torch.float16, torch.bfloat16):
    rounded = {name: t.to(kind) for name, t in state.items()}
    net.load_state_dict({name: t.float() for name, t in rounded.items()})
    safetensors.write(path / "theirs.safetensors", safetensors.from_torch(rounded), {"format": "pt", **scaling})
    worst = max(worst, compare(f"written as {str(kind)[6:]}", our_logits(path / "theirs.safetensors"), their_logits(net, metadata)))

if failures:
    sys.exit(f"{len(failures)} failures")
print(f"PyTorch {torch.__version__} and fovea agree: logits within {worst:.1e} of the largest, "
      f"all {len(images)} predictions the same, in both directions")
