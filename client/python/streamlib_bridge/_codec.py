"""Checks frames, and converts them to messages and payloads of lanes and back, by their schema."""

from __future__ import annotations

from math import ceil
from struct import error as StructError
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

from . import _field_types as types
from ._container_codecs import OptionalCodec, array_codec
from ._errors import BridgeError
from ._generated import VALUE_COST_BYTES
from ._level_codec import LevelCodec, Member
from ._memory_codecs import BufferCodec, TextureCodec
from ._minor import base_minor
from ._misfit import MISSING, Misfit
from ._packed import Message
from ._payload_cost import cost_per_byte
from ._scalar_codecs import SCALARS, EnumCodec
from ._text import amount
from ._type_codec import MemoryFinder, MemoryNamer, PayloadReader, TypeCodec
from ._types import schema as make_schema

__all__ = [
    "FrameCodec", "MemoryFinder", "MemoryNamer", "Misfit", "NO_MEMORY", "NoMemory", "Terms",
    "fields_codec", "frame_codec",
]  # fmt: skip

#: The least cost of a frame, in bytes.
_LEAST_COST = 64


class Terms(NamedTuple):
    """What both sides of a port have agreed on for its frames."""

    #: The minor version of the schema that both sides have. What later ones added is not sent.
    minor: int
    #: The pixel formats that surfaces of any format can have; None if it can be each.
    formats: Optional[Tuple[str, ...]] = None
    #: The version that both sides have, in words; empty: as the minor version says.
    version: str = ""


class FrameCodec:
    """Converts the frames of one schema. Made by `frame_codec`.

    A frame is a mapping of its fields: it has `values[name]`, `get`, `keys` and a length.
    """

    def __init__(self, schema: types.Schema, level: LevelCodec) -> None:
        #: The schema of the frames.
        self.schema = schema
        #: Whether frames have textures or buffers, at any depth.
        self.has_memory = types.fields_have_memory(schema.fields)
        self._level = level
        self._cost_per_byte = cost_per_byte(schema)
        self._fits: Optional[Callable[[Any], bool]] = None
        self._write: Optional[Callable[..., Any]] = None
        self._pack: Optional[Callable[[Any], Any]] = None
        self._read: Optional[Callable[[PayloadReader], Any]] = None
        self._shared = next(
            (
                name
                for name, one in schema.fields.items()
                if isinstance(one.type, (types.Texture, types.Buffer))
            ),
            None,
        )

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise a misfit if a frame cannot be sent. The namer says who owns its memory."""
        fits = self._fits
        if fits is None:
            fits = self._fits = self._level.fitting()
        if fits(values):
            return
        try:
            self._level.check(values)
        except Misfit as why:
            raise why.of(self.schema.name) from None

    def encode(self, values: Mapping[str, Any], namer: MemoryNamer) -> Message:
        """Return the `fields` of a frame's message. The values were checked."""
        try:
            fields: Message = self._level.encode(values, namer)
        except _CHANGED:
            raise _changed() from None
        return fields

    def decode(self, fields: Message, finder: MemoryFinder) -> Dict[str, Any]:
        """Return the frame in the `fields` of a message. Raises a misfit if it does not fit."""
        try:
            values: Dict[str, Any] = self._level.decode(fields, finder)
        except Misfit as why:
            raise why.of(self.schema.name) from None
        return values

    def with_handle(self, fields: Message, handle: Any) -> Message:
        """Return `fields` with `handle` as the first texture or buffer, if that is missing.

        Older peers send a frame's surface as such a separate object.
        """
        shared = self._shared
        if shared is None or fields.get(shared, MISSING) is not MISSING:
            return fields
        return {**fields, shared: handle}

    def write(self, values: Mapping[str, Any], namer: MemoryNamer) -> bytes:
        """Return the payload of a frame's record. The values were checked.

        The namer is asked once for each texture and buffer. `bad_argument` if the values are
        no longer as they were checked.
        """
        if self._write is None:
            if self._level.only_block():
                self._pack = self._level.packing()
            self._write = self._level.writing()
        try:
            if self._pack is not None:
                packed: bytes = self._pack(values)
                return packed
            out = bytearray()
            self._write(values, out, namer)
        except _CHANGED:
            raise _changed() from None
        return bytes(out)

    def read(self, payload: bytes, finder: MemoryFinder) -> Dict[str, Any]:
        """Return the frame in a payload.

        The payload is memory of this process: the peer cannot change it. Raises a misfit if
        it does not fit, after the finder was asked for every name that can be read.
        """
        read = self._read
        if read is None:
            read = self._read = self._level.reading()
        reader = PayloadReader(payload, finder)
        try:
            values: Dict[str, Any] = read(reader)
        except Misfit as why:
            raise why.of(self.schema.name) from None
        if reader.at != reader.end:
            more = f"{amount(reader.end - reader.at, 'byte')} more"
            raise Misfit(self.schema.name, "", "no other fields", more)
        return values

    def cost(self, payload_bytes: int) -> int:
        """Return about the memory that a frame takes once it is read, in bytes."""
        cost = self._cost_per_byte * payload_bytes + VALUE_COST_BYTES * len(self.schema.fields)
        return max(_LEAST_COST, ceil(cost))


#: What is raised for values that are no longer as they were checked.
_CHANGED = (AttributeError, KeyError, OverflowError, StructError, TypeError, ValueError)


def _changed() -> BridgeError:
    return BridgeError(
        "bad_argument",
        "Cannot send a frame that has changed while it was sent: "
        "do not change its fields before it is sent",
    )


class _Compiler:
    """Walks a schema and makes the codec of each of its parts.

    It makes the codec of each schema that fields refer to only once, and that of its base
    form: only the minor version of the port's own schema is agreed on.
    """

    def __init__(self, formats: Optional[Tuple[str, ...]]) -> None:
        self._formats = formats
        self._made: Dict[int, LevelCodec] = {}

    def schema(self, schema: types.Schema, minor: int, version: str = "") -> LevelCodec:
        """Return the codec of a schema's frames."""
        major, own, _ = schema.version
        whose = "the other side has" if minor < own else "this is"
        words = version or f"{whose} {schema.name} {major}.{minor}"
        return self._level(schema.fields, minor, words)

    def _level(self, fields: Mapping[str, types.Field], minor: int, version: str) -> LevelCodec:
        members = [
            Member(name, self._type(one.type, minor, version)) for name, one in fields.items()
        ]
        return LevelCodec(fields, members, minor)

    def _type(self, type: types.FieldType, minor: int, version: str) -> TypeCodec:
        if isinstance(type, types.Texture):
            return TextureCodec(type, self._formats)
        if isinstance(type, types.Buffer):
            return BufferCodec(type)
        if isinstance(type, types.Array):
            return array_codec(type, self._type(type.element, minor, version))
        if isinstance(type, types.Optional):
            return OptionalCodec(self._type(type.inner, minor, version))
        if isinstance(type, types.Enum):
            return EnumCodec(type, minor, version)
        if isinstance(type, types.Struct):
            return self._level(type.fields, minor, version)
        if isinstance(type, types.SchemaRef):
            return self._referred(type.schema)
        return SCALARS[type.kind]

    def _referred(self, schema: types.Schema) -> LevelCodec:
        made = self._made.get(id(schema))
        if made is None:
            made = self._made[id(schema)] = self.schema(schema, base_minor(schema))
        return made


def frame_codec(schema: types.Schema, terms: Optional[Terms] = None) -> FrameCodec:
    """Return the codec of a schema. Make one for each port and keep it.

    Without terms, frames have the schema's own minor version and any pixel format. The first
    frame takes a millisecond or two more, because functions are generated for the schema.
    """
    if terms is None:
        terms = Terms(schema.version[1])
    level = _Compiler(terms.formats).schema(schema, terms.minor, terms.version)
    return FrameCodec(schema, level)


def fields_codec(name: str, fields: types.FieldDefinitions) -> FrameCodec:
    """Return the codec of a call's request or reply, whose `name` is in its misfits."""
    return frame_codec(make_schema(name, (1, 0, 0), fields))


class NoMemory:
    """The namer and the finder of what has no memory: settings and calls."""

    def name(self, value: Any) -> Tuple[int, int, bool]:
        """Refuse the memory."""
        raise BridgeError("bad_argument", "Cannot send memory in a setting or a call")

    def texture(self, id: int, generation: int, moved: bool) -> str:
        """Return why there is no texture."""
        return "it cannot have memory"

    def buffer(
        self, id: int, generation: int, moved: bool, element_type: str, length: Optional[int]
    ) -> str:
        """Return why there is no buffer."""
        return "it cannot have memory"

    def bare(self, capability: Any) -> str:
        """Return why there is no surface."""
        return "it cannot have memory"


#: Neither settings nor calls have textures or buffers.
NO_MEMORY = NoMemory()
