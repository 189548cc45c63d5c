"""The layout of a schema's frames in a lane, as text.

Frames in a lane have no names of fields, and two schemas of the same minor version can differ
in the fields that it has added. So both sides compare this text before the first frame.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from . import _field_types as types
from ._canonical import canonical_json, code_units, sha256
from ._minor import base_minor, variants_at


def lane_layout(schema: types.Schema, minor: int) -> str:
    """Return a text that is the same for two schemas if one reads the frames of the other.

    Frames in a lane have no names of fields, and two schemas of the same minor version can
    differ in the fields that it has added. So both sides compare this text before the first
    frame. `minor` is the minor version that both sides have.
    """
    seen: Dict[int, types.Schema] = {}
    referred: Dict[str, None] = {}

    def fields_of(fields: Mapping[str, types.Field], minor: int) -> List[Any]:
        names = sorted(fields, key=code_units)
        return [
            [name, type_of(fields[name].type, minor)]
            for name in names
            if (fields[name].since or 0) <= minor
        ]

    def type_of(type: types.FieldType, minor: int) -> Any:
        if isinstance(type, types.Enum):
            return [type.kind, *variants_at(type, minor)]
        if isinstance(type, types.Array):
            return [type.kind, type_of(type.element, minor), type.length]
        if isinstance(type, types.Optional):
            return [type.kind, type_of(type.inner, minor)]
        if isinstance(type, types.Struct):
            return [type.kind, *fields_of(type.fields, minor)]
        if isinstance(type, types.Buffer):
            return [type.kind, type.element_type]
        if isinstance(type, types.Texture):
            return [type.kind, type.format]
        if isinstance(type, types.SchemaRef):
            refer(type.schema)
            return [type.kind, type.schema.name]
        return type.kind

    def refer(schema: types.Schema) -> None:
        # Each schema is there once, however often it is referred to.
        if id(schema) in seen:
            return
        seen[id(schema)] = schema
        fields = fields_of(schema.fields, base_minor(schema))
        referred[canonical_json([schema.name, fields])] = None

    fields = fields_of(schema.fields, minor)
    return canonical_json([fields, sorted(referred, key=code_units)])


def lane_layout_hash(schema: types.Schema, minor: int) -> str:
    """Return the SHA-256 of `lane_layout`, as 64 hexadecimal digits."""
    return sha256(lane_layout(schema, minor))
