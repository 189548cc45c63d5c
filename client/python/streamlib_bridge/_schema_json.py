"""The JSON forms of schemas, of a connection's ports, and of what a processor declares.

Reading is strict: missing, unknown and out-of-range values are refused, with the place.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from . import _types as types
from ._canonical import canonical_json, code_units, sha256
from ._field_type_json import FieldReader, fields_to_json
from ._field_types import fields_have_memory
from ._generated import MAX_CALLS, MAX_NESTING, MAX_SCHEMA_BYTES, PIXEL_FORMATS, READ_BEHAVIORS
from ._layout import lane_layout, lane_layout_hash
from ._minor import base_version
from ._place import Place, parse_json
from ._schema_check import check_call_name, check_capacity
from ._text import amount, number_text, quote
from ._types import ConnectionSchema, Port, Schema, Setting

__all__ = [
    "ConnectionSchema", "call_schemas", "canonical_json", "connection_schema_to_json",
    "declarations_to_json", "description_of", "lane_layout", "lane_layout_hash",
    "parse_connection_schema", "parse_schema", "parse_schemas", "read_connection_schema",
    "same_schema", "schema_hash", "schema_to_json",
]  # fmt: skip


# ---- one schema ----


def schema_to_json(schema: Schema, form: str = "base") -> Dict[str, Any]:
    """Return the JSON form of a schema. Schemas that it refers to are named in it."""
    version = base_version(schema) if form == "base" else schema.version
    return {
        "name": schema.name,
        "version": dict(zip(("major", "minor", "patch"), version)),
        "fields": fields_to_json(schema.fields, form),
        "read_behavior": schema.read_behavior,
        "default_capacity": schema.default_capacity,
    }


def same_schema(one: Schema, other: Schema) -> bool:
    """Tell whether two schemas have the same base form."""
    return one is other or _base_text(one) == _base_text(other)


def _base_text(schema: Schema) -> str:
    return canonical_json(schema_to_json(schema))


def parse_schema(json: object, table: Optional[Mapping[str, Schema]] = None) -> Schema:
    """Read a schema from its parsed JSON. Its fields can refer to the schemas of `table`."""
    known = {} if table is None else table

    def resolve(place: Place, name: str) -> Schema:
        return known[name] if name in known else _unknown(place, name)

    return _read_schema(json, resolve)


def parse_schemas(items: Sequence[object]) -> Dict[str, Schema]:
    """Read schemas from their parsed JSON, in any order. They can refer to each other."""
    unread: Dict[str, object] = {}
    for json in items:
        name = _name_of(json)
        if name in unread:
            _place_of(name).refuse("there is another schema of that name")
        unread[name] = json
    table: Dict[str, Schema] = {}
    reading: List[str] = []

    def resolve(place: Place, name: str) -> Schema:
        if name in table:
            return table[name]
        if name not in unread:
            _unknown(place, name)
        if name in reading:
            place.refuse(f"the schemas refer to themselves: {' → '.join([*reading, name])}")
        if len(reading) >= MAX_NESTING:
            place.refuse(f"types are nested more than {MAX_NESTING} deep")
        reading.append(name)
        made = table[name] = _read_schema(unread[name], resolve)
        reading.pop()
        return made

    for name in unread:
        resolve(_place_of(name), name)
    return table


def _place_of(name: str) -> Place:
    return Place(f"schema {quote(name)}")


def _unknown(place: Place, name: str) -> NoReturn:
    place.refuse(f"there is no schema {quote(name)} to refer to")


def _name_of(json: object) -> str:
    place = Place("a schema")
    return place.string("name", place.open(json, ("name",))["name"])


def _read_schema(json: object, resolve: Any) -> Schema:
    name = _name_of(json)
    place = _place_of(name)
    keys = place.closed(json, ("name", "version", "fields", "read_behavior", "default_capacity"))
    parts = ("major", "minor", "patch")
    version = place.inside("version").closed(keys["version"], parts)
    return types.schema(
        name,
        (version["major"], version["minor"], version["patch"]),
        FieldReader(place, resolve).fields(keys["fields"]),
        place.one_of("read_behavior", keys["read_behavior"], READ_BEHAVIORS),
        check_capacity(place, "default_capacity", keys["default_capacity"]),
    )


# ---- the ports of a connection ----

_CONNECTION = Place("the connection's schema")
_PORT_KEYS = ("name", "description", "schema", "required", "read_behavior", "capacity")


def parse_connection_schema(text: str, form: str = "base") -> ConnectionSchema:
    """Read the schema of a connection from its JSON text.

    `schema_mismatch` names the port, or the schema and the field, and what is wrong with it;
    `malformed_message` if the text is no JSON.
    """
    return read_connection_schema(_CONNECTION.json(text, 4 * MAX_SCHEMA_BYTES), form)


def read_connection_schema(json: object, form: str = "base") -> ConnectionSchema:
    """Read the schema of a connection from its parsed JSON."""
    keys = _CONNECTION.closed(json, ("inputs", "outputs"), ("schemas",))
    table = parse_schemas(_CONNECTION.array("'schemas'", keys.get("schemas", [])))
    return types.connection_schema(
        _parse_ports("input", keys["inputs"], table, form),
        _parse_ports("output", keys["outputs"], table, form),
    )


def _parse_ports(
    side: str, json: object, table: Mapping[str, Schema], form: str
) -> Dict[str, Port]:
    ports: Dict[str, Port] = {}
    for index, item in enumerate(_CONNECTION.array(f"'{side}s'", json)):
        nth = _CONNECTION.inside(f"'{side}s[{index}]'")
        keys = nth.closed(item, _PORT_KEYS, ("formats",) if form == "full" else ())
        name = nth.string("name", keys["name"])
        if name in ports:
            nth.refuse(f"another {side} is called {quote(name)}")
        place = _CONNECTION.inside(f"{side} {quote(name)}")
        schema = parse_schema(keys["schema"], table)
        behavior = place.one_of("read_behavior", keys["read_behavior"], READ_BEHAVIORS)
        formats = None
        if "formats" in keys:
            formats = [
                place.one_of("formats", one, tuple(PIXEL_FORMATS))
                for one in place.array("'formats'", keys["formats"])
            ]
        ports[name] = types.port(
            schema,
            description=place.string("description", keys["description"]),
            required=place.boolean("required", keys["required"]),
            read_behavior=None if behavior == schema.read_behavior else behavior,
            capacity=check_capacity(place, "capacity", keys["capacity"]),
            formats=formats,
        )
    return ports


def connection_schema_to_json(connection: ConnectionSchema, form: str = "base") -> Dict[str, Any]:
    """Return the JSON form of a connection's schema."""
    made: Dict[str, Any] = {
        "inputs": _ports_to_json(connection.inputs, form),
        "outputs": _ports_to_json(connection.outputs, form),
    }
    schemas = _referred_schemas(connection)
    if schemas:
        made["schemas"] = [schema_to_json(schema, form) for schema in schemas]
    return made


def _ports_to_json(ports: Mapping[str, Port], form: str) -> List[Dict[str, Any]]:
    made = []
    for name, port in ports.items():
        one: Dict[str, Any] = {
            "name": name,
            "description": port.description,
            "schema": schema_to_json(port.schema, form),
            "required": port.required,
            "read_behavior": port.read_behavior,
            "capacity": port.capacity,
        }
        if form == "full" and port.formats is not None:
            one["formats"] = list(port.formats)
        made.append(one)
    return made


def _referred_schemas(connection: ConnectionSchema) -> List[Schema]:
    """Return all schemas that fields refer to, directly or through others, by name."""
    found: Dict[str, Schema] = {}

    def visit_fields(fields: Mapping[str, types.Field]) -> None:
        for one in fields.values():
            visit(one.type)

    def visit(type: types.FieldType) -> None:
        if isinstance(type, types.Array):
            visit(type.element)
        elif isinstance(type, types.Optional):
            visit(type.inner)
        elif isinstance(type, types.Struct):
            visit_fields(type.fields)
        elif isinstance(type, types.SchemaRef):
            schema = type.schema
            known = found.get(schema.name)
            if known is schema:
                return
            if known is not None and not same_schema(known, schema):
                _CONNECTION.refuse(
                    f"its fields refer to two schemas of the name {quote(schema.name)}"
                )
            found[schema.name] = schema
            visit_fields(schema.fields)

    for ports in (connection.inputs, connection.outputs):
        for port in ports.values():
            visit_fields(port.schema.fields)
    return sorted(found.values(), key=lambda schema: code_units(schema.name))


def schema_hash(text: str) -> str:
    """Return the hash of a connection's schema: of the JSON as it was received.

    It is the SHA-256 of the canonical form, with which both sides check that they have the
    same schema. `malformed_message` if the text is no JSON.
    """
    try:
        return sha256(canonical_json(parse_json(text)))
    except RecursionError:
        _CONNECTION.malformed("it is nested too deep")
    except ValueError as error:
        _CONNECTION.malformed(f"it is not JSON: {error}")


# ---- what a processor declares beside its ports ----

#: The fields of a call's request and of its reply.
CallFields = Tuple[Mapping[str, types.Field], Mapping[str, types.Field]]


def call_schemas(
    name: str, request: types.FieldDefinitions, reply: types.FieldDefinitions
) -> Tuple[Schema, Schema]:
    """Return the schemas of a call's request and reply.

    `schema_mismatch` if the name or the fields are not valid, or they have textures or
    buffers.
    """
    check_call_name(Place("the calls"), name)
    made = []
    for what, fields in (("request", request), ("reply", reply)):
        defined = types.Struct(fields).fields
        if fields_have_memory(defined):
            Place(f"the call {quote(name)}").inside(f"its {what}").refuse(
                "it has a texture or a buffer, and only frames have memory; "
                "use Bytes, up to 1 MiB in all"
            )
        made.append(types.schema(f"{name}.{what}", (1, 0, 0), defined))
    return made[0], made[1]


def declarations_to_json(
    settings: Mapping[str, Setting], calls: Mapping[str, CallFields]
) -> Dict[str, Any]:
    """Return the JSON form of what a processor declares beside its ports.

    A field that refers to a schema is written as a `Struct` of its fields: both travel as
    dictionaries. `schema_mismatch` if there are too many calls, or too much of all.
    """
    place = Place("what the processor declares")
    if len(calls) > MAX_CALLS:
        place.refuse(f"it has {len(calls)} calls; at most {MAX_CALLS} are allowed")
    made = {
        "settings": [_setting_to_json(name, one) for name, one in settings.items()],
        "calls": [
            {
                "name": name,
                "request": fields_to_json(_inlined(request), "base"),
                "reply": fields_to_json(_inlined(reply), "base"),
            }
            for name, (request, reply) in calls.items()
        ],
    }
    size = len(canonical_json(made))
    if size > MAX_SCHEMA_BYTES:
        place.refuse(
            f"its settings and calls take {amount(size, 'character')} as JSON; "
            f"at most {MAX_SCHEMA_BYTES} are allowed"
        )
    return made


def _setting_to_json(name: str, one: Setting) -> Dict[str, Any]:
    made: Dict[str, Any] = {"name": name}
    if one.description:
        made["description"] = one.description
    made["type"] = fields_to_json({name: types.Field(one.type)}, "base")[0]["type"]
    for key in ("default", "minimum", "maximum"):
        value = getattr(one, key)
        if value is not None:
            made[key] = _value_to_json(one.type.kind, value)
    return made


def _value_to_json(kind: str, value: Any) -> Any:
    """Return a setting's value: 64-bit integers and what is not finite are strings."""
    if kind in ("Int64", "UInt64"):
        return str(int(value))
    if kind in ("Float32", "Float64"):
        number = float(value)
        if number - number != 0:
            return number_text(number)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if kind in ("Int32", "UInt32"):
        return int(value)
    return str.__str__(value) if kind == "Enum" else value


def _inlined(fields: Mapping[str, types.Field]) -> Dict[str, types.Field]:
    return {
        name: types.Field(_inlined_type(one.type), one.description, one.since)
        for name, one in fields.items()
    }


def _inlined_type(type: types.FieldType) -> types.FieldType:
    if isinstance(type, types.SchemaRef):
        return types.Struct(_inlined(type.schema.fields))
    if isinstance(type, types.Struct):
        return types.Struct(_inlined(type.fields))
    if isinstance(type, types.Array):
        element = _inlined_type(type.element)
        return (
            types.Array(element) if type.length is None
            else types.FixedArray(element, type.length)
        )  # fmt: skip
    if isinstance(type, types.Optional):
        return types.Optional(_inlined_type(type.inner))
    return type


def description_of(
    mode: str,
    ports: Optional[ConnectionSchema],
    settings: Mapping[str, Setting],
    calls: Mapping[str, CallFields],
) -> Dict[str, Any]:
    """Return what `describe` of a processor returns: its mode, ports, settings and calls.

    `ports` is None if it uses those of its host.
    """
    return {
        "mode": mode,
        "ports": None if ports is None else connection_schema_to_json(ports, "full"),
        **declarations_to_json(settings, calls),
    }
