"""The checks for every schema, from code or from JSON."""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple, Optional, Sequence, Set

from . import _field_types as types
from ._generated import (
    ELEMENT_KINDS,
    MAX_ARRAY_LENGTH,
    MAX_CAPACITY,
    MAX_FIELDS,
    MAX_IDENTIFIER,
    MAX_NESTING,
    MAX_SCHEMA_NAME,
    MAX_VARIANT,
    MIRRORED,
    OBJECT_NAMES,
    PIXEL_FORMATS,
    READ_BEHAVIORS,
)
from ._minor import check_added, check_added_variants
from ._place import Place
from ._text import quote, show

#: All formats of textures.
TEXTURE_FORMATS = (*PIXEL_FORMATS, "any")

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WIDE = ("Int64", "UInt64")
_INTEGERS = ("Int32", "UInt32", *_WIDE)


def check_identifier(place: Place, what: str, name: str) -> None:
    """Refuse a name that cannot be that of a field or a port.

    Names of properties that every JavaScript object has are refused too: the peer may be
    written in JavaScript, and `frame.constructor` must not have two meanings there.
    """
    if len(name) > MAX_IDENTIFIER:
        place.refuse(f"{what} {show(name)} is longer than {MAX_IDENTIFIER} characters")
    if _IDENTIFIER.match(name) is None:
        place.refuse(
            f"{what} {show(name)} is not a letter or '_' followed by letters, digits and '_'"
        )
    if name in OBJECT_NAMES:
        place.refuse(f"{what} {show(name)} is a name that every JavaScript object has")


def check_call_name(place: Place, name: str) -> None:
    """Refuse a name that cannot be that of a call."""
    check_identifier(place, "the call's name", name)
    if name in ("then", "toJSON"):
        place.refuse(
            f"the call's name {show(name)} is a name that JavaScript asks every object for; "
            "choose another name"
        )


def check_capacity(place: Place, what: str, capacity: object) -> int:
    """Refuse an invalid capacity, and return a valid one."""
    return place.integer(what, capacity, 1, MAX_CAPACITY)


def check_length(place: Place, length: object) -> int:
    """Refuse an invalid length of an array, and return a valid one."""
    return place.integer("the Array's length", length, 0, MAX_ARRAY_LENGTH)


def check_schema(schema: types.Schema) -> None:
    """Check a schema. The error, `schema_mismatch`, names the schema, the field and the fault."""
    place = Place(f"schema {quote(schema.name)}")
    if len(schema.name) > MAX_SCHEMA_NAME:
        place.refuse(f"its name is longer than {MAX_SCHEMA_NAME} characters")
    for part in schema.name.split("."):
        check_identifier(place, "the name's part", part)
    for name, number in zip(("major", "minor", "patch"), schema.version):
        place.integer(f"version.{name}", number, 0, 0xFFFF_FFFF)
    place.one_of("read_behavior", schema.read_behavior, READ_BEHAVIORS)
    check_capacity(place, "default_capacity", schema.default_capacity)
    count = _check_fields(place, "", schema.fields)
    if count > MAX_FIELDS:
        place.refuse(f"it has {count} fields; at most {MAX_FIELDS} are allowed")
    if schema.nesting > MAX_NESTING:
        place.refuse(
            f"its types are nested {schema.nesting} deep; at most {MAX_NESTING} is allowed"
        )


def nesting_of(fields: Mapping[str, types.Field]) -> int:
    """Return the number of levels of values in some fields."""
    return max((_levels_of(one.type) for one in fields.values()), default=0)


def _levels_of(type: types.FieldType) -> int:
    if isinstance(type, types.Array):
        return 1 + _levels_of(type.element)
    if isinstance(type, types.Optional):
        return 1 + _levels_of(type.inner)
    if isinstance(type, types.Struct):
        return 1 + nesting_of(type.fields)
    if isinstance(type, types.SchemaRef):
        return 1 + type.schema.nesting
    return 1


def _check_fields(schema: Place, path: str, fields: Mapping[str, types.Field]) -> int:
    """Check fields, and the fields within them. Return their number."""
    count = 0
    for name, one in fields.items():
        check_identifier(schema, "the field name", name)
        place = schema.inside(f"field '{path}{name}'")
        if one.description is not None:
            place.text("description", one.description)
        if one.since is not None:
            check_added(place, one.type, one.since)
        _check_mark(place, one.type, fields)
        count += 1 + _check_type(schema, place, f"{path}{name}.", one.type)
    return count


def _check_type(schema: Place, place: Place, path: str, type: types.FieldType) -> int:
    """Check the type of the field at `place`. Return the number of fields within it."""
    if isinstance(type, types.Texture):
        place.one_of("the texture's format", type.format, TEXTURE_FORMATS)
    elif isinstance(type, types.Buffer):
        place.one_of("the buffer's element_type", type.element_type, ELEMENT_KINDS)
    elif isinstance(type, types.Enum):
        _check_variants(place, type.variants)
        check_added_variants(place, type)
    elif isinstance(type, types.Array):
        if type.length is not None:
            check_length(place, type.length)
        _check_unmarked(place, type.element)
        return _check_type(schema, place, path, type.element)
    elif isinstance(type, types.Optional):
        if isinstance(type.inner, types.Optional):
            place.refuse("an Optional of an Optional has two ways to say null")
        _check_unmarked(place, type.inner)
        return _check_type(schema, place, path, type.inner)
    elif isinstance(type, types.Struct):
        return _check_fields(schema, path, type.fields)
    elif isinstance(type, types.Element):
        place.refuse(
            f"{type.kind} is only for the elements of a buffer: Buffer({type.kind}); "
            "a field is an Int32, UInt32 or Float32"
        )
    return 0


def _check_variants(place: Place, variants: Sequence[object]) -> None:
    if not variants:
        place.refuse("an Enum needs a variant")
    seen: Set[str] = set()
    for given in variants:
        variant = place.text("a variant", given)
        if variant == "" or len(variant) > MAX_VARIANT:
            place.refuse(f"a variant is {show(variant)}, not of 1 to {MAX_VARIANT} characters")
        if "\0" in variant:
            place.refuse(f"a variant is {show(variant)}, which an XPC string cannot hold")
        if variant in seen:
            place.refuse(f"the variant {show(variant)} is there twice")
        seen.add(variant)


class MirrorTarget(NamedTuple):
    """What a mirror mirrors: the field of a texture or buffer, and a property of it."""

    source: str
    property: str


def mirror_target(mark: str) -> Optional[MirrorTarget]:
    """Return what a mark mirrors; None if it is a clock or a count."""
    source, dot, name = mark.rpartition(".")
    return MirrorTarget(source, name) if dot else None


def _check_mark(place: Place, type: types.FieldType, fields: Mapping[str, types.Field]) -> None:
    """Refuse a mark that the field cannot have. `fields` are those of the same level."""
    if type.mark is None:
        return
    mark = place.string("its mark", type.mark)
    if mark == "clock":
        kinds: Sequence[str] = _WIDE
    elif mark == "count":
        kinds = _INTEGERS
    else:
        kinds = _mirrored_kinds(place, mark, fields)
    if type.kind not in kinds:
        place.refuse(
            f"its type {type.kind} cannot hold what its mark {quote(mark)} says; "
            f"it must be one of {', '.join(kinds)}"
        )


def _check_unmarked(place: Place, type: types.FieldType) -> None:
    if type.mark is not None:
        place.refuse("only the type of the field itself can have a mark")


def _mirrored_kinds(place: Place, mark: str, fields: Mapping[str, types.Field]) -> Sequence[str]:
    target = mirror_target(mark)
    if target is None:
        place.refuse(
            f"its mark is {quote(mark)}, not clock, count or the path to a property of a "
            "texture or buffer"
        )
    beside = fields.get(target.source)
    if beside is None:
        place.refuse(
            f"it mirrors {quote(mark)}, and there is no field {quote(target.source)} beside it"
        )
    kind = beside.type.kind
    properties = MIRRORED.get(kind)
    if properties is None:
        place.refuse(
            f"it mirrors {quote(mark)}, and {quote(target.source)} is of the type {kind}, "
            "not a texture or a buffer"
        )
    if target.property not in properties:
        place.refuse(
            f"it mirrors {quote(mark)}, and a {kind} has only {', '.join(properties)} to mirror"
        )
    return properties[target.property]
