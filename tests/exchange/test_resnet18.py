#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# ResNet-18 as torchvision has it, with running statistics that are not those of the beginning, goes to this
# library under its own names and comes back: the same logits for 64 images, all tensors bit for bit.
#
#   tests/exchange/test_resnet18.py RESNET18           (the program of resnet18.cpp)
import pathlib
import subprocess
import sys
import tempfile

import safetensors

try:
    import numpy as np
    import torch
    from torchvision.models import resnet18
except ImportError as error:
    print(f"skipped: no torchvision for {sys.executable} ({error}; Debian: python3-torchvision)")
    sys.exit(77)


def main():
    torch.manual_seed(1)
    net = resnet18(weights=None)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.2)
    net.eval()
    images = torch.randn(64, 3, 224, 224)
    with torch.no_grad():
        logits = net(images).numpy()
    with tempfile.TemporaryDirectory() as directory:
        files = [pathlib.Path(directory) / name for name in ("in.safetensors", "x.npy", "y.npy", "out.safetensors")]
        safetensors.write(files[0], safetensors.from_torch(net.state_dict()))
        np.save(files[1], images.numpy())
        subprocess.run([sys.argv[1], *files], check=True)
        ours = np.load(files[2])
        tensors, _ = safetensors.read(files[3])
        back = safetensors.to_torch(tensors)
    error = np.abs(ours - logits).max() / np.abs(logits).max()
    assert error <= 1e-5, f"expected the logits of torchvision to 1e-5 of the largest, found them {error:.1e} off"
    for name, tensor in net.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(back.pop(name), tensor), f"{name} came back as something else"
    assert not back, f"more came back than was sent: {sorted(back)}"
    print(f"ResNet-18: logits within {error:.1e} of the largest, {len(net.state_dict())} tensors came back")


if __name__ == "__main__":
    main()
