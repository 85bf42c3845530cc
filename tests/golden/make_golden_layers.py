#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Golden values of the layers besides those of the course, and of optimizers: what PyTorch computes, in float64, for
# tests/golden/test_golden_layers.cpp to compare with. Lion and Muon are not in PyTorch 1.13: their steps are below,
# from the formulas of their papers.
#
#   /usr/bin/python3 tests/golden/make_golden_layers.py > tests/golden/golden_layers.hpp   (Debian: python3-torch)
#
# Case k has x = value(.; 100 k + 1), dy = value(.; 100 k + 2) and parameter j value(.; 100 k + 3 + j), with the
# value() of make_golden.py. Of every tensor we store the largest entry, the Euclidean norm, the inner product
# with value(.; 99) and two samples. No two values of one x are equal, and none is 0, so that no kink is hit.
import itertools
import math
import sys

import torch
import torch.nn.functional as F

from make_golden import GapError, entry, value


def filled(shape, salt, scale):
    return value(torch.Size(shape).numel(), salt, scale).reshape(shape)


class Cases:
    def __init__(self):
        self.count = 0
        self.entries = []

    def entry(self, name, tensor):
        self.entries.append(entry(name, tensor, 2))

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


def train(optimizer_of, salt=9000):
    """The weights after 50 steps of a small network without filters."""
    shapes = [(7, 5), (7,), (3, 7), (3,)]
    w = [filled(shape, salt + j, 1.0).requires_grad_() for j, shape in enumerate(shapes)]
    x = filled((6, 5), salt + 10, 4.0)
    return steps(w, lambda: F.linear(torch.tanh(F.linear(x, w[0], w[1])), w[2], w[3]), optimizer_of(w))


def train_filters(optimizer_of):
    """The same of one whose filters are a tall matrix, 8 x 4, and a wide one, 3 x 48."""
    shapes = [(8, 1, 2, 2), (8,), (3, 8, 2, 3), (3,), (3, 24), (3,)]
    w = [filled(shape, 9100 + j, 1.0).requires_grad_() for j, shape in enumerate(shapes)]
    x = filled((6, 1, 4, 7), 9110, 4.0)
    return steps(w, lambda: F.linear(torch.tanh(F.conv2d(torch.tanh(F.conv2d(x, w[0], w[1])), w[2], w[3])).flatten(1),
                                     w[4], w[5]), optimizer_of(w))


def steps(w, logits, step):
    for _ in range(50):
        for weight in w:
            weight.grad = None
        F.cross_entropy(logits(), torch.tensor([0, 1, 2, 2, 1, 0])).backward()
        with torch.no_grad():
            step()
    return w


class Lion:
    """Chen et al., Symbolic discovery of optimization algorithms, algorithm 2."""

    def __init__(self, w, rate, decay, b1=0.9, b2=0.99):
        self.w, self.rate, self.decay, self.b1, self.b2 = w, rate, decay, b1, b2
        self.m = [torch.zeros_like(weight) for weight in w]

    def step(self):
        for w, m in zip(self.w, self.m):
            c = self.b1 * m + (1 - self.b1) * w.grad
            if c.abs().min() < 1e-6:  # a last bit decides about its sign
                raise GapError
            w -= self.rate * (torch.sign(c) + self.decay * w)
            m.copy_(self.b2 * m + (1 - self.b2) * w.grad)


class Muon:
    """Jordan et al., Muon: an optimizer for hidden layers in neural networks, for filters; Nesterov's SGD for the rest."""

    def __init__(self, w, rate, mu, decay, normalise):
        self.filters = [weight for weight in w if weight.dim() == 4]
        self.v = [torch.zeros_like(weight) for weight in self.filters]
        self.rate, self.mu, self.decay, self.normalise = rate, mu, decay, normalise
        self.rest = torch.optim.SGD([weight for weight in w if weight.dim() != 4], lr=0.05, momentum=0.85, nesterov=True)

    @staticmethod
    def newton_schulz(u):
        x = u.flatten(1) / (u.norm() + 1e-7)
        for _ in range(5):
            s = x @ x.T
            x = 3.4445 * x + (-4.7750 * s + 2.0315 * s @ s) @ x
        return x.reshape(u.shape)

    def step(self):
        for w, v in zip(self.filters, self.v):
            v.copy_(self.mu * v + w.grad)
            u = w.grad + self.mu * v
            start = math.sqrt(w.shape[0]) * w / (w.norm() + 1e-7) if self.normalise else w
            w.copy_(start - self.rate * (self.newton_schulz(u) + self.decay * start))
        self.rest.step()


def optimizers(c):
    """50 steps on small networks."""
    def add(name, w):
        for j, weight in enumerate(w):
            c.entry(f"{name}: weight {j}", weight)
    for nesterov in (False, True):
        add("SGD" + ", Nesterov" * nesterov, train(lambda w: torch.optim.SGD(
            w, lr=0.05, momentum=0.9, weight_decay=1e-2, nesterov=nesterov).step))
    for momentum in (0.0, 0.9):
        add(f"RMSprop, momentum {momentum}", train(lambda w: torch.optim.RMSprop(
            w, lr=2e-3, alpha=0.95, eps=1e-3, weight_decay=1e-2, momentum=momentum).step))
    for salt in itertools.count(9200, 100):
        try:
            add("Lion", train(lambda w: Lion(w, rate=5e-3, decay=0.1).step, salt))
            break
        except GapError:
            continue
    for normalise in (False, True):
        add("Muon" + ", normalised" * normalise,
            train_filters(lambda w: Muon(w, rate=0.02, mu=0.95, decay=0.1, normalise=normalise).step))
    return salt


def main():
    torch.set_num_threads(1)
    out = sys.stdout.write
    out("// SPDX-License-Identifier: MIT\n//\n// Made by make_golden_layers.py with PyTorch " + torch.__version__ +
        " in float64.\n#pragma once\n\n#include \"golden/compare.hpp\"\n\nnamespace golden {\n\n// clang-format off\n")
    for name, fill in ("layers", layers), ("optimizers", optimizers):
        cases = Cases()
        salt = fill(cases)
        out(f"inline constexpr Entry<2> {name}[] = {{\n{''.join(cases.entries)}}};\n")
    out(f"// clang-format on\n\ninline constexpr long lion_salt = {salt};\n\n}}  // namespace golden\n")


main()
