"""Who holds shared memory, and until when.

A piece is one surface or one region, kept for many frames. A use is one content of
it: from the time when its producer begins to fill it, until nobody reads it any
more. A lease holds a use for as long as some Python object refers to the lease: a
frame, a memoryview, a numpy array, on whatever thread.

A lease can end on any thread, at any time, inside any other code. So its end does
one thing, which is safe everywhere: it puts the use into a queue. The thread of the
channel empties that queue.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from typing import Any, Callable, Deque, Protocol


class Holding(Protocol):
    """Something that a lease holds."""

    def release(self) -> None: ...


class Ends(Deque[Holding]):
    """The leases that have ended and were not looked at yet."""

    #: How many leases were made and not released by `settle`. Only the channel's thread does both.
    out = 0


class Owner(Protocol):
    """Gets a piece back."""

    def idle(self, use: "Use", /) -> None: ...


class Use:
    """One content of a piece. The maker is its first holder."""

    __slots__ = ("piece", "owner", "generation", "_holders")

    def __init__(self, piece: Any, owner: Owner, generation: int = 0) -> None:
        self.piece = piece
        self.owner = owner
        #: The number of this use, if the piece is a peer's.
        self.generation = generation
        self._holders = 1

    def hold(self) -> "Use":
        self._holders += 1
        return self

    def release(self) -> None:
        self._holders -= 1
        if self._holders == 0:
            self.owner.idle(self)


class Look:
    """A hold on a use by who may look at its memory. On macOS a surface is locked meanwhile."""

    __slots__ = ("_use", "_is_locked", "_read_only")

    def __init__(self, use: Use, read_only: bool) -> None:
        self._use = use
        self._read_only = read_only
        self._is_locked = False

    def begins(self) -> None:
        """The memory is looked at from now on."""
        if not self._is_locked:
            self._use.piece.lock(self._read_only)
            self._is_locked = True

    def release(self) -> None:
        if self._is_locked:
            self._use.piece.unlock(self._read_only)
        self._use.release()


class BareFrame:
    """A received frame without memory: its end confirms it to its sender."""

    __slots__ = ("_confirm", "_number")

    def __init__(self, confirm: Callable[[int], None], number: int) -> None:
        self._confirm = confirm
        self._number = number

    def release(self) -> None:
        self._confirm(self._number)


class Lease:
    """Takes a hold over. Ends with the last reference to it."""

    __slots__ = ("_ends", "_held", "__weakref__")

    def __init__(self, ends: Ends, held: Holding) -> None:
        self._ends = ends
        self._held = held
        ends.out += 1

    def begins(self) -> None:
        """The memory that it holds is looked at from now on."""
        if isinstance(self._held, Look):
            self._held.begins()

    def __del__(self) -> None:
        self._ends.append(self._held)


def settle(ends: Ends) -> None:
    """Releases what leases held that have ended."""
    while ends:
        ends.out -= 1
        ends.popleft().release()


# ---- windows ----

#: ctypes makes a class for each size. The least recently used are forgotten.
_MAX_KINDS = 64
_kinds: "OrderedDict[int, type]" = OrderedDict()


def window(address: int, size: int, lease: Any, writable: bool) -> memoryview:
    """Bytes at an address, without a copy. Whoever looks at them keeps `lease`.

    The view is read-only for good unless `writable`: what is made of it by
    `numpy.frombuffer` cannot be made writable again.
    """
    kind = _kinds.get(size)
    if kind is None:
        # A subclass, so that it takes an attribute.
        kind = type("Window", (ctypes.c_uint8 * size,), {})
        _kinds[size] = kind
        if len(_kinds) > _MAX_KINDS:
            _kinds.popitem(last=False)
    else:
        _kinds.move_to_end(size)
    memory: Any = kind.from_address(address)  # type: ignore[attr-defined]
    memory.lease = lease
    view = memoryview(memory).cast("B")
    return view if writable else view.toreadonly()


