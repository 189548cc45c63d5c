"""The two halves of a port: a receiver, from which frames are read, and a sender."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Deque, Dict, Iterator, List, Mapping
from typing import Optional, Tuple

from ._codec import FrameCodec, Misfit, Terms, frame_codec
from ._errors import BridgeError
from ._leased_frame import Frame, Memory
from ._generated import MAX_UNCONFIRMED_BYTES, MAX_UNCONFIRMED_FRAMES, MAX_UNREAD_BYTES
from ._leases import BareFrame, Lease, Use, settle
from ._memory import Offer
from ._surfaces import Numbers, Surface
from ._template import Completion, Filling, FrameMemory
from ._types import Port, Schema

if TYPE_CHECKING:
    from ._agreement import PortTerms
    from ._channel import Channel


class Port_:
    """What both halves have in common."""

    def __init__(self, channel: "Channel", name: str, port: Port) -> None:
        self._channel = channel
        #: The name of the port.
        self.name = name
        #: The schema of its frames.
        self.schema: Schema = port.schema
        #: How frames are read: `skip_to_latest` or `read_next_in_order`.
        self.read_behavior: str = port.read_behavior
        #: The most unread frames that the port keeps.
        self.capacity: int = port.capacity
        #: Whether the host has this port. An optional port of yours may be yours alone.
        self.connected = True
        #: The pixel format that both sides have agreed on, if they have.
        self.pixel_format: Optional[str] = None
        self._codec: Optional[FrameCodec] = None
        self._terms: Optional["PortTerms"] = None

    @property
    def in_order(self) -> bool:
        return self.read_behavior == "read_next_in_order"

    @property
    def codec(self) -> FrameCodec:
        """Reads and writes the frames as both sides have them. Made with the first frame."""
        if self._codec is None:
            terms = self._terms
            self._codec = frame_codec(
                self.schema,
                None if terms is None else Terms(terms.minor, terms.formats),
            )
        return self._codec

    def agree(self, terms: Optional["PortTerms"]) -> None:
        """How both sides use the port; None if the host does not have it."""
        self.connected = terms is not None
        self._terms, self._codec = terms, None
        if terms is not None:
            self.schema, self.capacity = terms.schema, terms.capacity
            self.read_behavior = terms.read_behavior
            self.pixel_format = terms.agreed_format

    def view_is_kept(self) -> None:
        self._channel.warn_once(
            f"kept:{self.name}",
            f"a view of the memory of a frame on port '{self.name}' was kept after the end of its "
            "`with`: its sender waits until the view is gone; keep a copy, as in frame.pixels.copy()",
        )


class Receiver(Port_):
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
        for value in memory:
            self.bytes += value._layout.bytes if isinstance(value, Surface) else _bytes_of(value)
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


def _bytes_of(value: Numbers) -> int:
    from ._surfaces import ELEMENT_BYTES

    return len(value) * ELEMENT_BYTES[value.element_type]


class Flight:
    """A frame on its way: what the host holds of it until it has released it."""

    __slots__ = ("cost", "sent_at", "_frame", "_sender", "_offers", "_back", "_out")

    def __init__(self, sender: "Sender", frame: Frame) -> None:
        self.cost = 0
        self.sent_at = 0.0
        self._frame: Optional[Frame] = frame
        self._sender = sender
        self._offers: Dict[Use, Offer] = {}
        self._back: List[Use] = []
        self._out = 0

    @property
    def is_bare(self) -> bool:
        """Whether the host confirms the frame by its id."""
        return not self._offers

    def name(self, value: object) -> Tuple[int, int, bool]:
        """The name of the memory of a texture or buffer: id, generation, whether it is the host's own."""
        frame, channel = self._frame, self._sender._channel
        if frame is None or not any(value is mine for mine in frame._memory):
            raise BridgeError(
                "bad_argument",
                f"Cannot send this memory on port '{self._sender.name}': a frame can be sent only "
                "with its own memory; fill what acquire() returned, or send a received frame as it is",
            )
        use: Use = value._use  # type: ignore[attr-defined]
        id = channel.table.id_of(use)
        if id is not None:
            if use not in self._back:
                self._back.append(use.hold())
            return id, use.generation, True
        offer = self._offers.get(use)
        if offer is None:
            offer = self._offers[use] = channel.offered.reserve(use, self._returned)
        return offer.id, offer.generation, False

    def announce(self) -> None:
        """Offers the pieces that the host does not know yet."""
        for offer in self._offers.values():
            self._sender._channel.offered.announce(offer)

    def launch(self, cost: int, now: float) -> None:
        """The frame was sent."""
        self.cost, self.sent_at = cost, now
        self._out = len(self._offers)
        for offer in self._offers.values():
            offer.is_out = True
        self._let_go()

    def cancel(self) -> None:
        """The frame will not be sent."""
        for offer in self._offers.values():
            offer.give_back()
        self._offers = {}
        self._let_go()

    def _let_go(self) -> None:
        self._frame = None
        for use in self._back:
            use.release()
        self._back = []

    def _returned(self) -> None:
        self._out -= 1
        if self._out == 0:
            self._sender.landed(self, True)


class _Place:
    """An acquired frame: it takes a place of its port until it is sent or released."""

    __slots__ = ("_sender",)

    def __init__(self, sender: "Sender") -> None:
        self._sender = sender

    def release(self) -> None:
        self._sender._acquired -= 1


class Sender(Port_):
    """Sends frames to the host."""

    def __init__(self, channel: "Channel", name: str, port: Port) -> None:
        super().__init__(channel, name, port)
        self._completion = Completion(port.schema, channel.now_ns)
        self.memory = FrameMemory(
            channel.native, port.schema, self._limit, channel.ends, lambda: None
        )
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

    def acquire(self, template: Optional[Mapping[str, Any]] = None, **fields: Any) -> Frame:
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
            self.codec.check(frame)
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
        except BridgeError:
            flight.cancel()  # the frame is the caller's as before
            raise
        frame._end("it was sent")
        settle(channel.ends)
        return True

    def set(self, values: Mapping[str, Any]) -> bool:
        """Sends the values of a frame. Pictures and numbers in it are copied, once. Returns what `send` does."""
        frame = self.acquire(values if isinstance(values, Frame) else _without_arrays(values))
        if isinstance(values, Frame):
            _copy_memory(values._values, frame._values)
        else:
            _copy_memory(dict(values), frame._values)
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
        except BridgeError as error:
            self._drop_next()
            self._channel.warn_once(
                f"not sent:{self.name}",
                f"a frame that waited on port '{self.name}' was not sent: {error.message}",
            )
        self.tell_end()


# ---- values that are copied ----


def _without_arrays(values: Mapping[str, Any]) -> Dict[str, Any]:
    """The template of a frame with these values: of an array its size."""
    return {name: _size_of(value) for name, value in values.items()}


class _Picture:
    """What an array of pixels says of its size."""

    def __init__(self, shape: Tuple[int, ...]) -> None:
        self.height, self.width = int(shape[0]), int(shape[1])
        self.length = 1
        for side in shape:
            self.length *= int(side)

    def __len__(self) -> int:
        return self.length


def _size_of(value: Any) -> Any:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and len(shape) >= 2:
        return _Picture(shape)
    if isinstance(value, dict):
        return {name: _size_of(item) for name, item in value.items()}
    return value


def _copy_memory(source: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    for name, to in target.items():
        _copy_value(source.get(name), to)


def _copy_value(source: Any, to: Any) -> None:
    if isinstance(to, Surface):
        if isinstance(source, Surface) and len(to.planes) > 1:
            for one, other in zip(source.planes, to.planes):
                other[...] = one
        else:
            to.pixels[...] = source.pixels if isinstance(source, Surface) else source
    elif isinstance(to, Numbers):
        view = memoryview(source.buffer if isinstance(source, Numbers) else source)
        bytes_of = view.cast("B") if view.contiguous else memoryview(view.tobytes())
        to.buffer.cast("B")[:] = bytes_of
    elif isinstance(to, dict) and isinstance(source, Mapping):
        _copy_memory(source, to)
    elif isinstance(to, list) and isinstance(source, (list, tuple)):
        for one, other in zip(source, to):
            _copy_value(one, other)


