"""The codecs of shared memory: textures and buffers.

A frame contains the names of their memory, not the memory. The namer and the finder decide
what a name stands for.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Optional, Tuple

from . import _field_types as types
from ._generated import ChannelKey
from ._misfit import MISSING, misfit, value_misfit, xpc_misfit
from ._packed import Capability, Message, UInt64, get_uint64
from ._type_codec import MemoryFinder, MemoryNamer, PayloadReader, Read, TypeCodec, Write, pad

#: The flag of memory that the receiver gets back.
_MOVED = 1

_TEXTURE = Struct("<III")
_BUFFER = Struct("<IIII")


def _name_message(name: Tuple[int, int, bool]) -> Message:
    id, generation, moved = name
    made: Message = {
        ChannelKey.SURFACE_ID: UInt64(id),
        ChannelKey.GENERATION: UInt64(generation),
    }
    if moved:
        made[ChannelKey.MOVED] = True
    return made


def _name_in(value: Any, expected: str) -> Tuple[int, int, bool]:
    """Return the name of a piece of memory in a message."""
    if type(value) is not dict:
        raise misfit(expected, "neither a surface nor the name of one")
    id = get_uint64(value, ChannelKey.SURFACE_ID)
    generation = get_uint64(value, ChannelKey.GENERATION)
    if id is None or generation is None:
        raise misfit(expected, "a name without surface_id and generation")
    return id, generation, value.get(ChannelKey.MOVED) is True


class TextureCodec(TypeCodec):
    """Surfaces of one pixel format; of `any` format: of those that the sides have agreed on."""

    least = _TEXTURE.size

    def __init__(self, type: types.Texture, agreed: Optional[Tuple[str, ...]]) -> None:
        self._formats = agreed if type.format == "any" else (type.format,)
        self._expected = (
            "a surface" if self._formats is None else f"a surface of {' or '.join(self._formats)}"
        )

    def check(self, value: Any) -> None:
        # Does not look at the pixels: that would map the memory.
        if not (
            isinstance(getattr(value, "width", None), int)
            and isinstance(getattr(value, "height", None), int)
            and isinstance(getattr(value, "bytes_per_row", None), int)
            and isinstance(getattr(value, "pixel_format", None), str)
        ):
            raise value_misfit(self._expected, value)
        self._accepted(value)

    def _accepted(self, surface: Any) -> Any:
        if self._formats is not None and surface.pixel_format not in self._formats:
            raise misfit(self._expected, f"a surface of {surface.pixel_format}")
        return surface

    def _found(self, found: Any) -> Any:
        if isinstance(found, str):
            raise misfit(self._expected, found)
        return self._accepted(found)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return _name_message(namer.name(value))

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if value is MISSING:
            raise xpc_misfit(self._expected, value)
        if type(value) is Capability:
            if value.kind != "surface":
                raise misfit(self._expected, f"a bare {value.kind}")
            return self._found(finder.bare(value))
        return self._found(finder.texture(*_name_in(value, self._expected)))

    def writing(self) -> Write:
        return _write_texture

    def reading(self) -> Read:
        unpack, size, expected = _TEXTURE.unpack_from, self.least, self._expected

        def read(reader: PayloadReader) -> Any:
            id, generation, flags = unpack(reader.data, reader.take(4, size))
            if flags > _MOVED:
                raise misfit(expected, f"the flags {flags}")
            return self._found(reader.finder.texture(id, generation, flags == _MOVED))

        return read


def _write_texture(value: Any, out: bytearray, namer: MemoryNamer) -> None:
    id, generation, moved = namer.name(value)
    pad(out, 4)
    out += _TEXTURE.pack(id, generation, _MOVED if moved else 0)


class BufferCodec(TypeCodec):
    """Numeric arrays in shared memory."""

    least = _BUFFER.size

    def __init__(self, type: types.Buffer) -> None:
        self._element_type = type.element_type
        self._expected = f"a buffer of {type.element_type}"

    def check(self, value: Any) -> None:
        if getattr(value, "element_type", None) != self._element_type or not hasattr(
            value, "__len__"
        ):
            raise value_misfit(self._expected, value)

    def _found(self, found: Any) -> Any:
        if isinstance(found, str):
            raise misfit(self._expected, found)
        return found

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        made = _name_message(namer.name(value))
        made[ChannelKey.LENGTH] = UInt64(len(value))
        return made

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if value is MISSING:
            raise xpc_misfit(self._expected, value)
        if type(value) is Capability:
            # A surface in a message is no buffer.
            got = "a surface" if value.kind == "surface" else f"a bare {value.kind}"
            raise misfit(self._expected, got)
        id, generation, moved = _name_in(value, self._expected)
        length = get_uint64(value, ChannelKey.LENGTH)
        return self._found(finder.buffer(id, generation, moved, self._element_type, length))

    def writing(self) -> Write:
        return _write_buffer

    def reading(self) -> Read:
        unpack, size, expected = _BUFFER.unpack_from, self.least, self._expected
        element_type = self._element_type

        def read(reader: PayloadReader) -> Any:
            id, generation, flags, length = unpack(reader.data, reader.take(4, size))
            if flags > _MOVED:
                raise misfit(expected, f"the flags {flags}")
            moved = flags == _MOVED
            return self._found(reader.finder.buffer(id, generation, moved, element_type, length))

        return read


def _write_buffer(value: Any, out: bytearray, namer: MemoryNamer) -> None:
    id, generation, moved = namer.name(value)
    pad(out, 4)
    out += _BUFFER.pack(id, generation, _MOVED if moved else 0, len(value))
