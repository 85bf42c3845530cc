#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Trains the network of the course report in PyTorch and prints images/s of every epoch as JSON.
#
#   torch_train.py DIR --threads N --limit IMAGES --epochs E [--layout contiguous] [--adam foreach]
#
# DIR holds the unpacked IDX files. All images lie in memory as one tensor, so that PyTorch is not
# charged for a DataLoader.
import argparse
import json
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F

from torch_net import course_cnn


def load(directory, limit):
    pixels = numpy.fromfile(next(Path(directory).glob("train-images*ubyte")), numpy.uint8, offset=16)
    labels = numpy.fromfile(next(Path(directory).glob("train-labels*ubyte")), numpy.uint8, offset=8)
    images = torch.from_numpy(pixels.reshape(-1, 1, 28, 28)[:limit]).float().div_(255)
    return images.sub_(0.1307).div_(0.3081), torch.from_numpy(labels[:limit].astype(numpy.int64))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, default=60000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--layout", choices=["channels_last", "contiguous"], default="channels_last")
    parser.add_argument("--adam", choices=["plain", "foreach"], default="plain")
    options = parser.parse_args()

    # Moments of weights without gradients decay into denormal numbers, which some processors handle very slowly.
    # Called before there are threads: they inherit it.
    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    layout = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
    net = course_cnn().to(memory_format=layout)
    images, labels = load(options.data, options.limit)
    images = images.to(memory_format=layout)
    # In 1.13 the fused Adam is for CUDA only; foreach is the one choice there is.
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, foreach=options.adam == "foreach")

    # The first step builds oneDNN's primitives; fovea makes its pass before the clock starts, too.
    F.cross_entropy(net(images[:64]), labels[:64]).backward()
    adam.zero_grad(set_to_none=True)

    rates, losses = [], []
    for _ in range(options.epochs):
        start, total = time.perf_counter(), torch.zeros(())
        order = torch.randperm(len(images))
        for part in order.split(64):
            loss = F.cross_entropy(net(images[part]), labels[part])
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            total += loss.detach() * len(part)
        rates.append(len(images) / (time.perf_counter() - start))
        losses.append(float(total) / len(images))
    print(json.dumps({"images": len(images), "rates": rates, "losses": losses}))


main()
