#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Golden values: what PyTorch computes, for tests/golden/test_golden.cpp to compare with.
#
#   /usr/bin/python3 tests/golden/make_golden.py > tests/golden/golden.hpp     (Debian: python3-torch)
#
# Weights and data come from a formula that both sides compute exactly, in integers:
#
#   value(i; salt) = ((i * 7919 + salt * 104729) mod 65521) / 65521 - 0.5
#
# Of every tensor we store the largest entry, the Euclidean norm, the inner product with value(.; 99)
# and some samples. A ReLU or a max-pool is not differentiable everywhere: near a kink, a last bit
# decides which way the gradient goes. So the salt is chosen such that no ReLU input and no two
# candidates of a pooling window are nearer than 1e-5, in any of the steps, and that is asserted.
import itertools
import sys

import torch
import torch.nn.functional as F

GAP = 1e-5
N, STEPS = 2, 3


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
    windows = x.detach().reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 2, 4, 3, 5).reshape(-1, 4)
    top = windows.topk(2).values
    # Windows of zeros are ties, but the ReLU before the pool lets no gradient through there.
    if ((top[:, 0] - top[:, 1] < GAP) & (top[:, 0] > 0)).any():
        raise GapError
    return F.max_pool2d(x, 2)


SHAPES = [("conv1.weight", (32, 1, 3, 3), 0.66), ("conv1.bias", (32,), 0.66), ("conv2.weight", (64, 32, 3, 3), 0.12),
          ("conv2.bias", (64,), 0.12), ("fc1.weight", (128, 3136), 0.036), ("fc1.bias", (128,), 0.036),
          ("fc2.weight", (10, 128), 0.18), ("fc2.bias", (10,), 0.18)]


def run(salt, dtype):
    parameters = {}
    for k, (name, shape, scale) in enumerate(SHAPES):
        count = torch.Size(shape).numel()
        parameters[name] = value(count, salt + k, scale).reshape(shape).to(dtype).requires_grad_()
    x = value(N * 784, salt + 50, 4.0).reshape(N, 1, 28, 28).to(dtype)
    labels = torch.tensor([3, 7])
    adam = torch.optim.Adam(parameters.values(), lr=1e-3)
    p = parameters
    results = {}
    for step in range(STEPS):
        h = pool(relu(F.conv2d(x, p["conv1.weight"], p["conv1.bias"], padding=1)))
        h = pool(relu(F.conv2d(h, p["conv2.weight"], p["conv2.bias"], padding=1)))
        h = relu(F.linear(h.flatten(1), p["fc1.weight"], p["fc1.bias"]))
        logits = F.linear(h, p["fc2.weight"], p["fc2.bias"])
        loss = F.cross_entropy(logits, labels)
        adam.zero_grad()
        loss.backward()
        if step == 0:
            results["logits"] = logits.detach()
            results["loss"] = loss.detach().reshape(1)
            for name in p:
                results["gradient of " + name] = p[name].grad.clone()
        adam.step()
    for name in p:
        results[name + " after 3 steps"] = p[name].detach()
    return results


# Convolutions with every option: (C, O, kernel, stride, padding, dilation, groups, H, W).
CONVS = [(3, 5, (3, 2), (2, 1), (1, 0), (1, 2), 1, 9, 7), (4, 6, (3, 3), (1, 2), (2, 1), (2, 1), 2, 8, 6),
         (6, 6, (5, 3), (1, 1), (2, 1), (1, 1), 6, 7, 5), (17, 3, (1, 1), (1, 1), (0, 0), (1, 1), 1, 4, 5)]


def convolutions():
    for k, (C, O, kernel, stride, padding, dilation, groups, H, W) in enumerate(CONVS):
        x = value(2 * C * H * W, 200 + k, 2.0).reshape(2, C, H, W).requires_grad_()
        w = value(O * C // groups * kernel[0] * kernel[1], 210 + k, 1.0).reshape(O, C // groups, *kernel).requires_grad_()
        b = value(O, 220 + k, 1.0).requires_grad_()
        y = F.conv2d(x, w, b, stride, padding, dilation, groups)
        y.backward(value(y.numel(), 230 + k, 2.0).reshape(y.shape))
        yield f"conv case {k}: y", y.detach()
        yield f"conv case {k}: dx", x.grad
        yield f"conv case {k}: dweight", w.grad
        yield f"conv case {k}: dbias", b.grad


def entry(name, tensor, count=8):
    flat = tensor.detach().double().flatten()
    samples = [flat[i * (flat.numel() - 1) // (count - 1)].item() for i in range(count)]
    projection = (flat * value(flat.numel(), 99, 1.0)).sum().item()
    numbers = ", ".join(repr(v) for v in [flat.abs().max().item(), flat.norm().item(), projection])
    return f'    {{"{name}", {flat.numel()}, {numbers}, {{{", ".join(map(repr, samples))}}}}},\n'


def main():
    torch.set_num_threads(1)
    for salt in itertools.count(0, 100):
        try:
            results = run(salt, torch.float64)
            break
        except GapError:
            continue
    out = sys.stdout.write
    out("// SPDX-License-Identifier: MIT\n//\n// Made by make_golden.py with PyTorch " + torch.__version__ + " in float64.\n#pragma once\n\n")
    out('#include "golden/compare.hpp"\n\nnamespace golden {\n\n')
    out(f"inline constexpr long salt = {salt};\n\n// clang-format off\n")
    out("inline constexpr Entry<8> course_cnn[] = {\n")
    for name, tensor in results.items():
        out(entry(name, tensor))
    out("};\n\ninline constexpr Entry<8> convolutions[] = {\n")
    for name, tensor in convolutions():
        out(entry(name, tensor))
    out("};\n// clang-format on\n\n}  // namespace golden\n")


if __name__ == "__main__":
    main()
