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
        elif kind == "relu":
            x = functional.relu(x)
        elif kind == "pool":
            x = functional.max_pool2d(x, layer["kernel"], layer["stride"], layer["padding"])
        elif kind == "flatten":
            x = x.flatten(1)
        elif kind == "scale":
            x = x * state[f"{name}.scale"].reshape(1, -1, *(1,) * (x.dim() - 2))
        elif kind == "bn":
            x = functional.batch_norm(x, state[f"{name}.running_mean"], state[f"{name}.running_var"],
                                      state[f"{name}.gamma"], state[f"{name}.beta"], train, 0.1, 1e-5)
        elif kind == "residual":
            x = x + forward(layer["children"][0][1]["layers"], x, state, train, f"{name}.f.")
        elif kind in ("sum", "both"):
            left, right = (forward(child["layers"], x, state, train, f"{name}.{which}.")
                           for which, child in layer["children"])
            x = left + right if kind == "sum" else torch.cat([left, right], 1)
        elif kind == "dropout" and train:
            raise ValueError("the mask of a dropout is not known here")
    return x


def compare(network, path):
    """(whether the comparison decides, what is wrong in words)."""
    decided, ours = read(path)
    lines = []
    has_dropout = any(layer["kind"] == "dropout" for layer in draw.flat(network.layers))
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
