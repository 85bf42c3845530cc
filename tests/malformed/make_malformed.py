#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Files that break one rule each, made from good ones.
#
#   tests/malformed/make_malformed.py GOOD OUT
#
# GOOD holds model.safetensors and run.ckpt, made by try_load. OUT gets the files, a good picture of each
# kind among them, and a manifest: a line for each malformed file, with tabs between
#
#   kind    how try_load is to load it
#   file    its name
#   rule    the rule that it breaks
#   words   what the sentence that refuses it must contain
import base64
import gzip
import json
import pathlib
import struct
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "exchange"))
import safetensors  # noqa: E402

good, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
manifest = []


def case(kind, name, rule, words, data, size=None):
    """Writes a malformed file; with `size`, zeros follow up to there that take no room on the disk."""
    ending = {"weights": ".safetensors", "checkpoint": ".ckpt", "picture": ""}.get(kind, f".{kind}")
    file = f"{kind}_{name}{ending}"
    assert not (out / file).exists(), file
    with open(out / file, "wb") as f:
        f.write(data)
        if size:
            f.truncate(size)
    manifest.append("\t".join([kind, file, rule, words]))


# ---- safetensors: the form ----------------------------------------------------------------------------

A = '"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}'
B = '"b":{"dtype":"U8","shape":[4],"data_offsets":[24,28]}'
META = '"__metadata__":{"format":"pt"}'
DATA = bytes(range(28))


def framed(text, data=DATA, length=None):
    text = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def form(name, rule, words, text, data=DATA, **more):
    case("safetensors", name, rule, words, framed(text, data, **more))


def header(*parts):
    return "{" + ",".join(parts) + "}"


def b(dtype='"U8"', shape="[4]", offsets="[24,28]"):
    return f'"b":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}'


GOOD = header(META, A, B)
safetensors.decode(framed(GOOD))  # what all of these are made from is well-formed

case("safetensors", "empty", "a file has at least 8 bytes", "expected a safetensors file, found only 0 bytes", b"")
case("safetensors", "7_bytes", "a file has at least 8 bytes", "found only 7 bytes", framed(GOOD)[:7])
form("no_header", "a header begins with {", "expected a header that begins with {, found an empty one", "")
form("longer_than_file", "the header is inside the file", "expected a header of 171 bytes, found only 170 (a truncated file?)", GOOD,
     length=len(GOOD) + 29)
case("safetensors", "over_100_MB", "a header has at most 100 MB",
     "expected a header of at most 100000000 bytes, found 100000001", framed("{", b"", length=100_000_001),
     size=100_000_100)
form("length_2_63", "a header has at most 100 MB", "found 9223372036854775808", GOOD, length=2**63)
form("length_2_64", "a header has at most 100 MB", "found 18446744073709551615", GOOD, length=2**64 - 1)
form("length_big_endian", "the length has its least significant byte first", "expected a header of at most 100000000 bytes",
     GOOD, length=int.from_bytes(struct.pack(">Q", len(GOOD)), "little"))
form("array", "a header begins with {", "begins with {, found byte 91", "[" + GOOD + "]")
form("space_first", "a header begins with {", "begins with {, found byte 32", " " + GOOD)
form("byte_order_mark", "a header begins with {", "begins with {, found byte 239", b"\xef\xbb\xbf" + GOOD.encode())
json_error = "expected a header that is JSON in UTF-8, found"
form("latin_1", "the header is UTF-8", json_error, header(META, A, B).encode().replace(b'"a"', b'"\xe4"'))
form("overlong", "the header is UTF-8", json_error, header(META, A, B).encode().replace(b'"a"', b'"\xc1\xa1"'))
form("surrogate", "the header is UTF-8", json_error, header(META, A, B).encode().replace(b'"a"', b'"\xed\xa0\x80"'))
form("half_a_surrogate", "the header is JSON", json_error, GOOD.replace('"a"', '"\\ud800"'))
form("cut_off", "the header is JSON", json_error, GOOD[:-1])
form("single_quotes", "the header is JSON", json_error, GOOD.replace('"', "'"))
form("comma_at_end", "the header is JSON", json_error, GOOD[:-1] + ",}")
form("comment", "the header is JSON", json_error, GOOD[:-1] + "/**/}")
form("nan", "the header is JSON", json_error, header(META, A, b(shape="[NaN]")))
form("leading_zero", "the header is JSON", json_error, header(META, A, b(shape="[04]")))
form("two_headers", "nothing but spaces follows the header", json_error, GOOD + "{}")
form("zeros_behind", "nothing but spaces follows the header", "found a zero at its byte", GOOD + "\0\0\0\0")
form("line_feed_in_name", "the header is JSON", json_error, GOOD.replace('"a"', '"\n"'))
form("twice", "a name comes once", "expected every key once, found a twice", header(META, A, A, B))
form("twice_escaped", "a name comes once", "expected every key once, found a twice",
     header(META, A, A.replace('"a"', '"\\u0061"'), B))
form("metadata_twice", "a name comes once", "expected every key once, found __metadata__ twice", header(META, A, META, B))
form("dtype_twice", "a field comes once", "expected every key once, found dtype twice in b",
     header(META, A, b(dtype='"U8","dtype":"U8"')))
form("key_twice", "a key of the metadata comes once", "expected every key once, found k twice in __metadata__",
     header('"__metadata__":{"k":"1","k":"2"}', A, B))
form("metadata_number", "metadata are strings", "expected a string for k of __metadata__, found the number 1",
     header('"__metadata__":{"k":1}', A, B))
form("metadata_null", "metadata are strings", "expected a string for k of __metadata__, found null",
     header('"__metadata__":{"k":null}', A, B))
form("metadata_object", "metadata are strings", "expected a string for k of __metadata__, found an object",
     header('"__metadata__":{"k":{}}', A, B))
form("metadata_list", "metadata are an object", "expected an object for __metadata__, found an array",
     header('"__metadata__":["k"]', A, B))
form("tensor_list", "a tensor is an object", "expected an object for b, found an array", header(META, A, '"b":[]'))
form("tensor_null", "a tensor is an object", "expected an object for b, found null", header(META, A, '"b":null'))
form("no_dtype", "a tensor has a dtype", "expected a dtype of b, found none",
     header(META, A, '"b":{"shape":[4],"data_offsets":[24,28]}'))
form("no_shape", "a tensor has a shape", "expected a shape of b, found none",
     header(META, A, '"b":{"dtype":"U8","data_offsets":[24,28]}'))
form("no_offsets", "a tensor has data_offsets", "expected a data_offsets of b, found none",
     header(META, A, '"b":{"dtype":"U8","shape":[4]}'))
form("another_field", "a tensor has nothing else", "expected dtype, shape and data_offsets of b, found strides",
     header(META, A, b(dtype='"U8","strides":[1]')))
form("dtype_unknown", "the dtype is known", "for the dtype of b, found F31", header(META, A, b(dtype='"F31"')))
form("dtype_lower_case", "the dtype is known", "for the dtype of b, found u8", header(META, A, b(dtype='"u8"')))
form("dtype_number", "the dtype is a string", "expected a string for dtype of b, found the number 8",
     header(META, A, b(dtype="8")))
whole = "expected whole numbers of 0 or more for shape of b, found"
form("shape_negative", "extents are 0 or more", f"{whole} the number -4", header(META, A, b(shape="[-4]")))
form("shape_float", "extents are whole", f"{whole} the number 4.0", header(META, A, b(shape="[4.0]")))
form("shape_string", "extents are numbers", f"{whole} the string 4", header(META, A, b(shape='["4"]')))
form("shape_nested", "extents are numbers", f"{whole} an array", header(META, A, b(shape="[[4]]")))
form("shape_true", "extents are numbers", f"{whole} true", header(META, A, b(shape="[4,true]")))
form("shape_number", "a shape is an array", "expected an array for shape of b, found the number 4",
     header(META, A, b(shape="4")))
form("shape_2_64", "extents fit into 63 bits", f"{whole} the number 18446744073709551616",
     header(META, A, b(shape=f"[{2**64}]")))
form("shape_2_63", "extents fit into 63 bits", "found one that overflows at 9223372036854775808",
     header(META, A, b(shape=f"[{2**63}]")))
form("product_2_64", "the product of a shape does not overflow", "found one that overflows at 4294967296",
     header(META, A, b(shape=f"[{2**32},{2**32}]")))
form("product_wraps", "the product of a shape does not overflow", "found one that overflows at 4611686018427387905",
     header(META, A, b(shape=f"[4,{2**62 + 1}]")))
form("product_zero", "the product of a shape does not overflow", "found one that overflows at 4294967296",
     header(META, b(shape=f"[{2**32},{2**32},0]", offsets="[0,0]")), b"")
form("shape_of_65", "a shape has an end", "expected at most 64 numbers in the shape of b, found more",
     header(META, A, b(shape="[4" + ",1" * 64 + "]")))
form("one_offset", "there are two offsets", "expected two data_offsets of b, found 1", header(META, A, b(offsets="[24]")))
form("three_offsets", "there are two offsets", "expected two data_offsets of b, found 3",
     header(META, A, b(offsets="[24,28,28]")))
form("offset_negative", "offsets are 0 or more",
     "expected whole numbers of 0 or more for data_offsets of b, found the number -24", header(META, A, b(offsets="[-24,28]")))
form("offset_float", "offsets are whole",
     "expected whole numbers of 0 or more for data_offsets of b, found the number 28.0", header(META, A, b(offsets="[24,28.0]")))
form("reversed", "a tensor begins before it ends",
     "expected data_offsets of b in the 28 bytes of data, found 28 to 24", header(META, A, b(offsets="[28,24]")))
form("beyond", "a tensor is inside the data",
     "expected data_offsets of b in the 28 bytes of data, found 24 to 29", header(META, A, b(shape="[5]", offsets="[24,29]")))
form("far_beyond", "a tensor is inside the data", "found 9223372036854775807 to 9223372036854775811",
     header(META, A, b(offsets=f"[{2**63 - 1},{2**63 + 3}]")))
form("hole_first", "the tensors begin with the data", "expected a to begin at 0, where the tensor before it ends, found 1 (a hole)",
     header(META, A.replace("[0,24]", "[1,25]"), b(shape="[3]", offsets="[25,28]")))
form("hole_between", "no byte between tensors", "expected b to begin at 24, where the tensor before it ends, found 25 (a hole)",
     header(META, A, b(shape="[3]", offsets="[25,28]")))
form("overlap", "no byte in two tensors", "expected b to begin at 24, where the tensor before it ends, found 23 (an overlap)",
     header(META, A, b(shape="[5]", offsets="[23,28]")))
form("same_place", "no byte in two tensors", "found 0 (an overlap)", header(META, A, b(shape="[24]", offsets="[0,24]")), DATA[:24])
form("trailing", "every byte is in a tensor", "expected 28 bytes of data, found 29 (trailing bytes)", GOOD, DATA + b"x")
form("trailing_alone", "every byte is in a tensor", "expected 0 bytes of data, found 28 (trailing bytes)", "{}")
form("truncated", "a tensor is inside the data",
     "expected data_offsets of b in the 27 bytes of data, found 24 to 28", GOOD, DATA[:-1])
form("too_few_bytes", "size and shape match", "expected 5 bytes for b, U8 (5), found 4", header(META, A, b(shape="[5]")))
form("too_many_bytes", "size and shape match", "expected 3 bytes for b, U8 (3), found 4", header(META, A, b(shape="[3]")))
form("no_number_but_bytes", "size and shape match", "expected 0 bytes for b, U8 (0), found 4", header(META, A, b(shape="[0]")))
form("wider_dtype", "size and shape match", "expected 8 bytes for b, F16 (4), found 4", header(META, A, b(dtype='"F16"')))
form("deep_lists", "a header is flat", whole, header(META, A, b(shape="[" * 100_000)))
form("deep_objects", "a header is flat", "expected dtype, shape and data_offsets of a, found a", '{"a":' * 100_000)
form("deep_metadata", "a header is flat", "expected a string for k of __metadata__", '{"__metadata__":{"k":' + '{"k":' * 100_000)
form("control_characters", "a name from outside stays on one line", "found F?31?[2J",
     header(META, A, b(dtype='"F\\n31\\u001b[2J"')))
form("long_name", "a name from outside stays short", "...", header(META, A, B.replace('"b"', '"' + "b" * 1_000_000 + '"').replace("U8", "U9")))
form("4_MB_of_spaces", "a long header needs little memory", json_error, "{" + " " * 4_000_000 + "!}", b"")
form("4_MB_of_names", "a long header needs little memory", "expected 0 bytes of data, found 1 (trailing bytes)",
     header(*(f'"{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for i in range(70_000))), b"x")

# ---- weights of the network in try_load ---------------------------------------------------------------

tensors, metadata = safetensors.read(good / "model.safetensors")
ours = "expected the tensors of this network, found"


def weights(name, rule, words, change, kind="weights"):
    t, m = dict(tensors), dict(metadata)
    change(t, m)
    case(kind, name, rule, words, safetensors.encode(t, m))


def replaced(name, dtype=None, shape=None, data=None):
    def change(t, m):
        old = t[name]
        t[name] = safetensors.Tensor(dtype or old.dtype, shape or old.shape, old.data if data is None else data)
    return change


def drop(*names):
    def change(t, m):
        for name in names:
            del t[name]
    return change


def said(**values):
    def change(t, m):
        for key, value in values.items():
            if value is None:
                del m[key.replace("__", ".")]
            else:
                m[key.replace("__", ".")] = value
    return change


def number(name, at, value):
    def change(t, m):
        data = bytearray(t[name].data)
        struct.pack_into("<f", data, 4 * at, value)
        replaced(name, data=bytes(data))(t, m)
    return change


def in_order(values):
    return struct.pack(f"<{len(values)}d", *values)


weights("missing", "all tensors are there", f"{ours} no fc1.bias", drop("fc1.bias"))
weights("300_more", "there is nothing else", "; and 290 more",
        lambda t, m: t.update({f"more.{i}": t["fc2.bias"] for i in range(300)}))
weights("two_missing", "all tensors are there", f"{ours} no conv1.bias; no fc2.weight", drop("conv1.bias", "fc2.weight"))
weights("none", "all tensors are there", f"{ours} no conv1.weight; no conv1.bias", drop(*tensors))
weights("unexpected", "there is nothing else", f"{ours} unexpected fc3.bias",
        lambda t, m: t.update({"fc3.bias": t["fc2.bias"]}))
weights("mis_shaped", "shapes match", f"{ours} fc1.weight (3136, 128) instead of (128, 3136)",
        replaced("fc1.weight", shape=[3136, 128]))
weights("flat", "shapes match", f"{ours} fc2.weight (1280) instead of (10, 128)", replaced("fc2.weight", shape=[1280]))
weights("whole_numbers", "weights are floating-point", "fc2.bias: expected floating-point numbers, found I64",
        replaced("fc2.bias", "I64", data=bytes(80)))
weights("too_large", "numbers fit", "fc2.bias: expected numbers that fit into F32, found 1e+300 at 3",
        replaced("fc2.bias", "F64", data=in_order([0, 0, 0, 1e300] + [0] * 6)))
weights("damaged", "the self-test passes", "expected the logits of its self-test, found them off by", number("fc2.weight", 5, 100.0))
weights("nan", "the self-test passes", "expected the logits of its self-test, found them off by nan", number("conv1.bias", 5, float("nan")))
weights("other_logits", "the self-test passes", "expected the logits of its self-test",
        said(selftest__logits=json.dumps([1.0] * 10)))
weights("logits_of_9", "the self-test has an answer", "selftest.logits: expected 10 numbers, found 9",
        said(selftest__logits=json.dumps([1.0] * 9)))
weights("input_of_3", "the self-test has an input", "selftest.input: expected 784 numbers, found 3", said(selftest__input="[1,2,3]"))
weights("input_text", "the self-test is JSON", "selftest.input: expected a JSON array of numbers, found one, two",
        said(selftest__input="one, two"))
weights("input_strings", "the self-test is numbers", "selftest.input: expected a JSON array of numbers, found",
        said(selftest__input=json.dumps(["0"] * 784)))
weights("deep_input", "the self-test is numbers", "selftest.input: expected a JSON array of numbers, found",
        said(selftest__input="[" * 100_000))
weights("architecture", "the architecture is ours", "a file of another network: expected relu2, found tanh2",
        said(architecture=metadata["architecture"].replace("relu2", "tanh2")))
weights("another_kernel", "the architecture is ours", "a file of another network: expected conv1 weight (32, 1, 3, 3)",
        said(architecture=metadata["architecture"].replace("padding 1", "padding 2", 1)))
weights("fewer_layers", "the architecture is ours", "found nothing",
        said(architecture=metadata["architecture"].rsplit("\n", 2)[0] + "\n"))
weights("architecture_empty", "the architecture is ours", "expected input (1, 28, 28), found nothing", said(architecture=""))
weights("mean_text", "the mean is a number", "or a list of one for each channel, for input.mean, found dark", said(input__mean="dark"))
weights("std_zero", "the standard deviation is above 0", "expected a number above 0 for input.std, found 0", said(input__std="0"))
weights("std_text", "the standard deviation is a number", "or a list of one for each channel, for input.std, found [true]", said(input__std="[true]"))


def numbers_for_names(t, m):
    for ours_, theirs in {"conv1": "0", "conv2": "3", "fc1": "7"}.items():
        for kind in ("weight", "bias"):
            t[f"{theirs}.{kind}"] = t.pop(f"{ours_}.{kind}")
    del t["fc2.weight"], t["fc2.bias"]
    m.clear()


weights("numbered_too_few", "all tensors are there", f"{ours} no fc2.weight", numbers_for_names)
whole_file = (good / "model.safetensors").read_bytes()
case("weights", "truncated", "a tensor is inside the data", "(a truncated file?)", whole_file[:-1000])
case("weights", "checkpoint", "a checkpoint is not a weights file", "expected", (good / "run.ckpt").read_bytes())

# ---- checkpoints of the training in try_load ----------------------------------------------------------

tensors, metadata = safetensors.read(good / "run.ckpt")


def checkpoint(name, rule, words, change):
    weights(name, rule, words, change, "checkpoint")


checkpoint("no_mean", "the moments are there", "expected a tensor optimizer.mean, found none", drop("optimizer.mean"))
checkpoint("no_square", "the moments are there", "expected a tensor optimizer.square, found none", drop("optimizer.square"))
checkpoint("no_losses", "the losses are there", "expected a tensor losses, found none", drop("losses"))
checkpoint("short_mean", "the moments have the size of the network", "optimizer.mean: expected 421642 numbers, found 421641",
           replaced("optimizer.mean", shape=[421641], data=tensors["optimizer.mean"].data[:-4]))
checkpoint("whole_square", "the moments are floating-point", "optimizer.square: expected floating-point numbers, found U8",
           replaced("optimizer.square", "U8", data=bytes(421642)))
checkpoint("whole_losses", "the losses are floating-point", "losses: expected floating-point numbers, found",
           replaced("losses", "U8", data=bytes(len(tensors["losses"].data) // 4)))
checkpoint("missing", "all tensors are there", f"{ours} no fc1.bias", drop("model.fc1.bias"))
checkpoint("unexpected", "there is nothing else", f"{ours} unexpected fc3.bias",
           lambda t, m: t.update({"model.fc3.bias": t["model.fc2.bias"]}))
checkpoint("mis_shaped", "shapes match", f"{ours} fc2.weight (128, 10) instead of (10, 128)",
           replaced("model.fc2.weight", shape=[128, 10]))
for key in ("format", "architecture", "clock", "seed", "epoch", "step", "loss_sum", "run.seed", "run.images"):
    checkpoint(f"no_{key.replace('.', '_')}", f"{key} is there", f"expected {key} in the metadata, found none",
               said(**{key.replace(".", "__"): None}))
checkpoint("format", "it is a checkpoint", "expected a checkpoint (fovea checkpoint 1), found the format pt", said(format="pt"))
checkpoint("format_2", "the version is known", "expected a checkpoint (fovea checkpoint 1), found the format fovea checkpoint 2",
           said(format="fovea checkpoint 2"))
checkpoint("step_negative", "the step is 0 or more", "expected a whole number for step, found -3", said(step="-3"))
checkpoint("step_text", "the step is a number", "expected a whole number for step, found two", said(step="two"))
checkpoint("step_empty", "the step is a number", "expected a whole number for step, found", said(step=""))
checkpoint("epoch_half", "the epoch is whole", "expected a whole number for epoch, found 0.5", said(epoch="0.5"))
checkpoint("clock_2_64", "the clock fits into 64 bits", "expected a whole number for clock, found 18446744073709551616",
           said(clock=str(2**64)))
checkpoint("loss_text", "the sum of losses is a number", "expected a number for loss_sum, found much", said(loss_sum="much"))
checkpoint("loss_null", "the sum of losses is a number", "expected a number for loss_sum, found null", said(loss_sum="null"))
checkpoint("architecture", "the network is ours", "a checkpoint of another run, network: expected relu2, found tanh2",
           said(architecture=metadata["architecture"].replace("relu2", "tanh2")))
checkpoint("other_data", "the data are ours", "a checkpoint of another run, images: expected synthetic", said(run__images="mnist (60000, 1, 28, 28) 0"))
checkpoint("seed_of_the_workspace", "the masks are ours", "another run, seed of the workspace: expected 0, found 1", said(seed="1"))
checkpoint("other_seed", "the options are ours", "a checkpoint of another run, seed: expected 1, found 2", said(run__seed="2"))
whole_file = (good / "run.ckpt").read_bytes()
case("checkpoint", "empty", "a file has at least 8 bytes", "found only 0 bytes", b"")
case("checkpoint", "zeros", "a header begins with {", "found an empty one", bytes(4096))
case("checkpoint", "half", "a tensor is inside the data", "bytes of data, found", whole_file[:len(whole_file) // 2])
case("checkpoint", "a_byte_short", "a tensor is inside the data", "bytes of data, found", whole_file[:-1])
case("checkpoint", "twice", "every byte is in a tensor", "(trailing bytes)", whole_file * 2)
case("checkpoint", "weights", "a weights file is not a checkpoint", "found the format pt", (good / "model.safetensors").read_bytes())

# ---- npy, a (3, 4) array of float ---------------------------------------------------------------------

NUMBERS = struct.pack("<12f", *range(12))


def npy(name, rule, words, text="{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", data=NUMBERS,
        magic=b"\x93NUMPY", version=(1, 0), length=None, end="\n"):
    text = text if isinstance(text, bytes) else text.encode()
    prefix = 10 if version[0] < 2 else 12
    text += b" " * (-(prefix + len(text) + 1) % 64) + end.encode()
    size = struct.pack("<H" if version[0] < 2 else "<I", len(text) if length is None else length)
    case("npy", name, rule, words, magic + bytes(version) + size + text + data)


def described(descr="'<f4'", order="False", shape="(3, 4)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


case("npy", "empty", "a file has a beginning", "expected an npy file, found only 0 bytes", b"")
case("npy", "8_bytes", "a file has a beginning", "found only 8 bytes", b"\x93NUMPY\1\0")
npy("magic", "the magic is \\x93NUMPY", "which begins with", magic=b"\x92NUMPY")
case("npy", "zip", "an npz file is not an npy file", "which begins with", b"PK\3\4" + bytes(60))
npy("version_0", "the version is 1.0, 2.0 or 3.0", "found 0.0", version=(0, 0))
npy("version_4", "the version is 1.0, 2.0 or 3.0", "found 4.0", version=(4, 0))
npy("version_1_1", "the version is 1.0, 2.0 or 3.0", "found 1.1", version=(1, 1))
npy("header_beyond", "the header is inside the file", "(a truncated file?)", length=5000)
npy("header_over_10000", "a header has at most 10000 bytes", "expected a header of at most 10000 bytes, found 65535", length=65535)
npy("header_4_GB", "a header has at most 10000 bytes", "expected a header of at most 10000 bytes, found 4294967295",
    version=(2, 0), length=2**32 - 1)
npy("list", "a header is a dictionary", "expected { in the header", "['<f4', False, (3, 4)]")
npy("not_closed", "a header is a dictionary", "found the end of the header", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), ")
npy("something_behind", "a header is one dictionary", "expected nothing after the dictionary", described() + "{}")
npy("code", "a header is not a program", "found", described(shape="__import__('os').abort()"))
npy("no_descr", "there is a descr", "found no descr", "{'fortran_order': False, 'shape': (3, 4), }")
npy("no_order", "there is a fortran_order", "found no fortran_order", "{'descr': '<f4', 'shape': (3, 4), }")
npy("no_shape", "there is a shape", "found no shape", "{'descr': '<f4', 'fortran_order': False, }")
npy("another_key", "there is nothing else", "found strides", described(shape="(3, 4), 'strides': (4, 1)"))
npy("twice", "a key comes once", "found shape twice", described(shape="(3, 4), 'shape': (3, 4)"))
npy("pickle", "no pickled objects", "found |O (pickled objects", described("'|O'"),
    b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.")
npy("structured", "plain numbers", "expected the type of plain numbers in quotes", described("[('x', '<f4'), ('y', '<f4')]"))
npy("half_a_pickle", "no pickled objects", "found |O (pickled objects", described("'|O'"), b"")
npy("complex", "real numbers", "found <c8 (complex numbers", described("'<c8'"), NUMBERS * 2)
npy("text", "numbers", "found <U4 (text)", described("'<U4'"), NUMBERS * 4)
npy("times", "plain numbers", "found <M8[s] (times)", described("'<M8[s]'"), NUMBERS * 2)
npy("long_double", "numbers that all machines have", "found <f16 (bits that differ", described("'<f16'"), NUMBERS * 4)
npy("bytes", "numbers", "found |V4", described("'|V4'"))
npy("two_orders", "one order of bytes", "found <>f4", described("'<>f4'"))
npy("no_kind", "a type has a kind", "found <4", described("'<4'"))
npy("no_type", "a type is not empty", "or f2 to f8 for numbers, found", described("''"))
npy("double", "the numbers fit", "exactly <f4, found the f8 0.1 at offset 11", described("'<f8'"), struct.pack("<12d", *range(11), 0.1))
npy("large_double", "the numbers fit", "exactly <f4, found the f8 1e+39 at offset 0", described("'>f8'"), struct.pack(">12d", 1e39, *range(11)))
npy("integer", "the numbers fit", "exactly <f4, found the i4 16777217 at offset 4", described("'<i4'", "True"),
    struct.pack("<12i", 0, 16777217, *range(10)))
npy("large_integer", "the numbers fit", "exactly <f4, found the u8 18446744073709551615 at offset 0", described("'<u8'"), b"\xff" * 96)
npy("true_is_1", "a boolean is 0 or 1", "expected 0 or 1 for b1, found 2", described("'|b1'"), b"\0\1" * 5 + b"\2\3")
npy("fortran_truncated", "the size is what the header promises", "found 47 bytes", described("'>f4'", "True"), NUMBERS[:-1])
npy("fortran_trailing", "the size is what the header promises", "found 49 bytes", described("'>f4'", "True"), NUMBERS + b"x")
npy("half_promises_more", "the size is what the header promises", "numbers of 2 bytes", described("'<f2'"))
npy("long_long", "Python 2 wrote one L", "expected , in the header, found L", described(shape="(3LL, 4L)"))
npy("order_1", "fortran_order is True or False", "expected True or False for fortran_order, found 0", described(order="0"))
npy("rank_1", "the rank that was asked for", "expected an array of rank 2, found shape (12)", described(shape="(12,)"))
npy("rank_3", "the rank that was asked for", "expected an array of rank 2, found shape (3, 2, 2)", described(shape="(3, 2, 2)"))
npy("rank_0", "the rank that was asked for", "expected an array of rank 2, found shape ()", described(shape="()"), NUMBERS[:4])
npy("not_a_tuple", "a shape is a tuple", "found", described(shape="[3, 4]"))
npy("number_in_brackets", "a shape is a tuple", "expected a tuple", described(shape="(12)"))
npy("negative", "extents are 0 or more", "found -3", described(shape="(-3, -4)"))
npy("float", "extents are whole", "found .0", described(shape="(3.0, 4)"))
npy("2_63", "extents fit", "found 9223372036854775808", described(shape=f"({2**63}, 4)"))
npy("product_wraps", "the product of a shape does not overflow", "that its header promises, found 48 bytes",
    described(shape=f"({2**32}, {2**32})"))
npy("zero_and_huge", "the size is what the header promises", "that its header promises, found 48 bytes", described(shape="(0, 999999999999999999)"))
npy("promises_much", "the size is what the header promises", "(a truncated file?)", described(shape="(300000000000, 4)"))
npy("truncated", "the size is what the header promises", "that its header promises, found 47 bytes", data=NUMBERS[:-1])
npy("trailing", "the size is what the header promises", "that its header promises, found 49 bytes", data=NUMBERS + b"x")

# ---- pictures: PNG ------------------------------------------------------------------------------------


def chunk(letters, data, checksum=None, length=None):
    letters = letters if isinstance(letters, bytes) else letters.encode()
    return (struct.pack(">I", len(data) if length is None else length) + letters + data +
            struct.pack(">I", zlib.crc32(letters + data) if checksum is None else checksum))


def start(width=28, height=28, depth=8, colour=0, compression=0, filters=0, interlace=0):
    return struct.pack(">IIBBBBB", width, height, depth, colour, compression, filters, interlace)


MAGIC = b"\x89PNG\r\n\x1a\n"
IHDR, IEND = chunk("IHDR", start()), chunk("IEND", b"")
ROWS = b"".join(b"\0" + bytes(255 * (11 < x < 16 and 4 < y < 24) for x in range(28)) for y in range(28))
PIXELS = zlib.compress(ROWS)
IDAT = chunk("IDAT", PIXELS)


def png(name, rule, words, *parts, magic=MAGIC):
    case("picture", f"{name}.png", rule, words, magic + b"".join(parts))


(out / "good.png").write_bytes(MAGIC + IHDR + IDAT + IEND)
damaged_png = "expected a PNG file, found a damaged one ("
case("picture", "empty.png", "a file has a beginning", "expected a PNG, JPEG or IDX file, found an empty file", b"")
png("magic", "the magic is there", "expected a PNG, JPEG or IDX file, found something else", IHDR, IDAT, IEND, magic=b"\x89PNG\n\n\x1a\n")
png("only_magic", "there are chunks", "found 0 bytes where a chunk begins (a truncated file?)")
png("cut_in_header", "chunks are whole", "(a truncated file?)", IHDR[:15])
png("cut_in_pixels", "chunks are whole", "(a truncated file?)", IHDR, IDAT[:-20])
png("no_end", "IEND is the last chunk", "expected a PNG file that ends with an IEND chunk", IHDR, IDAT)
png("header_checksum", "checksums are right", "expected the checksum of the PNG chunk IHDR to be right", chunk("IHDR", start(), 1), IDAT, IEND)
png("pixel_checksum", "checksums are right", "expected the checksum of the PNG chunk IDAT to be right", IHDR, chunk("IDAT", PIXELS, 1), IEND)
png("end_checksum", "checksums are right", "expected the checksum of the PNG chunk IEND to be right", IHDR, IDAT, chunk("IEND", b"", 1))
png("chunk_4_GB", "chunks are inside the file", "expected a PNG chunk of 4294967295 bytes, found only", IHDR, chunk("IDAT", PIXELS, length=2**32 - 1), IEND)
png("pixels_first", "IHDR is the first chunk", damaged_png, IDAT, IHDR, IEND)
png("no_header", "there is an IHDR", damaged_png, IDAT, IEND)
png("no_pixels", "there is an IDAT", damaged_png, IHDR, IEND)
png("short_header", "IHDR has 13 bytes", damaged_png, chunk("IHDR", start()[:-1]), IDAT, IEND)
png("width_0", "a picture has a width", damaged_png, chunk("IHDR", start(width=0)), IDAT, IEND)
png("height_0", "a picture has a height", damaged_png, chunk("IHDR", start(height=0)), IDAT, IEND)
png("width_2_31", "a width fits into 31 bits", damaged_png, chunk("IHDR", start(width=2**31)), IDAT, IEND)
png("depth_3", "a depth is a power of two", damaged_png, chunk("IHDR", start(depth=3)), IDAT, IEND)
png("colour_5", "the kind of colour is known", damaged_png, chunk("IHDR", start(colour=5)), IDAT, IEND)
png("compression_1", "the compression is known", damaged_png, chunk("IHDR", start(compression=1)), IDAT, IEND)
png("filters_1", "the filters are known", damaged_png, chunk("IHDR", start(filters=1)), IDAT, IEND)
png("interlace_2", "the interlacing is known", damaged_png, chunk("IHDR", start(interlace=2)), IDAT, IEND)
png("no_palette", "a picture of palette colours has a palette", damaged_png, chunk("IHDR", start(colour=3)), IDAT, IEND)
png("unknown_chunk", "chunks with a capital are known", damaged_png, IHDR, chunk("FOOO", b"x"), IDAT, IEND)
png("not_zlib", "pixels are compressed by zlib", damaged_png, IHDR, chunk("IDAT", b"hello" * 20), IEND)
png("damaged", "pixels can be decompressed", damaged_png, IHDR, chunk("IDAT", PIXELS[:10] + b"\xff\xff" + PIXELS[12:]), IEND)
png("few_rows", "there are as many rows as promised", damaged_png, IHDR, chunk("IDAT", zlib.compress(ROWS[:-290])), IEND)
png("filter_9", "a row's filter is known", damaged_png, IHDR, chunk("IDAT", zlib.compress(b"\x09" + ROWS[1:])), IEND)
limits = "pixels, found"  # behind those that decode_options.hpp names
png("bomb", "a picture has a bounded size", f"{limits} 8001 x 50000",
    chunk("IHDR", start(50000, 8001)), chunk("IDAT", zlib.compress(bytes(50001 * 80))), IEND)
png("too_wide", "a picture has a bounded width", f"{limits} 1 x 65536",
    chunk("IHDR", start(65536, 1)), chunk("IDAT", zlib.compress(bytes(65537))), IEND)
png("large_and_interlaced", "a large picture needs bounded memory", damaged_png,
    chunk("IHDR", start(20000, 20000, 16, 6, interlace=1)), chunk("IDAT", zlib.compress(bytes(20000 * 2000))), IEND)
png("large_and_short", "a large picture needs bounded memory", damaged_png,
    chunk("IHDR", start(3800, 3800, 16, 6, interlace=1)), chunk("IDAT", zlib.compress(bytes(3800 * 3800))), IEND)
BOMB = zlib.compress(bytes(100_000_000))
for name, data in {"text": chunk("zTXt", b"k\0\0" + BOMB), "profile": chunk("iCCP", b"k\0\0" + BOMB),
                   "xmp": chunk("iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB),
                   "exif": chunk("zTXt", b"Raw profile type exif\0\0" + BOMB)}.items():
    png(f"{name}_bomb", "what is not pixels needs no memory", damaged_png, IHDR, data, chunk("IDAT", b""), IEND)
case("picture", "269_MB.png", "a file has a bounded size", "expected at most 268435456 bytes, found 269000000",
     MAGIC + IHDR + IDAT + IEND, size=269_000_000)

# ---- pictures: JPEG, a bar of 4 x 19 pixels on 28 x 28 ------------------------------------------------

JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAx"
    "NDQ0Hyc5PTgyPC4zNDL/wAALCAAcABwBAREA/8QAFwABAQEBAAAAAAAAAAAAAAAAAAcGCP/EACcQAAEBBAkFAAAAAAAAAAAAAAAC"
    "BBESFAEDBQcIE0aEwwYVMUFS/9oACAEBAAA/AOfzYdC3cWxeBP8AaWlhqZHLzJta0vjic6FKviny70Y8Av8Ahl1TtOYgABf8Muqd"
    "pzEAAAB//9k=")
(out / "good.jpg").write_bytes(JPEG)
damaged_jpeg = "expected a JPEG file, found a damaged one ("
TABLE, FRAME, CODES, SCAN = (JPEG.index(marker) for marker in (b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xda"))


def jpeg(name, rule, words, data):
    assert data != JPEG
    case("picture", f"{name}.jpg", rule, words, data)


def changed(at, *values):
    return JPEG[:at] + bytes(values) + JPEG[at + len(values):]


jpeg("magic", "the magic is there", "expected a PNG, JPEG or IDX file, found something else", changed(0, 0xfe))
jpeg("only_magic", "there are segments", damaged_jpeg, JPEG[:3])
jpeg("cut_in_tables", "segments are whole", damaged_jpeg, JPEG[:TABLE + 30])
jpeg("cut_before_scan", "there is a scan", damaged_jpeg, JPEG[:SCAN])
jpeg("cut_in_scan", "a scan is whole", damaged_jpeg, JPEG[:-20])
jpeg("no_end", "the end is marked", damaged_jpeg, JPEG[:-2])
jpeg("width_0", "a picture has a width", damaged_jpeg, changed(FRAME + 7, 0, 0))
jpeg("height_0", "a picture has a height", damaged_jpeg, changed(FRAME + 5, 0, 0))
jpeg("bomb", "a picture has a bounded size", f"{limits} 65500 x 65500", changed(FRAME + 5, 0xff, 0xdc, 0xff, 0xdc))
jpeg("too_wide", "a picture has a bounded size", f"{limits} 6300 x 65000", changed(FRAME + 5, 0x18, 0x9c, 0xfd, 0xe8))
jpeg("more_rows", "a scan has all pixels", damaged_jpeg, changed(FRAME + 5, 0x0e, 0xd8, 0x0e, 0xd8))
other_jpeg = "expected a JPEG file of a kind that libjpeg reads, found another ("
jpeg("precision_12", "a sample has 8 bits", other_jpeg, changed(FRAME + 4, 12))
jpeg("lossless", "the process is known", other_jpeg, changed(FRAME + 1, 0xc3))
jpeg("no_table", "the numbers have a table", damaged_jpeg, JPEG[:TABLE] + JPEG[FRAME:])
jpeg("no_codes", "the codes have a table", damaged_jpeg, JPEG[:CODES] + JPEG[SCAN:])
jpeg("codes_overflow", "the codes are a tree", damaged_jpeg, changed(CODES + 5, 255))
jpeg("two_components", "pictures are grey or in colour", "expected a JPEG in grey, colour or four inks, found one with 2 components", JPEG[:FRAME] + b"\xff\xc0\0\x0e\x08\0\x1c\0\x1c\x02\x01\x11\0\x02\x11\0" + JPEG[CODES:])
jpeg("two_frames", "there is one frame", damaged_jpeg, JPEG[:CODES] + JPEG[FRAME:CODES] + JPEG[CODES:])
jpeg("damaged_scan", "a scan is made of codes", damaged_jpeg, JPEG[:SCAN + 14] + b"\xff\0" * 10 + JPEG[SCAN + 34:])
jpeg("progressive_bomb", "a picture in several scans needs bounded memory", "expected a progressive JPEG that needs at most",
     JPEG[:FRAME] + bytes([0xff, 0xc2, 0, 17, 8, 0x0b, 0xb8, 0x0b, 0xb8, 3, 1, 17, 0, 2, 17, 0, 3, 17, 0]) + JPEG[CODES:])
jpeg("progressive_cut", "each scan is whole", damaged_jpeg,
     JPEG[:FRAME] + bytes([0xff, 0xc2, 0, 11, 8, 1, 0, 1, 0, 1, 1, 17, 0]) + JPEG[CODES:SCAN + 8] + b"\0\0\x80")

# ---- pictures: others ---------------------------------------------------------------------------------

case("picture", "gif.gif", "the format is known", "expected a PNG, JPEG or IDX file, found a GIF file", b"GIF89a" + bytes(40))
case("picture", "text.png", "the format is known", "found something else", b"seven\n")
case("picture", "weights.png", "weights are not a picture", "found something else", (good / "model.safetensors").read_bytes())
IDX = struct.pack(">IIII", 0x803, 2, 28, 28) + bytes(2 * 28 * 28)
case("picture", "cut.idx", "a file has all pixels", "truncated", IDX[:-1])
case("picture", "behind.idx", "a file has nothing else", "trailing", IDX + b"x")
case("picture", "labels.idx", "a file has pictures", "expected", struct.pack(">II", 0x801, 4) + bytes(4))
case("picture", "huge.idx", "a file has all pixels", "truncated", struct.pack(">IIII", 0x803, *[2**32 - 1] * 3))
case("picture", "bomb.idx.gz", "a file has a bounded size", "expected", gzip.compress(bytes(200_000_000), 1))
case("picture", "cut.idx.gz", "an archive is whole", "expected", gzip.compress(IDX)[:-6])
case("picture", "checksum.idx.gz", "the checksum is right", "expected", gzip.compress(IDX)[:-5] + b"\1" + gzip.compress(IDX)[-4:])

(out / "manifest").write_text("\n".join(manifest) + "\n")
print(f"{len(manifest)} malformed files")
