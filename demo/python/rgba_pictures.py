"""Pictures of the demo's formats as RGBA: luma and chroma, by tables and integers."""

from __future__ import annotations

from math import floor
from typing import Any, Callable, Mapping, Optional

import numpy
from numpy.typing import NDArray
from streamlib_bridge import Surface

from pixel_words import OPAQUE, Samples, Words, as_words, words_of

#: The weights of red and blue in luma.
WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
#: Fractional bits of the tables' numbers.
FRACTION = 16
#: Added to each luma, so that no sum is negative: sums index the tables that clamp.
HEADROOM = 512


class RgbaPictures:
    """Converts pictures, one after the other. Of ten bits the highest eight are used."""

    def __init__(self) -> None:
        self._converters: dict[tuple[str, bool], YuvToRgba] = {}

    def of(self, surface: Surface, color: Optional[Mapping[str, Any]]) -> Words:
        """A picture in words. That of `rgba8` is in the surface's own memory."""
        if surface.pixel_format == "rgba8":
            return words_of(surface.pixels)
        meant = color or {}
        matrix = meant.get("matrix") or ("bt601" if surface.height < 720 else "bt709")
        key = ("bt709" if matrix == "bt709" else "bt601", bool(meant.get("full_range")))
        if key not in self._converters:
            self._converters[key] = YuvToRgba(*key)
        return self._converters[key].convert(planes_of_eight_bits(surface))


def planes_of_eight_bits(surface: Surface) -> list[Samples]:
    """The planes Y, Cb and Cr, or Y alone."""
    planes = surface.planes
    if surface.pixel_format == "gray16":
        return [planes[0] >> 8]
    if surface.pixel_format == "p010":
        luma, chroma = planes
        return [luma >> 8, chroma[..., 0] >> 8, chroma[..., 1] >> 8]
    return list(planes)


class YuvToRgba:
    """Converts planes, of which chroma has half as many rows and columns, rounded up."""

    def __init__(self, matrix: str, full_range: bool) -> None:
        red, blue = WEIGHTS[matrix]
        green = 1 - red - blue
        one = 1 << FRACTION
        black = 0 if full_range else 16
        luma_scale = one if full_range else one * 255 / 219
        scale = one if full_range else one * 255 / 224
        self._luma = table(lambda luma: (luma - black) * luma_scale) + (HEADROOM * one + one // 2)
        self._red_of_cr = table(lambda cr: 2 * (1 - red) * ((cr - 128) * scale))
        self._green_of_cr = table(lambda cr: -2 * (1 - red) * red / green * ((cr - 128) * scale))
        self._green_of_cb = table(lambda cb: -2 * (1 - blue) * blue / green * ((cb - 128) * scale))
        self._blue_of_cb = table(lambda cb: 2 * (1 - blue) * ((cb - 128) * scale))
        # A channel's sum, clamped to 0 to 255.
        self._clamped = numpy.clip(numpy.arange(3 * HEADROOM) - HEADROOM, 0, 255).astype("uint32")

    def convert(self, planes: list[Samples]) -> Words:
        """A picture of its own."""
        luma = self._luma[planes[0]]
        if len(planes) == 1:
            return as_words(OPAQUE | self._channel(luma) * 0x01_01_01)
        cb, cr = (spread(plane, luma.shape) for plane in planes[1:])
        red = self._channel(luma + self._red_of_cr[cr])
        green = self._channel(luma + self._green_of_cr[cr] + self._green_of_cb[cb])
        blue = self._channel(luma + self._blue_of_cb[cb])
        return as_words(OPAQUE | blue << 16 | green << 8 | red)

    def _channel(self, sums: NDArray[numpy.int32]) -> Words:
        return as_words(self._clamped[sums >> FRACTION])


def table(value: Callable[[int], float]) -> NDArray[numpy.int32]:
    """A number for each byte, rounded as JavaScript rounds: a half goes up."""
    return numpy.array([floor(value(byte) + 0.5) for byte in range(256)], "int32")


def spread(chroma: Samples, shape: tuple[int, ...]) -> Samples:
    """Two rows and columns for each of a plane of chroma."""
    height, width = shape
    return chroma.repeat(2, 0)[:height].repeat(2, 1)[:, :width]
