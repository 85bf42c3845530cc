# SPDX-License-Identifier: MIT
"""The same network in PyTorch, in float64: the output, all gradients and all buffers must be the same.

compare.cpp --dump has written what the library computes, in training and in prediction, and the numbers
that it began with.
"""
import draw

try:
    import torch
    from torch.nn import functional
    missing = ""
except ImportError as error:
    missing = f"no PyTorch for this Python ({error}; Debian: python3-torch, for /usr/bin/python3)"

LIMIT = 1e-10


def read(path):
    """(whether a tie is out of the question, tensors by name, without a shape)."""
    head, numbers = path.read_bytes().split(b"\n\n", 1)
    first, *lines = head.decode().splitlines()
    all_numbers = torch.frombuffer(bytearray(numbers), dtype=torch.float64)
    tensors, at = {}, 0
    for line in lines:
        count, name = line.split(" ", 1)
        tensors[name] = all_numbers[at:at + int(count)].clone()
        at += int(count)
    return first == "exact 1", tensors


def chunks(n):
    """The parts of a batch, as in kernels/batch_tree.hpp."""
    count = min(n, 16)
    borders = [n * i // count for i in range(count + 1)]
    return list(zip(borders, borders[1:]))


def norm_of_chunks(x, weight, bias, mean, variance):
    """Batch normalisation of each chunk by itself; the running values get the mean of all of theirs."""
    parts = [x[first:last] for first, last in chunks(len(x))]
    with torch.no_grad():
        for running, statistic in ((mean, torch.mean), (variance, torch.var)):
            now = sum(statistic(part, (0, 2, 3)) * len(part) for part in parts) / len(x)
            running.mul_(0.9).add_(now, alpha=0.1)
    return torch.cat([functional.batch_norm(part, None, None, weight, bias, True, 0, 1e-5) for part in parts])


FUNCTIONS = {
    "leakyrelu": lambda x: functional.leaky_relu(x, 0.2), "elu": lambda x: functional.elu(x, 1.5),
    "sigmoid": lambda x: torch.sigmoid(x), "tanh": lambda x: torch.tanh(x), "silu": lambda x: functional.silu(x),
    "gelu": lambda x: functional.gelu(x), "softplus": lambda x: functional.softplus(x, 2, 1e9),
    "hardsigmoid": lambda x: functional.relu6(x + 3) / 6,  # F.hardsigmoid has its 1/6 from a float
    "hardswish": lambda x: functional.hardswish(x), "softmax": lambda x: functional.softmax(x, 1),
    "globalpool": lambda x: x.mean((2, 3), keepdim=True), "relu": lambda x: functional.relu(x),
}


def forward(layers, x, state, train, prefix=""):
    """The output of the layers; `state` has parameters and buffers by name, and gets new buffers."""
    for name, layer in draw.named(layers, prefix):
        kind = layer["kind"]
        if kind == "conv":
            shape = (layer["out"], layer["channels"] // layer["groups"], *layer["kernel"])
            x = functional.conv2d(x, state[f"{name}.weight"].reshape(shape), state.get(f"{name}.bias"), layer["stride"],
                                  layer["padding"], layer["dilation"], layer["groups"])
        elif kind == "fc":
            shape = (layer["out"], layer["features"])
            x = functional.linear(x, state[f"{name}.weight"].reshape(shape), state.get(f"{name}.bias"))
        elif kind in FUNCTIONS:
            x = FUNCTIONS[kind](x)
        elif kind == "clip":
            x = functional.hardtanh(x, -layer["bound"], layer["bound"])
        elif kind == "pool":
            x = functional.max_pool2d(x, layer["kernel"], layer["stride"], layer["padding"], layer["dilation"],
                                      layer["ceil"])
        elif kind == "avgpool":
            x = functional.avg_pool2d(x, layer["kernel"], layer["stride"], layer["padding"],
                                      count_include_pad=layer["counted"])
        elif kind == "convt":
            shape = (layer["channels"], layer["out"] // layer["groups"], *layer["kernel"])
            x = functional.conv_transpose2d(x, state[f"{name}.weight"].reshape(shape), state.get(f"{name}.bias"),
                                            layer["stride"], layer["padding"], layer["more"], layer["groups"],
                                            layer["dilation"])
        elif kind == "upsample":
            more = {"align_corners": False} if layer["mode"] == "bilinear" else {}
            x = functional.interpolate(x, scale_factor=tuple(map(float, layer["scale"])), mode=layer["mode"], **more)
        elif kind == "pad":
            top, left, bottom, right = layer["sides"]
            mode = {"zeros": "constant"}.get(layer["border"], layer["border"])
            x = functional.pad(x, (left, right, top, bottom), mode)
        elif kind == "flatten":
            x = x.flatten(1)
        elif kind == "scale":
            x = x * state[f"{name}.scale"].reshape(1, -1, *(1,) * (x.dim() - 2))
        elif kind == "bn":
            weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
            mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
            if train and layer["chunk"]:
                x = norm_of_chunks(x, weight, bias, mean, variance)
            else:
                x = functional.batch_norm(x, mean, variance, weight, bias, train, 0.1, 1e-5)
        elif kind == "gn":
            x = functional.group_norm(x, layer["groups"], state[f"{name}.weight"], state[f"{name}.bias"], 1e-5)
        elif kind == "repeat":
            x = forward(layer["children"][0][1]["layers"], x, state, train, f"{name}.")
        elif "children" in layer:
            values = [forward(child["layers"], x, state, train, f"{name}.{which}.")
                      for which, child in layer["children"]]
            if kind != "residual":
                x = torch.cat(values, 1)
            else:
                x = values[0] + (values[1] if len(values) > 1 else x)
        elif kind in ("dropout", "dropout2d") and train:
            raise ValueError("the mask of a dropout is not known here")
    return x


def compare(network, path):
    """(whether the comparison decides, what is wrong in words)."""
    decided, ours = read(path)
    lines = []
    has_dropout = any(layer["kind"] in ("dropout", "dropout2d") for layer in draw.flat(network.layers))
    for mode in ("eval",) if has_dropout else ("train", "eval"):
        state = {name: tensor.clone() for name, tensor in ours.items() if " " not in name and name not in ("x", "dy")}
        parameters = [name for name in state if f"{mode} gradient of {name}" in ours]
        for name in parameters:
            state[name].requires_grad_()
        x = ours["x"].reshape(network.batch, *network.input).clone().requires_grad_()
        y = forward(network.layers, x, state, mode == "train")
        y.backward(ours["dy"].reshape(y.shape))
        theirs = {"output": y.detach(), "input gradient": x.grad}
        theirs.update({f"gradient of {name}": state[name].grad for name in parameters})
        theirs.update({f"buffer {name}": state[name].detach() for name in state if name not in parameters})
        if set(ours) != set(ours) | {f"{mode} {name}" for name in theirs}:
            lines.append(f"  expected all of {sorted(theirs)}")
            continue
        for name, right in theirs.items():
            right = torch.zeros_like(x) if right is None else right
            error = (ours[f"{mode} {name}"] - right.flatten()).abs().max().item()
            largest = right.abs().max().item()
            if not error <= LIMIT * largest:
                lines.append(f"  {mode}: {name}: an error of {error / largest if largest else error:.2e} (limit {LIMIT})")
    return decided, lines
