"""The JSON form of field types. `_field_types.py` has a table of it.

The base form is what both sides hash and the broker keeps. The full form has marks too, and
what minor versions have added.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Tuple

from . import _field_types as types
from ._generated import ELEMENT_KINDS, MAX_FIELDS, MAX_NESTING
from ._minor import variant_since, variants_at
from ._place import Place
from ._schema_check import TEXTURE_FORMATS, check_length
from ._text import quote, show


def fields_to_json(fields: Mapping[str, types.Field], form: str) -> List[Dict[str, Any]]:
    """Return the JSON form of some fields, in their order."""
    return [
        _field_to_json(name, one, form)
        for name, one in fields.items()
        if form == "full" or one.since is None
    ]


def _field_to_json(name: str, one: types.Field, form: str) -> Dict[str, Any]:
    made: Dict[str, Any] = {"name": name}
    if one.description is not None:
        made["description"] = one.description
    made["type"] = type_to_json(one.type, form)
    if form == "full" and one.type.mark is not None:
        made["mark"] = one.type.mark
    if one.since is not None:
        made["since"] = one.since
    return made


def type_to_json(type: types.FieldType, form: str) -> Any:
    """Return the JSON form of a type."""
    if isinstance(type, types.Texture):
        return {"Texture": {"format": type.format}}
    if isinstance(type, types.Buffer):
        return {"Buffer": {"element_type": type.element_type}}
    if isinstance(type, types.Array):
        element = type_to_json(type.element, form)
        if type.length is None:
            return {"Array": element}
        return {"Array": {"element": element, "length": type.length}}
    if isinstance(type, types.Struct):
        return {"Struct": {"fields": fields_to_json(type.fields, form)}}
    if isinstance(type, types.Optional):
        return {"Optional": type_to_json(type.inner, form)}
    if isinstance(type, types.Enum):
        return {"Enum": _variants_to_json(type, form)}
    if isinstance(type, types.SchemaRef):
        return {"SchemaRef": type.schema.name}
    return type.kind


def _variants_to_json(type: types.Enum, form: str) -> List[Any]:
    if form == "base":
        return list(variants_at(type))
    made: List[Any] = []
    for name in type.variants:
        since = variant_since(type, name)
        made.append(name if since is None else {"name": name, "since": since})
    return made


_SCALARS: Dict[str, types.FieldType] = {
    scalar.kind: scalar
    for scalar in (
        types.Int32,
        types.Int64,
        types.UInt32,
        types.UInt64,
        types.Float32,
        types.Float64,
        types.Bool,
        types.String,
        types.Bytes,
    )
}

#: Returns the schema that the field at a place refers to by name, or refuses.
Resolve = Callable[[Place, str], types.Schema]


class FieldReader:
    """Reads the fields of one schema from JSON. Refuses what is not the form of a field."""

    def __init__(self, schema: Place, resolve: Resolve) -> None:
        self._schema = schema
        self._resolve = resolve

    def fields(self, json: object, path: str = "", level: int = 1) -> Dict[str, types.Field]:
        """Return the fields in a list, in their order.

        `path` is the prefix of their names in an error. The fields of the schema itself have
        level 1.
        """
        schema = self._schema
        items = schema.array(f"'{path}fields'", json)
        if len(items) > MAX_FIELDS:
            schema.refuse(
                f"'{path}fields' has {len(items)} fields; at most {MAX_FIELDS} are allowed"
            )
        fields: Dict[str, types.Field] = {}
        for index, item in enumerate(items):
            nth = schema.inside(f"'{path}fields[{index}]'")
            keys = nth.closed(item, ("name", "type"), ("description", "mark", "since"))
            name = nth.string("name", keys["name"])
            if name in fields:
                nth.refuse(f"another field is called {quote(name)}")
            place = schema.inside(f"field {quote(path + name)}")
            type = self._type(place, keys["type"], f"{path}{name}.", level)
            if "mark" in keys:
                # The schema's check refuses a mark that is none.
                type = types.marked(type, place.string("its mark", keys["mark"]))
            description = None
            if "description" in keys:
                description = place.string("description", keys["description"])
            since = keys.get("since")
            if "since" in keys and since is None:
                place.refuse("since, the minor version that has added it, is None, not an integer")
            fields[name] = types.Field(type, description, since)
        return fields

    def _type(self, place: Place, json: object, path: str, level: int) -> types.FieldType:
        if level > MAX_NESTING:
            place.refuse(f"types are nested more than {MAX_NESTING} deep")
        if isinstance(json, str):
            scalar = _SCALARS.get(json)
            if scalar is None:
                place.refuse(
                    f"{show(json)} is not a type; without parameters there are "
                    f"{', '.join(_SCALARS)}"
                )
            return scalar
        kind, parameter = _only_entry(place, json)
        read = _READERS.get(kind)
        if read is None:
            place.refuse(
                f"{show(kind)} is not a type; with parameters there are {', '.join(_READERS)}"
            )
        return read(self, place, parameter, path, level)

    def _texture(self, place: Place, parameter: object, path: str, level: int) -> types.FieldType:
        keys = place.closed(parameter, ("format",))
        format = place.one_of("the texture's format", keys["format"], TEXTURE_FORMATS)
        return types.Texture(format)

    def _buffer(self, place: Place, parameter: object, path: str, level: int) -> types.FieldType:
        keys = place.closed(parameter, ("element_type",))
        kind = place.one_of("the buffer's element_type", keys["element_type"], ELEMENT_KINDS)
        return types.Buffer(types.Element(kind))

    def _array(self, place: Place, parameter: object, path: str, level: int) -> types.FieldType:
        # The parameter of a fixed array has two keys, a type would have one.
        if not isinstance(parameter, dict) or not parameter.keys() & {"element", "length"}:
            return types.Array(self._type(place, parameter, path, level + 1))
        keys = place.closed(parameter, ("element", "length"))
        element = self._type(place, keys["element"], path, level + 1)
        return types.FixedArray(element, check_length(place, keys["length"]))

    def _struct(self, place: Place, parameter: object, path: str, level: int) -> types.FieldType:
        keys = place.closed(parameter, ("fields",))
        return types.Struct(self.fields(keys["fields"], path, level + 1))

    def _optional(self, place: Place, parameter: object, path: str, level: int) -> types.FieldType:
        return types.Optional(self._type(place, parameter, path, level + 1))

    def _enum(self, place: Place, parameter: object, path: str, level: int) -> types.FieldType:
        added: Dict[str, Any] = {}
        variants: List[str] = []
        for given in place.array("the Enum", parameter):
            if isinstance(given, (dict, list)):
                keys = place.closed(given, ("name", "since"))
                name = place.string("a variant", keys["name"])
                added[name] = keys["since"]
                variants.append(name)
            else:
                variants.append(place.string("a variant", given))
        made = types.Enum(*variants)
        made._set(added=added)
        return made

    def _schema_ref(
        self, place: Place, parameter: object, path: str, level: int
    ) -> types.FieldType:
        name = place.string("the SchemaRef", parameter)
        return types.SchemaRef(self._resolve(place, name))


_READERS: Dict[str, Callable[[FieldReader, Place, object, str, int], types.FieldType]] = {
    "Texture": FieldReader._texture,
    "Buffer": FieldReader._buffer,
    "Array": FieldReader._array,
    "Struct": FieldReader._struct,
    "Optional": FieldReader._optional,
    "Enum": FieldReader._enum,
    "SchemaRef": FieldReader._schema_ref,
}


def _only_entry(place: Place, json: object) -> Tuple[str, Any]:
    """Return the only key of a type with parameters, and its value."""
    if not isinstance(json, dict):
        place.refuse(f"its type is {show(json)}, not a string or an object")
    if len(json) != 1:
        place.refuse(
            f"its type is an object of {len(json)} keys; it must have one, the type's name"
        )
    return next(iter(json.items()))
