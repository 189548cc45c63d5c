"""The types that a field of a frame can have.

| here | in a frame | JSON form |
|---|---|---|
| `Int32`, `UInt32`, `Int64`, `UInt64` | `int` | `"Int32"`, … |
| `Float32`, `Float64` | `float` | `"Float32"`, `"Float64"` |
| `Bool` | `bool` | `"Bool"` |
| `String` | `str` | `"String"` |
| `Bytes` | `bytes` | `"Bytes"` |
| `Texture("rgba8")` | a surface | `{"Texture": {"format": "rgba8"}}` |
| `Buffer(Float32)` | numbers in shared memory | `{"Buffer": {"element_type": "Float32"}}` |
| `Array(Bool)` | `list` | `{"Array": "Bool"}` |
| `Array(Int32)`, any numeric type | `array.array` | `{"Array": "Int32"}` |
| `FixedArray(Float32, 512)` | the same | `{"Array": {"element": "Float32", "length": 512}}` |
| `Struct({"x": Float32})` | `dict` | `{"Struct": {"fields": [{"name": "x", …}]}}` |
| `Optional(Int32)` | `None` or `int` | `{"Optional": "Int32"}` |
| `Enum("on", "off")` | `str` | `{"Enum": ["on", "off"]}` |
| `SchemaRef(Point)` | as `Point` | `{"SchemaRef": "Point"}` |

The names are those of the JSON form, so `Optional` and `Array` hide others of the same
name in a module that imports them by name. All of these objects are immutable.
"""

from __future__ import annotations

import typing as t

from ._place import Place
from ._text import quote, show

_F = t.TypeVar("_F", bound="FieldType")


class Immutable:
    """An object whose attributes are set once, by `_set`."""

    def _set(self, **values: object) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} objects are immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} objects are immutable")


class FieldType(Immutable):
    """A type that a field can have."""

    #: The name of the type in the JSON form.
    kind: str
    #: What the value of the field is beyond its type: `clock`, `count`, or what it mirrors.
    mark: t.Optional[str]

    def __init__(self, kind: str) -> None:
        self._set(kind=kind, mark=None)

    def __repr__(self) -> str:
        return self.kind


class Scalar(FieldType):
    """A type without parameters."""


class Element(FieldType):
    """A type that only the elements of a buffer can have."""


#: An integer from -2^31 to 2^31 - 1.
Int32 = Scalar("Int32")
#: An integer from -2^63 to 2^63 - 1.
Int64 = Scalar("Int64")
#: An integer from 0 to 2^32 - 1.
UInt32 = Scalar("UInt32")
#: An integer from 0 to 2^64 - 1.
UInt64 = Scalar("UInt64")
#: A number, rounded to 32 bits.
Float32 = Scalar("Float32")
#: Any number.
Float64 = Scalar("Float64")
#: True or false.
Bool = Scalar("Bool")
#: Well-formed text without U+0000.
String = Scalar("String")
#: Bytes, copied into the message. For large data use `Buffer`.
Bytes = Scalar("Bytes")

#: A signed 8-bit integer in a buffer.
Int8 = Element("Int8")
#: An unsigned 8-bit integer in a buffer: samples, or bytes such as an encoded packet.
UInt8 = Element("UInt8")
#: A signed 16-bit integer in a buffer.
Int16 = Element("Int16")
#: An unsigned 16-bit integer in a buffer.
UInt16 = Element("UInt16")
#: A 16-bit float in a buffer.
Float16 = Element("Float16")


class Texture(FieldType):
    """Pixels of one format, or of `any`: shared, never copied."""

    #: The pixel format of every surface in the field, or `any`.
    format: str

    def __init__(self, format: str) -> None:
        super().__init__("Texture")
        self._set(format=format)

    def __repr__(self) -> str:
        return f"Texture({self.format!r})"


class Buffer(FieldType):
    """A numeric array in shared memory, such as `Buffer(Float32)`: never copied."""

    #: The type of the elements, such as `Float32`.
    element_type: str

    def __init__(self, element: FieldType) -> None:
        super().__init__("Buffer")
        if not isinstance(element, FieldType):
            Place("a Buffer").misuse(
                f"its element is {show(element)}, not a type; write Buffer(Float32)"
            )
        self._set(element_type=element.kind)

    def __repr__(self) -> str:
        return f"Buffer({self.element_type})"


class Array(FieldType):
    """Any number of values of one type, copied into the message."""

    #: The type of the elements.
    element: FieldType
    #: The number of elements; None if it can be any number.
    length: t.Optional[int]

    def __init__(self, element: FieldType) -> None:
        super().__init__("Array")
        self._set(element=_checked_type("an Array", element), length=None)

    def __repr__(self) -> str:
        if self.length is None:
            return f"Array({self.element})"
        return f"FixedArray({self.element}, {self.length})"


def FixedArray(element: FieldType, length: int) -> Array:  # noqa: N802 - the name of a type
    """Exactly `length` values of one type. A matrix is an array of its rows."""
    made = Array(element)
    made._set(length=length)
    return made


class Optional(FieldType):
    """A value of one type, or None."""

    #: The type of the value.
    inner: FieldType

    def __init__(self, inner: FieldType) -> None:
        super().__init__("Optional")
        self._set(inner=_checked_type("an Optional", inner))

    def __repr__(self) -> str:
        return f"Optional({self.inner})"


class Enum(FieldType):
    """One name out of a list."""

    #: The names.
    variants: t.Tuple[str, ...]
    #: The minor version of the schema that has added a name, for names added later.
    added: t.Mapping[str, int]

    def __init__(self, *variants: str) -> None:
        super().__init__("Enum")
        self._set(variants=variants, added={})

    def __repr__(self) -> str:
        return f"Enum({', '.join(map(repr, self.variants))})"


def Extended(enum: Enum, since: int, *variants: str) -> Enum:  # noqa: N802
    """An enum with more names, which minor version `since` of its schema has added.

    To a peer of an earlier minor version a frame with one of them cannot be sent.
    """
    made = Enum(*enum.variants, *variants)
    made._set(added={**enum.added, **{name: since for name in variants}})
    return made


class SchemaRef(FieldType):
    """A field with the fields of another schema."""

    #: The schema. The JSON form has only its name.
    schema: "Schema"

    def __init__(self, schema: "Schema") -> None:
        super().__init__("SchemaRef")
        if not isinstance(schema, Schema):
            Place("a SchemaRef").misuse(f"it is to {show(schema)}, not to a schema")
        self._set(schema=schema)

    def __repr__(self) -> str:
        return f"SchemaRef({self.schema.name})"


class Struct(FieldType):
    """A field that consists of fields, such as `Struct({"x": Float32, "y": Float32})`."""

    #: The fields by name, in their order.
    fields: t.Mapping[str, "Field"]

    def __init__(self, fields: t.Mapping[str, t.Union[FieldType, "Field"]]) -> None:
        super().__init__("Struct")
        self._set(fields=define_fields(fields))

    def __repr__(self) -> str:
        return f"Struct({{{', '.join(self.fields)}}})"


def _checked_type(what: str, given: object) -> FieldType:
    """Refuse what a type checker refuses, for code that is not checked."""
    if not isinstance(given, FieldType):
        Place(what).misuse(f"it is of {show(given)}, not of a type; write UInt32 for example")
    return given


class Field(Immutable):
    """A field: its type and an optional description."""

    #: The type of its values.
    type: FieldType
    #: Its meaning, for readers.
    description: t.Optional[str]
    #: The minor version of the schema that has added it; None if the base form has it.
    since: t.Optional[int]

    def __init__(
        self,
        type: FieldType,
        description: t.Optional[str] = None,
        since: t.Optional[int] = None,
    ) -> None:
        self._set(type=type, description=description, since=since)

    def __repr__(self) -> str:
        return f"field({self.type})"


def field(type: FieldType, description: str, since: t.Optional[int] = None) -> Field:
    """Make a field with a description. A field without one is written as its type only.

    `since` is the minor version of the schema that has added the field, which must be an
    `Optional` without textures and buffers. With peers of an earlier minor version it is
    not sent, and received as None.
    """
    return Field(type, description, since)


#: Fields in a definition: each is a type, or a `field` with a description.
FieldDefinitions = t.Mapping[str, t.Union[FieldType, Field]]


def define_fields(definitions: FieldDefinitions) -> t.Dict[str, Field]:
    """Return the fields of a definition. What is neither a type nor a field is `bad_argument`."""
    Place("the fields").map(definitions, '{"count": UInt32}')
    return {name: _defined(name, given) for name, given in definitions.items()}


def _defined(name: str, given: object) -> Field:
    if isinstance(given, FieldType):
        return Field(given)
    if isinstance(given, Field) and isinstance(given.type, FieldType):
        return given
    Place(f"the field {quote(name)}").misuse(
        f"it is {show(given)}, neither a type nor a field; "
        'write UInt32, or field(UInt32, "what it means")'
    )


def marked(type: _F, mark: str) -> _F:
    """Return the same type with a mark."""
    made = object.__new__(type.__class__)
    made.__dict__.update(type.__dict__, mark=mark)
    return made


def Mirror(type: _F, path: str) -> _F:  # noqa: N802
    """A field that mirrors a property of a texture or buffer beside it.

    `path` is that field and the property: `pixel_buffer.width`. A texture has `width`,
    `height` and `pixel_format`, a buffer `length`. If the field is not given, it is taken
    from there. A frame in which the two differ is refused, by the sender and by the receiver.
    """
    return marked(_checked_type("a Mirror", type), path)  # type: ignore[return-value]


def Clock(type: _F) -> _F:  # noqa: N802
    """A field that holds the time of its frame, in nanoseconds of the monotonic clock."""
    return marked(_checked_type("a Clock", type), "clock")  # type: ignore[return-value]


def Count(type: _F) -> _F:  # noqa: N802
    """A field that numbers the frames of a port: how many it has acquired before."""
    return marked(_checked_type("a Count", type), "count")  # type: ignore[return-value]


class Schema(Immutable):
    """A schema: the content of the frames of a port. Made by `schema` or `parse_schema`."""

    #: Its name, such as `VideoFrame` or `com.example.Pose`.
    name: str
    #: Its version: major, minor, patch.
    version: t.Tuple[int, int, int]
    #: Its fields by name, in order.
    fields: t.Mapping[str, Field]
    #: How a port returns unread frames: `skip_to_latest` or `read_next_in_order`.
    read_behavior: str
    #: The most unread frames that a port holds.
    default_capacity: int
    #: The number of levels of values in its frames: 1 if every field is a scalar.
    nesting: int

    def __repr__(self) -> str:
        return f"<schema {self.name} {'.'.join(map(str, self.version))}>"


def has_memory(type: FieldType) -> bool:
    """Tell whether values of a type are, or contain, textures or buffers."""
    if isinstance(type, (Texture, Buffer)):
        return True
    if isinstance(type, Array):
        return has_memory(type.element)
    if isinstance(type, Optional):
        return has_memory(type.inner)
    if isinstance(type, Struct):
        return fields_have_memory(type.fields)
    if isinstance(type, SchemaRef):
        return fields_have_memory(type.schema.fields)
    return False


def fields_have_memory(fields: t.Mapping[str, Field]) -> bool:
    """Tell whether one of some fields has textures or buffers."""
    return any(has_memory(one.type) for one in fields.values())
