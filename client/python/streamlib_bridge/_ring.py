"""The ring of a lane that the client writes: direction 1."""

from __future__ import annotations

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
        #: The most slots of one record.
        self._most = min(slots // 4, MAX_RECORD_SLOTS)
        self._start = LANE_SLOTS + LANE_SLOT_BYTES * slots
        self._head = 0
        #: How many slots the host has not read, at most.
        self._unread = 0

    def make_room(self, slots: int, after: int) -> bool:
        """Goes to where a record of `slots` slots can be written next. False: there is no room.

        Raises `ValueError` if the host's tail is impossible.
        """
        if slots > self._most:
            return False
        left = self._slots - (self._head & (self._slots - 1))
        skip = left if left < slots else 0
        if self._unread + skip + slots > self._slots and not self._has_room(skip + slots):
            return False
        while skip:
            part = min(skip, MAX_RECORD_SLOTS)
            self.put(skip_record(after, part), part)
            skip -= part
        return True

    def _has_room(self, slots: int) -> bool:
        """Looks how far the host has read."""
        tail = int.from_bytes(self._memory[_TAIL_AT : _TAIL_AT + 4], "little")
        unread = (self._head - tail) & _U32
        if unread > self._slots:
            raise ValueError(
                f"head = {self._head}, tail = {tail}, in a ring of {self._slots} slots"
            )
        self._unread = unread
        return unread + slots <= self._slots

    def put(self, record: bytes, slots: int) -> int:
        """Writes a record that there is room for. Returns the head to be shown."""
        at = self._start + LANE_SLOT_BYTES * (self._head & (self._slots - 1))
        self._memory[at : at + len(record)] = record
        self._head = (self._head + slots) & _U32
        self._unread += slots
        return self._head
