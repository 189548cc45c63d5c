"""The sending half of a port: what may be sent now, what waits, what is dropped.

A frame is unconfirmed from sending until the host has released it. What was sent cannot
be withdrawn, so the number and the bytes of a port's unconfirmed frames are bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple, Union

from ._codec import Misfit
from ._copying import copy_memory, sizes_of
from ._errors import BridgeError
from ._failures import text_of
from ._flight import Flight
from ._generated import MAX_UNCONFIRMED_BYTES, MAX_UNCONFIRMED_FRAMES
from ._leased_frame import Frame
from ._leases import Lease, settle
from ._port_half import PortHalf
from ._template import Completion, Filling, FrameMemory
from ._types import Port

if TYPE_CHECKING:
    from ._agreement import PortTerms
    from ._channel import Channel


class _Place:
    """An acquired frame: it takes a place of its port until it is sent or released."""

    __slots__ = ("_sender",)

    def __init__(self, sender: "Sender") -> None:
        self._sender = sender

    def release(self) -> None:
        self._sender._acquired -= 1


class Sender(PortHalf):
    """Sends frames to the host."""

    def __init__(self, channel: "Channel", name: str, port: Port) -> None:
        super().__init__(channel, name, port)
        self._completion = Completion(port.schema, channel.now_ns)
        self.memory = FrameMemory(channel.native, port.schema, self._limit, channel.ends)
        self._acquired = 0
        self._count = 0  # frames acquired so far
        self._out = 0
        self._out_cost = 0
        self._bare: Dict[int, Flight] = {}
        #: The newest frame, if it could not be sent yet: how to send it, its flight, whether it has memory.
        self._next: Optional[Tuple[Callable[[], Tuple[int, int]], Flight, bool]] = None
        self._last_shared = False
        self._last_pieces = 0
        self._ended: Optional[BridgeError] = None
        self._end_told = False
        self.sent = 0
        self.dropped = 0

    @property
    def _limit(self) -> int:
        """The most frames with memory that are held, wait or are out at one time."""
        return self.capacity if self.in_order else self.capacity + 3

    def agree(self, terms: Optional["PortTerms"]) -> None:
        super().agree(terms)
        if terms is not None:
            self._completion = Completion(terms.schema, self._channel.now_ns)
            self._completion.pixel_format = terms.agreed_format

    # ---- room ----

    @property
    def _has_free(self) -> bool:
        waiting = 1 if self._next is not None and self._next[2] else 0
        return self._acquired + self._out + waiting < self._limit

    def _may_send(self, is_shared: bool) -> bool:
        """Whether one more frame may be on its way."""
        if self._out == 0:
            return True
        if self._out_cost >= MAX_UNCONFIRMED_BYTES:
            return False
        if self.in_order:
            return True  # acquiring has counted it
        most = self.capacity + 1 if is_shared else min(self.capacity, MAX_UNCONFIRMED_FRAMES)
        return self._out < most

    def has_room(self) -> bool:
        """Whether a frame like the last one would be taken now."""
        self._channel.poll()
        return (
            self._channel.is_open
            and self.connected
            and self._has_free
            and self._next is None
            and self._may_send(self._last_shared)
            and self.memory.has_room
            and self._channel.offered.has_room(self._last_pieces)
        )

    def wait_room(self, timeout: Optional[float] = None) -> bool:
        """Waits until a frame would be taken, for at most `timeout` seconds. Returns whether one would.

        Raises the channel's failure, and `closed` once it is closed.
        """
        channel = self._channel
        end = channel.waiting.deadline(timeout)
        while not self.has_room():
            self._check_open()
            left = end()
            if left is not None and left <= 0:
                return False
            channel.waiting.block(left)
        return True

    async def ready(self) -> None:
        """As `wait_room`, for a processor with `async` functions."""
        while not self.has_room():
            self._check_open()
            await self._channel.waiting.wait(None)

    def _check_open(self) -> None:
        over = self._over
        if over is not None:
            raise over
        if not self.connected:
            raise BridgeError(
                "closed",
                f"Cannot send on port '{self.name}': the other side does not have this optional "
                "port; check `connected` first",
            )

    @property
    def _over(self) -> Optional[BridgeError]:
        channel = self._channel
        if channel.is_over:
            return channel.failure or BridgeError("closed", "Cannot send: the channel is closed")
        return self._ended

    # ---- frames ----

    def acquire(self, template: Union[Frame, Mapping[str, Any], None] = None, **fields: Any) -> Frame:
        """A frame to fill, with memory wherever its schema has a texture or a buffer.

        `template` is another frame, or a dictionary; `fields` are added to it. Of a
        texture it needs the size and format, of a buffer the length. What the marks of
        the schema make known can be left out. Without room the frame is in private
        memory, and is dropped when it is sent: wait with `wait_room` first if every
        frame counts. Raises `schema_mismatch`, and `closed`.
        """
        channel = self._channel
        if not self._has_free:
            channel.poll()
        settle(channel.ends)
        over = self._over
        if over is not None:
            raise over
        given = dict(template.items()) if template is not None else {}
        given.update(fields)
        values = self._completion.complete(given, self._count)
        filling = Filling(not self.connected or not self._has_free)
        values = self.memory.fill(values, filling)
        self._count += 1
        is_shared = bool(filling.values)
        place: Optional[Lease] = None
        if not filling.is_spare:
            self._last_shared = is_shared
            if self.in_order or is_shared:
                self._acquired += 1
                place = Lease(channel.ends, _Place(self))
        return Frame(self, values, filling.values, None, place, filling.is_spare)

    def send(self, frame: Frame) -> bool:
        """Sends a frame that `acquire` has returned, or a received one. It is used up.

        Returns whether the port has taken it. If not, it was dropped and counted: the
        host has no room, or is gone. Raises `schema_mismatch` if it does not fit its
        schema; then it is still yours.
        """
        if self._ended is not None:
            raise self._ended
        channel = self._channel
        if not isinstance(frame, Frame):
            raise BridgeError(
                "bad_argument",
                f"Cannot send this frame on port '{self.name}': it is no frame that acquire() has "
                "returned or that was received; send a dictionary with set()",
            )
        if not frame.is_held:
            raise BridgeError(
                "bad_argument", f"Cannot send this frame on port '{self.name}': {frame.why_over}"
            )
        if channel.is_over:
            frame._end("its channel was closed")
            self.dropped += 1
            return False
        channel.stir()
        settle(channel.ends)
        is_shared = bool(frame._memory) and not frame.is_spare
        if not self._may_send(is_shared):
            channel.poll()
        try:
            self.codec.check(frame._values)
        except Misfit as misfit:
            raise BridgeError(
                "schema_mismatch",
                f"Cannot send a frame that does not fit its schema: {misfit.message}",
            ) from None
        has_place = frame._place is not None and frame._port is self
        goes = (
            channel.is_open
            and self.connected
            and not frame.is_spare
            and (has_place or not self.in_order or self._has_free)
            and channel.offered.has_room(len(frame._memory))
        )
        if not goes or (self.in_order and not self._may_send(is_shared)):
            frame._end("it was dropped, because its port could not take it")
            self.dropped += 1
            return False
        flight = Flight(self, frame)
        try:
            if self._may_send(is_shared):
                id, cost = channel.transport.send(self, frame, flight)
                if channel.is_over:
                    flight.cancel()
                    frame._end("its channel was closed")
                    self.dropped += 1
                    return False
                self._drop_next()
                self._took(id, cost, flight)
                self._last_pieces = len(frame._memory)
            else:
                later = channel.transport.keep(self, frame, flight)
                self._drop_next()
                self._next = (later, flight, is_shared)
        except BaseException:
            flight.cancel()  # the frame is the caller's as before
            raise
        frame._end("it was sent")
        settle(channel.ends)
        return True

    def set(self, values: Union[Frame, Mapping[str, Any]]) -> bool:
        """Sends the values of a frame. Pictures and numbers in it are copied, once. Returns what `send` does."""
        frame = self.acquire(values if isinstance(values, Frame) else sizes_of(values))
        if isinstance(values, Frame):
            copy_memory(values._values, frame._values)
        else:
            copy_memory(dict(values), frame._values)
        return self.send(frame)

    def _took(self, id: int, cost: int, flight: Flight) -> None:
        flight.launch(cost, self._channel.waiting.now())
        self.sent += 1
        self._out += 1
        self._out_cost += cost
        if flight.is_bare:
            self._bare[id] = flight

    def _drop_next(self) -> None:
        if self._next is not None:
            self._next[1].cancel()
            self._next = None
            self.dropped += 1

    # ---- the end ----

    def end(self) -> None:
        """Says that no frame follows on this port."""
        if self._ended is None:
            self._ended = BridgeError(
                "closed",
                f"Cannot send on port '{self.name}': it was ended, and no frame follows; "
                "check `ended` first",
            )
            self.tell_end()

    @property
    def ended(self) -> bool:
        """Whether the port was ended, by `end` or at the end of all inputs."""
        return self._ended is not None

    def tell_end(self) -> None:
        """Tells the host of the end, once, behind the frame that waits."""
        if self._ended is None or self._end_told or self._next is not None:
            return
        if self._channel.is_open and self.connected:
            self._end_told = True
            self._channel.transport.end(self.name)

    # ---- for the channel ----

    def landed(self, flight: Flight, was_read: bool) -> None:
        """The host has released a frame."""
        self._out -= 1
        self._out_cost -= flight.cost
        if was_read:
            self._channel.latency.append(self._channel.waiting.now() - flight.sent_at)
        self._send_next()

    def released(self, id: int) -> bool:
        """The host has released a frame without memory. False if it is not one of this port."""
        flight = self._bare.pop(id, None)
        if flight is not None:
            self.landed(flight, self.in_order)
        return flight is not None

    def _send_next(self) -> None:
        if self._next is None or not self._channel.is_open or not self._may_send(self._next[2]):
            return
        later, flight, _ = self._next
        try:
            id, cost = later()
            self._next = None
            self._took(id, cost, flight)
        except Exception as error:
            self._drop_next()
            self._channel.warn_once(
                f"not sent:{self.name}",
                f"a frame that waited on port '{self.name}' was not sent: {text_of(error)}",
            )
        self.tell_end()
