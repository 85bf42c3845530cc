# SPDX-License-Identifier: MIT
"""Draws networks. A network is a list of layers, a layer a dict; children are networks inside a layer.

Each network has a theme, which fixes what it has to contain; everything else is drawn. Networks are a
function of (seed, index): `draw(seed, index)` gives the same one in every version of Python.
"""
import dataclasses
import random


class Dice(random.Random):
    """Only random() promises the same numbers in all versions of Python, so everything is made from it."""

    def below(self, n):
        return int(self.random() * n)

    def pick(self, *options):
        return options[self.below(len(options))]

    def chance(self, probability):
        return self.random() < probability


@dataclasses.dataclass
class Network:
    seed: int
    index: int
    theme: str
    whole: bool  # whole numbers, on which exact layers are exact
    input: tuple  # of one example
    layers: list
    batch: int
    capacity: int
    reused: list  # batch sizes of one workspace, one after the other

    @property
    def modes(self):
        """Whether training differs from prediction."""
        return any(layer["kind"] in ("dropout", "bn") for layer in flat(self.layers))


def flat(layers):
    """All layers, those inside layers after the layer itself."""
    for layer in layers:
        yield layer
        for _, child in layer.get("children", []):
            yield from flat(child["layers"])


class DoesNotFit(Exception):
    """A window that is larger than its image, or a network that takes too long."""


MULTIPLY_ADDS = 6e6  # of a forward of the whole batch, at most


def extent(size, kernel, stride, padding, dilation=1):
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise DoesNotFit
    return room // stride + 1


class Builder:
    """Layers one after the other, and the shape (without the batch) after the last one."""

    def __init__(self, dice, shape, whole):
        self.dice, self.whole = dice, whole
        self.input = self.shape = shape
        self.layers = []
        self.work = 0

    def add(self, kind, shape=None, work=0, **options):
        self.layers.append({"kind": kind, **options})
        self.shape = shape or self.shape
        self.work += work
        return self

    # Layers of the library.

    def conv(self, out, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, bias=None):
        channels, height, width = self.shape
        size = tuple(extent(*each) for each in zip((height, width), kernel, stride, padding, dilation))
        if channels * out * kernel[0] * kernel[1] == 1:
            raise DoesNotFit  # a single weight in front of a batch normalisation has a gradient of 0
        bias = self.dice.chance(0.75) if bias is None else bias
        return self.add("conv", (out, *size), out * size[0] * size[1] * channels // groups * kernel[0] * kernel[1],
                        channels=channels, out=out, kernel=kernel, stride=stride, padding=padding,
                        dilation=dilation, groups=groups, bias=bias)

    def pool(self, kernel=(2, 2), stride=None, padding=(0, 0)):
        channels, *size = self.shape
        stride = stride or kernel
        size = tuple(extent(*each) for each in zip(size, kernel, stride, padding))
        return self.add("pool", (channels, *size), kernel=kernel, stride=stride, padding=padding)

    def relu(self):
        return self.add("relu")

    def flatten(self):
        size = 1
        for n in self.shape:
            size *= n
        return self.add("flatten", (size,))

    def linear(self, out, bias=None):
        bias = self.dice.chance(0.8) if bias is None else bias
        return self.add("fc", (out,), out * self.shape[0], features=self.shape[0], out=out, bias=bias)

    # Layers of toy_layers.hpp and layers.hpp.

    def dropout(self):
        return self.add("dropout")

    def scale(self):
        return self.add("scale", channels=self.shape[0])

    def norm(self):
        """Not in networks of whole numbers. Only on images: a batch of one or two rows has no statistics."""
        if self.whole or len(self.shape) == 1 or self.shape[1] * self.shape[2] < 4:
            return self
        return self.add("bn", channels=self.shape[0])

    def inside(self):
        """For a branch from the same input."""
        return Builder(self.dice, self.shape, self.whole)

    def residual(self, branch):
        if branch.shape != self.shape:
            raise DoesNotFit
        return self.add("residual", work=branch.work,
                        children=[("f", {"input": branch.input, "layers": branch.layers})])

    def both(self, kind, left, right):
        """Two branches: the sum of their outputs, or the channels of both."""
        if left.shape[kind == "both":] != right.shape[kind == "both":]:
            raise DoesNotFit
        channels = left.shape[0] + (right.shape[0] if kind == "both" else 0)
        return self.add(kind, (channels, *left.shape[1:]), left.work + right.work,
                        children=[("left", {"input": left.input, "layers": left.layers}),
                                  ("right", {"input": right.input, "layers": right.layers})])

    # Drawn.

    def channels(self):
        """Such that fill no vector, and such that do."""
        return self.dice.pick(1, 2, 3, 4, 5, 7, 8, 8, 9, 11, 12, 16, 16, 17, 19, 24, 32, 33)

    def plain_conv(self, out=None, kernel=None, bias=None):
        """Stride 1, no groups: what Winograd's kernels and, with three or five rows, fused groups take."""
        dice = self.dice
        k = kernel or dice.pick((3, 3), (3, 3), (3, 3), (5, 5), (1, 1), (7, 7), (2, 3), (3, 5), (4, 4), (5, 2))
        same = tuple(n // 2 for n in k)
        padding = dice.pick(same, same, same, (0, 0), tuple(dice.below(n) for n in k))
        return self.conv(out or self.channels(), k, padding=padding, bias=bias)

    def any_conv(self):
        dice = self.dice
        if dice.chance(0.4):
            return self.plain_conv()
        if dice.chance(0.25):
            return self.depthwise()
        channels = self.shape[0]
        kernel = (1 + dice.below(5), 1 + dice.below(5)) if dice.chance(0.5) else (dice.pick(1, 3, 5, 7),) * 2
        stride = dice.pick((1, 1), (2, 2), (1, 2), (3, 2), (2, 1))
        dilation = dice.pick((1, 1), (1, 1), (2, 2), (3, 1), (1, 2))
        groups = dice.pick(1, 1, 1, *(g for g in (2, 3, 4) if channels % g == 0))
        out = -(-self.channels() // groups) * groups
        padding = tuple(dice.below(k * d) for k, d in zip(kernel, dilation))
        return self.conv(out, kernel, stride, padding, dilation, groups)

    def depthwise(self):
        dice, channels = self.dice, self.shape[0]
        k = dice.pick(3, 3, 3, 5, 2)
        stride = dice.pick((1, 1), (1, 1), (2, 2), (2, 1))
        padding = dice.pick((k // 2,) * 2, (0, 0), (dice.below(k), dice.below(k)))
        return self.conv(channels * dice.pick(1, 1, 1, 2), (k, k), stride, padding, groups=channels)

    def any_pool(self):
        dice = self.dice
        if dice.chance(0.4):
            return self.pool()
        kernel = dice.pick((2, 2), (3, 3), (3, 3), (2, 3), (3, 1), (4, 4))
        stride = dice.pick(kernel, (2, 2), (1, 1), (2, 1), (3, 2))
        padding = dice.pick((0, 0), tuple(dice.below(k // 2 + 1) for k in kernel))
        return self.pool(kernel, stride, padding)

    def chain(self, length):
        """Convolution, ReLU and pool, `length` times: they run as one."""
        for _ in range(length):
            odd = self.dice.pick((3, 3), (3, 3), (3, 3), (5, 5), (3, 5), (5, 3), (3, 2), None)
            self.plain_conv(kernel=odd).relu().pool()
        return self

    def anything(self, count):
        for _ in range(count):
            self.dice.pick(self.any_conv, self.any_conv, self.any_pool, self.relu, self.relu, self.scale,
                           self.dropout)()
        return self

    def branch(self, depth=0):
        """A branch that keeps the shape, for a residual."""
        dice = self.dice
        inner = self.inside()
        if len(self.shape) == 1:
            inner.linear(3 + dice.below(40)).relu()
            if dice.chance(0.5):
                inner.dropout()
            if depth and dice.chance(0.5):
                inner.residual(inner.branch(depth - 1))
            inner.linear(self.shape[0])
            if dice.chance(0.3):
                inner.relu()
            return inner
        same = [(3, 3), (1, 1), (5, 5), (3, 5)]
        for out in (self.channels(), self.shape[0]):
            k = dice.pick(*same)
            inner.conv(out, k, padding=tuple(n // 2 for n in k), bias=self.whole)
            inner.norm() if dice.chance(0.5) else None
            inner.relu() if dice.chance(0.7) else None
            if dice.chance(0.4):
                inner.dropout()
            if depth and dice.chance(0.35):
                inner.residual(inner.branch(depth - 1))
        if dice.chance(0.3):
            inner.pool((3, 3), (1, 1), (1, 1))
        return inner

    def tail(self):
        """What a network ends with: its images, or a Linear or several."""
        dice = self.dice
        if len(self.shape) > 1:
            if dice.chance(0.12):
                return self
            self.flatten()
        for _ in range(dice.pick(0, 0, 1, 1, 2, 3)):
            self.linear(1 + dice.below(70))
            self.relu() if dice.chance(0.8) else None
        return self.linear(1 + dice.below(12)) if dice.chance(0.9) else self


# Each fills a Builder whose input is drawn.

def chain_first(b):
    b.chain(1 + b.dice.below(4))


def chain_later(b):
    b.dice.pick(lambda: b.relu(), lambda: b.pool((2, 2), (1, 1)), lambda: b.plain_conv(),
                lambda: b.plain_conv(kernel=(7, 7)), lambda: b.plain_conv().relu(),
                lambda: b.any_conv().relu(), lambda: b.scale())()
    b.chain(b.dice.pick(1, 2, 2, 2, 3, 4, 4))


def two_chains(b):
    b.chain(b.dice.pick(1, 2))
    b.dice.pick(b.relu, b.plain_conv, b.dropout, b.scale, lambda: b.plain_conv().relu())()
    b.chain(b.dice.pick(1, 2))


def stacked(b):
    """As VGG: several convolutions in front of each pool."""
    for _ in range(b.dice.pick(1, 2)):
        for _ in range(b.dice.pick(2, 2, 3)):
            b.plain_conv(kernel=(3, 3)).relu()
        b.pool()


def pool_first(b):
    """The pool in front of the activation, or in front of everything."""
    if b.dice.chance(0.3):
        b.any_pool()
    for _ in range(b.dice.pick(1, 2, 3)):
        b.plain_conv()
        b.any_pool()
        b.dropout() if b.dice.chance(0.2) else None
        b.relu()


def whatever(b):
    b.anything(3 + b.dice.below(7))


def features(b):
    """Linear layers alone; the input is a row of features."""
    b.dice.pick(b.relu, lambda: None, lambda: None)()
    for _ in range(b.dice.pick(1, 2, 3, 4)):
        b.linear(1 + b.dice.below(100))
        b.dice.pick(b.relu, b.relu, b.relu, b.scale, b.dropout, lambda: None)()
    if b.dice.chance(0.5):
        b.residual(b.branch(1))


def residual(b):
    b.dice.pick(b.plain_conv, lambda: b.plain_conv().relu(), lambda: None)()
    for _ in range(b.dice.pick(1, 2, 2)):
        if b.dice.chance(0.3):
            # A shortcut that changes channels and extents.
            left, right, out = b.inside(), b.inside(), b.channels()
            left.conv(b.channels(), (3, 3), (2, 2), (1, 1), bias=b.whole).norm().relu()
            left.conv(out, (3, 3), padding=(1, 1))
            right.conv(out, (1, 1), (2, 2))
            b.both("sum", left, right)
        else:
            b.residual(b.branch(b.dice.pick(0, 1, 2)))
        b.dice.pick(b.relu, b.pool, lambda: None)()


def concat(b):
    """Two branches, chains in them or not."""
    if b.dice.chance(0.5):
        b.plain_conv().relu()
    length = b.dice.pick(1, 1, 2)
    left, right = b.inside(), b.inside()
    for branch in (left, right):
        for _ in range(length):
            k = b.dice.pick(1, 3, 3, 5)
            branch.conv(branch.channels(), (k, k), padding=(k // 2, k // 2)).relu().pool()
            branch.dropout() if b.dice.chance(0.2) else None
    b.both("both", left, right)
    b.dice.pick(b.relu, b.plain_conv, lambda: b.chain(1))()


def normalised(b):
    """Convolution, batch normalisation, ReLU, as in ResNets. The convolution has no bias: its gradient would be 0."""
    for _ in range(b.dice.pick(1, 2, 3)):
        b.plain_conv(bias=b.whole).norm().relu()
        b.dice.pick(b.pool, lambda: None, b.dropout, lambda: b.residual(b.branch(0)))()


def separable(b):
    """Depthwise and pointwise convolutions, as in MobileNets."""
    b.plain_conv()
    for _ in range(b.dice.pick(1, 2)):
        b.depthwise()
        b.relu() if b.dice.chance(0.6) else None
        b.conv(b.channels(), (1, 1)).relu()
    b.any_pool() if b.dice.chance(0.5) else None


def wide(b):
    """Enough channels for Winograd's kernels, and for several register tiles."""
    for _ in range(b.dice.pick(2, 3)):
        k = b.dice.pick((3, 3), (3, 3), (5, 5))
        b.plain_conv(b.dice.pick(8, 9, 15, 16, 17, 24, 31, 32, 33, 40), k)
        b.dice.pick(b.relu, lambda: b.relu().pool(), b.any_pool)()


THEMES = [chain_first, chain_later, two_chains, stacked, pool_first, whatever, features, residual, concat,
          normalised, separable, wide]


def draw(seed, index):
    """Network `index` of this seed; the fixed ones are 24 of one seed, each theme with both kinds of numbers."""
    theme = THEMES[index % len(THEMES)]
    whole = index // len(THEMES) % 2 == 0
    dice = Dice(f"{seed}/{index}")
    while True:
        if theme is features:
            shape = (1 + dice.below(90),)
        else:
            sizes = (5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 19, 23, 28, 31, 32, 37, 48)
            shape = (dice.pick(1, 1, 2, 3, 3, 4, 8, 9, 16), dice.pick(*sizes), dice.pick(*sizes))
        batch = dice.pick(1, 2, 3, 5, 7, 7, 7, 16, 17, 20, 20, 33)
        builder = Builder(dice, shape, whole)
        try:
            theme(builder)
            builder.tail()
        except DoesNotFit:
            continue
        if builder.work * batch > MULTIPLY_ADDS or not any(
                layer["kind"] in ("conv", "fc") for layer in builder.layers):
            continue
        capacity = batch + dice.pick(0, 0, 1, 3)
        reused = dice.pick([5, 2, 7, 1, 5], [1, 4, 1], [3, 9, 2, 9], [2, 1, 8])
        return Network(seed, index, theme.__name__, whole, shape, builder.layers, batch, capacity, reused)


# C++.

def extent2(pair):
    """The C++."""
    return str(pair[0]) if pair[0] == pair[1] else f"{{{pair[0]}, {pair[1]}}}"


def options(**given):
    return "{" + ", ".join(f".{name} = {value}" for name, value in given.items()) + "}"


def layer_text(layer, indent):
    kind = layer["kind"]
    if kind == "conv":
        given = {"in": layer["channels"], "out": layer["out"], "kernel": extent2(layer["kernel"])}
        for name, usual in (("stride", (1, 1)), ("padding", (0, 0)), ("dilation", (1, 1))):
            if layer[name] != usual:
                given[name] = extent2(layer[name])
        if layer["groups"] > 1:
            given["groups"] = layer["groups"]
        if not layer["bias"]:
            given["bias"] = "false"
        return f"Conv2d<T>{{{options(**given)}, rng}}"
    if kind == "fc":
        given = {"in": layer["features"], "out": layer["out"]}
        if not layer["bias"]:
            given["bias"] = "false"
        return f"Linear<T>{{{options(**given)}, rng}}"
    if kind == "pool":
        given = {"kernel": extent2(layer["kernel"])}
        if layer["stride"] != layer["kernel"]:
            given["stride"] = extent2(layer["stride"])
        if layer["padding"] != (0, 0):
            given["padding"] = extent2(layer["padding"])
        return f"MaxPool2d{{{options(**given)}}}"
    if kind in ("scale", "bn"):
        return f"{'Scale' if kind == 'scale' else 'BatchNorm2d'}<T>{{{layer['channels']}}}"
    if "children" in layer:
        inner = [chain(child["layers"], indent + 4) for _, child in layer["children"]]
        return f"{kind.capitalize()}{{" + f",\n{' ' * (indent + 4)}".join(inner) + "}"
    return {"relu": "Relu{}", "flatten": "Flatten{}", "dropout": "Dropout{}"}[kind]


def chain(layers, indent):
    parts = [layer_text(layer, indent + 4) for layer in layers]
    return "Chain{" + f",\n{' ' * (indent + 4)}".join(parts) + "}"


def sequential(shape, layers, indent):
    parts = [f"Shape{{{', '.join(map(str, shape))}}}"] + [layer_text(layer, indent + 4) for layer in layers]
    return "Sequential{" + f",\n{' ' * (indent + 4)}".join(parts) + "}"


def cpp(network, number, with_float):
    """The network as C++ that compiles with subject_of.hpp."""
    network_text = sequential(network.input, network.layers, 2)
    description = options(number=number, seed=f"{network.seed}u ^ {network.index}u * 1000003u",
                          whole=str(network.whole).lower(), modes=str(network.modes).lower(), batch=network.batch,
                          capacity=network.capacity, reused="{" + ", ".join(map(str, network.reused)) + "}")
    in_float = f"subject<network_{number}<float>>" if with_float else "nullptr"
    return f"""// Network {network.index} of seed {network.seed}: {network.theme}.
template <class T>
auto network_{number}([[maybe_unused]] Rng& rng) {{
  return {network_text};
}}
static const Registered registered_{number}{{
    {{{description},
     {in_float}, subject<network_{number}<double>>}}}};
"""


# How layers are called, as Sequential calls them.

def named(layers, prefix=""):
    """(name, layer) for a network's layers: conv1, relu1, conv2, ..."""
    counts = {}
    for layer in layers:
        kind = layer["kind"]
        counts[kind] = counts.get(kind, 0) + 1
        yield f"{prefix}{kind}{counts[kind]}", layer
