"""The shared memory that the host has offered, and what frames name of it."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Tuple, Union

from ._errors import BridgeError
from ._generated import MAX_OFFERED
from ._leases import Ends, Lease, Look, Owner, Use
from ._memory import Piece
from ._native import Native
from ._offered import OfferedMemory
from ._packed import Capability
from ._surfaces import ELEMENT_BYTES, Numbers, Surface


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
        return Use(self.piece, self, generation)

    def idle(self, use: Use) -> None:
        self._uses -= 1
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
        #: Why pieces could not be taken.
        self._refused: Dict[int, str] = {}

    def offer(self, id: int, capability: Capability) -> None:
        """Takes offered memory over. Raises `malformed_message`."""
        if id in self._imported or len(self._imported) >= MAX_OFFERED:
            why = "this id is in use" if id in self._imported else f"{MAX_OFFERED} are offered already"
            raise BridgeError("malformed_message", f"Cannot accept surface {id}: {why}")
        try:
            piece = Piece(self._native, capability.take(), capability.kind)
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
            piece = Piece(self._native, capability.take(), capability.kind)
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
        #: Their uses of the host's pieces: a piece that is named twice is released once, at the end of both.
        self._uses: Dict[Tuple[int, int], Use] = {}
        self.has_hosts_memory = False

    def begin(self) -> None:
        """The next frame is read."""
        self.values, self._leases, self._uses, self.has_hosts_memory = [], [], {}, False

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
        known = self._uses.get((id, generation))
        if known is not None:
            return known.hold()
        found = self._table.use(id, generation)
        if not isinstance(found, str):
            self._uses[id, generation] = found
            self.has_hosts_memory = True
        return found

    def _lease(self, use: Union[Use, str]) -> Union[Lease, str]:
        """A lease that takes the hold over. It ends by itself if the frame does not fit."""
        if isinstance(use, str):
            return use
        if len(self._leases) >= MAX_OFFERED:
            use.release()
            return f"one more than the {MAX_OFFERED} pieces that a frame can have"
        lease = Lease(self._ends, Look(use, True))
        self._leases.append(lease)
        return lease
