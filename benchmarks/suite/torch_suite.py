#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images/s of one network of the suite in PyTorch, as JSON; networks.hpp has the same networks.

    torch_suite.py NETWORK train|predict BATCH THREADS [SECONDS] [--layout channels_last] [--compile]
    torch_suite.py NETWORK export FILE           an ONNX file for onnx_suite.py
"""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F


def conv_relu(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU())


def conv_norm(a, b, kernel=3, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(b))


def conv_norm_relu(*arguments):
    return nn.Sequential(conv_norm(*arguments), nn.ReLU())


class Block(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        stride = 1 if a == b else 2
        self.f = nn.Sequential(conv_norm_relu(a, b, 3, stride), conv_norm(b, b))
        self.shortcut = nn.Identity() if a == b else conv_norm(a, b, 1, stride)

    def forward(self, x):
        return F.relu(self.f(x) + self.shortcut(x))


def resnet(blocks):
    layers, channels = [conv_norm_relu(3, 16)], 16
    for width in 16, 32, 64:
        for _ in range(blocks):
            layers.append(Block(channels, width))
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def separable(a, b, kernel, stride):
    return nn.Sequential(conv_norm_relu(a, a, kernel, stride, a), conv_norm_relu(a, b, 1))


def cifar_group(a, b):
    conv = lambda a, b: nn.Conv2d(a, b, 3, padding=1, bias=False)
    norm = lambda: nn.BatchNorm2d(b, eps=1e-12, momentum=0.4)
    return nn.Sequential(conv(a, b), nn.MaxPool2d(2), norm(), nn.GELU(), conv(b, b), norm(), nn.GELU())


def network(name):
    pool, flatten, relu = nn.MaxPool2d(2), nn.Flatten(), nn.ReLU()
    if name == "lenet5":
        return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), relu, pool, nn.Conv2d(6, 16, 5), relu, pool, flatten,
                             nn.Linear(400, 120), relu, nn.Linear(120, 84), relu, nn.Linear(84, 10))
    if name == "course":
        return nn.Sequential(conv_relu(1, 32), pool, conv_relu(32, 64), pool, flatten, nn.Linear(3136, 128), relu,
                             nn.Linear(128, 10))
    if name == "vgg":
        return nn.Sequential(conv_relu(3, 64), conv_relu(64, 64), pool, conv_relu(64, 128), conv_relu(128, 128), pool,
                             conv_relu(128, 256), conv_relu(256, 256), pool, flatten, nn.Linear(4096, 128), relu,
                             nn.Linear(128, 10))
    if name in ("resnet8", "resnet20"):
        return resnet(1 if name == "resnet8" else 3)
    if name == "mobile":
        return nn.Sequential(conv_norm_relu(3, 32), separable(32, 64, 3, 1), separable(64, 128, 5, 2),
                             separable(128, 128, 3, 1), separable(128, 256, 5, 2), separable(256, 256, 3, 1),
                             nn.AdaptiveAvgPool2d(1), flatten, nn.Linear(256, 10))
    if name == "cifar":
        return nn.Sequential(nn.Conv2d(3, 24, 2), nn.GELU(), cifar_group(24, 64), cifar_group(64, 256),
                             cifar_group(256, 256), nn.MaxPool2d(3), flatten, nn.Linear(256, 10, bias=False))
    raise SystemExit(f"torch_suite.py: there is no network {name}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("network")
    parser.add_argument("what", choices=["train", "predict", "export"])
    parser.add_argument("batch")
    parser.add_argument("threads", type=int, nargs="?", default=1)
    parser.add_argument("seconds", type=float, nargs="?", default=2)
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(1)
    net = network(options.network)
    side = 28 if options.network in ("lenet5", "course") else 32
    channels = 1 if side == 28 else 3
    if options.what == "export":
        torch.onnx.export(net.eval(), torch.randn(1, channels, side, side), options.batch, input_names=["x"],
                          output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
        return
    torch.set_flush_denormal(True)  # before there are threads: they inherit it
    torch.set_num_threads(options.threads)
    layout = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
    batch = int(options.batch)
    net = net.to(memory_format=layout)
    x = torch.randn(batch, channels, side, side).to(memory_format=layout)
    labels = torch.arange(batch) % 10
    run = torch.compile(net) if options.compile else net
    if options.what == "predict":
        net.eval()

        def step():
            with torch.no_grad():
                run(x)
    else:
        sgd = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, nesterov=True)

        def step():
            loss = F.cross_entropy(run(x), labels)
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()

    for _ in range(3):
        step()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < options.seconds:
        step()
        steps += 1
    print(json.dumps({"images_per_second": steps * batch / (time.perf_counter() - start), "torch": torch.__version__}))


main()
