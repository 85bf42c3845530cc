#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the outlines of a TrueType font into include/fovea/viz/font.hpp, which says how to read them.

    docs/tools/font.py [--check] [FONT.ttf]     default: DejaVu Sans of Debian's fonts-dejavu-core

Capitals and digits become 7 x 32 units high, x and its like 5 x 32, and what they exceed that by, so that round
letters look as large as straight ones, goes: at any whole zoom all of them end where a pixel ends. --check writes
nothing, and says whether the header has what the font gives; status 77 without the font.
"""
import argparse
import pathlib
import struct
import sys

HEADER = pathlib.Path(__file__).resolve().parents[2] / "include/fovea/viz/font.hpp"
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
BEGIN, END = 'R"(', ')"'
UNIT = 32  # of a dot at zoom 1
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Font:
    def __init__(self, data):
        self.data = data
        tables = struct.unpack(">H", data[4:6])[0]
        self.tables = {}
        for i in range(tables):
            tag, _, offset, _ = struct.unpack(">4sLLL", data[12 + 16 * i:28 + 16 * i])
            self.tables[tag.decode()] = offset
        self.long_offsets = self.at("head", 50, ">h")[0]
        self.metrics = self.at("hhea", 34, ">H")[0]

    def at(self, table, offset, form):
        begin = self.tables[table] + offset
        return struct.unpack(form, self.data[begin:begin + struct.calcsize(form)])

    def glyph_of(self, letter):
        for i in range(self.at("cmap", 2, ">H")[0]):
            platform, _, begin = self.at("cmap", 4 + 8 * i, ">HHL")
            if platform == 3 and self.at("cmap", begin, ">H")[0] == 4:
                break
        count = self.at("cmap", begin + 6, ">H")[0] // 2
        for s in range(count):
            end, = self.at("cmap", begin + 14 + 2 * s, ">H")
            start, = self.at("cmap", begin + 16 + 2 * (count + s), ">H")
            if start <= letter <= end:
                delta, = self.at("cmap", begin + 16 + 2 * (2 * count + s), ">h")
                where = begin + 16 + 2 * (3 * count + s)
                offset, = self.at("cmap", where, ">H")
                if offset == 0:
                    return (letter + delta) % 65536
                return (self.at("cmap", where + offset + 2 * (letter - start), ">H")[0] + delta) % 65536
        sys.exit(f"font: expected the letter {chr(letter)} in the font, found none")

    def advance(self, glyph):
        return self.at("hmtx", 4 * min(glyph, self.metrics - 1), ">H")[0]

    def contours(self, glyph):
        """Lists of (x, y, is on the curve)."""
        form, size = (">LL", 4) if self.long_offsets else (">HH", 2)
        begin, end = (o * (1 if self.long_offsets else 2) for o in self.at("loca", size * glyph, form))
        if begin == end:
            return []
        count, = self.at("glyf", begin, ">h")
        return self.simple(begin + 10, count) if count >= 0 else self.composite(begin + 10)

    def simple(self, at, count):
        ends = self.at("glyf", at, f">{count}H")
        at += 2 * count
        at += 2 + self.at("glyf", at, ">H")[0]
        flags = []
        while len(flags) <= ends[-1]:
            flag, again = self.at("glyf", at, ">BB")
            at += 1
            flags.append(flag)
            if flag & 8:
                flags += [flag] * again
                at += 1
        axes = []
        for short, same in ((2, 16), (4, 32)):
            value, values = 0, []
            for flag in flags:
                if flag & short:
                    value += self.at("glyf", at, ">B")[0] * (1 if flag & same else -1)
                    at += 1
                elif not flag & same:
                    value += self.at("glyf", at, ">h")[0]
                    at += 2
                values.append(value)
            axes.append(values)
        points = [(x, y, bool(f & 1)) for x, y, f in zip(*axes, flags)]
        return [points[a:b] for a, b in zip([0] + [e + 1 for e in ends], [e + 1 for e in ends])]

    def composite(self, at):
        contours, more = [], True
        while more:
            flags, glyph = self.at("glyf", at, ">HH")
            if not flags & 2 or flags & 0xC8:
                sys.exit("font: expected parts that are only moved, found others")
            dx, dy = self.at("glyf", at + 4, ">hh" if flags & 1 else ">bb")
            at += 8 if flags & 1 else 6
            contours += [[(x + dx, y + dy, on) for x, y, on in c] for c in self.contours(glyph)]
            more = flags & 32
        return contours


def fitted(contours, x_height, capital):
    """Heights in units, with what letters exceed the lines of the others by taken off."""
    ys = [y for c in contours for _, y, _ in c] or [0]
    low, high, over = min(ys), max(ys), 0.022 * capital
    top = 7 if high > x_height + over else 5  # dots from the line to the highest point of a letter

    def height(y):
        if -over <= y <= 0 and low >= -over:
            return 0
        if y < 0:
            return y * 7 / capital
        if high < 0.9 * x_height:  # a comma, a dash
            return y * 7 / capital
        if abs(y - x_height) <= over and (top == 5 or y >= x_height):
            return 5
        if y < x_height:
            return y * 5 / x_height
        if abs(y - capital) <= over and high <= capital + over:
            return 7
        return 5 + 2 * (y - x_height) / (max(high, capital) - x_height)

    return [[(x, height(y), on) for x, y, on in c] for c in contours]


def number(value, digits):
    text = ""
    for _ in range(digits):
        value, digit = divmod(value, 62)
        text = DIGITS[digit] + text
    assert value == 0, "a number that is too large"
    return text


def encoded(font):
    top = lambda letter: max(y for c in font.contours(font.glyph_of(ord(letter))) for _, y, _ in c)
    x_height, capital = top("x"), top("H")
    scale = 7 * UNIT / capital
    glyphs = []
    for letter in range(32, 127):
        glyph = font.glyph_of(letter)
        text = number(round(font.advance(glyph) * scale), 2)
        contours = []
        for contour in fitted(font.contours(glyph), x_height, capital):
            first = next(i for i, point in enumerate(contour) if point[2])
            points = []
            for x, y, on in contour[first:] + contour[:first]:
                point = (round(x * scale), round(y * UNIT), on)
                if not points or point != points[-1]:
                    points.append(point)
            contours.append("".join(number(((x + 32) * 320 + y + 80) * 2 + on, 3) for x, y, on in points))
        glyphs.append(text + ".".join(contours))
    return "".join(glyph + "|" for glyph in glyphs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say whether the header is as it should be")
    parser.add_argument("font", nargs="?", type=pathlib.Path, default=FONT)
    options = parser.parse_args()
    if options.check and not pathlib.Path(options.font).exists():
        print(f"font: not checked, for want of {options.font}")
        sys.exit(77)
    text = encoded(Font(pathlib.Path(options.font).read_bytes()))
    lines = [text[begin:begin + 99] for begin in range(0, len(text), 99)]  # broken anywhere
    header = HEADER.read_text()
    begin, end = header.index(BEGIN) + len(BEGIN), header.index(END)
    new = header[:begin] + "\n" + "\n".join(lines) + "\n" + header[end:]
    if options.check:
        print("font: the header is", "as it should be" if new == header else "another one")
        sys.exit(new != header)
    HEADER.write_text(new)
    print(f"font: {len(text)} characters in {len(lines)} lines")


if __name__ == "__main__":
    main()
