#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# The safetensors format a second time, in Python and from its description alone
# (github.com/huggingface/safetensors, README, "Format"), so that what the library writes is read by
# somebody else, and what somebody else writes is read by the library.
#
#   8 bytes   n, the length of the header, least significant byte first
#   n bytes   JSON   {"__metadata__": {"format": "pt"},
#                     "fc2.bias": {"dtype": "F32", "shape": [10], "data_offsets": [0, 40]}, ...}
#   then      the numbers, least significant byte first; offsets count from here
#
#   tensors, metadata = read("model.safetensors")       # {"fc2.bias": Tensor("F32", [10], b"...")}
#   write("copy.safetensors", tensors, metadata)
#   net.load_state_dict(to_torch(tensors))              # and from_torch(net.state_dict())
#
# As a program, it reads files strictly and says whether their bytes are those of the reference writer:
#
#   tests/exchange/safetensors.py model.safetensors ...
import collections
import json
import math
import sys

Tensor = collections.namedtuple("Tensor", "dtype shape data")

# Widest first, as the reference writer orders them.
SIZES = {"I64": 8, "F64": 8, "F32": 4, "BF16": 2, "F16": 2, "U8": 1, "BOOL": 1}
ORDER = list(SIZES)


class Malformed(Exception):
    pass


def require(condition, sentence):
    if not condition:
        raise Malformed(sentence)


def unique(pairs):
    names = [name for name, _ in pairs]
    require(len(names) == len(set(names)), "a key comes twice")
    return dict(pairs)


def decode(data):
    """The tensors and the metadata in the bytes of a whole file."""
    require(len(data) >= 8, "shorter than 8 bytes")
    n = int.from_bytes(data[:8], "little")
    require(n <= 100_000_000 and 8 + n <= len(data), f"a header of {n} bytes in a file of {len(data)}")
    text, data = data[8:8 + n], data[8 + n:]
    require(text[:1] == b"{", "the header does not begin with {")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        raise Malformed(f"the header is not JSON in UTF-8: {error}") from None

    metadata = header.pop("__metadata__", {})
    require(isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values()),
            "the metadata are not strings")
    tensors, spans = {}, []
    for name, entry in header.items():
        require(isinstance(entry, dict) and set(entry) == {"dtype", "shape", "data_offsets"},
                f"{name} has not just dtype, shape and data_offsets")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        require(dtype in SIZES, f"{name} has the dtype {dtype}")
        require(all(type(i) is int and i >= 0 for i in shape + offsets) and len(offsets) == 2,
                f"{name} has the shape {shape} and the offsets {offsets}")
        begin, end = offsets
        require(begin <= end <= len(data), f"{name} is outside the data")
        require(end - begin == math.prod(shape) * SIZES[dtype], f"{name} has another size than its shape")
        tensors[name] = Tensor(dtype, shape, data[begin:end])
        spans.append((begin, end))
    at = 0
    for begin, end in sorted(spans):
        require(begin == at, f"a hole or an overlap at {at}")
        at = end
    require(at == len(data), "bytes that belong to no tensor")
    return tensors, metadata


def encode(tensors, metadata=None):
    """The bytes of a whole file, as the reference writer has them."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(tensors, key=lambda name: (ORDER.index(tensors[name].dtype), name.encode())):
        tensor = tensors[name]
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(tensor.data)]}
        data += tensor.data
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def read(path):
    with open(path, "rb") as file:
        return decode(file.read())


def write(path, tensors, metadata=None):
    with open(path, "wb") as file:
        file.write(encode(tensors, metadata))


def torch_types():
    import torch
    return {"I64": torch.int64, "F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16,
            "F16": torch.float16, "U8": torch.uint8, "BOOL": torch.bool}


def to_torch(tensors):
    """A state_dict."""
    import torch
    types = torch_types()
    return {name: torch.frombuffer(bytearray(t.data), dtype=types[t.dtype]).reshape(t.shape)
            for name, t in tensors.items()}


def from_torch(state):
    """Tensors of a state_dict, on a machine with the least significant byte first."""
    import torch
    require(sys.byteorder == "little", "from_torch: this machine has the most significant byte first")
    names = {torch_type: name for name, torch_type in torch_types().items()}
    return {name: Tensor(names[t.dtype], list(t.shape),
                         t.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
            for name, t in state.items()}


def main(paths):
    wrong = 0
    for path in paths:
        try:
            with open(path, "rb") as file:
                data = file.read()
            tensors, metadata = decode(data)
            same = encode(tensors, metadata) == data
            print(f"{path}: {len(tensors)} tensors, {len(metadata)} metadata, {len(data)} bytes, "
                  f"{'as' if same else 'NOT as'} the reference writer has them")
            wrong += not same
        except (OSError, Malformed) as error:
            print(f"{path}: REFUSED: {error}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
