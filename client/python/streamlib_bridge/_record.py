"""Records: what a lane carries. A record is a header of 16 bytes and a payload.

In a ring it takes whole slots, one after the other, and never goes on at the ring's
beginning. A frame that is too long for the ring, or finds no room in it, is the same record in
a message. What reads returns what is wrong, a string, if the peer's bytes are not allowed.
"""

from __future__ import annotations

from struct import Struct, pack
from typing import List, NamedTuple, Sequence, Tuple, Union

from ._generated import END_PAYLOAD_BYTES, LANE_SLOT_BYTES, RECORD_HEADER_BYTES, RecordKind
from ._text import amount

_HEADER = Struct("<IHBBII")
_COUNT = Struct("<Q")
_RELEASE = Struct("<QHH")
_PIECE = Struct("<II")
_FRAME = Struct("<I")
_MAX_DROPPED = 2**53 - 1


class RecordHeader(NamedTuple):
    """The header of a record, which was checked."""

    #: The number of the last message that was sent before the record.
    after: int
    #: The index of the port; 0 if the record is of no port.
    port: int
    #: One of `RecordKind`.
    kind: int
    #: The slots that it takes; 0 in a message.
    slots: int
    #: The low 32 bits of the frame's id; 0 if it is no frame.
    frame: int
    #: The size of the payload, which follows the header.
    bytes: int


class Release(NamedTuple):
    """What a release says."""

    #: The number of frames that its sender has dropped, in all so far.
    dropped: int
    #: Id and generation of each use of a piece of memory.
    pieces: List[Tuple[int, int]]
    #: The low 32 bits of the id of each frame without memory.
    frames: List[int]


def slots_of(bytes: int) -> int:
    """Return the slots of a record with a payload of `bytes`."""
    return -(-(RECORD_HEADER_BYTES + bytes) // LANE_SLOT_BYTES)


def read_slot(
    data: Union[bytes, memoryview], slot: int, ready: int, slots: int, at: int = 0
) -> Union[RecordHeader, str]:
    """Read the header of a record in a ring, which is at byte `at` of the data.

    The peer can change the data meanwhile: each number is read once. `slot` is the index of
    the record's first slot, `ready` the slots from there on that were published, at least 1,
    and `slots` those of the ring.
    """
    found = RecordHeader(*_HEADER.unpack_from(data, at))
    if not RecordKind.FRAME <= found.kind <= RecordKind.SKIP:
        allowed = f"{RecordKind.FRAME} to {RecordKind.SKIP}"
        return _not_allowed("a record", "kind", found.kind, allowed)
    if found.slots < 1:
        return _not_allowed("a record", "slots", found.slots, "at least 1")
    if found.slots > ready:
        allowed = f"up to {ready}, the slots that were published"
        return _not_allowed("a record", "slots", found.slots, allowed)
    if slot + found.slots > slots:
        allowed = f"up to {slots - slot}, the slots from slot {slot} to the end of the ring"
        return _not_allowed("a record", "slots", found.slots, allowed)
    room = LANE_SLOT_BYTES * found.slots - RECORD_HEADER_BYTES
    if found.bytes > room:
        allowed = f"up to {room} in {amount(found.slots, 'slot')}"
        return _not_allowed("a record", "bytes", found.bytes, allowed)
    return _unused(found) or found


def read_message(record: bytes) -> Union[RecordHeader, str]:
    """Read the header of the record in a message, which is a frame."""
    if len(record) < RECORD_HEADER_BYTES:
        return (
            f"a record of {amount(len(record), 'byte')} in a message "
            f"(allowed: at least {RECORD_HEADER_BYTES}, its header)"
        )
    found = RecordHeader(*_HEADER.unpack_from(record))
    if found.kind != RecordKind.FRAME:
        allowed = f"{RecordKind.FRAME}, a frame"
        return _not_allowed("a record in a message", "kind", found.kind, allowed)
    if found.slots != 0:
        return _not_allowed("a record", "slots", found.slots, "0 in a message")
    payload = len(record) - RECORD_HEADER_BYTES
    if found.bytes != payload:
        allowed = f"{payload}, the rest of the message"
        return _not_allowed("a record", "bytes", found.bytes, allowed)
    return found


def _unused(found: RecordHeader) -> str:
    """Return what is wrong if a field that this kind does not use is not 0; else nothing."""
    kind = found.kind
    if kind == RecordKind.FRAME:
        return ""
    unused: Sequence[str] = ()
    if kind == RecordKind.END:
        unused = ("frame",)
    elif kind == RecordKind.RELEASE:
        unused = ("frame", "port")
    elif kind == RecordKind.SKIP:
        unused = ("frame", "port", "bytes")
    for field in unused:
        value = getattr(found, field)
        if value != 0:
            return _not_allowed("a record", field, value, f"0 for kind {kind}")
    return ""


def _not_allowed(what: str, field: str, value: int, allowed: str) -> str:
    return f"{what} with {field} = {value} (allowed: {allowed})"


def frame_record(after: int, port: int, slots: int, frame: int, payload: bytes) -> bytes:
    """Return the record of a frame. `slots` is 0 in a message."""
    header = _HEADER.pack(after, port, RecordKind.FRAME, slots, frame & 0xFFFF_FFFF, len(payload))
    return header + payload


def skip_record(after: int, slots: int) -> bytes:
    """Return the record that fills `slots` slots before the ring's end."""
    return _HEADER.pack(after, 0, RecordKind.SKIP, slots, 0, 0)


def end_record(after: int, port: int, dropped: int) -> bytes:
    """Return the record of the end of a port. `dropped` is of this side, in all so far."""
    slots = slots_of(END_PAYLOAD_BYTES)
    header = _HEADER.pack(after, port, RecordKind.END, slots, 0, END_PAYLOAD_BYTES)
    return header + _COUNT.pack(dropped)


def release_record(
    after: int, dropped: int, pieces: Sequence[Tuple[int, int]], frames: Sequence[int]
) -> bytes:
    """Return the record of a release. It must not take more than `MAX_RECORD_SLOTS`."""
    numbers = [number for piece in pieces for number in piece]
    numbers += [frame & 0xFFFF_FFFF for frame in frames]
    size = _RELEASE.size + _FRAME.size * len(numbers)
    header = _HEADER.pack(after, 0, RecordKind.RELEASE, slots_of(size), 0, size)
    counts = _RELEASE.pack(dropped, len(pieces), len(frames))
    return header + counts + pack(f"<{len(numbers)}I", *numbers)


def read_end(payload: bytes) -> Union[int, str]:
    """Return the number of frames that the peer has dropped."""
    if len(payload) != END_PAYLOAD_BYTES:
        return _not_allowed("an end", "bytes", len(payload), str(END_PAYLOAD_BYTES))
    (dropped,) = _COUNT.unpack(payload)
    return _checked_count(dropped)


def _checked_count(dropped: int) -> Union[int, str]:
    if dropped > _MAX_DROPPED:
        return _not_allowed("a record", "dropped", dropped, f"up to {_MAX_DROPPED}")
    return dropped


def read_release(payload: bytes) -> Union[Release, str]:
    """Return what a release says."""
    if len(payload) < _RELEASE.size:
        allowed = f"at least {_RELEASE.size}"
        return _not_allowed("a release", "bytes", len(payload), allowed)
    dropped, pieces, frames = _RELEASE.unpack_from(payload)
    count = _checked_count(dropped)
    if isinstance(count, str):
        return count
    at = _RELEASE.size + _PIECE.size * pieces
    needed = at + _FRAME.size * frames
    if len(payload) != needed:
        named = f"{amount(pieces, 'piece')} and {amount(frames, 'frame')}"
        return _not_allowed("a release", "bytes", len(payload), f"{needed} for {named}")
    return Release(
        count,
        [(id, generation) for id, generation in _PIECE.iter_unpack(payload[_RELEASE.size : at])],
        [frame for (frame,) in _FRAME.iter_unpack(payload[at:])],
    )
