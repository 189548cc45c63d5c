"""The lane: records in memory that is shared with the host.

Every value that the host has written is copied once, checked, and only then used.
`c/include/streamlib_lane.h` describes the memory; docs/protocol.md the records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

from ._codec import Misfit
from ._errors import BridgeError
from ._flight import Flight
from ._leased_frame import Frame
from ._generated import (
    END_PAYLOAD_BYTES,
    LANE_MAX_RINGS,
    LANE_SLOT_BYTES,
    LANE_SLOTS,
    MAX_DICTIONARY_BYTES,
    NUMBERED_TIMEOUT_MS,
    RECORD_HEADER_BYTES,
    RecordKind,
)
from ._leases import window
from ._packed import Capability, Message, UInt64
from ._receiver import Receiver
from ._record import (
    end_record,
    frame_record,
    read_end,
    read_message,
    read_release,
    read_slot,
    release_record,
    slots_of,
)
from ._ring import RingWriter
from ._releases import Batch, end_message, release_message
from ._sender import Sender

if TYPE_CHECKING:
    from ._channel import Channel

_U32 = 0xFFFF_FFFF
#: The most bytes of a record's message besides the payload.
_MESSAGE_BYTES = 256
#: The longest wait awake, in nanoseconds.
_MAX_SPIN_NS = 100_000


class Lane:
    """The client's half of a lane: it writes direction 1 and reads direction 0."""

    path = "lane"

    def __init__(self, channel: "Channel", memory: Capability, sleeps: bool) -> None:
        native = channel.native
        self._channel = channel
        self._native = native
        self._lib = native.lib
        self._sleeps = sleeps
        self._handle = native.created(self._lib.slb_lane_open(native.queue, memory.handle))
        self._slots: int = self._lib.slb_lane_slots(self._handle)
        address = self._lib.slb_lane_map(self._handle)
        size = self._lib.slb_lane_bytes(self._handle)
        self._memory = window(address, size, self, True)
        self._theirs = LANE_SLOTS
        self._ring = RingWriter(self._memory, self._slots)
        # writing
        self._sent = 0
        self._dropped = 0
        # reading
        self._tail = 0
        self._seen = 0
        self._came = 0
        self._overdue: Optional[Callable[[], None]] = None
        self._receivers: List[Receiver] = []
        self._names: List[str] = []
        self._is_reading = False
        self._is_awake = False
        self.is_over = False
        self._rings = 0
        self._announcements = 1  # a lane starts as announced

    # ---- the handshake ----

    def bell(self) -> Capability:
        """What rings this side, to be sent to the host. The caller releases it."""
        return Capability("fd", self._native.created(self._lib.slb_lane_bell(self._handle)))

    def connect(self, bell: Capability) -> None:
        """From now on this side rings the host's bell. Raises `malformed_message` if it is none."""
        try:
            self._native.checked(self._lib.slb_lane_connect(self._handle, bell.handle))
        except BridgeError as error:
            if error.code != "bad_argument":
                raise
            raise BridgeError(
                "malformed_message",
                "The other side has misused the lane: it has sent a descriptor that is not a bell: "
                + error.message,
            ) from None

    def agree(self, receivers: List[Receiver], names: List[str]) -> None:
        """Sets the ports of both directions, in the order of their names."""
        self._receivers, self._names = receivers, names

    # ---- sending ----

    def numbered(self) -> Message:
        """The number of the next message, as its field."""
        return {"number": UInt64(self._sent + 1)}

    def was_sent(self) -> None:
        self._sent += 1

    def send(self, sender: Sender, frame: Frame, flight: Flight) -> Tuple[int, int]:
        """Sends a frame. Returns its id and its cost."""
        payload = self._payload(sender, frame, flight)
        flight.announce()
        return self._send(sender, payload)

    def keep(self, sender: Sender, frame: Frame, flight: Flight) -> Callable[[], Tuple[int, int]]:
        """Copies a frame as it is now. Returns what sends it."""
        payload = self._payload(sender, frame, flight)

        def later() -> Tuple[int, int]:
            flight.announce()
            return self._send(sender, payload)

        return later

    @staticmethod
    def _payload(sender: Sender, frame: Frame, flight: Flight) -> bytes:
        payload = sender.codec.write(frame._values, flight)
        if len(payload) > MAX_DICTIONARY_BYTES - _MESSAGE_BYTES:
            raise frame_too_large(len(payload))
        return payload

    def _send(self, sender: Sender, payload: bytes) -> Tuple[int, int]:
        self._channel.releases.flush_urgent()
        port = self._names.index(sender.name)
        cost = sender.codec.cost(len(payload))
        id = self._channel.take_frame_id()
        slots = slots_of(len(payload))
        if self._has_room(slots):
            self._show(frame_record(self._sent, port, slots, id, payload), slots)
        else:
            record = frame_record(self._sent, port, 0, id, payload)
            self._channel.send_message({"msg_type": "frame", "record": record})
        return id, cost

    def end(self, name: str) -> None:
        """Sends the end of a port."""
        releases = self._channel.releases
        releases.flush()
        dropped = releases.take_dropped()
        count, port = self._dropped if dropped is None else dropped, self._names.index(name)
        slots = slots_of(END_PAYLOAD_BYTES)
        if self._has_room(slots):
            self._show(end_record(self._sent, port, count), slots)
            self._dropped = count
        else:
            self._channel.send_message(end_message(name, dropped))

    def release(self, batch: Batch) -> None:
        """Sends releases: as a record if there is room, else as a message."""
        pieces, frames = batch.pieces, batch.frames
        count = self._dropped if batch.dropped is None else batch.dropped
        fits = not pieces or all(id <= _U32 and generation <= _U32 for id, generation in pieces)
        slots = slots_of(12 + 8 * len(pieces) + 4 * len(frames))
        if fits and self._has_room(slots):
            self._show(release_record(self._sent, count, pieces, frames), slots)
            self._dropped = count
        else:
            self._channel.send_message(release_message(batch))

    def _has_room(self, slots: int) -> bool:
        """Makes room for a record. False: the ring has none, and a message must carry it."""
        if self.is_over:
            return False
        try:
            return self._ring.make_room(slots, self._sent)
        except ValueError as misuse:
            self._fail(f"it has read more than was written: {misuse}")
            return False

    def _show(self, record: bytes, slots: int) -> None:
        """Writes a record that there is room for, and shows it."""
        self._lib.slb_lane_publish(self._handle, self._ring.put(record, slots))

    # ---- receiving ----

    def poll(self) -> None:
        """Handles the records that can be read now."""
        if self._is_reading or self.is_over:
            return
        head = self._lib.slb_lane_spin(self._handle, self._seen, 0)
        ready = (head - self._tail) & _U32
        self._seen = head
        if ready == 0:
            return
        if ready > self._slots:
            self._fail(
                "it has written more than there is room for: "
                f"head = {head}, tail = {self._tail}, in a ring of {self._slots} slots"
            )
            return
        self._channel.stir()
        self._is_reading = True
        try:
            self._read_records(ready)
        finally:
            self._is_reading = False
            if not self.is_over:
                self._lib.slb_lane_consume(self._handle, self._tail)

    def _read_records(self, left: int) -> None:
        """Handles the slots that were ready at one look, up to a record that waits for a message."""
        while left > 0 and not self.is_over:
            slot = self._tail & (self._slots - 1)
            at = self._theirs + LANE_SLOT_BYTES * slot
            header = read_slot(self._memory, slot, left, self._slots, at)
            if isinstance(header, str):
                self._fail(f"it has written {header}")
                return
            if not self._is_next(header.after):
                return
            left -= header.slots
            self._tail = (self._tail + header.slots) & _U32
            if header.kind != RecordKind.SKIP:
                at += RECORD_HEADER_BYTES
                payload = bytes(self._memory[at : at + header.bytes])
                self._handle_record(header.kind, header.port, header.frame, payload)

    def _is_next(self, after: int) -> bool:
        """Whether all messages have come that were sent before a record."""
        ahead = (after - self._came) & _U32
        if ahead == 0:
            return True
        if ahead >= 2**31:
            self._fail(
                f"it has written a record with after = {after}, "
                f"when its message {self._came} had come already"
            )
            return False
        if self._overdue is None:

            def late() -> None:
                self._fail(
                    f"it has written a record with after = {after}, and its message "
                    f"{self._came + 1} did not come within {NUMBERED_TIMEOUT_MS} ms",
                    "timed_out",
                )

            self._overdue = self._channel.waiting.after(NUMBERED_TIMEOUT_MS / 1000, late)
        return False

    def arrived(self, message: Message) -> bool:
        """Handles what was written before a message that has come; counts it. Whether to handle it."""
        self.poll()
        number = message.get("number")
        if self.is_over:
            return False
        if not isinstance(number, UInt64):
            return True
        if number != self._came + 1:
            self._fail(
                f"it has sent a message with number = {number} "
                f"(allowed: {self._came + 1}, the next one)"
            )
            return False
        self._came += 1
        if self._overdue is not None:
            self._overdue()
            self._overdue = None
        return True

    def receive_record(self, data: bytes) -> None:
        """Handles the record of a frame that was not written into the ring, but sent as a message."""
        header = read_message(data)
        if isinstance(header, str):
            self._channel.problem("frame", f"received {header}")
        else:
            payload = data[RECORD_HEADER_BYTES:]
            self._handle_record(header.kind, header.port, header.frame, payload)

    def _handle_record(self, kind: int, port: int, frame: int, payload: bytes) -> None:
        if kind == RecordKind.FRAME:
            self._receive_frame(port, frame, payload)
        elif kind == RecordKind.RELEASE:
            self._receive_release(payload)
        else:
            self._receive_end(port, payload)

    def _receive_frame(self, index: int, id: int, payload: bytes) -> None:
        channel = self._channel
        if index >= len(self._receivers):
            channel.releases.frame(id)
            self._unknown_port("a frame", index)
            return
        port, finder = self._receivers[index], channel.finder
        finder.begin()
        why = ""
        values: Dict[str, Any] = {}
        try:
            values = port.codec.read(payload, finder)
        except Misfit as misfit:
            why = f"a frame on port '{port.name}' does not fit: {misfit.message}"
        if why:  # here, where the error does not hold the memory any more
            self._refuse(port, id, "misfit", why)
            return
        if port.has_end:
            why = f"received a frame for port '{port.name}' after the end of that port"
            self._refuse(port, id, "after end", why)
            return
        memory, has_memory = finder.values, finder.has_hosts_memory
        finder.begin()
        port.put(id, values, memory, port.codec.cost(len(payload)), has_memory)

    def _refuse(self, port: Receiver, id: int, kind: str, text: str) -> None:
        """Drops a frame, and releases the memory that it names."""
        channel = self._channel
        has_memory = channel.finder.has_hosts_memory
        channel.finder.begin()
        channel.settle()
        if has_memory:
            channel.releases.flush()
        else:
            channel.releases.frame(id)
        channel.problem(f"{kind}:{port.name}", text)

    def _receive_release(self, payload: bytes) -> None:
        channel, release = self._channel, read_release(payload)
        if isinstance(release, str):
            channel.problem("release", f"received {release}")
            return
        for id, generation in release.pieces:
            channel.memory_released(id, generation, False)
        for frame in release.frames:
            channel.frame_released(frame)

    def _receive_end(self, index: int, payload: bytes) -> None:
        channel, dropped = self._channel, read_end(payload)
        if isinstance(dropped, str):
            channel.problem("end", f"received {dropped}")
        elif index >= len(self._receivers):
            self._unknown_port("an end", index)
        elif self._receivers[index].has_end:
            name = self._receivers[index].name
            channel.problem(f"after end:{name}", f"received a second end of port '{name}'")
        else:
            self._receivers[index].put_end()

    def _unknown_port(self, what: str, index: int) -> None:
        count = len(self._receivers)
        amount = "1 incoming port" if count == 1 else f"{count} incoming ports"
        self._channel.problem(
            "port", f"received {what} for port {index}, but this side has {amount}, numbered from 0"
        )

    # ---- waiting ----

    def spin(self) -> bool:
        """Waits awake for a short time. Whether something has come; it was handled. Else sleep is announced."""
        if self.is_over:
            return False
        self._wake()
        if not self._sleeps:
            head = self._lib.slb_lane_spin(self._handle, self._seen, _MAX_SPIN_NS)
            if head != self._seen:
                self.poll()
                return True
        return self.sleep()

    def sleep(self) -> bool:
        """Announces sleep. Whether that was not possible, because something had come; it was handled."""
        if self.is_over or not self._is_awake:
            return False
        self._announcements += 1
        if self._lib.slb_lane_sleep(self._handle, self._seen) == 1:
            self._is_awake = False
            return False
        self.poll()
        return True

    def _wake(self) -> None:
        if not self._is_awake:
            self._is_awake = True
            self._lib.slb_lane_wake(self._handle)

    def block(self, ms: int) -> None:
        """Blocks this thread until something has come, and handles it."""
        why = self._lib.slb_lane_wait(self._handle, self._seen, ms)
        self._is_awake = True
        if why == 1:  # SLB_LANE_MOVED
            self.poll()
        elif why == 2:  # SLB_LANE_EVENTS
            self._native.drain()
        elif why == 3:  # SLB_LANE_SHUT
            self.shut()
        elif why == 4:  # SLB_LANE_FLOOD
            self._fail("it has rung the bell of this side again and again without writing a record")

    def take_bell(self) -> int:
        """The descriptor of this side's bell, for an event loop."""
        return self._native.checked(self._lib.slb_lane_take_bell(self._handle))

    def rung(self, count: int) -> None:
        """The bell was read, for an event loop: `count` rings."""
        self._rings += count
        allowed = self._announcements + LANE_MAX_RINGS
        if self._rings > allowed:
            self._fail(
                f"it has rung the bell of this side {self._rings} times (allowed: {allowed}, "
                f"since this side has announced sleep {self._announcements} times)"
            )
            return
        self._wake()
        self.poll()
        while self.sleep():
            pass

    def shut(self) -> None:
        self._fail("it has shut the bell of this side down, which must stay open while the lane is used")

    # ---- the end ----

    def _fail(self, what: str, code: str = "malformed_message") -> None:
        if not self.is_over:
            self.stop()
            self._channel.fail(BridgeError(code, f"The other side has misused the lane: {what}"))

    def stop(self) -> None:
        """Nothing is read or written from now on. The memory stays until the process ends."""
        self.is_over = True
        if self._overdue is not None:
            self._overdue()
            self._overdue = None


def frame_too_large(size: int) -> BridgeError:
    """The error for a frame whose message would be too large."""
    return BridgeError(
        "bad_argument",
        f"Cannot send a frame of {size} bytes, textures and buffers not counted: "
        "a message must not be over 1 MiB; put large data into a texture or a buffer",
    )
