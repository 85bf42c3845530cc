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
        return any(layer["kind"] in ("dropout", "dropout2d", "bn") for layer in flat(self.layers))


def flat(layers):
    """All layers, those inside layers after the layer itself."""
    for layer in layers:
        yield layer
        for _, child in layer.get("children", []):
            yield from flat(child["layers"])


class DoesNotFit(Exception):
    """A window that is larger than its image, or a network that takes too long."""


MULTIPLY_ADDS = 6e6  # of a forward of the whole batch, at most


def extent(size, kernel, stride, padding, dilation=1, ceil=False):
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise DoesNotFit
    count = room // stride + 1
    # A window more, if it begins in the image.
    return count + (ceil and room % stride > 0 and count * stride - padding < size)


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

    def rounds(self, channels, out, kernel, stride, dilation, groups):
        """Whether Winograd's tiles of 4 x 4, which round, are used where sums shall be exact."""
        return self.whole and min(channels, out) >= 16 and (kernel, stride, dilation, groups) == ((3, 3), (1, 1), (1, 1), 1)

    # Layers of the library.

    def conv(self, out, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, bias=None):
        channels, height, width = self.shape
        size = tuple(extent(*each) for each in zip((height, width), kernel, stride, padding, dilation))
        if channels * out * kernel[0] * kernel[1] == 1:
            raise DoesNotFit  # a single weight in front of a batch normalisation has a gradient of 0
        if self.rounds(channels, out, kernel, stride, dilation, groups):
            raise DoesNotFit
        bias = self.dice.chance(0.75) if bias is None else bias
        return self.add("conv", (out, *size), out * size[0] * size[1] * channels // groups * kernel[0] * kernel[1],
                        channels=channels, out=out, kernel=kernel, stride=stride, padding=padding,
                        dilation=dilation, groups=groups, bias=bias)

    def pool(self, kernel=(2, 2), stride=None, padding=(0, 0), dilation=(1, 1), ceil=False):
        channels, *size = self.shape
        stride = stride or kernel
        for n, k, p, d in zip(size, kernel, padding, dilation):
            if d > 1 and p > 0 and d >= n:
                raise DoesNotFit  # a window may step over the whole image
        size = tuple(extent(*each, ceil) for each in zip(size, kernel, stride, padding, dilation))
        return self.add("pool", (channels, *size), kernel=kernel, stride=stride, padding=padding, dilation=dilation,
                        ceil=ceil)

    def average(self, kernel, stride, padding, counted):
        """Not in networks of whole numbers, like all that divides."""
        channels, *size = self.shape
        size = tuple(extent(*each) for each in zip(size, kernel, stride, padding))
        return self.add("avgpool", (channels, *size), kernel=kernel, stride=stride, padding=padding, counted=counted)

    def global_average(self):
        return self.add("globalpool", (self.shape[0], 1, 1))

    def transposed(self):
        dice, (channels, *size) = self.dice, self.shape
        kernel = dice.pick((2, 2), (3, 3), (3, 3), (4, 4), (3, 2), (1, 1))
        stride = dice.pick((1, 1), (2, 2), (2, 2), (1, 2), (3, 2))
        dilation = dice.pick((1, 1), (1, 1), (2, 1))
        groups = dice.pick(1, 1, 1, *(g for g in (2, 3) if channels % g == 0))
        out = -(-self.channels() // groups) * groups
        padding = tuple(dice.below(d * (k - 1) + 1) for k, d in zip(kernel, dilation))
        more = tuple(dice.below(s) for s in stride)
        extents = tuple((n - 1) * s - 2 * p + d * (k - 1) + m + 1 for n, s, p, d, k, m in
                        zip(size, stride, padding, dilation, kernel, more))
        if min(extents) < 1 or channels * kernel[0] * kernel[1] == 1:
            raise DoesNotFit
        if self.rounds(channels, out, kernel, stride, dilation, groups):
            raise DoesNotFit
        work = channels * size[0] * size[1] * out // groups * kernel[0] * kernel[1]
        return self.add("convt", (out, *extents), work, channels=channels, out=out, kernel=kernel, stride=stride,
                        padding=padding, dilation=dilation, more=more, groups=groups, bias=dice.chance(0.75))

    def upsample(self):
        channels, height, width = self.shape
        scale = self.dice.pick((2, 2), (1, 2), (3, 1))
        mode = "nearest" if self.whole else self.dice.pick("nearest", "bilinear")
        return self.add("upsample", (channels, scale[0] * height, scale[1] * width), scale=scale, mode=mode)

    def pad(self):
        channels, height, width = self.shape
        sides = tuple(self.dice.below(3) for _ in range(4))  # top, left, bottom, right
        border = self.dice.pick("zeros", "reflect", "replicate")
        if border == "reflect" and (max(sides[0], sides[2]) >= height or max(sides[1], sides[3]) >= width):
            raise DoesNotFit
        return self.add("pad", (channels, sides[0] + height + sides[2], sides[1] + width + sides[3]), sides=sides,
                        border=border)

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

    def activation(self):
        """Of whole numbers only what keeps them."""
        if self.whole:
            return self.add(self.dice.pick("relu", "relu", "clip"), bound=2)
        return self.add(bound=0.5, kind=self.dice.pick("relu", "relu", "leakyrelu", "elu", "sigmoid", "tanh", "silu", "gelu", "softplus",
                                       "hardsigmoid", "hardswish", "clip"))

    def softmax(self):
        """Of one channel it would be a constant."""
        return self if self.whole or self.shape[0] == 1 else self.add("softmax")

    def dropout(self):
        return self.add("dropout2d" if len(self.shape) > 1 and self.dice.chance(0.4) else "dropout")

    # A layer of layers.hpp.

    def scale(self):
        return self.add("scale", channels=self.shape[0])

    def norm(self):
        """Not in networks of whole numbers. Only on images: a batch of one or two rows has no statistics. Not after a
        layer with one weight for each channel, whose gradient would be 0."""
        if self.whole or len(self.shape) == 1 or self.shape[1] * self.shape[2] < 4:
            return self
        last = self.layers[-1] if self.layers else {"kind": ""}
        one = last["kind"] == "conv" and last["channels"] // last["groups"] * last["kernel"][0] * last["kernel"][1] == 1
        if one or last["kind"] in ("scale", "dropout2d"):
            return self
        channels = self.shape[0]
        if self.dice.chance(0.35):
            groups = self.dice.pick(1, *(g for g in (2, 3, 4, channels) if channels % g == 0))
            return self.add("gn", channels=channels, groups=groups)
        return self.add("bn", channels=channels, chunk=self.dice.chance(0.3))

    def inside(self):
        """For a branch from the same input."""
        return Builder(self.dice, self.shape, self.whole)

    def residual(self, branch):
        if branch.shape != self.shape:
            raise DoesNotFit
        return self.add("residual", work=branch.work,
                        children=[("f", {"input": branch.input, "layers": branch.layers})])

    def shortcut(self, f, past):
        """The sum of two branches that change the shape in the same way."""
        if f.shape != past.shape:
            raise DoesNotFit
        return self.add("residual", f.shape, f.work + past.work,
                        children=[("f", {"input": f.input, "layers": f.layers}),
                                  ("shortcut", {"input": past.input, "layers": past.layers})])

    def repeat(self, times):
        """A residual, several times, each with weights of its own."""
        inner = self.inside().residual(self.branch(0))
        return self.add("repeat", work=times * inner.work,
                        children=[("", {"input": inner.input, "layers": inner.layers * times})])

    def side_by_side(self, kind, *branches):
        """The channels of all: "both" of layers.hpp for two, "concat" for any number."""
        if any(branch.shape[1:] != branches[0].shape[1:] for branch in branches):
            raise DoesNotFit
        names = ("left", "right") if kind == "both" else [f"branch{i + 1}" for i in range(len(branches))]
        return self.add(kind, (sum(branch.shape[0] for branch in branches), *branches[0].shape[1:]),
                        sum(branch.work for branch in branches),
                        children=[(name, {"input": branch.input, "layers": branch.layers})
                                  for name, branch in zip(names, branches)])

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
        if not self.whole and dice.chance(0.35):
            return self.average(kernel, stride, padding, dice.chance(0.5))
        return self.pool(kernel, stride, padding, dice.pick((1, 1), (1, 1), (2, 2), (1, 2)), dice.chance(0.4))

    def resized(self):
        return self.dice.pick(self.transposed, self.transposed, self.upsample, self.pad)()

    def chain(self, length):
        """Convolution, ReLU and pool, `length` times: they run as one."""
        for _ in range(length):
            odd = self.dice.pick((3, 3), (3, 3), (3, 3), (5, 5), (3, 5), (5, 3), (3, 2), None)
            self.plain_conv(kernel=odd).relu().pool()
        return self

    def anything(self, count):
        for _ in range(count):
            self.dice.pick(self.any_conv, self.any_conv, self.any_pool, self.relu, self.activation, self.scale,
                           self.dropout, self.resized, self.softmax)()
        return self

    def branch(self, depth=0):
        """A branch that keeps the shape, for a residual."""
        dice = self.dice
        inner = self.inside()
        if len(self.shape) == 1:
            inner.linear(3 + dice.below(40)).activation()
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
            inner.activation() if dice.chance(0.7) else None
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
            if not self.whole and dice.chance(0.25):
                self.global_average()
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
        if b.dice.chance(0.4):
            # A shortcut that changes channels and extents.
            f, past, out = b.inside(), b.inside(), b.channels()
            f.conv(b.channels(), (3, 3), (2, 2), (1, 1), bias=b.whole).norm().activation()
            f.conv(out, (3, 3), padding=(1, 1))
            past.pool((1, 1), (2, 2)).conv(out, (1, 1)) if b.dice.chance(0.3) else past.conv(out, (1, 1), (2, 2))
            b.shortcut(f, past)
        elif b.dice.chance(0.4):
            b.repeat(b.dice.pick(2, 3))
        else:
            b.residual(b.branch(b.dice.pick(0, 1, 2)))
        b.dice.pick(b.relu, b.pool, lambda: None)()


def concat(b):
    """Two branches or three, chains in them or not."""
    if b.dice.chance(0.5):
        b.plain_conv().relu()
    length = b.dice.pick(1, 1, 2)
    branches = [b.inside() for _ in range(b.dice.pick(2, 2, 3, 3))]
    for branch in branches:
        for _ in range(length):
            k = b.dice.pick(1, 3, 3, 5)
            branch.conv(branch.channels(), (k, k), padding=(k // 2, k // 2)).activation().pool()
            branch.dropout() if b.dice.chance(0.2) else None
    b.side_by_side("both" if len(branches) == 2 and b.dice.chance(0.5) else "concat", *branches)
    b.dice.pick(b.relu, b.plain_conv, lambda: b.chain(1))()


def normalised(b):
    """Convolution, normalisation, ReLU, as in ResNets. The convolution has no bias: its gradient would be 0."""
    if not b.whole and b.dice.chance(0.6):
        return blocks(b)
    for _ in range(b.dice.pick(1, 2, 3)):
        b.plain_conv(bias=b.whole).norm().activation()
        b.dice.pick(b.any_pool, lambda: None, b.dropout, lambda: b.residual(b.branch(0)))()
    if b.dice.chance(0.4):
        b.resized().activation()


def blocks(b):
    """Residual blocks that run as one step: convolutions in whole vectors, each with a normalisation."""
    width = b.dice.pick(16, 16, 32, 48)
    around = b.dice.pick((1, 1), (1, 1), (0, 0), (2, 1))
    b.conv(width, (3, 3), padding=around, bias=False).norm().activation()
    for _ in range(b.dice.pick(1, 2)):
        inner = b.inside()
        for last in b.dice.pick((True,), (False, True), (False, True), (False, False, True)):
            inner.conv(width, (3, 3), padding=(1, 1), bias=False).norm()
            inner.activation() if not last or b.dice.chance(0.15) else None
        b.residual(inner)
        b.dice.pick(b.relu, b.relu, b.activation, lambda: None)()


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


TEXTS = {"relu": "Relu{}", "flatten": "Flatten{}", "dropout": "Dropout{}", "dropout2d": "Dropout2d{}",
         "globalpool": "GlobalAvgPool2d{}", "softmax": "Softmax{}", "leakyrelu": "LeakyRelu{{0.2}}", "elu": "Elu{{1.5}}",
         "sigmoid": "Sigmoid{}", "tanh": "Tanh{}", "silu": "Silu{}", "gelu": "Gelu{}", "softplus": "Softplus{{2}}",
         "hardsigmoid": "Hardsigmoid{}", "hardswish": "Hardswish{}"}


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
    if kind in ("pool", "avgpool"):
        given = {"kernel": extent2(layer["kernel"])}
        if layer["stride"] != layer["kernel"]:
            given["stride"] = extent2(layer["stride"])
        if layer["padding"] != (0, 0):
            given["padding"] = extent2(layer["padding"])
        if kind == "avgpool":
            return f"AvgPool2d{{{options(**given, count_padding=str(layer['counted']).lower())}}}"
        if layer["dilation"] != (1, 1):
            given["dilation"] = extent2(layer["dilation"])
        if layer["ceil"]:
            given["ceil_mode"] = "true"
        return f"MaxPool2d{{{options(**given)}}}"
    if kind == "scale":
        return f"Scale<T>{{{layer['channels']}}}"
    if kind == "bn":
        chunk = {"statistics": "Statistics::chunk"} if layer["chunk"] else {}
        return f"BatchNorm2d<T>{{{options(channels=layer['channels'], **chunk)}}}"
    if kind == "gn":
        return f"GroupNorm<T>{{{options(channels=layer['channels'], groups=layer['groups'])}}}"
    if kind == "convt":
        given = {"in": layer["channels"], "out": layer["out"]}
        for name in ("kernel", "stride", "padding", "dilation"):
            given[name] = extent2(layer[name])
        given |= {"output_padding": extent2(layer["more"]), "groups": layer["groups"], "bias": str(layer["bias"]).lower()}
        return f"ConvTranspose2d<T>{{{options(**given)}, rng}}"
    if kind == "upsample":
        return f"Upsample{{{options(scale=extent2(layer['scale']), mode='Interpolation::' + layer['mode'])}}}"
    if kind == "pad":
        sides = dict(zip(("top", "left", "bottom", "right"), layer["sides"]))
        return f"Pad2d{{{options(**sides, border='Border::' + layer['border'])}}}"
    if kind == "repeat":
        blocks = layer["children"][0][1]["layers"]
        return f"Repeat{{{len(blocks)}, [&] {{ return {layer_text(blocks[0], indent + 4)}; }}}}"
    if "children" in layer:
        inner = [chain(child["layers"], indent + 4) for _, child in layer["children"]]
        return f"{kind.capitalize()}{{" + f",\n{' ' * (indent + 4)}".join(inner) + "}"
    return TEXTS[kind] if kind in TEXTS else f"Clip{{{{-{layer['bound']}, {layer['bound']}}}}}"


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
