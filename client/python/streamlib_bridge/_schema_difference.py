"""How two schemas differ that must be the same, in words."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from ._canonical import canonical_json
from ._schema_json import schema_to_json
from ._types import Schema

_Json = Dict[str, Any]


def schema_difference(modules: Schema, hosts: Schema) -> Optional[str]:
    """Return how the base form of the module's schema differs from the host's; None if it does not.

    It is the end of a sentence about the module. Of several differences the first is
    named: the name, the version, then the fields.
    """
    if modules is hosts:
        return None
    mine, theirs = schema_to_json(modules), schema_to_json(hosts)
    if _is_same(mine, theirs):
        return None
    if modules.name != hosts.name:
        return f"the module has {modules.name}, the host {hosts.name}"
    return (
        f"the module has another {modules.name} than the host: {_detail(mine, theirs)}; "
        "declare the same schema in both"
    )


def _detail(mine: _Json, theirs: _Json) -> str:
    one, other = (".".join(map(str, each["version"].values())) for each in (mine, theirs))
    if one != other:
        return f"the module's version is {one}, the host's {other}"
    fields = _field_difference(mine["fields"], theirs["fields"])
    if fields is not None:
        return fields
    reads_otherwise = mine["read_behavior"] != theirs["read_behavior"]
    return f"the {'read_behavior' if reads_otherwise else 'default_capacity'} differs"


def _field_difference(mine: List[_Json], theirs: List[_Json]) -> Optional[str]:
    if _is_same(mine, theirs):
        return None
    hosts = {each["name"]: each for each in theirs}
    for each in mine:
        name, other = each["name"], hosts.get(each["name"])
        if other is None:
            return f"the host's schema has no field '{name}'"
        if not _is_same(each["type"], other["type"]):
            return f"the type of the field '{name}' differs"
        if each.get("description") != other.get("description"):
            return f"the description of the field '{name}' differs"
    own = {each["name"] for each in mine}
    for each in theirs:
        if each["name"] not in own:
            return f"the module's schema has no field '{each['name']}'"
    return "the fields are in another order"


def _is_same(one: object, other: object) -> bool:
    return canonical_json(one) == canonical_json(other)
