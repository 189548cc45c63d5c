"""Draws a histogram of the luma into the picture's lower left corner."""

from __future__ import annotations

from math import floor, sqrt

import numpy
from numpy.typing import NDArray

from pixel_words import Words, rgb_word

#: The share of the picture that shows through the panel, and the panel's own color.
PANEL_SHIFT = 1
PANEL_KEEP = 0x007F_7F7F
PANEL_TONE = rgb_word(10, 14, 24)
AXIS = rgb_word(150, 165, 185)


class Histogram:
    """The histogram of pictures of one size."""

    def __init__(self, width: int, height: int) -> None:
        # As many bars as fit, and a power of two, so that each covers the same number of lumas.
        bars = 64
        while bars > 1 and bars > width / 4:
            bars //= 2
        self._bars = bars
        self._bar_width = max(1, width // 4 // bars)
        self._bar_height = height // 4
        self._margin = min(width, height) // 45
        self._left = 2 * self._margin
        self._bottom = height - 2 * self._margin
        self._colors = [self._color(bar / max(1, bars - 1)) for bar in range(bars)]

    @staticmethod
    def _color(part: float) -> int:
        """From deep blue for low lumas to a warm white for high ones."""
        return rgb_word(
            floor(60 + 195 * part), floor(120 + 115 * part), floor(235 - 55 * part)
        )

    def draw(self, counts: NDArray[numpy.intp], words: Words) -> None:
        """Draws the bars for the count of each of 256 lumas."""
        left, bottom, margin = self._left, self._bottom, self._margin
        width = self._bars * self._bar_width
        top = bottom - self._bar_height
        panel = words[top - margin : bottom + margin, left - margin : left + width + margin]
        panel[...] = (panel >> PANEL_SHIFT & PANEL_KEEP) + PANEL_TONE
        for bar, height in enumerate(self._heights(counts)):
            start = left + bar * self._bar_width
            # Wide bars have a gap between them.
            end = start + self._bar_width - (self._bar_width > 2)
            words[bottom - height : bottom, start:end] = self._colors[bar]
        if margin > 0:
            words[bottom, left : left + width] = AXIS

    def _heights(self, counts: NDArray[numpy.intp]) -> list[int]:
        """By the square root of the counts, so that one frequent luma does not hide the others."""
        bars = [int(count) for count in counts.reshape(self._bars, -1).sum(1)]
        most = max(1, *bars)
        return [floor(self._bar_height * sqrt(count / most)) for count in bars]
