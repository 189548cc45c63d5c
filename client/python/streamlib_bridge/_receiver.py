"""The receiving half of a port: the frames that have come, and who reads them."""

from __future__ import annotations

from array import array
from collections import deque
from typing import TYPE_CHECKING, Any, AsyncIterator, Deque, Dict, Iterator, List, Optional, Tuple

from ._generated import MAX_UNCONFIRMED_BYTES, MAX_UNCONFIRMED_FRAMES, MAX_UNREAD_BYTES
from ._leased_frame import Frame, Memory
from ._leases import BareFrame, Lease
from ._port_half import PortHalf
from ._surfaces import Numbers, Surface
from ._types import Port

if TYPE_CHECKING:
    from ._channel import Channel


class Receiver(PortHalf):
    """Receives frames from the host."""

    def __init__(self, channel: "Channel", name: str, port: Port, index: int) -> None:
        super().__init__(channel, name, port)
        self._index = index
        self._unread: Deque[Tuple[Frame, int]] = deque()
        self._cost = 0
        self.has_end = False
        self.received = 0
        self.dropped = 0
        self.bytes = 0
        #: On a port that skips to the latest: the frames without memory that were not confirmed yet.
        self._unconfirmed: List[int] = []
        self._unconfirmed_cost = 0
        self._read_in_order = 0

    # ---- for users ----

    @property
    def ended(self) -> bool:
        """Whether the host has ended the port, and its frames were read."""
        return self.has_end and not self._unread

    @property
    def size(self) -> int:
        """Frames that were received and not read."""
        return len(self._unread)

    def get(self) -> Optional[Frame]:
        """The next frame, without waiting: the newest on a port that skips, else the oldest. None if there is none."""
        self._channel.poll()
        if not self.in_order:
            while len(self._unread) > 1:
                self._drop(self._shift())
        return self._shift()

    def recv(self, timeout: Optional[float] = None) -> Optional[Frame]:
        """The next frame; waits for it, for at most `timeout` seconds.

        None if the time has passed, or no frame will come. Raises the channel's failure.
        """
        channel = self._channel
        end = channel.waiting.deadline(timeout)
        while True:
            frame = self.get()
            if frame is not None or self._is_over():
                return frame
            left = end()
            if left is not None and left <= 0:
                return None
            channel.waiting.block(left)

    async def next(self) -> Optional[Frame]:
        """The next frame, for a processor with `async` functions. None if no frame will come."""
        while True:
            frame = self.get()
            if frame is not None or self._is_over():
                return frame
            await self._channel.waiting.wait(None)

    def __iter__(self) -> Iterator[Frame]:
        """The frames until the end of the port."""
        while True:
            frame = self.recv()
            if frame is None:
                return
            yield frame

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while True:
            frame = await self.next()
            if frame is None:
                return
            yield frame

    def _is_over(self) -> bool:
        if self.ended or not self.connected:
            return True
        if self._channel.is_over:
            if self._channel.failure is not None:
                raise self._channel.failure
            return True
        return False

    # ---- for the channel ----

    @property
    def taken(self) -> int:
        """Frames that were read, or dropped unread."""
        return self.received - len(self._unread)

    def is_past(self, count: int) -> bool:
        """Whether the first `count` frames were taken, or will be dropped because a newer one has come."""
        return self.taken >= count or (not self.in_order and self.received > count)

    def _shift(self) -> Optional[Frame]:
        if not self._unread:
            return None
        frame, cost = self._unread.popleft()
        self._cost -= cost
        self._channel.status.took(self._index, self.taken)
        return frame

    def _drop(self, frame: Optional[Frame]) -> None:
        self.dropped += 1
        if frame is not None:
            frame.release()

    def put(self, id: int, values: Dict[str, Any], memory: List[Memory], cost: int, has_memory: bool) -> None:
        """Adds a frame. `has_memory`: the releases of its memory confirm it."""
        in_order = self.in_order
        bare: Optional[Lease] = None
        if in_order and not has_memory:
            bare = Lease(self._channel.ends, BareFrame(self._read, id))
        frame = Frame(self, values, memory, bare)
        self.received += 1
        self.bytes += _bytes_of(values)
        is_full = len(self._unread) >= self.capacity or self._cost >= MAX_UNREAD_BYTES
        if in_order and is_full:
            self._drop(frame)
            return
        while not in_order and self._unread and (
            len(self._unread) >= self.capacity or self._cost >= MAX_UNREAD_BYTES
        ):
            self._drop(self._shift())
        self._unread.append((frame, cost))
        self._cost += cost
        self._channel.arrivals += 1
        if not in_order and not has_memory:
            self._confirm(id, cost)

    def _read(self, id: int) -> None:
        """A frame without memory was read and is no longer needed."""
        self._read_in_order += 1
        is_urgent = self._read_in_order % (self.capacity >> 2 or 1) == 0
        self._channel.releases.frame(id, is_urgent)

    def _confirm(self, id: int, cost: int) -> None:
        """Confirms a frame together with others: early enough that the sender need not wait."""
        self._unconfirmed.append(id)
        self._unconfirmed_cost += cost
        allowed = min(self.capacity, MAX_UNCONFIRMED_FRAMES)
        if (
            len(self._unconfirmed) >= allowed // 2
            or self._unconfirmed_cost >= MAX_UNCONFIRMED_BYTES // 2
        ):
            self._confirm_all()

    def _confirm_all(self) -> None:
        for id in self._unconfirmed:
            self._channel.releases.frame(id, True)
        self._unconfirmed, self._unconfirmed_cost = [], 0

    def put_end(self) -> None:
        """The host has ended the port."""
        self._confirm_all()  # no frame follows that they could be confirmed with
        self.has_end = True


def _bytes_of(value: Any) -> int:
    """The bytes of textures, buffers, data and arrays of numbers in a value, at any depth."""
    if isinstance(value, (Surface, Numbers)):
        return value.size_in_bytes
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, array):
        return len(value) * value.itemsize
    if isinstance(value, dict):
        return sum(map(_bytes_of, value.values()))
    return sum(map(_bytes_of, value)) if isinstance(value, list) else 0
