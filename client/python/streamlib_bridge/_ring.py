"""The ring of a lane that the client writes: direction 1."""

from __future__ import annotations

from typing import Callable, Optional

from ._generated import (
    LANE_HEADER_BYTES,
    LANE_HEADERS,
    LANE_SLOT_BYTES,
    LANE_SLOTS,
    LANE_TAIL,
    MAX_RECORD_SLOTS,
)
from ._record import skip_record

_U32 = 0xFFFF_FFFF
_TAIL_AT = LANE_HEADERS + LANE_HEADER_BYTES + LANE_TAIL


class RingWriter:
    """Writes records. It counts its slots itself: the host can change what is in the memory."""

    def __init__(self, memory: memoryview, slots: int) -> None:
        self._memory = memory
        self._slots = slots
        self._start = LANE_SLOTS + LANE_SLOT_BYTES * slots
        self._head = 0
        #: How many slots the host has not read, at most.
        self._unread = 0

    def write(self, slots: int, record: Callable[[], bytes], after: int) -> Optional[int]:
        """Writes a record of `slots` slots. Returns the head to be shown; None: there is no room.

        Raises `ValueError` if the host's tail is impossible.
        """
        if slots > min(self._slots // 4, MAX_RECORD_SLOTS):
            return None
        left = self._slots - (self._head & (self._slots - 1))
        skip = left if left < slots else 0
        if not self._has_room(skip + slots):
            return None
        while skip:
            part = min(skip, MAX_RECORD_SLOTS)
            self._put(skip_record(after, part), part)
            skip -= part
        self._put(record(), slots)
        return self._head

    def _has_room(self, slots: int) -> bool:
        if self._unread + slots <= self._slots:
            return True
        tail = int.from_bytes(self._memory[_TAIL_AT : _TAIL_AT + 4], "little")
        unread = (self._head - tail) & _U32
        if unread > self._slots:
            raise ValueError(
                f"head = {self._head}, tail = {tail}, in a ring of {self._slots} slots"
            )
        self._unread = unread
        return unread + slots <= self._slots

    def _put(self, record: bytes, slots: int) -> None:
        at = self._start + LANE_SLOT_BYTES * (self._head & (self._slots - 1))
        self._memory[at : at + len(record)] = record
        self._head = (self._head + slots) & _U32
        self._unread += slots
