"""Messages as bytes: the packed form in which they cross the C ABI.

The layout is in `c/bridge/packed.h`.

| XPC type | here |
|---|---|
| null, bool, string, data | `None`, `bool`, `str`, `bytes` |
| int64, uint64, double | `Int64`, `UInt64`, `float`: XPC distinguishes the three |
| array, dictionary | `list`, `dict` |
| endpoint, shmem, descriptor, surface | `Capability` |
"""

from __future__ import annotations

from struct import Struct, error as StructError
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ._errors import BridgeError
from ._generated import VALUE_COST_BYTES
from ._text import json_string, with_article

#: A message, or a dictionary in one.
Message = Dict[str, Any]


class Int64(int):
    """A signed 64-bit integer in a message."""

    __slots__ = ()


class UInt64(int):
    """An unsigned 64-bit integer in a message."""

    __slots__ = ()


class Capability:
    """A right that only the kernel can copy: an endpoint, memory, a descriptor, a surface.

    `handle` names the native object in this process. Sending a capability copies it; the
    sender keeps its own. A received one belongs to its message until it is taken out.
    """

    __slots__ = ("kind", "handle")

    def __init__(self, kind: str, handle: int) -> None:
        self.kind = kind
        self.handle = handle

    def take(self) -> int:
        """Return the handle, which is the caller's from now on."""
        handle, self.handle = self.handle, 0
        return handle

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Capability)
            and self.kind == other.kind
            and self.handle == other.handle
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.handle))

    def __repr__(self) -> str:
        return f"Capability({self.kind!r}, {self.handle})"


_NULL, _BOOL, _INT64, _UINT64, _DOUBLE, _STRING, _DATA, _ARRAY, _DICTIONARY = range(9)
_ENDPOINT, _SHMEM, _FD, _SURFACE, _DATE, _UUID = range(9, 15)

_KINDS = {_ENDPOINT: "endpoint", _SHMEM: "shmem", _FD: "fd", _SURFACE: "surface"}
_TAGS = {kind: tag for tag, kind in _KINDS.items()}

_TAGGED_I64 = Struct("<Bq").pack
_TAGGED_U64 = Struct("<BQ").pack
_TAGGED_F64 = Struct("<Bd").pack
_TAGGED_U32 = Struct("<BI").pack
_U16 = Struct("<H")
_U32 = Struct("<I")
_I64 = Struct("<q")
_U64 = Struct("<Q")
_F64 = Struct("<d")


def pack(message: Message) -> bytes:
    """Return a message in packed form.

    A value that XPC has no type for is a `BridgeError` `bad_argument`: integers must be
    `Int64` or `UInt64`.
    """
    out = bytearray()
    _pack_dictionary(message, out)
    return bytes(out)


def _pack_dictionary(message: Message, out: bytearray) -> None:
    out += _TAGGED_U32(_DICTIONARY, len(message))
    for key, value in message.items():
        name = _utf8(key)
        if len(name) > 0xFFFF:
            raise BridgeError("bad_argument", "Cannot send a key over 64 KiB")
        out += _U16.pack(len(name))
        out += name
        _pack_value(value, key, out)


def _utf8(text: str) -> bytes:
    if "\0" in text:
        raise BridgeError(
            "bad_argument",
            f"Cannot send the string {json_string(text[:40])}: "
            "XPC strings end at NUL; send it as bytes",
        )
    # A lone surrogate has no form in UTF-8.
    return text.encode("utf-8", "replace")


def _pack_value(value: Any, key: str, out: bytearray) -> None:
    kind = type(value)
    if value is None:
        out.append(_NULL)
    elif isinstance(value, str):
        text = _utf8(value)
        out += _TAGGED_U32(_STRING, len(text))
        out += text
    elif kind is bool:
        out += b"\x01\x01" if value else b"\x01\x00"
    elif kind is UInt64 or kind is Int64:
        try:
            out += _TAGGED_U64(_UINT64, value) if kind is UInt64 else _TAGGED_I64(_INT64, value)
        except StructError:
            raise BridgeError(
                "bad_argument", f"Cannot send '{key}': {value} does not fit {kind.__name__}"
            ) from None
    elif kind is float:
        out += _TAGGED_F64(_DOUBLE, value)
    elif kind is dict:
        _pack_dictionary(value, out)
    elif isinstance(value, (bytes, bytearray)):
        out += _TAGGED_U32(_DATA, len(value))
        out += value
    elif kind is list or kind is tuple:
        out += _TAGGED_U32(_ARRAY, len(value))
        for element in value:
            _pack_value(element, key, out)
    elif kind is Capability:
        out += _TAGGED_U32(_TAGS[value.kind], value.handle)
    else:
        raise BridgeError(
            "bad_argument",
            f"Cannot send '{key}': {with_article(kind.__name__)} has no XPC type; "
            "integers are Int64() or UInt64()",
        )


def unpack(data: bytes, at: int = 0) -> Message:
    """Return the message that begins at byte `at`.

    The shim has checked lengths and depth. Bytes that are not such a message mean that
    the shim is of another version: `BridgeError` `native_failure`. What is no UTF-8
    becomes U+FFFD.
    """
    try:
        value, _ = _unpack_value(data, at)
    except (StructError, IndexError, RecursionError):
        raise _unreadable("it is cut off") from None
    if type(value) is not dict:
        raise _unreadable("it is not a dictionary")
    return value


def _unreadable(why: str) -> BridgeError:
    return BridgeError("native_failure", f"Cannot read a packed message: {why}")


def _slice(data: bytes, at: int, size: int) -> bytes:
    end = at + size
    if end > len(data):
        raise IndexError
    return bytes(data[at:end])


def _unpack_value(data: bytes, at: int) -> Tuple[Any, int]:
    tag = data[at]
    at += 1
    if tag == _STRING:
        (size,) = _U32.unpack_from(data, at)
        at += 4
        return _slice(data, at, size).decode("utf-8", "replace"), at + size
    if tag == _UINT64:
        return UInt64(_U64.unpack_from(data, at)[0]), at + 8
    if tag == _INT64 or tag == _DATE:
        return Int64(_I64.unpack_from(data, at)[0]), at + 8
    if tag == _DICTIONARY:
        (count,) = _U32.unpack_from(data, at)
        at += 4
        found: Message = {}
        for _ in range(count):
            (size,) = _U16.unpack_from(data, at)
            at += 2
            key = _slice(data, at, size).decode("utf-8", "replace")
            found[key], at = _unpack_value(data, at + size)
        return found, at
    if tag == _BOOL:
        return data[at] != 0, at + 1
    if tag == _NULL:
        return None, at
    if tag == _DOUBLE:
        return _F64.unpack_from(data, at)[0], at + 8
    if tag == _DATA:
        (size,) = _U32.unpack_from(data, at)
        at += 4
        return _slice(data, at, size), at + size
    if tag == _ARRAY:
        (count,) = _U32.unpack_from(data, at)
        at += 4
        values: List[Any] = []
        for _ in range(count):
            value, at = _unpack_value(data, at)
            values.append(value)
        return values, at
    if tag in _KINDS:
        return Capability(_KINDS[tag], _U32.unpack_from(data, at)[0]), at + 4
    if tag == _UUID:
        return _slice(data, at, 16), at + 16
    raise _unreadable(
        f"tag {tag} at byte {at - 1} is unknown; the shim and this library differ in version"
    )


def cost_of(message: Message, size: int) -> int:
    """Return what a message costs in a queue, in bytes.

    It is about what the message takes once it is decoded: its `size` in packed form, and
    16 bytes for each value. Sender and receiver compute the same number.
    """
    return size + VALUE_COST_BYTES * _count(message)


def _count(value: Any) -> int:
    if type(value) is dict:
        return 1 + sum(map(_count, value.values()))
    if type(value) is list or type(value) is tuple:
        return 1 + sum(map(_count, value))
    return 1


def capabilities(value: Any) -> Iterator[Capability]:
    """Yield all capabilities in a value, at any depth."""
    if isinstance(value, Capability):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from capabilities(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from capabilities(item)


def get_string(message: Message, key: str) -> Optional[str]:
    """Return the string at `key`; None if it is missing or of another type."""
    value = message.get(key)
    return value if type(value) is str else None


def get_bool(message: Message, key: str) -> Optional[bool]:
    """Return the bool at `key`; None if it is missing or of another type."""
    value = message.get(key)
    return value if type(value) is bool else None


def get_uint64(message: Message, key: str) -> Optional[int]:
    """Return the uint64 at `key`; None if it is missing or of another type."""
    value = message.get(key)
    return int(value) if type(value) is UInt64 else None


def get_dictionary(message: Message, key: str) -> Optional[Message]:
    """Return the dictionary at `key`; None if it is missing or of another type."""
    value = message.get(key)
    return value if type(value) is dict else None


def get_data(message: Message, key: str) -> Optional[bytes]:
    """Return the bytes at `key`; None if they are missing or of another type."""
    value = message.get(key)
    return value if type(value) is bytes else None
