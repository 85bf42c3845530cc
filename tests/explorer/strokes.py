# SPDX-License-Identifier: MIT
#
# Digits and symbols as a hand draws them: a few points for each stroke, moved at random, with a smooth curve
# through them. They are not the polygons that the library's generator draws.
import math, random

# In the unit square, x to the right and y downwards; several ways to draw some of them.
DIGITS = {
    0: [[[(.5, .05), (.2, .25), (.17, .6), (.4, .94), (.72, .85), (.84, .5), (.74, .15), (.52, .04)]]],
    1: [[[(.5, .05), (.5, .35), (.49, .65), (.5, .95)]], [[(.3, .28), (.42, .17), (.54, .05)], [(.54, .05), (.53, .5), (.54, .95)]]],
    2: [[[(.2, .28), (.32, .08), (.6, .05), (.75, .26), (.62, .5), (.4, .72), (.22, .93)], [(.22, .93), (.5, .92), (.82, .93)]]],
    3: [[[(.22, .14), (.45, .04), (.7, .13), (.7, .33), (.45, .47)], [(.45, .47), (.72, .55), (.78, .77), (.55, .95), (.2, .87)]]],
    4: [[[(.6, .05), (.4, .33), (.18, .63)], [(.18, .63), (.5, .62), (.85, .62)], [(.63, .35), (.62, .65), (.62, .95)]]],
    5: [[[(.75, .07), (.5, .07), (.28, .08)], [(.28, .08), (.27, .25), (.25, .45)], [(.25, .45), (.5, .38), (.73, .52), (.74, .78), (.5, .95), (.22, .88)]]],
    6: [[[(.65, .05), (.4, .27), (.25, .58), (.32, .88), (.58, .95), (.74, .76), (.62, .55), (.4, .56), (.27, .7)]]],
    7: [[[(.2, .08), (.5, .08), (.8, .09)], [(.8, .09), (.62, .5), (.45, .95)]]],
    8: [[[(.52, .47), (.3, .35), (.3, .14), (.52, .04), (.72, .15), (.7, .34), (.5, .48), (.26, .66), (.28, .87), (.52, .96), (.75, .86), (.74, .64), (.52, .47)]]],
    9: [[[(.72, .2), (.5, .05), (.28, .2), (.32, .45), (.55, .5), (.73, .3), (.73, .18)], [(.73, .18), (.72, .55), (.55, .95)]]],
}
SYMBOLS = {
    "circle": [[(.5, .05), (.15, .3), (.12, .65), (.45, .95), (.82, .75), (.88, .35), (.5, .05)]],
    "cross": [[(.1, .1), (.5, .5), (.9, .9)], [(.9, .1), (.5, .5), (.1, .9)]],
    "wave": [[(.05, .5), (.2, .3), (.35, .5), (.5, .7), (.65, .5), (.8, .3), (.95, .5)]],
}


def curve(points, steps=5):
    """A Catmull-Rom spline through the points."""
    p = [points[0], *points, points[-1]]
    out = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:]):
        for i in range(steps):
            t = i / steps
            out.append(tuple(0.5 * (2 * b[k] + (c[k] - a[k]) * t + (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t
                                    + (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t ** 3) for k in (0, 1)))
    return out + [points[-1]]


def drawing(strokes, rng, side=280):
    """Strokes in pixels of a square surface, and the width of a pen: off centre, slanted, thin or thick."""
    size = rng.uniform(.45, .8) * side
    angle, slant, wide = rng.uniform(-.18, .18), rng.uniform(-.2, .2), rng.uniform(.8, 1.1)
    pen = max(6, round(size * rng.uniform(.055, .13)))
    room = side - size * 1.15 - pen
    x0, y0 = side / 2 + rng.uniform(-.5, .5) * max(0, room), side / 2 + rng.uniform(-.5, .5) * max(0, room)

    def place(point):
        x, y = (point[0] - .5 + rng.gauss(0, .012)) * wide, point[1] - .5 + rng.gauss(0, .012)
        x -= slant * y
        px, py = x0 + size * (x * math.cos(angle) - y * math.sin(angle)), y0 + size * (x * math.sin(angle) + y * math.cos(angle))
        return min(side - 4, max(4, px)), min(side - 4, max(4, py))

    # The ends of strokes that meet stay together.
    moved = {}
    return [curve([moved.setdefault(p, place(p)) for p in stroke]) for stroke in strokes], min(40, pen)


def digit(label, rng):
    return drawing(rng.choice(DIGITS[label]), rng)


def symbol(name, rng):
    return drawing(SYMBOLS[name], rng)
