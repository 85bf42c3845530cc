#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Golden values: the attributions that PyTorch computes, for tests/explain/test_attribution.cpp.
#
#   /usr/bin/python3 tests/explain/make_golden.py > tests/explain/golden.hpp     (Debian: python3-torch)
#
# Weights and image come from the formula of tests/golden/make_golden.py, in integers. As there, a ReLU or
# a max-pool near its kink would let a last bit decide which way the gradient goes, so the salt is chosen
# such that nothing comes nearer to one than 1e-5, also on the way of the integrated gradients.
import itertools
import sys

import torch
import torch.nn.functional as F

GAP = 1e-5
K, STEPS, BLACK = 2, 16, -0.4


def value(count, salt, scale):
    i = torch.arange(count, dtype=torch.int64)
    return (((i * 7919 + salt * 104729) % 65521).double() / 65521.0 - 0.5) * scale


class GapError(Exception):
    pass


def relu(x):
    if x.detach().abs().min() < GAP:
        raise GapError
    return F.relu(x)


def pool(x):
    n, c, h, w = x.shape
    h, w = h // 2, w // 2
    windows = x.detach()[:, :, : 2 * h, : 2 * w].reshape(n, c, h, 2, w, 2).permute(0, 1, 2, 4, 3, 5).reshape(-1, 4)
    top = windows.topk(2).values
    if ((top[:, 0] - top[:, 1] < GAP) & (top[:, 0] > 0)).any():
        raise GapError
    return F.max_pool2d(x, 2)


SHAPES = [(5, 2, 3, 3), (5,), (4, 5, 2, 2), (4,), (6, 32), (6,), (3, 6), (3,)]


def run(salt):
    p = [value(torch.Size(s).numel(), salt + i, 1.0).reshape(s) for i, s in enumerate(SHAPES)]

    def net(x):
        h = pool(relu(F.conv2d(x, p[0], p[1], padding=1)))
        a = relu(F.conv2d(h, p[2], p[3]))
        return F.linear(relu(F.linear(a.flatten(1), p[4], p[5])), p[6], p[7]), a

    def gradient(x):
        x = x.clone().requires_grad_()
        net(x)[0][:, K].sum().backward()
        return x.grad

    x = value(2 * 10 * 7, salt + 50, 4.0).reshape(1, 2, 10, 7)
    logits, a = net(x)
    results = {"logits": logits, "gradient": gradient(x)}

    x.requires_grad_()
    logits, a = net(x)
    (da,) = torch.autograd.grad(logits[0, K], a)
    raw = F.relu((da.mean((2, 3), keepdim=True) * a).sum(1, keepdim=True))
    if raw.max() < 0.01 or raw.min() > 0:  # nothing to compare, or no work for the ReLU
        raise GapError
    results["cam_raw"] = raw
    results["cam"] = F.interpolate(raw, (10, 7), mode="bilinear", align_corners=False)

    x = x.detach()
    baseline = torch.full_like(x, BLACK)
    t = ((torch.arange(STEPS).double() + 0.5) / STEPS).reshape(-1, 1, 1, 1)
    results["integrated"] = (x - baseline) * gradient(baseline + t * (x - baseline)).mean(0, keepdim=True)
    return results


def main():
    torch.set_num_threads(1)
    for salt in itertools.count(0, 100):
        try:
            results = run(salt)
            break
        except GapError:
            continue
    out = sys.stdout.write
    out("// SPDX-License-Identifier: MIT\n//\n// Made by make_golden.py with PyTorch " + torch.__version__ + " in float64.\n#pragma once\n\n")
    out("// clang-format off\nnamespace golden::explain {\n\n")
    out(f"inline constexpr long salt = {salt}, k = {K}, steps = {STEPS};\ninline constexpr double black = {BLACK};\n")
    for name, tensor in results.items():
        out(f"\n// {tuple(tensor.shape)}\ninline constexpr double {name}[] = {{\n")
        flat = [repr(v) for v in tensor.detach().flatten().tolist()]
        for i in range(0, len(flat), 5):
            out("    " + ", ".join(flat[i : i + 5]) + ",\n")
        out("};\n")
    out("\n}  // namespace golden::explain\n// clang-format on\n")


main()
