#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Golden values of the layers besides those of the course: what PyTorch computes, in float64, for
# tests/golden/test_golden_layers.cpp to compare with.
#
#   /usr/bin/python3 tests/golden/make_golden_layers.py > tests/golden/golden_layers.hpp   (Debian: python3-torch)
#
# Case k has x = value(.; 100 k + 1), dy = value(.; 100 k + 2) and parameter j value(.; 100 k + 3 + j), with the
# value() of make_golden.py. Of every tensor we store the largest entry, the Euclidean norm, the inner product
# with value(.; 99) and two samples. No two values of one x are equal, and none is 0, so that no kink is hit.
import sys

import torch
import torch.nn.functional as F


def value(count, salt, scale):
    i = torch.arange(count, dtype=torch.int64)
    return (((i * 7919 + salt * 104729) % 65521).double() / 65521.0 - 0.5) * scale


def filled(shape, salt, scale):
    return value(torch.Size(shape).numel(), salt, scale).reshape(shape)


class Cases:
    def __init__(self):
        self.count = 0
        self.entries = []

    def entry(self, name, tensor):
        flat = tensor.detach().double().flatten()
        numbers = [flat.abs().max(), flat.norm(), (flat * value(flat.numel(), 99, 1.0)).sum(), flat[0], flat[-1]]
        self.entries.append(f'    {{"{name}", {flat.numel()}, {", ".join(repr(v.item()) for v in numbers)}}},\n')

    def add(self, name, f, x, parameters=(), scale=2.0):
        """y = f(x, *parameters) and its gradients, for tensors of these shapes."""
        salt = 100 * self.count
        self.count += 1
        x = filled(x, salt + 1, scale).requires_grad_()
        parameters = [filled(shape, salt + 3 + j, 2.0).requires_grad_() for j, shape in enumerate(parameters)]
        y = f(x, *parameters)
        y.backward(filled(y.shape, salt + 2, 2.0))
        self.entry(f"{name}: y", y)
        self.entry(f"{name}: dx", x.grad)
        for j, parameter in enumerate(parameters):
            self.entry(f"{name}: gradient {j}", parameter.grad)

    def batch_norm(self, name, shape):
        """Three batches of training, then one in prediction."""
        salt = 100 * self.count
        self.count += 1
        layer = (torch.nn.BatchNorm2d if len(shape) == 4 else torch.nn.BatchNorm1d)(shape[1], eps=1e-3, momentum=0.2)
        layer = layer.double()
        with torch.no_grad():
            layer.weight.copy_(filled([shape[1]], salt + 3, 2.0))
            layer.bias.copy_(filled([shape[1]], salt + 4, 2.0))
        for step in range(4):
            layer.train(step < 3)
            x = (filled(shape, salt + 10 + step, 6.0) + 0.5).requires_grad_()
            layer.zero_grad()
            y = layer(x)
            y.backward(filled(shape, salt + 20 + step, 2.0))
            if step >= 2:
                mode = "training" if step == 2 else "prediction"
                for what, tensor in (("y", y), ("dx", x.grad), ("gradient 0", layer.weight.grad),
                                     ("gradient 1", layer.bias.grad)):
                    self.entry(f"{name}, {mode}: {what}", tensor)
        self.entry(f"{name}: running mean", layer.running_mean)
        self.entry(f"{name}: running variance", layer.running_var)

    def transposed(self, name, x, C, O, kernel, stride, padding, output_padding, groups, dilation):
        self.add(f"transposed, {name}",
                 lambda x, w, b: F.conv_transpose2d(x, w, b, stride, padding, output_padding, groups, dilation), x,
                 [(C, O // groups, *kernel), (O,)])


def layers(c):
    c.batch_norm("batch norm", (5, 3, 4, 7))
    c.batch_norm("batch norm of rows", (9, 4))
    for groups in (1, 2, 6):
        c.add(f"group norm, {groups}", lambda x, w, b: F.group_norm(x, groups, w, b, 1e-3), (2, 6, 3, 5), [(6,), (6,)])
    c.add("group norm of rows", lambda x, w, b: F.group_norm(x, 3, w, b, 1e-3), (5, 6), [(6,), (6,)])
    for counted in (True, False):
        c.add(f"average, padding counted {counted}",
              lambda x: F.avg_pool2d(x, (2, 3), (1, 2), (1, 1), count_include_pad=counted), (2, 3, 5, 8))
    c.add("global average", lambda x: F.adaptive_avg_pool2d(x, 1), (2, 3, 5, 7))
    c.add("maximum, dilation", lambda x: F.max_pool2d(x, (2, 3), (2, 1), (1, 0), (2, 3)), (2, 3, 6, 8))
    c.add("maximum, rounded up", lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), (2, 3, 9, 6))
    c.add("maximum, both", lambda x: F.max_pool2d(x, (3, 2), (2, 3), 1, (2, 1), True), (2, 3, 10, 6))
    c.add("maximum, a last window beyond", lambda x: F.max_pool2d(x, 2, 3, 0, ceil_mode=True), (2, 3, 7, 5))
    c.transposed("plain", (2, 3, 4, 5), 3, 2, (3, 2), 1, 0, 0, 1, 1)
    c.transposed("stride", (2, 4, 3, 5), 4, 6, (3, 2), (2, 3), (1, 0), (1, 2), 2, 1)
    c.transposed("dilation", (2, 3, 6, 5), 3, 2, (3, 3), 1, 2, 0, 1, 2)
    c.transposed("all", (2, 4, 3, 4), 4, 4, (2, 3), (3, 2), (1, 2), (2, 1), 4, (2, 3))
    c.add("upsample, nearest", lambda x: F.interpolate(x, scale_factor=(3.0, 2.0), mode="nearest"), (2, 3, 4, 5))
    c.add("upsample, bilinear", lambda x: F.interpolate(x, scale_factor=(3.0, 2.0), mode="bilinear",
                                                        align_corners=False), (2, 3, 4, 5))
    for mode in ("constant", "reflect", "replicate"):
        c.add(f"pad, {mode}", lambda x: F.pad(x, (1, 3, 2, 0), mode), (2, 3, 4, 5))
    # F.hardsigmoid has its 1/6 from a float, in its backward.
    for name, f in (("leaky relu", lambda x: F.leaky_relu(x, 0.2)), ("elu", lambda x: F.elu(x, 1.3)),
                    ("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("silu", F.silu), ("gelu", F.gelu),
                    ("gelu by tanh", lambda x: F.gelu(x, approximate="tanh")),
                    ("softplus", lambda x: F.softplus(x, 2.0, 1e9)), ("hardsigmoid", lambda x: F.relu6(x + 3) / 6),
                    ("hardswish", F.hardswish), ("relu6", F.relu6), ("clip", lambda x: F.hardtanh(x, -1.0, 2.0))):
        c.add(name, f, (3, 31), scale=16.0)
    c.add("softmax", lambda x: F.softmax(x, 1), (2, 4, 3, 5), scale=8.0)
    c.add("softmax of rows", lambda x: F.softmax(x, 1), (3, 7), scale=8.0)


def sgd(c):
    """50 steps on a small network."""
    for nesterov in (False, True):
        shapes = [(7, 5), (7,), (3, 7), (3,)]
        w = [filled(shape, 9000 + j, 1.0).requires_grad_() for j, shape in enumerate(shapes)]
        optimizer = torch.optim.SGD(w, lr=0.05, momentum=0.9, weight_decay=1e-2, nesterov=nesterov)
        x, labels = filled((6, 5), 9010, 4.0), torch.tensor([0, 1, 2, 2, 1, 0])
        for _ in range(50):
            logits = F.linear(torch.tanh(F.linear(x, w[0], w[1])), w[2], w[3])
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
        for j, weight in enumerate(w):
            c.entry(f"SGD{', Nesterov' * nesterov}: weight {j}", weight)


def main():
    torch.set_num_threads(1)
    out = sys.stdout.write
    out("// SPDX-License-Identifier: MIT\n//\n// Made by make_golden_layers.py with PyTorch " + torch.__version__ +
        " in float64.\n#pragma once\n\nnamespace golden {\n\n")
    out("struct LayerEntry {\n  const char* name;\n  long count;\n  double largest, norm, projection, first, last;\n"
        "};\n\n// clang-format off\n")
    for name, fill in ("layers", layers), ("sgd", sgd):
        cases = Cases()
        fill(cases)
        out(f"inline constexpr LayerEntry {name}[] = {{\n{''.join(cases.entries)}}};\n")
    out("// clang-format on\n\n}  // namespace golden\n")


main()
