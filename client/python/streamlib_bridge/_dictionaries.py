"""Carries frames as messages, for a host that is told to use no lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

from ._codec import Misfit
from ._flight import Flight
from ._lane import frame_too_large
from ._leased_frame import Frame
from ._packed import Message, UInt64, pack
from ._releases import Batch, end_message, parse_release, release_message
from ._sender import Sender

if TYPE_CHECKING:
    from ._channel import Channel

MAX_MESSAGE_BYTES = 1 << 20


class Dictionaries:
    """Carries frames as messages, for a host that is told to use no lane."""

    path = "dictionary"

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel

    def send(self, sender: Sender, frame: Frame, flight: Flight) -> Tuple[int, int]:
        """Sends a frame. Returns its id and its cost."""
        return self.keep(sender, frame, flight)()

    def keep(self, sender: Sender, frame: Frame, flight: Flight) -> Callable[[], Tuple[int, int]]:
        """Copies a frame as it is now. Returns what sends it."""
        channel = self._channel
        fields = sender.codec.encode(frame._values, flight)
        message = {"msg_type": "frame", "port_name": sender.name, "fields": fields}
        size = len(pack(message))
        if size > MAX_MESSAGE_BYTES - 64:
            raise frame_too_large(size)

        def later() -> Tuple[int, int]:
            flight.announce()
            id = channel.take_frame_id()
            channel.send_message({**message, "frame_id": UInt64(id)})
            return id, size + 16 * len(fields)

        return later

    def release(self, batch: Batch) -> None:
        self._channel.send_message(release_message(batch))

    def end(self, name: str) -> None:
        self._channel.send_message(end_message(name, self._channel.releases.take_dropped()))

    # ---- receiving ----

    def receive_frame(self, message: Message, cost: int) -> None:
        """Handles a message of type `frame`."""
        channel = self._channel
        id, name, fields = message.get("frame_id"), message.get("port_name"), message.get("fields")
        if not isinstance(id, UInt64) or not isinstance(name, str) or not isinstance(fields, dict):
            channel.problem("frame", "received a malformed frame: it lacks frame_id, port_name or fields")
            return
        port = channel.agreed_receivers.get(name)
        if port is None:
            self._give_back(id, fields)
            channel.problem("port", f"received a frame for port '{name}', which is not one of this side's")
            return
        if port.has_end:
            self._give_back(id, fields)
            channel.problem(
                f"after end:{name}", f"received a frame for port '{name}' after the end of that port"
            )
            return
        finder = channel.finder
        finder.begin()
        why = ""
        values: Dict[str, Any] = {}
        try:
            handle = message.get("handle")
            given = fields if handle is None else port.codec.with_handle(fields, handle)
            values = port.codec.decode(given, finder)
        except Misfit as misfit:
            why = f"a frame on port '{name}' does not fit: {misfit.message}"
        memory, has_memory = finder.values, finder.has_hosts_memory
        finder.begin()
        if why:
            memory = []
            channel.settle()
            self._give_back(id, fields)
            channel.problem(f"misfit:{name}", why)
        else:
            port.put(int(id), values, memory, cost, has_memory)

    def receive_end(self, body: Message) -> None:
        """Handles a control message `end`."""
        name = body.get("port_name")
        port = self._channel.agreed_receivers.get(name) if isinstance(name, str) else None
        if port is None:
            self._channel.problem("end", "received an end without a port of this side")
        elif port.has_end:
            self._channel.problem(f"after end:{name}", f"received a second end of port '{name}'")
        else:
            port.put_end()

    def receive_release(self, body: Message) -> None:
        """Handles a control message `release`."""
        release = parse_release(body)
        if isinstance(release, str):
            self._channel.problem("release", f"received a malformed release: {release}")
            return
        for frame in release.frames:
            self._channel.frame_released(frame)
        for piece in release.pieces:
            self._channel.memory_released(*piece)

    def _give_back(self, id: int, fields: Any) -> None:
        """Releases a frame that nobody will read: the memory that it names, or the frame itself."""
        releases, is_bare = self._channel.releases, True
        for piece, generation in _names_in(fields):
            if self._channel.table.has(piece):
                is_bare = False
                releases.piece(piece, generation)
        if is_bare:
            releases.frame(int(id))
        else:
            releases.flush()


def _names_in(value: Any) -> List[Tuple[int, int]]:
    """The names of the host's memory in a value, at any depth."""
    found: List[Tuple[int, int]] = []
    if isinstance(value, list):
        for item in value:
            found.extend(_names_in(item))
    elif isinstance(value, dict):
        id, generation = value.get("surface_id"), value.get("generation")
        if isinstance(id, UInt64) and isinstance(generation, UInt64):
            if value.get("moved") is not True:
                found.append((int(id), int(generation)))
        else:
            for item in value.values():
                found.extend(_names_in(item))
    return found
