"""Pieces of shared memory on one channel: our own, in pools and offered to the host,
and the host's, which it has offered to us.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

from ._errors import BridgeError
from ._generated import MAX_OFFERED, PIXEL_FORMATS
from ._leases import Ends, Lease, Owner, Use
from ._native import Native
from ._packed import Capability, Message, UInt64
from ._surfaces import ELEMENT_BYTES, Numbers, Plane, Surface, SurfaceLayout, planes_of

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

    def idle(self, _use: Use) -> None:
        """Nobody holds it: it is freed."""


class MemoryPool:
    """The memory of one place in the frames of a port, made once and used many times."""

    def __init__(self, native: Native, kind: str, bound: int, freed: Callable[[], None]) -> None:
        self._native = native
        self._kind = kind
        #: The most pieces. May be lowered before the first is taken.
        self.bound = bound
        self._freed = freed
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
        self._freed()


def _fits(piece: Piece, spec: Union[SurfaceSpec, BufferSpec]) -> bool:
    if isinstance(spec, int):
        return piece.bytes() >= spec
    layout = piece.layout
    return layout is not None and (layout.width, layout.height, layout.pixel_format) == spec


class Offer:
    """A piece that was offered to the host. It is idle, or taken for one frame."""

    __slots__ = ("piece", "id", "generation", "is_announced", "use", "is_out", "returned", "_memory")

    def __init__(self, memory: "OfferedMemory", piece: Piece, id: int) -> None:
        self._memory = memory
        self.piece = piece
        self.id = id
        #: How often it was sent. A release of an earlier time has no effect.
        self.generation = 0
        self.is_announced = False
        self.use: Optional[Use] = None
        #: Whether the frame that it is taken for was sent.
        self.is_out = False
        #: Called when the host has released it.
        self.returned: Callable[[], None] = lambda: None
        piece.offers.add(self)

    def take(self, use: Use, returned: Callable[[], None]) -> None:
        self.generation = (self.generation + 1) & 0xFFFF_FFFF
        self.use = use.hold()
        self.returned = returned

    def give_back(self) -> None:
        use, self.use, self.is_out = self.use, None, False
        if use is not None:
            use.release()

    def retire(self) -> None:
        self._memory.retire(self)


class OfferedMemory:
    """What the host was offered, by id, the least recently used first."""

    def __init__(self, control: Callable[[str, Message], None], has_room_again: Callable[[], None]) -> None:
        self._control = control
        self._has_room_again = has_room_again
        self._offers: "OrderedDict[int, Offer]" = OrderedDict()
        self._last_id = 0

    def has_room(self, count: int) -> bool:
        """Whether `count` more pieces can be with the host."""
        room = MAX_OFFERED - len(self._offers)
        if room >= count:
            return True
        return room + sum(offer.use is None for offer in self._offers.values()) >= count

    def reserve(self, use: Use, returned: Callable[[], None]) -> Offer:
        """Takes an offer of a piece for one frame. There is room."""
        offer = next((each for each in use.piece.offers if each.use is None), None)
        if offer is not None:
            self._offers.move_to_end(offer.id)
        else:
            offer = self._add(use.piece)
        offer.take(use, returned)
        return offer

    def _add(self, piece: Piece) -> Offer:
        if len(self._offers) >= MAX_OFFERED:
            self.retire(next(each for each in self._offers.values() if each.use is None))
        self._last_id += 1
        offer = self._offers[self._last_id] = Offer(self, piece, self._last_id)
        return offer

    def announce(self, offer: Offer) -> None:
        """Tells the host of the piece, once."""
        if not offer.is_announced:
            self._control(
                "surface_offer",
                {"surface_id": UInt64(offer.id), "surface": offer.piece.capability},
            )
            offer.is_announced = True

    def retire(self, offer: Offer) -> None:
        """Tells the host that an idle piece will not be sent again."""
        self._offers.pop(offer.id, None)
        offer.piece.offers.discard(offer)
        if offer.is_announced:
            self._control("surface_retire", {"surface_id": UInt64(offer.id)})

    def find(self, id: int, generation: int) -> Optional[Use]:
        """What the host holds under a name."""
        offer = self._offers.get(id)
        return offer.use if offer and offer.is_out and offer.generation == generation else None

    def released(self, id: int, generation: int, given_away: bool) -> bool:
        """The host has released a piece. Returns whether that has an effect."""
        offer = self._offers.get(id)
        if offer is None or not offer.is_out or offer.generation != generation:
            return False
        returned = offer.returned
        if given_away:
            offer.piece.is_given_away = True
        offer.give_back()
        returned()
        if len(self._offers) >= MAX_OFFERED - 1:
            self._has_room_again()
        return True


# ---- the host's memory ----


class _Imported(Owner):
    """A piece that the host has offered."""

    def __init__(self, table: "MemoryTable", piece: Piece, id: Optional[int]) -> None:
        self._table = table
        self.piece = piece
        self.id = id
        self.is_retired = id is None
        self._uses = 0

    def use(self, generation: int) -> Use:
        self._uses += 1
        self._table.uses += 1
        return Use(self.piece, self, generation)

    def idle(self, use: Use) -> None:
        self._uses -= 1
        self._table.uses -= 1
        if not self.is_retired and self.id is not None:
            self._table.release(self.id, use.generation)
        elif self._uses == 0:
            self.piece.dispose()

    def retire(self) -> None:
        self.is_retired = True
        if self._uses == 0:
            self.piece.dispose()


class MemoryTable:
    """The pieces that the host has offered and not retired."""

    def __init__(self, native: Native, release: Callable[[int, int], None]) -> None:
        self._native = native
        #: Tells the host that a use has ended.
        self.release = release
        self._imported: Dict[int, _Imported] = {}
        #: The uses that have not ended.
        self.uses = 0
        #: Why pieces could not be taken.
        self._refused: Dict[int, str] = {}

    def offer(self, id: int, capability: Capability) -> None:
        """Takes offered memory over. Raises `malformed_message`."""
        native = self._native
        if id in self._imported or len(self._imported) >= MAX_OFFERED:
            native.release(capability.handle)
            why = "this id is in use" if id in self._imported else f"{MAX_OFFERED} are offered already"
            raise BridgeError("malformed_message", f"Cannot accept surface {id}: {why}")
        try:
            piece = Piece(native, capability.handle, capability.kind)
        except BridgeError as error:
            if len(self._refused) < MAX_OFFERED:
                self._refused[id] = error.message
            raise
        self._imported[id] = _Imported(self, piece, id)

    def retire(self, id: int) -> None:
        """The host will not name this piece again."""
        self._refused.pop(id, None)
        imported = self._imported.pop(id, None)
        if imported is not None:
            imported.retire()

    def has(self, id: int) -> bool:
        return id in self._imported

    def use(self, id: int, generation: int) -> Union[Use, str]:
        """The use of a piece, which the caller holds, or why there is none."""
        imported = self._imported.get(id)
        if imported is not None:
            return imported.use(generation)
        refused = self._refused.get(id)
        why = f"refused: {refused}" if refused else "never offered or is retired"
        return f"surface {id}, which was {why}"

    def use_once(self, capability: Capability) -> Union[Use, str]:
        """The use of memory that was sent inside a frame. It is released afterwards."""
        try:
            piece = Piece(self._native, capability.handle, capability.kind)
        except BridgeError as error:
            return error.message
        return _Imported(self, piece, None).use(0)

    def id_of(self, use: Use) -> Optional[int]:
        """The id by which the host knows a piece as its own."""
        owner = use.owner
        if isinstance(owner, _Imported) and owner.id is not None:
            return owner.id if self._imported.get(owner.id) is owner else None
        return None


class FrameFinder:
    """Finds the memory that a received frame names. Each name is checked."""

    def __init__(self, table: MemoryTable, offered: OfferedMemory, ends: Ends) -> None:
        self._table = table
        self._offered = offered
        self._ends = ends
        #: The memory of the frame that is read.
        self.values: List[Union[Surface, Numbers]] = []
        self._leases: List[Lease] = []
        self.has_hosts_memory = False

    def begin(self) -> None:
        """The next frame is read."""
        self.values, self._leases, self.has_hosts_memory = [], [], False

    def texture(self, id: int, generation: int, moved: bool) -> Union[Surface, str]:
        return self._surface(self._find(id, generation, moved))

    def bare(self, capability: Capability) -> Union[Surface, str]:
        if capability.kind != "surface":
            return f"a bare {capability.kind}"
        self.has_hosts_memory = True
        return self._surface(self._table.use_once(capability))

    def _surface(self, use: Union[Use, str]) -> Union[Surface, str]:
        lease = self._lease(use)
        if isinstance(lease, str) or isinstance(use, str):
            return str(lease)
        layout = use.piece.layout
        if layout is None:
            return "a buffer's memory"
        try:
            use.piece.address(False)  # so that reading its pixels cannot fail later
        except BridgeError as error:
            return error.message
        surface = Surface(layout, use, lease, False)
        self.values.append(surface)
        return surface

    def buffer(
        self, id: int, generation: int, moved: bool, element_type: str, length: Optional[int]
    ) -> Union[Numbers, str]:
        use = self._find(id, generation, moved)
        lease = self._lease(use)
        if isinstance(lease, str) or isinstance(use, str):
            return str(lease)
        if use.piece.layout is not None:
            return "a surface"
        if length is None:
            return "a buffer without its length"
        try:
            size = use.piece.bytes()
        except BridgeError as error:
            return error.message
        if length * ELEMENT_BYTES[element_type] > size:
            return f"{length} numbers in memory of {size} bytes"
        numbers = Numbers(element_type, length, use, lease, False)
        self.values.append(numbers)
        return numbers

    def _find(self, id: int, generation: int, moved: bool) -> Union[Use, str]:
        if moved:
            use = self._offered.find(id, generation)
            return use.hold() if use else f"surface {id} of this side, which the sender does not hold"
        found = self._table.use(id, generation)
        if not isinstance(found, str):
            self.has_hosts_memory = True
        return found

    def _lease(self, use: Union[Use, str]) -> Union[Lease, str]:
        """A lease that takes the hold over. It ends by itself if the frame does not fit."""
        if isinstance(use, str):
            return use
        if len(self._leases) >= MAX_OFFERED:
            use.release()
            return f"one more than the {MAX_OFFERED} pieces that a frame can have"
        lease = Lease(self._ends, use)
        self._leases.append(lease)
        return lease
