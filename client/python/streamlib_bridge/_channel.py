"""The client's side of the channel: its ports, its memory, and what carries frames."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Callable, Deque, Dict, List, Optional, Set, Tuple, Union

from ._errors import BridgeError
from ._dictionaries import MAX_MESSAGE_BYTES, Dictionaries
from ._generated import MAX_ERROR_LENGTH, MAX_OFFERED
from ._lane import Lane
from ._leases import Ends, Lease, settle
from ._memory import MemoryPool
from ._native import Native
from ._packed import Capability, Message, UInt64, pack
from ._offered import OfferedMemory
from ._received import FrameFinder, MemoryTable
from ._port_half import PortHalf
from ._receiver import Receiver
from ._releases import Releases
from ._sender import Sender
from ._status import Status
from ._text import fit_text

if TYPE_CHECKING:
    from ._agreement import Agreement
    from ._types import ConnectionSchema
    from ._waiting import Waiting


Transport = Union[Lane, Dictionaries]


class Channel:
    """The client's side of one channel."""

    def __init__(
        self,
        native: Native,
        waiting: "Waiting",
        schema: "ConnectionSchema",
        warn: Callable[[str], None],
        control: Callable[[str, Message, int], None],
        failed: Callable[[BridgeError], None],
    ) -> None:
        self.native = native
        self.waiting = waiting
        self._warn = warn
        self._control = control
        self._failed = failed
        self._told: Set[str] = set()
        self.ends = Ends()
        #: The views that were there at the end of a `with`, until the processor's function has returned.
        self.left_views: List[Tuple[PortHalf, "weakref.ref[Lease]"]] = []
        self.status = Status()
        self.connection = 0
        #: Whether frames can be sent.
        self.is_open = False
        #: Whether the channel has ended, and why, if it was no orderly end.
        self.is_over = False
        self.failure: Optional[BridgeError] = None
        self.features: frozenset[str] = frozenset()
        self.misfits = 0
        #: Frames that came since this was last set to 0.
        self.arrivals = 0
        self.latency: Deque[float] = deque(maxlen=1024)
        native.when_forked = self._forked
        self._stirred: Callable[[], None] = lambda: None
        self._is_quiet = False
        self._frame_id = 0
        self.releases = Releases(lambda batch: self.transport.release(batch), lambda: self.dropped)
        self.offered = OfferedMemory(self.send_control)
        self.table = MemoryTable(native, self.releases.piece)
        self.finder = FrameFinder(self.table, self.offered, self.ends)
        self.lane: Optional[Lane] = None
        self._dictionaries = Dictionaries(self)
        self._hosts = schema
        self.receivers: Dict[str, Receiver] = {}
        self.senders: Dict[str, Sender] = {}
        #: The receivers that the host has too.
        self.agreed_receivers: Dict[str, Receiver] = {}

    @property
    def transport(self) -> Transport:
        """What carries frames now."""
        lane = self.lane
        return lane if lane is not None else self._dictionaries

    def now_ns(self) -> int:
        return int(self.native.lib.slb_now_ns())

    @property
    def lends(self) -> bool:
        """Whether a lease may end on another thread while this one waits."""
        return self.ends.out > 0

    # ---- counters ----

    @property
    def received(self) -> int:
        return sum(port.received for port in self.receivers.values())

    @property
    def sent(self) -> int:
        return sum(port.sent for port in self.senders.values())

    @property
    def unread(self) -> int:
        """Frames received and not read."""
        return sum(port.size for port in self.receivers.values())

    @property
    def read(self) -> int:
        """Frames that were read, or dropped unread."""
        return sum(port.taken for port in self.receivers.values())

    @property
    def dropped(self) -> int:
        return sum(port.dropped for port in self.receivers.values()) + sum(
            port.dropped for port in self.senders.values()
        )

    @property
    def incoming_ended(self) -> Optional[bool]:
        """Whether the host has ended all its ports; None if it has none."""
        ports = self.agreed_receivers.values()
        return all(port.has_end for port in ports) if ports else None

    def frames_so_far(self) -> Callable[[], bool]:
        """Notes which frames have come. Returns whether they were read, or will not be, at a later time."""
        noted = [(port, port.received) for port in self.agreed_receivers.values()]
        return lambda: all(port.is_past(count) for port, count in noted)

    # ---- the handshake ----

    def agree(self, agreement: "Agreement") -> None:
        """Makes the ports, as both sides use them."""
        hosts = self._hosts
        for index, (name, port) in enumerate(hosts.inputs.items()):
            self.receivers[name] = Receiver(self, name, port, index)
        for name, port in hosts.outputs.items():
            self.senders[name] = Sender(self, name, port)
        for name, port in agreement.inputs.unconnected.items():
            self.receivers[name] = Receiver(self, name, port, len(self.receivers))
        for name, port in agreement.outputs.unconnected.items():
            self.senders[name] = Sender(self, name, port)
        for name, receiver in self.receivers.items():
            receiver.agree(agreement.inputs.terms.get(name))
        for name, sender in self.senders.items():
            sender.agree(agreement.outputs.terms.get(name))
        self.agreed_receivers = {
            name: self.receivers[name] for name in agreement.inputs.terms if name in self.receivers
        }
        _share_out([pool for sender in self.senders.values() for pool in sender.memory.pools])
        if self.lane is not None:
            by_units = lambda name: name.encode("utf-16-be")  # noqa: E731
            self.lane.agree(
                [self.agreed_receivers[name] for name in sorted(agreement.inputs.terms, key=by_units)],
                sorted(agreement.outputs.terms, key=by_units),
            )

    def open_lane(self, ping: Message) -> Message:
        """Uses the lane that the host offers. Returns what `pong` says of it."""
        memory, bell = ping.get("lane"), ping.get("bell")
        if "lanes" not in self.features or not _is(memory, "shmem") or not _is(bell, "fd"):
            return {}
        assert isinstance(memory, Capability) and isinstance(bell, Capability)
        try:
            lane = Lane(self, memory, ping.get("sleeps") is True)
            mine = lane.bell()
        except BridgeError as error:
            self.warn_once("no lane", f"frames travel as messages, which is slower: {error.message}")
            return {}
        lane.connect(bell)
        self.lane = lane
        return {"bell": mine}

    def open(self) -> None:
        """Allows frames from now on."""
        self.is_open = True
        for sender in self.senders.values():
            sender.tell_end()

    # ---- messages ----

    def take_frame_id(self) -> int:
        self._frame_id = (self._frame_id + 1) & 0xFFFF_FFFF
        return self._frame_id

    def send_control(self, type: str, fields: Optional[Message] = None) -> None:
        """Sends a control message."""
        self.send_message({"msg_type": "control", "ctrl_type": type, **(fields or {})})

    def send_message(self, message: Message) -> None:
        """Sends a message, with its number if there is a lane."""
        if self.connection == 0 or self.is_over:
            return
        lane = self.lane
        if lane is not None:
            message = {**message, **lane.numbered()}
        packed = pack(message)
        if len(packed) > MAX_MESSAGE_BYTES:
            raise BridgeError(
                "bad_argument",
                f"Cannot send a message of {len(packed)} bytes: it must not be over 1 MiB",
            )
        self.native.send(self.connection, packed)
        if lane is not None:
            lane.was_sent()

    def receive(self, message: Message, reply: int, cost: int) -> None:
        """Handles a message of the host. Never raises because of what the host has sent."""
        self.stir()
        try:
            if not self.is_over:
                lane = self.lane
                if lane is None or lane.arrived(message):
                    self._handle(message, cost)
                    if lane is not None:
                        lane.poll()
        except BridgeError as error:
            self.problem(error.code, error.message)
        if reply:
            self.native.reply(reply, {})

    def _handle(self, message: Message, cost: int) -> None:
        type = message.get("msg_type")
        if type == "frame":
            record = message.get("record")
            if self.lane is not None and isinstance(record, bytes):
                self.lane.receive_record(record)
            else:
                self._dictionaries.receive_frame(message, cost)
            return
        if type != "control":
            self.problem("type", f"received a message of unknown type {type!r}")
            return
        control = message.get("ctrl_type")
        if control == "surface_offer":
            id, memory = message.get("surface_id"), message.get("surface")
            if isinstance(id, UInt64) and (_is(memory, "surface") or _is(memory, "shmem")):
                assert isinstance(memory, Capability)
                self.table.offer(int(id), memory)
            else:
                self.problem("surface_offer", "received a surface_offer without its id or its memory")
        elif control == "surface_retire":
            id = message.get("surface_id")
            if isinstance(id, UInt64):
                self.table.retire(int(id))
        elif control == "release":
            self._dictionaries.receive_release(message)
        elif control == "end" and "ends" in self.features:
            self._dictionaries.receive_end(message)
        elif isinstance(control, str):
            self._control(control, message, cost)

    def memory_released(self, id: int, generation: int, given_away: bool) -> None:
        self.offered.released(id, generation, given_away)

    def frame_released(self, id: int) -> None:
        for sender in self.senders.values():
            if sender.released(id):
                return

    # ---- waiting ----

    def poll(self) -> None:
        """Handles what has come, without waiting."""
        self.waiting.poll()

    def warn_of_kept_views(self) -> None:
        """A function of the processor has returned: what is still there of its frames is kept."""
        for port, lease in self.left_views:
            if lease() is not None:
                port.view_is_kept()
        self.left_views.clear()

    def settle(self) -> None:
        """Releases what nobody looks at any more."""
        settle(self.ends)

    def stir(self) -> None:
        """Something is sent or has come."""
        if self._is_quiet:
            self._is_quiet = False
            self._stirred()

    def when_stirred(self, stirred: Callable[[], None]) -> None:
        """Calls `stirred` once, as soon as something is sent or comes."""
        self._stirred, self._is_quiet = stirred, True

    # ---- problems and the end ----

    def warn_once(self, kind: str, text: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._warn(fit_text(text, MAX_ERROR_LENGTH))  # it may have the host's words

    def problem(self, kind: str, text: str) -> None:
        """Something invalid was received and dropped."""
        self.misfits += 1
        self.warn_once(kind, text)

    def fail(self, error: BridgeError) -> None:
        """The host has misused the channel: the connection must end."""
        self._failed(error)

    def _forked(self) -> None:
        """In a forked child: the lane and the status page are memory that its parent goes on to use."""
        if self.lane is not None:
            self.lane.is_over = True
        self.status.forget()
        self.is_over, self.is_open = True, False
        self.failure = BridgeError(
            "closed",
            "Cannot use the channel in a forked child: it is its parent's; give the results to "
            "the parent, as multiprocessing does",
        )

    def end(self, failure: Optional[BridgeError]) -> None:
        """Ends both directions. What was received can still be read. Memory stays until the process ends."""
        if self.is_over:
            return
        if self.lane is not None:
            self.lane.poll()
            self.settle()
            self.releases.flush()
            self.lane.stop()
        self.is_over, self.is_open, self.failure = True, False, failure
        self.waiting.changed()


def _is(value: object, kind: str) -> bool:
    return isinstance(value, Capability) and value.kind == kind


def _share_out(pools: List[MemoryPool], total: int = MAX_OFFERED) -> None:
    """Lowers the bounds of pools so that their sum is at most `total`. Small requests are met in full."""
    left = total
    for index, pool in enumerate(sorted(pools, key=lambda pool: pool.bound)):
        pool.bound = min(pool.bound, left // (len(pools) - index))
        left -= pool.bound

