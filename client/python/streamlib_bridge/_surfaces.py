"""Surfaces and buffers as Python sees them: bytes, and numpy arrays over them.

Nothing here copies pixels. numpy is imported when an array is asked for, and is not
needed otherwise.
"""

from __future__ import annotations

import weakref
from importlib import import_module
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ._errors import BridgeError
from ._generated import PIXEL_FORMATS
from ._leases import Lease, window

#: The format characters of `array`, `struct` and `memoryview`, by element type.
ELEMENTS: Dict[str, str] = {
    "Int8": "b",
    "UInt8": "B",
    "Int16": "h",
    "UInt16": "H",
    "Float16": "e",
    "Int32": "i",
    "UInt32": "I",
    "Float32": "f",
    "Int64": "q",
    "UInt64": "Q",
    "Float64": "d",
}

ELEMENT_BYTES: Dict[str, int] = {
    name: {"b": 1, "h": 2, "e": 2, "i": 4, "f": 4, "q": 8, "d": 8}[character.lower()]
    for name, character in ELEMENTS.items()
}

#: Of each format with one plane: numpy's type of a component, and the components of a pixel.
_COMPONENTS: Dict[str, Tuple[str, int]] = {
    "bgra8": ("u1", 4),
    "rgba8": ("u1", 4),
    "rgba16f": ("f2", 4),
    "gray8": ("u1", 1),
    "gray16": ("u2", 1),
    "rgb10a2": ("u4", 1),
}

#: The same for the planes of the others.
_PLANE_COMPONENTS: Dict[str, Tuple[Tuple[str, int], ...]] = {
    "nv12": (("u1", 1), ("u1", 2)),
    "i420": (("u1", 1), ("u1", 1), ("u1", 1)),
    "p010": (("u2", 1), ("u2", 2)),
}


class Plane(NamedTuple):
    """One plane of a surface, in its memory."""

    offset: int  # bytes from the start of the memory
    width: int  # samples per row
    height: int  # rows
    bytes_per_row: int


class SurfaceLayout(NamedTuple):
    """What a surface is like."""

    width: int
    height: int
    bytes_per_row: int  # of the first plane
    pixel_format: str
    bytes: int  # with the padding of rows
    planes: Tuple[Plane, ...]
    id: int  # of the memory, the same in every process; 0: private


def _numpy(what: str) -> Any:
    try:
        return import_module("numpy")  # by its name: type checkers need no numpy either
    except ImportError:
        raise BridgeError(
            "client_failed",
            f"Cannot make an array of {what}: numpy is not installed for this Python; "
            "install it (python -m pip install numpy), or use the bytes: `buffer`",
        ) from None


class _Shared:
    """What surfaces and buffers have in common: memory on lease."""

    __slots__ = ("_use", "_lease", "_writable", "_view", "_array", "_why")

    def __init__(self, use: Any, lease: Optional[Lease], writable: bool) -> None:
        self._use = use
        self._lease: Optional[Lease] = lease
        self._writable = writable
        self._view: Optional[memoryview] = None
        self._array: Any = None
        #: Why the memory can no longer be used.
        self._why = ""

    def _open(self, size: int) -> memoryview:
        if self._view is None:
            if self._lease is None:
                raise BridgeError(
                    "closed",
                    f"Cannot use the memory of this frame: {self._why}, and it may hold "
                    "another frame. Keep a copy: frame.pixels.copy()",
                )
            self._lease.begins()
            address = self._use.piece.address(self._writable)
            self._view = window(address, size, self._lease, self._writable)
        return self._view

    def _end(self, why: str) -> "Optional[weakref.ref[Lease]]":
        """Gives the lease up. Returns it if somebody else still looks at the memory."""
        if self._lease is None:
            return None
        left = weakref.ref(self._lease)
        self._view = self._array = self._lease = None
        self._why = why
        return left if left() is not None else None


class Surface(_Shared):
    """A picture in shared memory.

    It is valid for as long as its frame. Views of it (`pixels`, `buffer`) stay valid
    for as long as you keep them; the sender cannot use the memory again before.
    """

    __slots__ = ("_layout",)

    def __init__(self, layout: SurfaceLayout, use: Any, lease: Lease, writable: bool) -> None:
        super().__init__(use, lease, writable)
        self._layout = layout

    @property
    def width(self) -> int:
        """Pixels per row."""
        return self._layout.width

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self._layout.height

    @property
    def bytes_per_row(self) -> int:
        """Bytes from the start of one row of the first plane to the start of the next."""
        return self._layout.bytes_per_row

    @property
    def pixel_format(self) -> str:
        """How the pixels are laid out, such as `rgba8`."""
        return self._layout.pixel_format

    @property
    def size_in_bytes(self) -> int:
        """The bytes of all planes with the padding of their rows."""
        return self._layout.bytes

    @property
    def buffer(self) -> memoryview:
        """The bytes of all planes with the padding of their rows. Read-only in a received frame."""
        return self._open(self._layout.bytes)

    @property
    def pixels(self) -> Any:
        """A numpy array over the picture, without a copy: height, width, components.

        Formats with one component have no last axis: `gray8` (uint8), `gray16` (uint16),
        and `rgb10a2`, whose pixels are uint32. A format with several planes has no such
        array: see `planes`. Raises `client_failed` without numpy.
        """
        if self._array is None or self._lease is None:
            buffer = self.buffer
            if self.pixel_format not in _COMPONENTS:
                raise BridgeError(
                    "bad_argument",
                    f"Cannot make one array of a surface of {self.pixel_format}: it has "
                    f"{len(self._layout.planes)} planes; use `planes`",
                )
            kind, components = _COMPONENTS[self.pixel_format]
            self._array = self._strided(buffer, self._layout.planes[0], kind, components)
        return self._array

    @property
    def planes(self) -> List[Any]:
        """A numpy array for each plane: rows, samples per row, components. Without a copy."""
        buffer, name = self.buffer, self.pixel_format
        kinds = _PLANE_COMPONENTS.get(name) or (_COMPONENTS[name],)
        return [
            self._strided(buffer, plane, kind, components)
            for plane, (kind, components) in zip(self._layout.planes, kinds)
        ]

    def _strided(self, buffer: memoryview, plane: Plane, kind: str, components: int) -> Any:
        numpy = _numpy("pixels")
        item = numpy.dtype(kind).itemsize
        shape: Tuple[int, ...] = (plane.height, plane.width)
        strides: Tuple[int, ...] = (plane.bytes_per_row, components * item)
        if components > 1:
            shape, strides = (*shape, components), (*strides, item)
        # frombuffer keeps the view, and with it read-only; ndarray(buffer=view) would not.
        flat = numpy.frombuffer(buffer, numpy.uint8)
        return numpy.ndarray(shape, kind, flat, plane.offset, strides)

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Any:
        numpy = _numpy("pixels")
        make = numpy.array if copy else numpy.asarray
        return make(self.pixels, dtype)

    def __dlpack__(self, **options: Any) -> Any:
        return self.pixels.__dlpack__(**options)

    def __dlpack_device__(self) -> Tuple[int, int]:
        return (1, 0)

    def __repr__(self) -> str:
        ended = f" ({self._why})" if self._lease is None else ""
        return f"<Surface {self.width}x{self.height} {self.pixel_format}{ended}>"


class Numbers(_Shared):
    """A numeric array in shared memory. It is valid as a `Surface` is."""

    __slots__ = ("element_type", "_length")

    def __init__(
        self, element_type: str, length: int, use: Any, lease: Lease, writable: bool
    ) -> None:
        super().__init__(use, lease, writable)
        #: The type of the elements, such as `Float32`.
        self.element_type = element_type
        self._length = length

    def __len__(self) -> int:
        return self._length

    @property
    def length(self) -> int:
        """The number of elements."""
        return self._length

    def shorten(self, length: int) -> None:
        """Leaves the beginning: the frame is sent with fewer elements. For data whose size is known last."""
        if not 0 <= length <= self._length:
            raise BridgeError(
                "bad_argument",
                f"Cannot shorten {self._length} elements to {length}: "
                f"the length must be from 0 to {self._length}",
            )
        self._length, self._array, self._view = length, None, None

    @property
    def buffer(self) -> memoryview:
        """The elements. Read-only in a received frame. It has their type: `buffer[0]` is a number.

        Those of `Float16` are their 16 bits, as integers: Python has no such views in each
        version. `array` has the numbers.
        """
        size = self._length * ELEMENT_BYTES[self.element_type]
        kind = ELEMENTS[self.element_type]
        view: Any = self._open(max(1, size))[:size]
        elements: memoryview = view.cast("H" if kind == "e" else kind)
        return elements

    @property
    def array(self) -> Any:
        """A numpy array over the elements, without a copy. Raises `client_failed` without numpy."""
        if self._array is None or self._lease is None:
            numpy = _numpy("numbers")
            kind = ELEMENTS[self.element_type]
            size = self._length * ELEMENT_BYTES[self.element_type]
            self._array = numpy.frombuffer(self._open(max(1, size)), kind, self._length)
        return self._array

    @property
    def size_in_bytes(self) -> int:
        """The bytes of the elements."""
        return self._length * ELEMENT_BYTES[self.element_type]

    def __getitem__(self, index: Any) -> Any:
        return self.buffer[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.buffer[index] = value

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Any:
        numpy = _numpy("numbers")
        make = numpy.array if copy else numpy.asarray
        return make(self.array, dtype)

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Tuple[int, int]:
        return (1, 0)

    def __repr__(self) -> str:
        ended = f" ({self._why})" if self._lease is None else ""
        return f"<Numbers {self._length} x {self.element_type}{ended}>"


def planes_of(width: int, height: int, pixel_format: str) -> List[Tuple[int, int, int]]:
    """The planes that a surface of this size has: samples per row, rows, bytes per sample."""
    return [
        (-(-width // plane.horizontal), -(-height // plane.vertical), plane.sample_bytes)
        for plane in PIXEL_FORMATS[pixel_format].planes
    ]
