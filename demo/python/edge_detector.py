"""Edges in the colors of their direction over the darkened picture, with the histogram of its luma.

Integers only: the same picture gives the same result everywhere.
"""

from __future__ import annotations

from math import floor

import numpy
from numpy.typing import NDArray

from histogram import Histogram
from pixel_words import OPAQUE, Words, rgb_word

#: Gradients are -1020 to 1020; colors are looked up by both of theirs in steps of 16.
STEP_SHIFT = 4
MOST = 64
SIDE = 2 * MOST + 1
#: The sums of gradients at which edges begin to shine, and shine fully.
FAINT, FULL = 32, 256
#: The smallest share of an edge's brightness in each channel: pure blue would hardly be visible.
PALE = 0.25
#: The darkened picture is at most 63, so what an edge adds never overflows a channel.
BRIGHTEST = 192
DARKEN_SHIFT = 2
DARKENED = 0x003F_3F3F


class EdgeDetector:
    """Finds the edges of pictures of one size (Sobel, on luma)."""

    def __init__(self, width: int, height: int) -> None:
        self._histogram = Histogram(width, height)
        self._colors = edge_colors()

    def detect(self, source: Words, target: Words) -> None:
        """Writes the edges of `source` into `target`."""
        luma = luma_of(source)
        # Outside the picture, its border pixels are repeated.
        padded = numpy.pad(luma.astype("int16"), 1, mode="edge")
        above, row, below = padded[:-2], padded[1:-1], padded[2:]
        sums = above + 2 * row + below
        differences = below - above
        across = sums[:, 2:] - sums[:, :-2]
        down = differences[:, :-2] + 2 * differences[:, 1:-1] + differences[:, 2:]
        numpy.add(
            source >> DARKEN_SHIFT & DARKENED, self._colors[color_index(across, down)], out=target
        )
        self._histogram.draw(numpy.bincount(luma.ravel(), minlength=256), target)


def luma_of(words: Words) -> NDArray[numpy.uint8]:
    """BT.601's weights in 1/256."""
    red, green, blue = words & 0xFF, words >> 8 & 0xFF, words >> 16 & 0xFF
    luma: NDArray[numpy.uint8] = (red * 77 + green * 150 + blue * 29 >> 8).astype(numpy.uint8)
    return luma


def color_index(
    across: NDArray[numpy.int16], down: NDArray[numpy.int16]
) -> NDArray[numpy.int16]:
    """The index of a gradient's color in the table, rounded to the nearest step."""
    half = 1 << (STEP_SHIFT - 1)
    return ((down + half >> STEP_SHIFT) + MOST) * SIDE + (across + half >> STEP_SHIFT) + MOST


def edge_colors() -> Words:
    """The color that each gradient adds, with the result's alpha: hue by direction, brightness by size."""
    colors = numpy.full(SIDE * SIDE, OPAQUE, "uint32")
    step = 1 << STEP_SHIFT
    steps = range(-MOST * step, MOST * step + 1, step)
    for row, down in enumerate(steps):
        for column, across in enumerate(steps):
            size = abs(across) + abs(down)
            shine = floor(BRIGHTEST * max(0, min(FULL, size) - FAINT) / (FULL - FAINT))
            if shine > 0:
                colors[row * SIDE + column] = hue(across, down, size, shine)
    return colors


def hue(across: int, down: int, size: int, shine: int) -> int:
    """A color of the wheel by a gradient's direction along a diamond, as bright as `shine`."""
    # 0 to 4, a quarter of the way round for each side of the diamond.
    if across >= 0:
        turn = down / size if down >= 0 else 4 + down / size
    else:
        turn = 2 - down / size

    def channel(center: int) -> int:
        # A channel is full within a sixth of the wheel from its center, and least after a third.
        away = abs((turn * 1.5 - center + 9) % 6 - 3)
        return floor(shine * max(PALE, min(1, 2 - away)))

    return rgb_word(channel(0), channel(2), channel(4))
