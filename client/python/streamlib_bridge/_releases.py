"""The releases that this side owes its host: of pieces of memory, and of frames
without memory. Several of them are sent together.
"""

from __future__ import annotations

import struct
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from ._generated import MAX_RELEASES_PER_MESSAGE
from ._packed import Message, UInt64


class Batch(NamedTuple):
    """Releases that are sent together."""

    frames: List[int]
    pieces: List[Tuple[int, int]]  # id and generation
    dropped: Optional[int]  # the frames that this side has dropped; None if the host knows it


class Releases:
    """Collects releases."""

    def __init__(self, send: Callable[[Batch], None], dropped: Callable[[], int]) -> None:
        self._send = send
        self._dropped = dropped
        self._frames: List[int] = []
        #: By id: a frame may name a piece more than once.
        self._pieces: Dict[int, int] = {}
        self._told = 0
        self._is_urgent = False

    def frame(self, id: int, is_urgent: bool = True) -> None:
        """Confirms a frame without memory."""
        self._frames.append(id)
        self._is_urgent |= is_urgent
        if len(self._frames) >= MAX_RELEASES_PER_MESSAGE:
            self.flush()

    def piece(self, id: int, generation: int) -> None:
        """Releases a piece."""
        self._pieces[id] = generation
        self._is_urgent = True
        if len(self._pieces) >= MAX_RELEASES_PER_MESSAGE:
            self.flush()

    def flush_urgent(self) -> None:
        """Sends what has been collected, if its sender may soon have to wait for it."""
        if self._is_urgent:
            self.flush()

    def flush(self) -> None:
        """Sends what has been collected."""
        if not self._frames and not self._pieces:
            return
        frames, pieces = self._frames, list(self._pieces.items())
        self._frames, self._pieces, self._is_urgent = [], {}, False
        self._send(Batch(frames, pieces, self.take_dropped()))

    def take_dropped(self) -> Optional[int]:
        """The number of dropped frames, for a message that is about to be sent; None if the host knows it."""
        dropped = self._dropped()
        if dropped == self._told:
            return None
        self._told = dropped
        return dropped


def release_message(batch: Batch) -> Message:
    """The control message `release`."""
    message: Message = {"msg_type": "control", "ctrl_type": "release"}
    if len(batch.pieces) == 1:
        message["surface_id"] = UInt64(batch.pieces[0][0])
        message["generation"] = UInt64(batch.pieces[0][1])
    elif batch.pieces:
        message["pieces"] = b"".join(struct.pack("<QQ", *piece) for piece in batch.pieces)
    if len(batch.frames) == 1:
        message["frame_id"] = UInt64(batch.frames[0])
    elif batch.frames:
        message["frames"] = struct.pack(f"<{len(batch.frames)}Q", *batch.frames)
    if batch.dropped is not None:
        message["dropped"] = UInt64(batch.dropped)
    return message


def end_message(name: str, dropped: Optional[int]) -> Message:
    """The control message `end`."""
    message: Message = {"msg_type": "control", "ctrl_type": "end", "port_name": name}
    if dropped is not None:
        message["dropped"] = UInt64(dropped)
    return message


class Release(NamedTuple):
    """What a `release` of the host says."""

    frames: List[int]
    pieces: List[Tuple[int, int, bool]]  # id, generation, whether it must not be used again


def parse_release(body: Message) -> "Release | str":
    """What a `release` says, or what is wrong with it."""
    frames, pairs = _ids(body, "frames", 1), _ids(body, "pieces", 2)
    if isinstance(frames, str):
        return frames
    if isinstance(pairs, str):
        return pairs
    pieces = [(pairs[at], pairs[at + 1], False) for at in range(0, len(pairs), 2)]
    frame, id, generation = (_id(body, key) for key in ("frame_id", "surface_id", "generation"))
    if frame is not None:
        frames.append(frame)
    if id is not None and generation is not None:
        pieces.append((id, generation, body.get("given_away") is True))
    return Release(frames, pieces)


def _id(body: Message, key: str) -> Optional[int]:
    value = body.get(key)
    return int(value) if isinstance(value, UInt64) else None


def _ids(body: Message, key: str, each: int) -> "List[int] | str":
    data = body.get(key)
    if not isinstance(data, bytes):
        return []
    entry = 8 * each
    if len(data) % entry != 0 or len(data) > entry * MAX_RELEASES_PER_MESSAGE:
        return (
            f"'{key}' has {len(data)} bytes; it has {entry} for each of at most "
            f"{MAX_RELEASES_PER_MESSAGE} entries"
        )
    return list(struct.unpack(f"<{len(data) // 8}Q", data))
