"""RGBA pixels as words of 32 bits: 0xAABBGGRR, as little-endian machines read four bytes."""

from typing import Any

import numpy
from numpy.typing import NDArray

#: Samples as they are in a surface.
Samples = NDArray[Any]
#: A word for each pixel: rows, columns.
Words = NDArray[numpy.uint32]

#: The alpha of an opaque pixel, where it is in a word.
OPAQUE = 0xFF00_0000


def rgb_word(red: int, green: int, blue: int) -> int:
    """An opaque pixel. Each channel is 0 to 255."""
    return OPAQUE | blue << 16 | green << 8 | red


def words_of(pixels: Samples) -> Words:
    """The words of pixels of `rgba8`, without a copy."""
    return as_words(pixels.view("<u4")[..., 0])


def as_words(values: NDArray[Any]) -> Words:
    """Values that are words, without a copy, or other integers."""
    return values.astype(numpy.uint32, copy=False)
