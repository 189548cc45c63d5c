"""Schemas, ports and settings: what a processor's module declares.

The field types are in `_field_types.py`; this file has them too.
"""

from __future__ import annotations

import typing as t

from ._errors import BridgeError
from ._field_types import (
    Array,
    Bool,
    Buffer,
    Bytes,
    Clock,
    Count,
    Element,
    Enum,
    Extended,
    Field,
    FieldDefinitions,
    FieldType,
    FixedArray,
    Float16,
    Float32,
    Float64,
    Immutable,
    Int8,
    Int16,
    Int32,
    Int64,
    Mirror,
    Optional,
    Scalar,
    Schema,
    SchemaRef,
    String,
    Struct,
    Texture,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    define_fields,
    field,
)
from ._generated import DEFAULTS_BY_KIND, MAX_PORTS, PIXEL_FORMATS, READ_BEHAVIORS
from ._place import Place
from ._schema_check import check_capacity, check_identifier, check_schema, nesting_of
from ._text import quote, show

__all__ = [
    "Array", "Bool", "Buffer", "Bytes", "Clock", "ConnectionSchema", "Count", "Element", "Enum",
    "Extended", "Field", "FieldDefinitions", "FieldType", "FixedArray", "Float16", "Float32",
    "Float64", "Int8", "Int16", "Int32", "Int64", "Mirror", "Optional", "Port", "Scalar",
    "Schema", "SchemaRef", "Setting", "String", "Struct", "Texture", "UInt8", "UInt16", "UInt32",
    "UInt64", "connection_schema", "field", "has_open_texture", "port", "schema", "setting",
]  # fmt: skip


def schema(
    name: str,
    version: t.Tuple[int, int, int],
    fields: FieldDefinitions,
    read_behavior: t.Optional[str] = None,
    default_capacity: t.Optional[int] = None,
    kind: t.Optional[str] = None,
) -> Schema:
    """Make a schema from its definition.

        Pose = schema("Pose", (1, 0, 0), {
            "x": field(Float32, "Metres to the right of the origin"),
            "frame_number": Count(UInt64),
        }, kind="sensor")

    `name` is identifiers joined by dots. `kind` is `video`, `audio`, `control`, `sensor` or
    `other`; it decides the defaults of the schema's ports. What is wrong is a `BridgeError`
    `schema_mismatch`, which names the schema and the field; `bad_argument` if something else
    is in the place of a field.
    """
    place = Place(f"schema {quote(str(name))}")
    if not isinstance(name, str):
        place.misuse(f"its name is {show(name)}, not a string")
    if not isinstance(version, (tuple, list)) or len(version) != 3:
        place.misuse(f"its version is {show(version)}, not three integers; write (1, 0, 0)")
    kind = place.one_of("kind", "other" if kind is None else kind, tuple(DEFAULTS_BY_KIND))
    defaults = DEFAULTS_BY_KIND[kind]
    defined = define_fields(fields)
    made = Schema()
    made._set(
        name=name,
        version=tuple(version),
        fields=defined,
        read_behavior=defaults[0] if read_behavior is None else read_behavior,
        default_capacity=defaults[1] if default_capacity is None else default_capacity,
        nesting=nesting_of(defined),
    )
    check_schema(made)
    return made


class Port(Immutable):
    """A port. Its name is its key among the ports. Made by `port`. Immutable."""

    #: The schema of its frames.
    schema: Schema
    #: Its purpose, for readers.
    description: str
    #: Whether the other side must have this port too.
    required: bool
    #: How frames are read. If host and module differ, every frame in order holds.
    read_behavior: str
    #: The read behavior, if the options of the port name it.
    given_read_behavior: t.Optional[str]
    #: The most unread frames that it holds. If host and module differ, the smaller one holds.
    capacity: int
    #: The pixel formats that this side sends or takes, the preferred one first; None: every one.
    formats: t.Optional[t.Tuple[str, ...]]

    def with_schema(self, schema: Schema) -> "Port":
        """Return the same port with another schema."""
        made = Port()
        made.__dict__.update(self.__dict__, schema=schema)
        return made


def port(
    schema: Schema,
    *,
    read_behavior: t.Optional[str] = None,
    capacity: t.Optional[int] = None,
    required: bool = True,
    description: str = "",
    formats: t.Optional[t.Sequence[str]] = None,
) -> Port:
    """Make a port with options. A port without options is written as its schema only.

    An option that is out of range is a `BridgeError` `schema_mismatch`.
    """
    if not isinstance(schema, Schema):
        Place("a port").misuse(f"its schema is {show(schema)}; write port(VideoFrame)")
    place = Place(f"a port of {quote(schema.name)}")
    made = Port()
    made._set(
        schema=schema,
        description=place.text("description", description),
        required=place.boolean("required", required),
        given_read_behavior=read_behavior,
        read_behavior=place.one_of(
            "read_behavior",
            schema.read_behavior if read_behavior is None else read_behavior,
            READ_BEHAVIORS,
        ),
        capacity=check_capacity(
            place, "capacity", schema.default_capacity if capacity is None else capacity
        ),
        formats=None if formats is None else _checked_formats(place, schema, formats),
    )
    return made


def _checked_formats(place: Place, schema: Schema, formats: object) -> t.Tuple[str, ...]:
    if not has_open_texture(schema.fields):
        place.refuse("it has formats, and its frames have no texture of any format")
    known = tuple(PIXEL_FORMATS)
    names = [place.one_of("a format", name, known) for name in place.array("formats", formats)]
    if not names:
        place.refuse("formats is empty")
    for at, name in enumerate(names):
        if name in names[:at]:
            place.refuse(f"the format {name} is there twice")
    return tuple(names)


def has_open_texture(fields: t.Mapping[str, Field]) -> bool:
    """Tell whether frames have a texture of any format, at any depth."""
    return any(_is_open_texture(one.type) for one in fields.values())


def _is_open_texture(type: FieldType) -> bool:
    if isinstance(type, Texture):
        return type.format == "any"
    if isinstance(type, Array):
        return _is_open_texture(type.element)
    if isinstance(type, Optional):
        return _is_open_texture(type.inner)
    if isinstance(type, Struct):
        return has_open_texture(type.fields)
    return isinstance(type, SchemaRef) and has_open_texture(type.schema.fields)


class ConnectionSchema(Immutable):
    """The ports of a connection, as the client sees them. Immutable."""

    #: The ports on which the client receives, by name, in order.
    inputs: t.Mapping[str, Port]
    #: The ports on which the client sends, by name, in order.
    outputs: t.Mapping[str, Port]


#: Ports in a definition: each is a schema, or a `port`.
PortDefinitions = t.Mapping[str, t.Union[Schema, Port]]


def connection_schema(
    inputs: t.Optional[PortDefinitions] = None, outputs: t.Optional[PortDefinitions] = None
) -> ConnectionSchema:
    """Make the schema of a connection from its ports.

    `schema_mismatch` if a name cannot be that of a port, or if there are too many;
    `bad_argument` if one is neither a schema nor a port.
    """
    made = ConnectionSchema()
    made._set(
        inputs=_ports_of("input", {} if inputs is None else inputs),
        outputs=_ports_of("output", {} if outputs is None else outputs),
    )
    return made


def _ports_of(side: str, ports: PortDefinitions) -> t.Dict[str, Port]:
    place = Place("the connection's schema")
    Place(f"the {side}s").map(ports, '{"video": VideoFrame}')
    if len(ports) > MAX_PORTS:
        place.refuse(f"it has {len(ports)} {side}s; at most {MAX_PORTS} are allowed")
    made: t.Dict[str, Port] = {}
    for name, given in ports.items():
        check_identifier(place, f"the {side}'s name", name)
        if isinstance(given, Schema):
            made[name] = port(given)
        elif isinstance(given, Port):
            made[name] = given
        else:
            Place(f"the {side} {quote(name)}").misuse(
                f"it is {show(given)}, neither a schema nor a port; "
                "write VideoFrame, or port(VideoFrame)"
            )
    return made


class Setting(Immutable):
    """A setting, as a processor declares it. Made by `setting`. Immutable."""

    #: The type of its values: `Bool`, `String`, an `Enum` or a number type.
    type: FieldType
    #: The value until the host sets another one.
    default: t.Any
    #: The smallest value; None: the smallest of its type.
    minimum: t.Union[int, float, None]
    #: The largest value; None: the largest of its type.
    maximum: t.Union[int, float, None]
    #: Its meaning, for readers.
    description: str


def setting(
    type: FieldType,
    *,
    default: t.Any,
    minimum: t.Union[int, float, None] = None,
    maximum: t.Union[int, float, None] = None,
    description: str = "",
) -> Setting:
    """Declare a setting of a processor: a `Bool`, a number, a `String` or an `Enum`.

        amount = setting(Float32, default=0.5, minimum=0, maximum=1)

    A setting that is not valid is found when the processor is made: `schema_mismatch`.
    """
    if not isinstance(description, str):
        raise BridgeError(
            "bad_argument",
            f"Cannot use a setting: its description is {show(description)}, not a string",
        )
    made = Setting()
    made._set(type=type, default=default, minimum=minimum, maximum=maximum, description=description)
    return made
