"""Minor versions of a schema: what they add, and the base form without it.

Both sides of a connection must have the same base form: its JSON is what the broker keeps
and what is hashed. What minor versions have added is agreed on afterwards, for each port:
the smaller minor version of the two sides holds.
"""

from __future__ import annotations

from typing import Mapping, Optional, Tuple

from . import _field_types as types
from ._place import Place
from ._text import show

_MAX_UINT32 = 0xFFFF_FFFF


def variant_since(type: types.Enum, variant: str) -> Optional[int]:
    """Return the minor version that has added a variant; None if the base form has it."""
    return type.added.get(variant)


def variants_at(type: types.Enum, minor: int = 0) -> Tuple[str, ...]:
    """Return the variants of a minor version; without one, those of the base form."""
    return tuple(name for name in type.variants if type.added.get(name, 0) <= minor)


def base_minor(schema: types.Schema) -> int:
    """Return the minor version of a schema's base form: the one before the first addition."""
    minor = schema.version[1]
    first = _first_addition(schema.fields)
    return minor if first is None else min(minor, first - 1)


def base_version(schema: types.Schema) -> Tuple[int, int, int]:
    """Return a schema's version in its base form."""
    major, _, patch = schema.version
    return major, base_minor(schema), patch


def _first_addition(fields: Mapping[str, types.Field]) -> Optional[int]:
    found = [
        first
        for one in fields.values()
        for first in [one.since if one.since is not None else _first_in(one.type)]
        if first is not None
    ]
    return min(found, default=None)


def _first_in(type: types.FieldType) -> Optional[int]:
    # A schema that is referred to has a version of its own.
    if isinstance(type, types.Array):
        return _first_in(type.element)
    if isinstance(type, types.Optional):
        return _first_in(type.inner)
    if isinstance(type, types.Struct):
        return _first_addition(type.fields)
    if isinstance(type, types.Enum):
        return min(type.added.values(), default=None)
    return None


def _check_since(place: Place, what: str, since: object) -> None:
    # It may be later than the schema's own version: the fields of one schema can be part
    # of another one, with versions of its own.
    place.integer(f"{what}, the minor version that has added it,", since, 1, _MAX_UINT32)


def check_added(place: Place, type: types.FieldType, since: object) -> None:
    """Refuse a field that a minor version cannot have added: earlier peers need it."""
    _check_since(place, "since", since)
    if not isinstance(type, types.Optional):
        place.refuse(f"a minor version has added it, so it must be an Optional, not {type.kind}")
    if types.has_memory(type):
        place.refuse("a minor version has added it, so it cannot have textures or buffers")


def check_added_variants(place: Place, type: types.Enum) -> None:
    """Refuse an enum whose variants no minor version can have added."""
    for name, since in type.added.items():
        _check_since(place, f"the variant {show(name)}", since)
    if not variants_at(type):
        place.refuse("an Enum needs a variant that its base form has")
