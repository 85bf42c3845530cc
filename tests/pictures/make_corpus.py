#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# One picture of a digit in every form that people's programs write, and in forms that they read though
# they should not have been written.
#
#   tests/pictures/make_corpus.py BASE.png OUT
#
# Pillow, ImageMagick, libjpeg's and libpng's own programs, pngcrush and exiftool make the files; what none of
# them writes is put together from chunks and segments. OUT gets the files, OUT/truth the grey levels that the
# reader must find in them, and OUT/manifest.json a list of
#
#   file      its name
#   truth     the name of an array of grey levels, or null for a file that must be refused
#   words     what the sentence that refuses it must contain
#   mean      how far the grey levels may be from the truth, in the mean
#   digit     whether the digit is to be read as in BASE
import io
import json
import pathlib
import struct
import subprocess
import sys
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

base_file, out = sys.argv[1], pathlib.Path(sys.argv[2])
(out / "truth").mkdir(parents=True, exist_ok=True)
Image.MAX_IMAGE_PIXELS = None
manifest = []
names = set()


def name_truth(grey):
    """Keeps an array of grey levels once."""
    name = f"{grey.shape[0]}x{grey.shape[1]}_{zlib.crc32(np.ascontiguousarray(grey).tobytes()):08x}.npy"
    if not (out / "truth" / name).exists():
        np.save(out / "truth" / name, grey)
    return name


def good(name, data, truth, mean=0.6, digit=True):
    assert name not in names, name
    names.add(name)
    if data is not None:
        (out / name).write_bytes(data)
    if not isinstance(truth, str):
        truth = name_truth(np.asarray(truth, dtype=np.uint8))
    manifest.append({"file": name, "truth": truth, "mean": mean, "digit": digit, "words": ""})


def bad(name, data, words):
    assert name not in names, name
    names.add(name)
    (out / name).write_bytes(data)
    manifest.append({"file": name, "truth": None, "mean": 0, "digit": False, "words": words})


def run(*command, data=None):
    done = subprocess.run(command, input=data, capture_output=True)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


# The digit in colour, and its grey levels.
RGB = Image.open(base_file).convert("RGB")
GREY = RGB.convert("L")
W, H = RGB.size
colour, grey = np.asarray(RGB), np.asarray(GREY)
TRUTH = name_truth(grey)
ppm = saved(RGB, "PPM")
pgm = saved(GREY, "PPM")
srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

# How the stored picture is to be turned, so that it is upright again after orientation k.
STORED = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
          5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, 1), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
          8: lambda a: np.rot90(a, -1)}


# ---- metadata ---------------------------------------------------------------------------------------------


def tiff(value, order="<", tag=0x112, kind=3, offset=8, before=(), second=None):
    """An Exif block without its six letters: a TIFF file with one directory, or two."""
    entries = list(before) + [(tag, kind, value)]
    size = {1: "B", 3: "H", 4: "I"}
    ifd = struct.pack(order + "H", len(entries))
    for t, k, v in entries:
        ifd += struct.pack(order + "HHI", t, k, 1) + struct.pack(order + size[k], v).ljust(4, b"\0")
    rest = b""
    if second is not None:
        rest = struct.pack(order + "HHHIHHI", 1, 0x112, 3, 1, second, 0, 0)
    ifd += struct.pack(order + "I", offset + len(ifd) + 4 if rest else 0)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, offset)
    return head.ljust(offset, b"\0") + ifd + rest


NOTHING = tiff(72, tag=0x11a)


def xmp(body, attributes=""):
    return (f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
            f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
            f'{attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>').encode()


TIFF_NS = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'


def xmp_attribute(k):
    return xmp("", f'{TIFF_NS} tiff:Orientation="{k}"')


def xmp_element(k):
    return xmp(f"<tiff:Orientation>{k}</tiff:Orientation>", TIFF_NS)


def app1(block):
    return segment(0xe1, b"Exif\0\0" + block)


def app1_xmp(packet):
    return segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


# ---- PNG --------------------------------------------------------------------------------------------------

MAGIC = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data, spoil=0):
    kind = kind.encode() if isinstance(kind, str) else kind
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ spoil)


def packed_rows(samples, depth):
    """Rows of samples (H, W, C) as PNG has them, without a filter."""
    h = samples.shape[0]
    flat = samples.reshape(h, -1)
    if depth == 16:
        rows = flat.astype(">u2").view(np.uint8).reshape(h, -1)
    elif depth == 8:
        rows = flat.astype(np.uint8)
    else:
        bits = ((flat[..., None].astype(np.uint8) >> np.arange(depth - 1, -1, -1, dtype=np.uint8)) & 1).reshape(h, -1)
        rows = np.packbits(bits, axis=1)
    return np.concatenate([np.zeros((h, 1), np.uint8), rows], axis=1).tobytes()


ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def png_parts(samples, kind, depth=8, interlace=0, level=1):
    """IHDR and the bytes that IDAT is to pack."""
    samples = np.asarray(samples)
    samples = samples if samples.ndim == 3 else samples[..., None]
    h, w = samples.shape[:2]
    ihdr = chunk("IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlace))
    if not interlace:
        return ihdr, packed_rows(samples, depth)
    passes = (samples[top::down, left::right] for top, left, down, right in ADAM7)
    return ihdr, b"".join(packed_rows(p, depth) for p in passes if p.size)


def png(samples, kind, depth=8, interlace=0, before=b"", between=b"", after=b"", level=1):
    """A file: IHDR, `before`, IDAT, `after`, IEND."""
    ihdr, raw = png_parts(samples, kind, depth, interlace)
    return MAGIC + ihdr + before + chunk("IDAT", zlib.compress(raw, level)) + after + chunk("IEND", b"")


GREY8, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6


def luma(rgb):
    r, g, b = (rgb[..., c].astype(np.int64) for c in range(3))
    return ((19595 * r + 38470 * g + 7471 * b + 32768) >> 16).astype(np.uint8)


def on_paper(level, alpha):
    """On white; on black, if little is drawn and that is light."""
    level, alpha = np.asarray(level, np.float64), np.asarray(alpha, np.float64)
    little, light = alpha.mean() < 127.5, (level * alpha).sum() > 127.5 * alpha.sum()
    return np.rint((level * alpha + 255 * (not (little and light)) * (255 - alpha)) / 255).astype(np.uint8)


PLAIN = png(grey, GREY8)
good("plain.png", PLAIN, TRUTH, 0)
ink = (np.abs(grey.astype(int) - np.median(grey)) > 60)  # where the digit is, roughly
soft = np.clip(np.abs(grey.astype(float) - np.median(grey)) * 2, 0, 255).astype(np.uint8)  # its opacity
index = (grey // 16).astype(np.uint8)
# Without the light on the paper: one or two bits are not enough for both.
even = 255 - np.clip((np.abs(grey.astype(float) - np.median(grey)) - 40) * 3, 0, 255)
levels = {depth: np.rint(even / 255 * (2**depth - 1)).astype(np.uint8) for depth in (1, 2, 4)}
for i, suffix in ((0, ""), (1, "_interlaced")):
    for depth in (1, 2, 4):
        scaled = (levels[depth] * (255 // (2**depth - 1))).astype(np.uint8)
        good(f"grey{depth}{suffix}.png", png(levels[depth], GREY8, depth, i), scaled, 0)
        palette = np.stack([np.arange(2**depth) * (255 // (2**depth - 1))] * 3, axis=1).astype(np.uint8)
        good(f"palette{depth}{suffix}.png", png(levels[depth], PALETTE, depth, i, chunk("PLTE", palette.tobytes())), scaled, 0)
    wide = grey.astype(np.uint16) * 257
    good(f"grey16{suffix}.png", png(np.minimum(wide, 65415) + 120, GREY8, 16, i), TRUTH, 0)  # nearer to this level than to the next
    good(f"colour8{suffix}.png", png(colour, COLOUR, 8, i), TRUTH, 0)
    good(f"colour16{suffix}.png", png(colour.astype(np.uint16) * 257, COLOUR, 16, i), TRUTH, 0)
    palette = np.arange(256, dtype=np.uint8).repeat(3).tobytes()
    good(f"palette8{suffix}.png", png(grey, PALETTE, 8, i, chunk("PLTE", palette)), TRUTH, 0)
    good(f"palette8_with_tRNS{suffix}.png", png(index, PALETTE, 8, i, chunk("PLTE", np.arange(0, 256, 16, dtype=np.uint8).repeat(3).tobytes()) + chunk("tRNS", bytes(range(255, 155, -10)))),
         on_paper(index * 16, np.append(np.arange(255, 155, -10), [255] * 6)[index]), 0.5)
    opaque = np.full_like(grey, 255)
    for depth, factor in ((8, 1), (16, 257)):
        as_type = np.uint16 if depth == 16 else np.uint8
        for what, c, a in (("opaque", colour, opaque), ("ink", np.full_like(colour, 40), soft)):
            ga = np.stack([luma(c), a], axis=2).astype(as_type) * as_type(factor)
            rgba = np.concatenate([c, a[..., None]], axis=2).astype(as_type) * as_type(factor)
            truth = on_paper(luma(c), a)
            good(f"grey_alpha{depth}_{what}{suffix}.png", png(ga, GREY_ALPHA, depth, i), truth, 0.5)
            good(f"colour_alpha{depth}_{what}{suffix}.png", png(rgba, COLOUR_ALPHA, depth, i), truth, 0.5)
key = int(np.bincount(grey.ravel()).argmax())
good("grey8_with_tRNS.png", png(grey, GREY8, before=chunk("tRNS", struct.pack(">H", key))), on_paper(grey, 255 * (grey != key)), 0.5)
flat = np.where(ink[..., None], 30, np.uint8(200)).astype(np.uint8).repeat(3, axis=2)
good("colour8_with_tRNS.png", png(flat, COLOUR, before=chunk("tRNS", struct.pack(">HHH", 200, 200, 200))),
     np.where(ink, 30, 255), 0)
good("grey16_with_tRNS.png", png(flat[..., 0].astype(np.uint16) * 256 + 7, GREY8, 16, before=chunk("tRNS", struct.pack(">H", 51207))),
     np.where(ink, 30, 255), 0.5)
# Light ink on nothing lies on black.
good("white_on_nothing.png", png(np.stack([opaque, np.where(ink, 255, 0)], axis=2), GREY_ALPHA), np.where(ink, 255, 0), 0)
good("black_on_nothing.png", png(np.stack([0 * opaque, np.where(ink, 255, 0)], axis=2), GREY_ALPHA), np.where(ink, 0, 255), 0)

# What Pillow, ImageMagick, pngcrush and exiftool write.
good("pillow_grey_tagged.png", saved(Image.open(io.BytesIO(saved(RGB, "PNG", icc_profile=srgb))).convert("L"), "PNG", icc_profile=srgb), TRUTH, 0)
good("pillow_colour_tagged.png", saved(RGB, "PNG", icc_profile=srgb), TRUTH, 0)
good("pillow_palette.png", saved(GREY.quantize(64), "PNG"), GREY.quantize(64).convert("L"), 0)
good("pillow_one_bit.png", saved(Image.fromarray(levels[1] * 255).convert("1"), "PNG"), levels[1] * 255, 0)
good("pillow_16.png", saved(Image.fromarray(grey.astype(np.int32) * 257).convert("I"), "PNG"), TRUTH, 0.1)
good("pillow_animated.png", saved(GREY, "PNG", save_all=True, append_images=[ImageOps.invert(GREY)]), TRUTH, 0)
text = PngImagePlugin.PngInfo()
text.add_text("Title", "seven"), text.add_itxt("Comment", "sieben", "de", "Kommentar", zip=True), text.add_text("k", "v" * 9999, zip=True)
good("pillow_text.png", saved(GREY, "PNG", pnginfo=text, dpi=(300, 300)), TRUTH, 0)
for name, options in {"plain": [], "interlaced": ["-interlace", "PNG"], "16": ["-depth", "16"], "palette": ["-type", "Palette"],
                      "grey": ["-colorspace", "Gray"], "gamma": ["-set", "gamma", "0.45455"], "density": ["-density", "72"]}.items():
    data = run("convert", "ppm:-", *options, "png:-", data=ppm)
    good(f"imagemagick_{name}.png", data, TRUTH if name not in ("palette", "grey") else Image.open(io.BytesIO(data)).convert("L"), 0.6)
(out / "tmp").mkdir(exist_ok=True)
crush, crushed = out / "tmp" / "in.png", out / "tmp" / "out.png"
crush.write_bytes(saved(RGB, "PNG", icc_profile=srgb))
for name, options in {"brute": ["-m", "7"], "gamma": ["-replace_gamma", "0.45455"], "srgb": ["-srgb", "1"], "text": ["-text", "b", "Title", "seven"]}.items():
    run("pngcrush", "-q", *options, str(crush), str(crushed))
    good(f"pngcrush_{name}.png", crushed.read_bytes(), TRUTH, 0)

# Chunks that a picture can do without, in every state: none decides.
profile = b"p\0\0" + zlib.compress(srgb)
ancillary = {
    "iCCP": chunk("iCCP", profile), "iCCP_empty": chunk("iCCP", b""), "iCCP_damaged": chunk("iCCP", profile[:90] + b"\xff\xff" + profile[92:]),
    "iCCP_cut": chunk("iCCP", profile[:200]), "iCCP_checksum": chunk("iCCP", profile, 1), "iCCP_twice": chunk("iCCP", profile) * 2,
    "iCCP_method": chunk("iCCP", b"p\0\7" + profile[3:]), "iCCP_of_nothing": chunk("iCCP", b"p\0\0" + zlib.compress(b"")),
    "iCCP_bomb": chunk("iCCP", b"p\0\0" + zlib.compress(bytes(30_000_000))),
    "gAMA_1": chunk("gAMA", struct.pack(">I", 100000)), "gAMA_srgb": chunk("gAMA", struct.pack(">I", 45455)),
    "gAMA_2.2": chunk("gAMA", struct.pack(">I", 220000)), "gAMA_0": chunk("gAMA", struct.pack(">I", 0)),
    "gAMA_huge": chunk("gAMA", struct.pack(">I", 2**32 - 1)), "gAMA_tiny": chunk("gAMA", struct.pack(">I", 1)),
    "gAMA_short": chunk("gAMA", b"\1"), "gAMA_twice": chunk("gAMA", struct.pack(">I", 45455)) + chunk("gAMA", struct.pack(">I", 100000)),
    "gAMA_and_sRGB": chunk("gAMA", struct.pack(">I", 100000)) + chunk("sRGB", b"\0"),
    "gAMA_checksum": chunk("gAMA", struct.pack(">I", 45455), 5),
    "cHRM": chunk("cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    "cHRM_zero": chunk("cHRM", bytes(32)), "cHRM_impossible": chunk("cHRM", struct.pack(">8I", *[2**31 - 1] * 8)),
    "sRGB": chunk("sRGB", b"\0"), "sRGB_9": chunk("sRGB", b"\t"), "sRGB_and_iCCP": chunk("sRGB", b"\0") + chunk("iCCP", profile),
    "tEXt": chunk("tEXt", b"k\0v"), "tEXt_no_keyword": chunk("tEXt", b"\0v"), "tEXt_no_zero": chunk("tEXt", b"kv"),
    "tEXt_long_keyword": chunk("tEXt", b"k" * 100 + b"\0v"), "tEXt_empty": chunk("tEXt", b""), "tEXt_checksum": chunk("tEXt", b"k\0v", 1),
    "zTXt_damaged": chunk("zTXt", b"k\0\0garbage"), "zTXt_bomb": chunk("zTXt", b"k\0\0" + zlib.compress(bytes(30_000_000))),
    "iTXt_damaged": chunk("iTXt", b"k\0\1\0\0\0garbage"), "iTXt_short": chunk("iTXt", b"k\0"), "iTXt_9_MB": chunk("iTXt", b"k\0\0\0\0\0" + bytes(9_000_000)),
    "tIME": chunk("tIME", b"\7\xe8\1\1\0\0\0"), "tIME_month_99": chunk("tIME", b"\7\xe8\x63\x63\x63\x63\x63"), "tIME_short": chunk("tIME", b"\7"),
    "bKGD": chunk("bKGD", b"\0\x80"), "bKGD_large": chunk("bKGD", b"\xff\xff"), "bKGD_short": chunk("bKGD", b"\1"), "bKGD_twice": chunk("bKGD", b"\0\x80") * 2,
    "pHYs": chunk("pHYs", bytes(9)), "pHYs_short": chunk("pHYs", b"\1"), "sBIT_9": chunk("sBIT", b"\t"), "sBIT_0": chunk("sBIT", b"\0"),
    "hIST": chunk("hIST", bytes(6)), "sPLT": chunk("sPLT", b"s\0\7xx"), "oFFs": chunk("oFFs", b"\0"), "sCAL": chunk("sCAL", b"\3-1\0-1"), "pCAL": chunk("pCAL", b"x"),
    "tRNS_short": chunk("tRNS", b"\1"), "tRNS_long": chunk("tRNS", bytes(300)), "PLTE_in_grey": chunk("PLTE", bytes(9)),
    "unknown": chunk("prVt", b"hello"), "unknown_public": chunk("abCd", b"x"), "unknown_large": chunk("caBX", bytes(8_100_000)),
    "unknown_checksum": chunk("prVt", b"hello", 9), "acTL": chunk("acTL", bytes(8)), "acTL_short": chunk("acTL", b"\1"), "fcTL": chunk("fcTL", bytes(26)),
    "eXIf_garbage": chunk("eXIf", b"garbage"), "eXIf_empty": chunk("eXIf", b""), "eXIf_loop": chunk("eXIf", b"II*\0" + bytes(4)),
    "eXIf_far": chunk("eXIf", b"II*\0\xff\xff\xff\xff"), "XMP_garbage": chunk("iTXt", b"XML:com.adobe.xmp\0\0\0\0\0garbage tiff:Orientation"),
    "XMP_9": chunk("iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_attribute(9)), "XMP_62": chunk("iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_attribute(62)),
    "XMP_damaged": chunk("iTXt", b"XML:com.adobe.xmp\0\1\0\0\0garbage"), "XMP_short": chunk("iTXt", b"XML:com.adobe.xmp\0"),
    "raw_profile_garbage": chunk("tEXt", b"Raw profile type exif\0garbage"), "raw_profile_empty": chunk("zTXt", b"Raw profile type exif\0"),
    "raw_profile_lines": chunk("tEXt", b"Raw profile type exif\0\n\n\n"), "raw_profile_iptc": chunk("tEXt", b"Raw profile type iptc\0\niptc\n4\n4949"),
}
for name, data in ancillary.items():
    good(f"ancillary_{name}.png", png(grey, GREY8, before=data), TRUTH, 0)
    good(f"ancillary_{name}_after.png", png(grey, GREY8, after=data), TRUTH, 0) if name[:4] not in ("PLTE", "tRNS") else None
colour_chunks = {"PLTE_suggested": chunk("PLTE", bytes(30)), "PLTE_odd": chunk("PLTE", bytes(31)),
                 "hIST_and_PLTE": chunk("PLTE", bytes(30)) + chunk("hIST", bytes(6)), "bKGD": chunk("bKGD", b"\0\x80" * 3)}
for name, data in colour_chunks.items():
    good(f"ancillary_colour_{name}.png", png(colour, COLOUR, before=data), TRUTH, 0)
rgba = np.concatenate([colour, opaque[..., None]], axis=2)
good("ancillary_alpha_and_tRNS.png", png(rgba, COLOUR_ALPHA, before=chunk("tRNS", bytes(6))), TRUTH, 0)
good("many_chunks.png", png(grey, GREY8, before=chunk("tEXt", b"k\0v") * 3000), TRUTH, 0)

ihdr, raw = png_parts(grey, GREY8)
packed, end = zlib.compress(raw, 6), chunk("IEND", b"")
good("trailing_bytes.png", PLAIN + b"trailing" * 100, TRUTH, 0)
good("another_png_after.png", PLAIN + PLAIN, TRUTH, 0)
good("IDAT_of_7_bytes.png", MAGIC + ihdr + b"".join(chunk("IDAT", packed[i:i + 7]) for i in range(0, len(packed), 7)) + end, TRUTH, 0)
good("IDAT_empty.png", MAGIC + ihdr + chunk("IDAT", b"") + chunk("IDAT", packed) + chunk("IDAT", b"") + end, TRUTH, 0)
good("more_rows_than_promised.png", MAGIC + ihdr + chunk("IDAT", zlib.compress(raw + raw[:5000])) + end, TRUTH, 0)
good("bytes_after_stream.png", MAGIC + ihdr + chunk("IDAT", packed + b"more") + end, TRUTH, 0)
lie = bytes([0x08, 0x1d]) + packed[2:]  # a window of 256 bytes
good("window_lies.png", MAGIC + ihdr + chunk("IDAT", lie) + end, TRUTH, 0)
for level in (0, 9):
    good(f"compression_{level}.png", png(grey, GREY8, level=level), TRUTH, 0)

damaged = "found a damaged one ("
bad("IHDR_checksum.png", MAGIC + ihdr[:-1] + bytes([ihdr[-1] ^ 1]) + chunk("IDAT", packed) + end, "checksum of the PNG chunk IHDR")
bad("IDAT_checksum.png", MAGIC + ihdr + chunk("IDAT", packed, 1) + end, "checksum of the PNG chunk IDAT")
bad("PLTE_checksum.png", png(grey, PALETTE, before=chunk("PLTE", palette, 1)), "checksum of the PNG chunk PLTE")
bad("tRNS_checksum.png", png(grey, PALETTE, before=chunk("PLTE", palette) + chunk("tRNS", bytes(9), 1)), "checksum of the PNG chunk tRNS")
bad("eXIf_checksum.png", png(grey, GREY8, before=chunk("eXIf", tiff(6), 1)), "checksum of the PNG chunk eXIf")
bad("XMP_checksum.png", png(grey, GREY8, before=chunk("iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_attribute(6), 1)), "checksum of the PNG chunk iTXt")
bad("adler.png", MAGIC + ihdr + chunk("IDAT", packed[:-1] + bytes([packed[-1] ^ 1])) + end, damaged)
bad("adler_in_its_own_chunk.png", MAGIC + ihdr + chunk("IDAT", packed[:-4]) + chunk("IDAT", bytes(4)) + end, damaged)
bad("adler_missing.png", MAGIC + ihdr + chunk("IDAT", packed[:-4]) + end, damaged)
bad("adler_cut.png", MAGIC + ihdr + chunk("IDAT", packed[:-2]) + end, damaged)
bad("stream_cut.png", MAGIC + ihdr + chunk("IDAT", packed[:-40]) + end, damaged)
bad("stream_damaged.png", MAGIC + ihdr + chunk("IDAT", packed[:300] + b"\xff" * 30 + packed[330:]) + end, damaged)
bad("stream_missing.png", MAGIC + ihdr + chunk("IDAT", b"") + end, damaged)
bad("IDAT_one_of_three_missing.png", MAGIC + ihdr + chunk("IDAT", packed[:200]) + chunk("IDAT", packed[400:]) + end, damaged)
bad("rows_missing.png", MAGIC + ihdr + chunk("IDAT", zlib.compress(raw[:-W])) + end, damaged)
bad("filter_9.png", MAGIC + ihdr + chunk("IDAT", zlib.compress(b"\t" + raw[1:])) + end, damaged)
bad("palette_empty.png", png(colour, COLOUR, before=chunk("PLTE", b"")), damaged)
bad("palette_missing.png", png(grey, PALETTE), damaged)
for i in (0, 1):
    bad(f"palette_too_short_{i}.png", png(levels[4], PALETTE, 4, i, chunk("PLTE", bytes(45))), "a pixel has a colour that is not in the palette")
bad("interlaced_cut.png", MAGIC + png_parts(grey, GREY8, interlace=1)[0] + chunk("IDAT", zlib.compress(png_parts(grey, GREY8, interlace=1)[1][:-99])) + end, damaged)
bad("apple.png", MAGIC + chunk("CgBI", b"\x50\0\x20\2") + ihdr + chunk("IDAT", packed[2:-4]) + end, damaged)
bad("critical_unknown.png", png(grey, GREY8, before=chunk("QQQQ", b"")), damaged)
for share in range(10, 101, 10):
    bad(f"cut_at_{share}.png", PLAIN[:(len(PLAIN) - 1) * share // 100], "truncated")

# ---- JPEG -------------------------------------------------------------------------------------------------


def segment(marker, data):
    return bytes([0xff, marker]) + struct.pack(">H", len(data) + 2) + data


def segments(data):
    """The segments before the first scan, and the rest."""
    at, found = 2, []
    while data[at + 1] != 0xda:
        size = struct.unpack(">H", data[at + 2:at + 4])[0]
        found.append(data[at:at + 2 + size])
        at += 2 + size
    return found, data[at:]


def inserted(data, *first, last=b""):
    """A file with segments put after SOI, or before its first scan."""
    found, rest = segments(data)
    return data[:2] + b"".join(first) + b"".join(found) + last + rest


JPG = saved(RGB, "JPEG", quality=92)
BARE = JPG[:2] + b"".join(s for s in segments(JPG)[0] if s[1] != 0xe0) + segments(JPG)[1]  # without JFIF
near = 2.5  # a JPEG file is not exact
good("plain.jpg", JPG, TRUTH, near)
for name, options in {"quality50": dict(quality=50), "quality95": dict(quality=95), "444": dict(quality=90, subsampling=0), "422": dict(quality=90, subsampling=1),
                      "420": dict(quality=90, subsampling=2), "progressive": dict(quality=90, progressive=True), "optimize": dict(quality=90, optimize=True),
                      "tagged": dict(quality=90, icc_profile=srgb), "dpi": dict(quality=90, dpi=(300, 300)), "large_profile": dict(quality=90, icc_profile=srgb * 400),
                      "exif": dict(quality=90, exif=b"Exif\0\0" + NOTHING)}.items():
    good(f"pillow_{name}.jpg", saved(RGB, "JPEG", **options), TRUTH, near + 1 * (options["quality"] == 50))
good("pillow_grey.jpg", saved(GREY, "JPEG", quality=90), TRUTH, near)
good("pillow_grey_progressive.jpg", saved(GREY, "JPEG", quality=90, progressive=True, icc_profile=srgb), TRUTH, near)
for name, options in {"grey": ["-grayscale"], "rgb": ["-rgb"], "arithmetic": ["-arithmetic"], "progressive": ["-progressive"],
                      "arithmetic_progressive": ["-arithmetic", "-progressive"], "restart_block": ["-restart", "1B"], "restart_row": ["-restart", "1"],
                      "smooth": ["-smooth", "10"], "baseline": ["-baseline", "-quality", "30"], "float": ["-dct", "float"], "fast": ["-dct", "fast"],
                      "411": ["-sample", "4x1,1x1,1x1"], "410": ["-sample", "4x2,1x1,1x1"], "440": ["-sample", "1x2,1x1,1x1"], "luma_small": ["-sample", "1x1,2x2,2x2"],
                      "mixed": ["-sample", "2x1,1x2,2x2"], "grey_2x2": ["-grayscale", "-sample", "2x2"], "rgb_progressive": ["-rgb", "-progressive"],
                      "optimize": ["-optimize"]}.items():
    quality = [] if "-quality" in options else ["-quality", "92"]
    good(f"cjpeg_{name}.jpg", run("cjpeg", *quality, *options, data=ppm), TRUTH, 6 if name in ("baseline", "luma_small", "mixed") else 3)
scans = out / "tmp" / "scans"
scans.write_text("0;\n1;\n2;\n")
good("cjpeg_scan_for_each_colour.jpg", run("cjpeg", "-quality", "92", "-scans", str(scans), data=ppm), TRUTH, near)
for name, options in {"optimize": ["-optimize"], "progressive": ["-progressive"], "arithmetic": ["-arithmetic"], "restart": ["-restart", "3B"], "grey": ["-grayscale"],
                      "copy_none": ["-copy", "none"]}.items():
    good(f"jpegtran_{name}.jpg", run("jpegtran", *options, data=JPG), TRUTH, near)
good("wrjpgcom.jpg", run("wrjpgcom", "-comment", "seven", data=JPG), TRUTH, near)
for name, options in {"plain": [], "interlaced": ["-interlace", "JPEG"], "grey": ["-colorspace", "Gray"], "444": ["-sampling-factor", "4:4:4"],
                      "rgb": ["-colorspace", "RGB", "-set", "colorspace", "sRGB"]}.items():
    data = run("convert", "ppm:-", *options, "-quality", "92", "jpeg:-", data=ppm)
    good(f"imagemagick_{name}.jpg", data, Image.open(io.BytesIO(data)).convert("L") if name in ("rgb", "grey") else TRUTH, near)

# Four inks: complements with Adobe's marker, without it, and as YCCK.
inks = saved(RGB.convert("CMYK"), "JPEG", quality=95)
inks_truth = np.asarray(Image.open(io.BytesIO(inks)).convert("L"))
good("pillow_cmyk.jpg", inks, inks_truth, near)
found, rest = segments(inks)
good("cmyk_without_adobe.jpg", inks[:2] + b"".join(s for s in found if s[1] != 0xee) + rest, inks_truth, near)
for name, options in {"cmyk": [], "ycck": ["-sampling-factor", "2x2"], "cmyk_progressive": ["-interlace", "JPEG"]}.items():
    data = run("convert", "ppm:-", "-colorspace", "CMYK", *options, "-quality", "95", "jpeg:-", data=ppm)
    good(f"imagemagick_{name}.jpg", data, Image.open(io.BytesIO(data)).convert("L"), near)
ycck = bytearray(saved(Image.merge("CMYK", [*RGB.convert("YCbCr").split(), Image.new("L", RGB.size, 0)]), "JPEG", quality=95))
at = ycck.find(b"Adobe\0")
assert at > 0
ycck[at + 11] = 2
data = bytes(ycck)
good("ycck.jpg", data, Image.open(io.BytesIO(data)).convert("L"), near)

jfif = segments(JPG)[0][0]
adobe = segment(0xee, b"Adobe\0d\0\0\0\0\1")
oddities = {
    "no_jfif": BARE, "jfif_3.2": inserted(BARE, segment(0xe0, b"JFIF\0\3\2\0\0\1\0\1\0\0")), "jfif_short": inserted(BARE, segment(0xe0, b"JFIF\0\1")),
    "jfif_thumbnail_lies": inserted(BARE, segment(0xe0, b"JFIF\0\1\1\0\0\1\0\1\xff\xff")), "jfif_density_0": inserted(BARE, segment(0xe0, b"JFIF\0\1\1\1\0\0\0\0\0\0")),
    "jfif_twice": inserted(JPG, jfif), "jfxx": inserted(JPG, jfif, segment(0xe0, b"JFXX\0\x13garbage")), "app0_empty": inserted(JPG, segment(0xe0, b"")),
    "adobe": inserted(BARE, adobe), "adobe_and_jfif": inserted(JPG, last=adobe), "adobe_7": inserted(BARE, adobe[:-1] + b"\7"), "adobe_short": inserted(BARE, segment(0xee, b"Adobe")),
    "adobe_version": inserted(BARE, segment(0xee, b"Adobe\xff\xff\0\0\0\0\1")),
    "exif_garbage": inserted(JPG, app1(b"garbage")), "exif_empty": inserted(JPG, app1(b"")), "exif_cut": inserted(JPG, app1(tiff(6)[:9])), "exif_far": inserted(JPG, app1(b"II*\0\xff\xff\xff\xff")),
    "exif_loop": inserted(JPG, app1(b"II*\0" + bytes(4))), "exif_9": inserted(JPG, app1(tiff(9))), "exif_0": inserted(JPG, app1(tiff(0))), "exif_type_7": inserted(JPG, app1(tiff(6).replace(b"\x12\1\3\0", b"\x12\1\7\0"))),
    "exif_many_entries": inserted(JPG, app1(b"II*\0\x08\0\0\0\xff\xff" + b"\1" * 50)), "app1_empty": inserted(JPG, segment(0xe1, b"")), "app1_other": inserted(JPG, segment(0xe1, b"hello")),
    "xmp_garbage": inserted(JPG, app1_xmp(b"tiff:Orientation")), "xmp_9": inserted(JPG, app1_xmp(xmp_attribute(9))), "xmp_nothing": inserted(JPG, app1_xmp(b"")),
    "icc_garbage": inserted(JPG, segment(0xe2, b"ICC_PROFILE\0\7\3garbage")), "mpf": inserted(JPG, segment(0xe2, b"MPF\0II*\0" + bytes(20))), "photoshop": inserted(JPG, segment(0xed, b"Photoshop 3.0\0008BIM\4\4")),
    "comment": inserted(JPG, segment(0xfe, b"seven")), "comment_empty": inserted(JPG, segment(0xfe, b"")), "app15": inserted(JPG, segment(0xef, b"x" * 60000)), "thousand_segments": inserted(JPG, segment(0xfe, b"x") * 1000),
    "fill_bytes": JPG[:2] + b"\xff" * 9 + JPG[2:], "extraneous_between": inserted(JPG, jfif + b"hello"), "extraneous_before_scan": inserted(JPG, last=b"\0" * 40), "extraneous_at_end": JPG[:-2] + b"\0\0" + JPG[-2:],
    "fill_bytes_at_end": JPG[:-2] + b"\xff\xff" + JPG[-2:], "trailing_bytes": JPG + b"trailing" * 100, "trailing_zeros": JPG + bytes(5000), "another_after": JPG + JPG,
}
found, rest = segments(JPG)

size = struct.unpack(">H", rest[2:4])[0]
oddities["scan_header_zeros"] = JPG[:2] + b"".join(found) + rest[:2 + size - 3] + b"\0\0\0" + rest[2 + size:]
for name, data in oddities.items():
    good(f"oddity_{name}.jpg", data, TRUTH, near)
restart = run("cjpeg", "-quality", "92", "-restart", "1", "-grayscale", data=ppm)
marks = [i for i in range(len(restart) - 1) if restart[i] == 0xff and 0xd0 <= restart[i + 1] <= 0xd7]
damaged = "expected a JPEG file, found a damaged one ("
bad("restart_missing.jpg", restart[:marks[2]] + restart[marks[2] + 2:], damaged)
bad("restart_swapped.jpg", restart[:marks[2] + 1] + bytes([restart[marks[3] + 1]]) + restart[marks[2] + 2:], damaged)
bad("restart_padded.jpg", restart[:marks[2]] + b"\0\0\0" + restart[marks[2]:], damaged)
bad("restart_segment_missing.jpg", restart[:marks[2]] + restart[marks[3]:], damaged)
bad("end_missing.jpg", JPG[:-2], damaged)
for share in range(10, 100, 10):
    bad(f"cut_at_{share}.jpg", JPG[:len(JPG) * share // 100], damaged)
    bad(f"cut_at_{share}_with_end.jpg", JPG[:len(JPG) * share // 100] + b"\xff\xd9", damaged)
bad("scan_data_twice.jpg", JPG[:-2] + rest[2 + size:-2] + JPG[-2:], damaged)
frame = JPG.find(b"\xff\xc0")
bad("fewer_rows.jpg", JPG[:frame + 5] + struct.pack(">H", H // 2) + JPG[frame + 7:], damaged)
bad("more_rows.jpg", JPG[:frame + 5] + struct.pack(">H", 2 * H) + JPG[frame + 7:], damaged)
bad("no_rows.jpg", JPG[:frame + 5] + b"\0\0" + JPG[frame + 7:], "DNL not supported")
kind = "expected a JPEG file of a kind that libjpeg reads, found another ("
bad("precision_12.jpg", JPG[:frame + 4] + b"\x0c" + JPG[frame + 5:], kind + "Unsupported JPEG data precision 12)")
for process, what in ((0xc3, "lossless"), (0xc5, "hierarchical"), (0xcb, "lossless_arithmetic"), (0xc7, "differential")):
    bad(f"{what}.jpg", JPG[:frame + 1] + bytes([process]) + JPG[frame + 2:], kind + f"Unsupported JPEG process: SOF type 0x{process:02x})")
bad("too_wide.jpg", JPG[:frame + 7] + b"\xff\xff" + JPG[frame + 9:], kind + "Maximum supported image dimension is 65500 pixels)")
progressive = saved(RGB, "JPEG", quality=90, progressive=True)
bad("progressive_cut.jpg", progressive[:len(progressive) * 2 // 3], damaged)
bad("progressive_cut_with_end.jpg", progressive[:len(progressive) * 2 // 3] + b"\xff\xd9", damaged)

# ---- orientation ------------------------------------------------------------------------------------------

turned_png = {k: np.ascontiguousarray(STORED[k](grey)) for k in range(1, 9)}
turned_jpg = {k: saved(Image.fromarray(np.ascontiguousarray(STORED[k](colour))), "JPEG", quality=92) for k in range(1, 9)}


def hexadecimal(name, block):
    return f"\n{name}\n{len(block):8}\n".encode() + "\n".join(block.hex()[i:i + 72] for i in range(0, 2 * len(block), 72)).encode() + b"\n"


def itxt(packet, zip=False, language=b"", translated=b""):
    return chunk("iTXt", b"XML:com.adobe.xmp\0" + bytes([zip, 0]) + language + b"\0" + translated + b"\0" + (zlib.compress(packet) if zip else packet))


for k in range(1, 9):
    little, big = tiff(k), tiff(k, ">")
    other = 6 if k != 6 else 8
    jpeg = {
        "exif_little": [app1(little)], "exif_big": [app1(big)], "xmp_first": [app1_xmp(xmp("")), app1(little)], "icc_first": [segment(0xe2, b"ICC_PROFILE\0\1\1" + srgb), app1(big)],
        "xmp_attribute": [app1_xmp(xmp_attribute(k))], "xmp_element": [app1_xmp(xmp_element(k))],
        "exif_long": [app1(tiff(k, kind=4))], "exif_long_big": [app1(tiff(k, ">", kind=4))], "exif_odd_offset": [app1(tiff(k, offset=1235))],
    }
    if k in (6, 8):
        jpeg |= {
            "exif_byte": [app1(tiff(k, kind=1))], "exif_big_odd_offset": [app1(tiff(k, ">", offset=33))], "exif_far": [app1(tiff(k, offset=60001))], "comment_first": [segment(0xfe, b"c"), app1(little)],
            "photoshop_first": [segment(0xed, b"Photoshop 3.0\0"), app1(little)], "second_exif": [app1(NOTHING), app1(little)], "garbage_exif_first": [app1(b"garbage"), app1(big)],
            "exif_after_other_tags": [app1(tiff(k, before=[(0x100, 4, 77), (0x101, 3, 88)]))], "exif_twice_in_block": [app1(tiff(k, before=[(0x112, 3, 0)]))],
            "exif_beats_xmp": [app1_xmp(xmp_attribute(1)), app1(little)], "xmp_after_exif_of_nothing": [app1(NOTHING), app1_xmp(xmp_attribute(k))], "xmp_after_exif_0": [app1(tiff(0)), app1_xmp(xmp_element(k))],
            "thumbnail_differs": [app1(tiff(k, second=1))], "exif_with_ff": [segment(0xe1, b"Exif\0\xff" + little)], "extended_xmp": [segment(0xe1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40)), app1(little)],
            "xmp_single_quotes": [app1_xmp(xmp_attribute(k).replace(b'"', b"'"))], "xmp_spaces": [app1_xmp(xmp("", f"{TIFF_NS} tiff:Orientation  =\n '{k}'"))],
            "xmp_element_spaces": [app1_xmp(xmp(f"<tiff:Orientation >\n {k}\n</tiff:Orientation>", TIFF_NS))], "xmp_other_prefix": [app1_xmp(xmp("", f'xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Orientation="{k}"'))],
            "xmp_declared_above": [app1_xmp(xmp_attribute(k).replace(TIFF_NS.encode(), b"").replace(b"<x:xmpmeta", b"<x:xmpmeta " + TIFF_NS.encode()))],
            "xmp_longer_prefix": [app1_xmp(xmp("", f'xmlns:crtiff="urn:x" crtiff:Orientation="{other}" {TIFF_NS} tiff:Orientation="{k}"'))],
            "xmp_longer_name": [app1_xmp(xmp(f"<tiff:OrientationWas>{other}</tiff:OrientationWas><tiff:Orientation>{k}</tiff:Orientation>", f'{TIFF_NS} tiff:OrientationIs="{other}"'))],
            "xmp_element_with_type": [app1_xmp(xmp(f'<tiff:Orientation rdf:datatype="integer">{k}</tiff:Orientation>', TIFF_NS))],
            "xmp_empty_element_first": [app1_xmp(xmp(f"<tiff:Orientation/><tiff:Orientation>{k}</tiff:Orientation>", TIFF_NS))],
            "xmp_other_orientation": [app1_xmp(xmp("", f'xmlns:crs="urn:x" crs:Orientation="{other}" {TIFF_NS} tiff:Orientation="{k}"'))],
            "after_jfif": [jfif, app1(little)], "extraneous_first": [segment(0xfe, b"c") + b"\0\0\0", app1(little)],
        }
    for name, first in jpeg.items():
        good(f"turned_{k}_{name}.jpg", inserted(turned_jpg[k], *first), TRUTH, near)
    good(f"turned_{k}_last.jpg", inserted(turned_jpg[k], last=app1(little)), TRUTH, near)
    good(f"turned_{k}_pillow.jpg", saved(Image.open(io.BytesIO(turned_jpg[k])), "JPEG", quality=92, exif=b"Exif\0\0" + little), TRUTH, near + 0.5)
    png_chunks = {
        "eXIf": (chunk("eXIf", little), b""), "eXIf_big": (chunk("eXIf", big), b""), "eXIf_after": (b"", chunk("eXIf", little)), "xmp": (itxt(xmp_attribute(k)), b""), "xmp_packed": (itxt(xmp_element(k), True), b""),
        "raw_exif": (chunk("tEXt", b"Raw profile type exif\0" + hexadecimal("exif", b"Exif\0\0" + little)), b""),
        "raw_app1": (chunk("zTXt", b"Raw profile type APP1\0\0" + zlib.compress(hexadecimal("generic profile", b"Exif\0\0" + big))), b""),
    }
    if k in (6, 8):
        png_chunks |= {
            "eXIf_with_letters": (chunk("eXIf", b"Exif\0\0" + little), b""), "eXIf_long": (chunk("eXIf", tiff(k, kind=4)), b""), "xmp_after": (b"", itxt(xmp_attribute(k), True)), "xmp_languages": (itxt(xmp_attribute(k), False, b"de", b"Wort"), b""),
            "raw_exif_after": (b"", chunk("zTXt", b"Raw profile type exif\0\0" + zlib.compress(hexadecimal("exif", b"Exif\0\0" + little)))),
            "raw_exif_without_letters": (chunk("tEXt", b"Raw profile type exif\0" + hexadecimal("exif", little).upper()), b""), "raw_app1_xmp": (chunk("tEXt", b"Raw profile type APP1\0" + hexadecimal("generic profile", b"http://ns.adobe.com/xap/1.0/\0" + xmp_attribute(k))), b""),
            "raw_xmp": (chunk("tEXt", b"Raw profile type xmp\0" + hexadecimal("xmp", xmp_attribute(k))), b""), "eXIf_beats_raw": (chunk("tEXt", b"Raw profile type exif\0" + hexadecimal("exif", tiff(other))), chunk("eXIf", little)),
            "eXIf_beats_xmp": (itxt(xmp_attribute(other)), chunk("eXIf", little)), "raw_beats_xmp": (itxt(xmp_attribute(other)) + chunk("tEXt", b"Raw profile type exif\0" + hexadecimal("exif", little)), b""), "xmp_after_eXIf_of_nothing": (chunk("eXIf", NOTHING) + itxt(xmp_attribute(k)), b""),
            "raw_itxt": (chunk("iTXt", b"Raw profile type exif\0\0\0\0\0" + hexadecimal("exif", b"Exif\0\0" + little)), b""),
        }
    for name, (before, after) in png_chunks.items():
        good(f"turned_{k}_{name}.png", png(turned_png[k], GREY8, before=before, after=after), TRUTH, 0)
    good(f"turned_{k}_interlaced_alpha.png", png(np.stack([turned_png[k], 255 + 0 * turned_png[k]], axis=2), GREY_ALPHA, interlace=1, before=chunk("eXIf", big)), TRUTH, 0)
    good(f"turned_{k}_pillow.png", saved(Image.fromarray(turned_png[k]), "PNG", exif=b"Exif\0\0" + little), TRUTH, 0)
# Written by the tools in their own way; exiftool starts once for each kind.
for name, tag in (("exif", "-IFD0:Orientation#=6"), ("xmp", "-XMP-tiff:Orientation#=6")):
    jpg, as_png = out / f"turned_6_exiftool_{name}.jpg", out / f"turned_6_exiftool_{name}.png"
    jpg.write_bytes(turned_jpg[6]), as_png.write_bytes(png(turned_png[6], GREY8))
    run("exiftool", "-q", "-overwrite_original", tag, str(jpg), str(as_png))
    good(jpg.name, None, TRUTH, near), good(as_png.name, None, TRUTH, 0)
turned = out / "turned_8_pillow.jpg"
good("turned_8_imagemagick.png", run("convert", str(turned), "png:-"), TRUTH, near + 0.5)
good("turned_8_imagemagick.jpg", run("convert", str(turned), "-quality", "92", "jpeg:-"), TRUTH, near + 1)
good("turned_8_imagemagick_auto.jpg", run("convert", str(turned), "-auto-orient", "-quality", "92", "jpeg:-"), TRUTH, near + 1)
good("turned_8_jpegtran.jpg", run("jpegtran", "-copy", "all", "-progressive", data=turned.read_bytes()), TRUTH, near + 0.5)

# ---- sizes ------------------------------------------------------------------------------------------------


def ramp(h, w):
    return ((np.arange(h)[:, None] * 3 + np.arange(w) * 5) % 251).astype(np.uint8)


for h, w in ((1, 1), (1, 2), (2, 1), (1, 300), (300, 1), (3, 5), (7, 4), (8, 8), (9, 17), (1, 2048), (2048, 1), (1, 2049), (2049, 2), (5, 4097), (16383, 3), (2, 16383), (3, 65535), (65535, 2)):
    for interlace in (0, 1):
        good(f"size_{h}x{w}{'_interlaced' * interlace}.png", png(ramp(h, w), GREY8, interlace=interlace), ramp(h, w), 0, digit=False)
    if max(h, w) <= 65500:
        smooth = np.tile(np.linspace(0, 255, w), (h, 1)).astype(np.uint8)
        # A block of 8 x 8 of which the picture has less counts as a whole where it is decoded to one pixel.
        good(f"size_{h}x{w}.jpg", saved(Image.fromarray(smooth), "JPEG", quality=95), smooth, 99 if min(h, w) < 8 and max(h, w) > 4096 else 2, digit=False)
small = np.asarray(GREY.resize((28, 28), Image.BOX))
good("size_28x28.png", png(small, GREY8), small, 0)
good("size_28x28.jpg", saved(Image.fromarray(small), "JPEG", quality=95), small, 2)


def enlarged(w, h):
    """The digit as large as fits into w x h, on its background, and that reduced as the reader does it."""
    scale = min(w / W, h / H)
    inner = GREY.resize((int(W * scale), int(H * scale)), Image.BILINEAR)
    sheet = Image.new("L", (w, h), int(np.median(np.asarray(GREY)[0])))
    sheet.paste(inner, ((w - inner.width) // 2, (h - inner.height) // 2))
    return sheet, np.asarray(sheet.reduce(-(-max(w, h) // 2048)))


def reduced(name, data, truth, mean):
    good(name, data, truth, mean)
    manifest[-1]["reduced"] = True


for megapixels, w, h in ((24, 6000, 4000), (48, 8064, 6048), (108, 12000, 9000), (200, 16320, 12240)):
    sheet, truth = enlarged(w, h)
    # Colour costs three times as much to make: the two larger ones are grey.
    reduced(f"large_{megapixels}.jpg", saved(sheet.convert("RGB") if megapixels <= 48 else sheet, "JPEG", quality=88), truth, 1.5)
    if megapixels == 24:
        reduced("large_24_progressive.jpg", saved(sheet.convert("RGB"), "JPEG", quality=88, progressive=True, exif=b"Exif\0\0" + tiff(1)), truth, 1.5)
        turned = sheet.transpose(Image.ROTATE_90)
        reduced("large_24_turned.jpg", saved(turned, "JPEG", quality=88, exif=b"Exif\0\0" + tiff(6, ">")), np.rot90(np.asarray(turned.reduce(3)), -1), 1.5)
        reduced("large_24.png", saved(sheet.convert("RGB"), "PNG", compress_level=1), truth, 0.1)
        reduced("large_24_interlaced.png", png(np.asarray(sheet), GREY8, interlace=1), truth, 0.1)
        reduced("large_24_cmyk.jpg", saved(sheet.convert("CMYK"), "JPEG", quality=88), truth, 2.5)
    if megapixels == 48:
        reduced("large_48_one_bit.png", png((np.asarray(sheet) > 128).astype(np.uint8), GREY8, 1),
                np.asarray(Image.fromarray(((np.asarray(sheet) > 128) * 255).astype(np.uint8)).reduce(-(-w // 2048))), 0)
    if megapixels == 108:
        reduced("large_108.png", png(np.asarray(sheet), GREY8), truth, 0.1)
for w, h in ((30000, 3000), (3000, 30000)):
    sheet, truth = enlarged(w, h)
    reduced(f"panorama_{h}x{w}.jpg", saved(sheet, "JPEG", quality=88), truth, 1.5)
    reduced(f"panorama_{h}x{w}.png", png(np.asarray(sheet), GREY8), truth, 0.1)
limits = "expected a height and a width in [1, 65535] and at most 400000000 pixels, found "
huge = lambda w, h, depth=8, kind=0, interlace=0: MAGIC + chunk("IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlace)) + chunk("IDAT", zlib.compress(bytes(10000))) + end
bad("bomb_pixels.png", huge(30000, 30000), limits + "30000 x 30000")
bad("bomb_wide.png", huge(65536, 1), limits + "1 x 65536")
bad("bomb_widest.png", huge(2**31 - 1, 2**31 - 1), limits + "2147483647 x 2147483647")
bad("bomb_short.png", huge(20000, 20000, 16, 6, 1), "found a damaged one (")
bad("bomb.jpg", JPG[:frame + 5] + b"\xff\xdc\xff\xdc" + JPG[frame + 9:], limits + "65500 x 65500")


def resized(data, marker, width, height):
    """A JPEG file whose header promises other extents."""
    at = data.index(bytes([0xff, marker]))
    return data[:at + 5] + struct.pack(">HH", height, width) + data[at + 9:]


tiny = saved(Image.new("L", (8, 8)), "JPEG", progressive=True)
arithmetic = run("cjpeg", "-arithmetic", "-progressive", "-grayscale", data=saved(Image.new("L", (1000, 1000), 128), "PPM"))
needs = "expected a progressive JPEG that needs at most "
bad("bomb_progressive.jpg", resized(tiny, 0xc2, 16000, 16000), f"{needs}{1024 * len(tiny)} bytes, as it has {len(tiny)}, found one that needs 512000000")
bad("bomb_arithmetic.jpg", resized(arithmetic, 0xca, 14000, 14000), f"{needs}{1024 * len(arithmetic)} bytes")
bad("bomb_progressive_padded.jpg", resized(tiny, 0xc2, 16000, 16000) + bytes(500_000), f"{needs}400000000 bytes")

# ---- other formats ----------------------------------------------------------------------------------------

for name, kind in (("GIF", "a GIF"), ("BMP", "a BMP"), ("TIFF", "a TIFF"), ("WEBP", "a WebP"), ("JPEG2000", "a JPEG 2000"), ("PPM", "a PPM"), ("PDF", "a PDF"), ("ICO", "an ICO"), ("EPS", "a PostScript")):
    try:
        data = saved(RGB, name)
    except (KeyError, OSError):  # a Pillow without it
        continue
    bad(f"other.{name.lower()}", data, f"expected a PNG, JPEG or IDX file, found {kind} file (convert it to PNG or JPEG)")
box = lambda brand: struct.pack(">I", 24) + b"ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(200)
for name, data, kind in (
        ("heic", box(b"heic"), "a HEIC"), ("mif1", box(b"mif1"), "a HEIC"), ("avif", box(b"avif"), "an AVIF"), ("mp4", box(b"isom"), "an MP4"), ("mov", box(b"qt  "), "a QuickTime"), ("cr3", box(b"crx "), "a Canon CR3"),
        ("jxl", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50), "a JPEG XL"), ("raw.jxl", b"\xff\x0a" + bytes(50), "a JPEG XL"), ("j2k", b"\xff\x4f\xff\x51" + bytes(50), "a JPEG 2000"), ("psd", b"8BPS\0\1" + bytes(50), "a Photoshop"),
        ("xcf", b"gimp xcf v011\0" + bytes(50), "a GIMP"), ("big.tiff", b"MM\0*" + bytes(50), "a TIFF"), ("pgm", pgm, "a PGM"), ("pbm", saved(GREY.convert("1"), "PPM"), "a PBM"), ("zip", b"PK\3\4" + bytes(50), "a ZIP"),
        ("svg", b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG"), ("bare.svg", b"<SVG/>", "an SVG"), ("qoi", b"qoif" + bytes(50), "a QOI"), ("exr", b"\x76\x2f\x31\x01" + bytes(50), "an OpenEXR")):
    bad(f"other.{name}", data, f"found {kind} file (convert it to PNG or JPEG)")
bad("other_page.jpg", b"<!DOCTYPE html>\n<html><body>404 not found</body></html>", "found an HTML file")
bad("other_text.png", b"not a picture\n", "expected a PNG, JPEG or IDX file, found something else")
bad("other_zeros.png", bytes(1000), "found something else")
bad("other_empty.png", b"", "found an empty file")

(out / "manifest.json").write_text(json.dumps(manifest, indent=0))
print(f"{len(manifest)} pictures")
