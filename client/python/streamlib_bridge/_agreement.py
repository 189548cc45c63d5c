"""What host and module agree on for their ports, on the module's side.

Of two values the stricter one holds: every frame in order rather than the latest one, and the
smaller capacity.
"""

from __future__ import annotations

from typing import (
    AbstractSet,
    Any,
    Dict,
    FrozenSet,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from . import _field_types as types
from ._errors import BridgeError
from ._generated import (
    FIRST_FORMATS,
    MAX_FORMATS,
    MAX_NAME_BYTES,
    PIXEL_FORMATS,
    ChannelKey,
)
from ._layout import lane_layout_hash
from ._minor import base_minor, variants_at
from ._packed import Message, UInt64, get_dictionary, get_uint64
from ._schema_check import mirror_target
from ._schema_difference import schema_difference
from ._types import ConnectionSchema, Port, Schema, has_open_texture, schema


class PortTerms:
    """How one port works between the two sides. Immutable."""

    __slots__ = ("read_behavior", "capacity", "schema", "minor", "formats")

    def __init__(
        self,
        read_behavior: str,
        capacity: int,
        schema: Schema,
        minor: int,
        formats: Optional[Tuple[str, ...]],
    ) -> None:
        #: How frames are read: `skip_to_latest` or `read_next_in_order`.
        self.read_behavior = read_behavior
        #: The most unread frames that the port holds.
        self.capacity = capacity
        #: The schema with the marks that this side knows.
        self.schema = schema
        #: The minor version of the schema that both sides have.
        self.minor = minor
        #: The pixel formats that frames can have; None if that was not agreed on.
        self.formats = formats

    @property
    def agreed_format(self) -> Optional[str]:
        """The pixel format that both sides have agreed on; None if there is no one."""
        formats = self.formats
        return formats[0] if formats is not None and len(formats) == 1 else None

    @property
    def in_order(self) -> bool:
        """Whether every frame is read, in the order of sending."""
        return self.read_behavior == "read_next_in_order"


class AgreedPorts(NamedTuple):
    """The ports of one direction, as host and module use them."""

    #: The terms of each port that both sides have, by name.
    terms: Dict[str, PortTerms]
    #: The optional ports that only the module has.
    unconnected: Dict[str, Port]


class Agreement(NamedTuple):
    """What host and module agree on."""

    inputs: AgreedPorts
    outputs: AgreedPorts
    #: What the message `started` says of the ports.
    message: Message


class _Words(NamedTuple):
    """What the host says of a port in `ping`."""

    minor: Optional[int] = None
    formats: Optional[Tuple[str, ...]] = None
    marks: Optional[Mapping[str, str]] = None


def agree_with_host(
    hosts: ConnectionSchema,
    declared: Optional[ConnectionSchema],
    ping: Message,
    features: AbstractSet[str],
) -> Agreement:
    """Compare the ports that a module declares with its host's.

    `declared` is None if the module declares none: then it has the host's, with the marks
    that the host says in `ping`. `features` are those that both sides use. What does not go
    together is a `BridgeError` `schema_mismatch`, which names each port.
    """
    used = frozenset(features)
    said_in = _hosts_words(get_dictionary(ping, ChannelKey.INPUTS), used)
    said_out = _hosts_words(get_dictionary(ping, ChannelKey.OUTPUTS), used)
    if declared is None:
        inputs = _agree("input", hosts.inputs, _marked(hosts.inputs, said_in), said_in, used)
        outputs = _agree("output", hosts.outputs, _marked(hosts.outputs, said_out), said_out, used)
        return Agreement(inputs, outputs, {})
    inputs = _agree("input", hosts.inputs, declared.inputs, said_in, used)
    outputs = _agree("output", hosts.outputs, declared.outputs, said_out, used)
    message: Message = {
        ChannelKey.INPUTS: _ports_message(inputs.terms, declared.inputs, used),
        ChannelKey.OUTPUTS: _ports_message(outputs.terms, declared.outputs, used),
    }
    return Agreement(inputs, outputs, message)


# ---- what the host says ----


def _hosts_words(ports: Optional[Message], features: FrozenSet[str]) -> Dict[str, _Words]:
    return {
        name: _parse_words(said, features)
        for name, said in (ports or {}).items()
        if isinstance(said, dict)
    }


def _parse_words(said: Message, features: FrozenSet[str]) -> _Words:
    """Read what cannot be read, or is of a feature that is not used, as not said."""
    minor = get_uint64(said, ChannelKey.MINOR) if "minors" in features else None
    formats = None
    if "formats" in features:
        given = said.get(ChannelKey.FORMATS)
        if isinstance(given, list):
            formats = tuple(
                name
                for name in given[:MAX_FORMATS]
                if isinstance(name, str) and len(name) <= MAX_NAME_BYTES
            )
    marks = None
    if "marks" in features:
        found = get_dictionary(said, ChannelKey.MARKS)
        if found is not None:
            marks = {path: mark for path, mark in found.items() if isinstance(mark, str)}
    return _Words(minor, formats, marks)


def _marked(ports: Mapping[str, Port], said: Mapping[str, _Words]) -> Dict[str, Port]:
    """Return the host's ports, in their base form, with the marks that the host says."""
    made: Dict[str, Port] = {}
    for name, port in ports.items():
        marks = said[name].marks if name in said else None
        made[name] = port if marks is None else port.with_schema(_with_marks(port.schema, marks))
    return made


def _with_marks(base: Schema, marks: Mapping[str, str]) -> Schema:
    """Return a schema with marks. A path that it does not have is ignored: the peer is newer."""
    fields = _marked_fields(base.fields, marks, "")
    return schema(base.name, base.version, fields, base.read_behavior, base.default_capacity)


def _marked_fields(
    fields: Mapping[str, types.Field], marks: Mapping[str, str], path: str
) -> Dict[str, types.Field]:
    made: Dict[str, types.Field] = {}
    for name, one in fields.items():
        own = path + name
        type = _marked_type(one.type, marks, f"{own}.")
        if own in marks:
            type = types.marked(type, marks[own])
        made[name] = types.Field(type, one.description, one.since)
    return made


def _marked_type(type: types.FieldType, marks: Mapping[str, str], path: str) -> types.FieldType:
    if isinstance(type, types.Struct):
        return types.Struct(_marked_fields(type.fields, marks, path))
    if isinstance(type, types.Optional):
        return types.Optional(_marked_type(type.inner, marks, path))
    if isinstance(type, types.Array):
        element = _marked_type(type.element, marks, path)
        if type.length is None:
            return types.Array(element)
        return types.FixedArray(element, type.length)
    return type


# ---- the agreement ----


def _agree(
    side: str,
    hosts: Mapping[str, Port],
    modules: Mapping[str, Port],
    said: Mapping[str, _Words],
    features: FrozenSet[str],
) -> AgreedPorts:
    terms: Dict[str, PortTerms] = {}
    unconnected: Dict[str, Port] = {}
    problems: List[str] = []
    for name in dict.fromkeys((*modules, *hosts)):
        mine, theirs = modules.get(name), hosts.get(name)
        problem = _problem(mine, theirs)
        if problem is None and mine is not None and theirs is not None:
            try:
                terms[name] = _terms(side, mine, theirs, said.get(name, _Words()), features)
            except _NoFormat as why:
                problem = str(why)
        elif mine is not None and theirs is None and not mine.required:
            unconnected[name] = mine
        if problem is not None:
            problems.append(f"The {side} '{name}' differs: {problem}")
    if problems:
        raise BridgeError("schema_mismatch", "\n".join(problems))
    return AgreedPorts(terms, unconnected)


def _terms(
    side: str, mine: Port, theirs: Port, words: _Words, features: FrozenSet[str]
) -> PortTerms:
    schema = mine.schema
    base = base_minor(schema)
    host_minor = max(base, base if words.minor is None else words.minor)
    minor = min(schema.version[1], host_minor)
    module = _Side("the module", mine.formats, True)
    host = _Side("the host", words.formats, "formats" in features)
    # The module sends on an output.
    producer, consumer = (module, host) if side == "output" else (host, module)
    formats = _agree_formats(schema, minor, producer, consumer)
    in_order = "read_next_in_order" in (mine.read_behavior, theirs.read_behavior)
    read_behavior = "read_next_in_order" if in_order else "skip_to_latest"
    capacity = min(mine.capacity, theirs.capacity)
    return PortTerms(read_behavior, capacity, schema, minor, formats)


def _problem(mine: Optional[Port], theirs: Optional[Port]) -> Optional[str]:
    if mine is not None and theirs is not None:
        return schema_difference(mine.schema, theirs.schema)
    if theirs is not None and theirs.required:
        return (
            f"the module has no such port, the host {theirs.schema.name}; "
            "add it to the module, or declare it with required: false in the host"
        )
    if mine is not None and mine.required:
        return (
            f"the module has {mine.schema.name}, the host no such port; "
            "add it to the host, or declare it with required=False in the module"
        )
    return None


# ---- pixel formats ----


class _NoFormat(Exception):
    """There is no pixel format that both sides of a port have."""


class _Side(NamedTuple):
    """What one side of a port says of its formats."""

    #: The side in a message.
    who: str
    #: The formats that it lists, the preferred one first; None if it lists none.
    formats: Optional[Tuple[str, ...]]
    #: Whether it takes part in the agreement.
    agrees: bool


def _agree_formats(
    schema: Schema, minor: int, producer: _Side, consumer: _Side
) -> Optional[Tuple[str, ...]]:
    """Return the formats that frames can have.

    That is one, if the producer takes part in the agreement; else those that the consumer
    lists and the producer may send. It is None if neither side lists formats: then frames can
    have each, but to or from a side that does not take part only those that it knows.
    """
    wanted = consumer.formats if consumer.formats is not None else producer.formats
    possible = _possible_formats(schema, minor)
    both_agree = producer.agrees and consumer.agrees
    if wanted is None and (both_agree or not _has_later_formats(schema, possible)):
        return None
    made = _formats_of(producer, possible)
    taken = _formats_of(consumer, possible)
    candidates: Sequence[str] = FIRST_FORMATS if wanted is None else wanted
    both = tuple(name for name in candidates if name in made and name in taken and name in possible)
    if both:
        return both[:1] if wanted is not None and producer.agrees else both
    major = schema.version[0]
    raise _NoFormat(
        f"{producer.who} sends {_in_words(producer, made)}, "
        f"{consumer.who} takes {_in_words(consumer, taken)}; "
        "give them a pixel format that is in both lists, and that "
        f"{schema.name} {major}.{minor} has"
    )


def _has_later_formats(schema: Schema, possible: Sequence[str]) -> bool:
    """Tell whether frames can have formats that the first version of the protocol did not."""
    return has_open_texture(schema.fields) and any(name not in FIRST_FORMATS for name in possible)


def _formats_of(side: _Side, possible: Sequence[str]) -> Sequence[str]:
    if side.formats is not None:
        return side.formats
    if side.agrees:
        return possible
    return [name for name in possible if name in FIRST_FORMATS]


def _in_words(side: _Side, formats: Sequence[str]) -> str:
    names = ", ".join(name[:60] for name in formats)
    return f"any of {names}" if side.formats is None else names


def _possible_formats(schema: Schema, minor: int) -> List[str]:
    """Return the formats that a field which mirrors the format of a texture can hold."""
    possible = list(PIXEL_FORMATS)
    for one in schema.fields.values():
        if not isinstance(one.type, types.Enum) or one.type.mark is None:
            continue
        target = mirror_target(one.type.mark)
        if target is None or target.property != "pixel_format":
            continue
        variants = variants_at(one.type, minor)
        possible = [name for name in possible if name in variants]
    return possible


# ---- what the module says ----


def _ports_message(
    terms: Mapping[str, PortTerms], declared: Mapping[str, Port], features: FrozenSet[str]
) -> Message:
    """Return what `started` says of the ports of one direction that a module uses."""
    message: Message = {}
    for name, term in terms.items():
        port = declared[name]
        one: Dict[str, Any] = {
            ChannelKey.READ_BEHAVIOR: term.read_behavior,
            ChannelKey.CAPACITY: UInt64(term.capacity),
        }
        if port.given_read_behavior is not None:
            one[ChannelKey.GIVEN] = port.given_read_behavior
        if "minors" in features:
            one[ChannelKey.MINOR] = UInt64(port.schema.version[1])
        if "formats" in features and port.formats is not None:
            one[ChannelKey.FORMATS] = list(port.formats)
        if "lanes" in features:
            one[ChannelKey.LAYOUT] = lane_layout_hash(port.schema, term.minor)
        message[name] = one
    return message
