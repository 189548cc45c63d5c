"""Pieces of shared memory, and the pools of our own."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Dict, Optional, Set, Tuple, Union

from ._errors import BridgeError
from ._generated import PIXEL_FORMATS
from ._leases import Use
from ._native import Native
from ._packed import Capability
from ._surfaces import Plane, SurfaceLayout, planes_of

if TYPE_CHECKING:
    from ._offered import Offer

_SURFACE_VALUES = 32  # SLB_SURFACE_VALUES
_FORMAT_OF_CODE = {layout.four_cc: name for name, layout in PIXEL_FORMATS.items()}

#: What a surface or a buffer must be like: width, height, format; or a number of bytes.
SurfaceSpec = Tuple[int, int, str]
BufferSpec = int


class Piece:
    """A surface or a region of shared memory, mapped when it is first looked at."""

    #: How many there are in this process.
    count = 0

    def __init__(self, native: Native, handle: int, kind: str) -> None:
        self._native = native
        self.handle = handle
        self.kind = kind
        #: The offers of it to the host.
        self.offers: Set["Offer"] = set()
        #: Somebody may look at it for as long as the host lives: it is not filled again.
        self.is_given_away = False
        self._address: Optional[int] = None
        self._address_to_read: Optional[int] = None
        #: Of a surface.
        self.layout: Optional[SurfaceLayout] = None
        if kind == "surface":
            try:
                self.layout = _layout(native, handle)
            except BridgeError:
                native.release(handle)
                raise
        Piece.count += 1

    @property
    def capability(self) -> Capability:
        return Capability(self.kind, self.handle)

    def address(self, writable: bool = True) -> int:
        """Where the memory is in this process. What is received is mapped for reading only."""
        known = self._address if writable else self._address_to_read
        if known is not None:
            return known
        lib, is_surface = self._native.lib, self.kind == "surface"
        if writable:
            address = (lib.slb_surface_map if is_surface else lib.slb_shmem_map)(self.handle)
        else:
            map_read = lib.slb_surface_map_read if is_surface else lib.slb_shmem_map_read
            address = map_read(self.handle)
        if not address:
            raise self._native.failure()
        if writable:
            self._address = int(address)
        else:
            self._address_to_read = int(address)
        return int(address)

    def lock(self, read_only: bool) -> None:
        """Begins access to a surface by this processor. Raises `native_failure`."""
        if self.kind == "surface":
            self._native.checked(self._native.lib.slb_surface_lock(self.handle, int(read_only)))

    def unlock(self, read_only: bool) -> None:
        """Ends it. Another lock may still be there."""
        if self.kind == "surface":
            self._native.lib.slb_surface_unlock(self.handle, int(read_only))

    def bytes(self) -> int:
        """The size of a buffer's memory."""
        if self._address is None:
            self.address(False)
        return int(self._native.lib.slb_shmem_bytes(self.handle))

    def dispose(self) -> None:
        """Releases the memory. Nobody looks at it."""
        for offer in list(self.offers):
            offer.retire()
        self._native.release(self.handle)
        Piece.count -= 1


def _layout(native: Native, handle: int) -> SurfaceLayout:
    """Reads what a surface is like. Raises `malformed_message` if its planes are not those of its format."""
    values = (ctypes.c_uint32 * _SURFACE_VALUES)()
    native.checked(native.lib.slb_surface_layout(handle, values))
    width, height, bytes_per_row, code = values[:4]
    modifier = values[8] | values[9] << 32
    name = _FORMAT_OF_CODE.get(code)
    if name is None or modifier:
        raise BridgeError(
            "malformed_message",
            f"Cannot use a surface of the format 0x{code:08x}, modifier {modifier}",
        )
    planes = []
    for index in range(values[10]):
        low, high, samples, rows, stride = values[12 + 5 * index : 17 + 5 * index]
        planes.append(Plane(low | high << 32, samples, rows, stride))
    wanted = planes_of(width, height, name)
    if [(plane.width, plane.height) for plane in planes] != [each[:2] for each in wanted]:
        raise BridgeError(
            "malformed_message", f"Cannot use a surface of {name}: its planes are not those of {name}"
        )
    id = values[6] | values[7] << 32
    # The system may have rounded the memory up: what is behind the last row is nobody's.
    size = max(plane.offset + plane.bytes_per_row * plane.height for plane in planes)
    return SurfaceLayout(width, height, bytes_per_row, name, size, tuple(planes), id)


# ---- our own memory ----


class PrivateMemory:
    """Memory of this process, for a frame that is dropped when it is sent: its port had no room."""

    def __init__(self, spec: Union[SurfaceSpec, BufferSpec]) -> None:
        self.layout: Optional[SurfaceLayout] = None
        size = spec if isinstance(spec, int) else 0
        if not isinstance(spec, int):
            planes, offset = [], 0
            for samples, rows, sample_bytes in planes_of(*spec):
                planes.append(Plane(offset, samples, rows, samples * sample_bytes))
                offset += samples * sample_bytes * rows
            size = offset
            stride = planes[0].bytes_per_row
            self.layout = SurfaceLayout(*spec[:2], stride, spec[2], size, tuple(planes), 0)
        self._bytes = ctypes.create_string_buffer(max(1, size))

    def address(self, _writable: bool = True) -> int:
        return ctypes.addressof(self._bytes)

    def lock(self, _read_only: bool) -> None:
        """There is nothing to lock."""

    unlock = lock

    def idle(self, _use: Use) -> None:
        """Nobody holds it: it is freed."""


class MemoryPool:
    """The memory of one place in the frames of a port, made once and used many times."""

    def __init__(self, native: Native, kind: str, bound: int) -> None:
        self._native = native
        self._kind = kind
        #: The most pieces. May be lowered before the first is taken.
        self.bound = bound
        self._pieces: Dict[Piece, Optional[Use]] = {}

    def has_room(self, count: int) -> bool:
        """Whether the next `count` pieces can be taken."""
        room = self.bound - len(self._pieces)
        return room >= count or room + self._idle_count() >= count

    def _idle_count(self) -> int:
        return sum(use is None for use in self._pieces.values())

    def take(self, spec: Union[SurfaceSpec, BufferSpec]) -> Optional[Use]:
        """The use of a piece to fill, or None if all are in use. The caller holds it."""
        free: Optional[Piece] = None
        for piece, use in list(self._pieces.items()):
            if use is not None:
                continue
            if piece.is_given_away:
                del self._pieces[piece]
                piece.dispose()
            elif _fits(piece, spec):
                return self._use(piece)
            else:
                free = free or piece
        if len(self._pieces) >= self.bound:
            if free is None:
                return None
            del self._pieces[free]  # of another size: makes room
            free.dispose()
        return self._use(self._make(spec))

    def _make(self, spec: Union[SurfaceSpec, BufferSpec]) -> Piece:
        native = self._native
        if isinstance(spec, int):
            return Piece(native, native.created(native.lib.slb_shmem_create(native.queue, spec)), "shmem")
        width, height, name = spec
        numbers = [number for plane in planes_of(width, height, name) for number in plane]
        planes = (ctypes.c_uint32 * len(numbers))(*numbers)
        code = PIXEL_FORMATS[name].four_cc
        create = native.lib.slb_surface_create
        handle = create(native.queue, width, height, code, planes, len(numbers) // 3)
        return Piece(native, native.created(handle), "surface")

    def _use(self, piece: Piece) -> Use:
        use = self._pieces[piece] = Use(piece, self)
        return use

    def idle(self, use: Use) -> None:
        self._pieces[use.piece] = None


def _fits(piece: Piece, spec: Union[SurfaceSpec, BufferSpec]) -> bool:
    if isinstance(spec, int):
        return piece.bytes() >= spec
    layout = piece.layout
    return layout is not None and (layout.width, layout.height, layout.pixel_format) == spec
