"""What the bytes of a payload cost once they are values.

Numbers, text and data take about their bytes; but an element of a list is a value of its own,
however few bytes it has.
"""

from __future__ import annotations

from typing import Dict, Mapping, NamedTuple

from . import _field_types as types
from ._generated import VALUE_COST_BYTES


class _Cost(NamedTuple):
    #: The least bytes of one element of a list.
    bytes: int
    #: Its values.
    values: int
    #: The most that a byte of it costs.
    per_byte: float


#: The least bytes of a value.
_LEAST = {"Bool": 1, "Enum": 2, "Int64": 8, "UInt64": 8, "Float64": 8, "Texture": 12, "Buffer": 16}
_LEAST.update(dict.fromkeys(("Int32", "UInt32", "Float32", "String", "Bytes"), 4))


def cost_per_byte(schema: types.Schema) -> float:
    """Return the most that a byte of a frame costs, in bytes. 1 if it has no list."""
    return _of_schema(schema, {}).per_byte


def _of_schema(schema: types.Schema, known: Dict[int, _Cost]) -> _Cost:
    # Each schema is looked at once, however often it is referred to.
    found = known.get(id(schema))
    if found is None:
        found = known[id(schema)] = _of_fields(schema.fields, known)
    return found


def _of_fields(fields: Mapping[str, types.Field], known: Dict[int, _Cost]) -> _Cost:
    size, values, per_byte = 0, 1, 1.0
    for one in fields.values():
        cost = _of_type(one.type, known)
        size += cost.bytes
        values += cost.values
        per_byte = max(per_byte, cost.per_byte)
    return _Cost(max(1, size), values, per_byte)


def _of_type(type: types.FieldType, known: Dict[int, _Cost]) -> _Cost:
    if isinstance(type, types.Array):
        size, values, per_byte = _of_type(type.element, known)
        return _Cost(4, 1, max(per_byte, 1 + VALUE_COST_BYTES * values / size))
    if isinstance(type, types.Optional):
        return _Cost(1, 1, _of_type(type.inner, known).per_byte)
    if isinstance(type, types.Struct):
        return _of_fields(type.fields, known)
    if isinstance(type, types.SchemaRef):
        return _of_schema(type.schema, known)
    return _Cost(_LEAST[type.kind], 1, 1.0)
