"""What the tests share: the vectors, frames as JSON, and memory by a rule.

The form of frames is in `tests/helpers/frame_json.ts`, the rule of memory in
`tests/helpers/conformance/ruled_memory.ts`.
"""

from __future__ import annotations

import json
import math
from array import array
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from streamlib_bridge import _field_types as types
from streamlib_bridge._codec import FrameCodec, Terms, frame_codec
from streamlib_bridge._schema_json import parse_schemas

TESTS = Path(__file__).resolve().parent.parent

Name = Tuple[int, int, bool]

_CODES = {"Int32": "i", "UInt32": "I", "Int64": "q", "UInt64": "Q", "Float32": "f", "Float64": "d"}
_FORMATS = ("bgra8", "gray8", "nv12")
_UNKNOWN = 13
_MOST = 1000


def _integer(text: str) -> float:
    # JavaScript writes large floats as integers. Large integers are strings.
    value = int(text)
    return value if abs(value) < 2**53 else float(value)


def parse(text: str) -> Any:
    """Parse the JSON of a vector."""
    return json.loads(text, parse_int=_integer)


def vectors(name: str) -> Any:
    """Return the vectors of a file of `tests/`."""
    return parse((TESTS / name).read_text(encoding="utf-8"))


def random_frames() -> List[Any]:
    """Return the vectors of random frames."""
    path = TESTS / "conformance/random_frames.jsonl"
    return [parse(line) for line in path.read_text(encoding="utf-8").splitlines()]


def bytes_of(text: str) -> bytes:
    """Return the bytes of hex digits; spaces between them are ignored."""
    return bytes.fromhex(text.replace(" ", ""))


def hex_of(data: bytes) -> str:
    """Return the hex digits of bytes, in groups of four bytes."""
    return " ".join(data[at : at + 4].hex() for at in range(0, len(data), 4))


class Surface:
    """A surface of 2 by 1 pixels."""

    width = 2
    height = 1
    bytes_per_row = 64

    def __init__(self, name: Name, pixel_format: str) -> None:
        self.name = name
        self.pixel_format = pixel_format


class Numbers:
    """A buffer."""

    def __init__(self, name: Name, element_type: str, length: int) -> None:
        self.name = name
        self.element_type = element_type
        self._length = length

    def __len__(self) -> int:
        return self._length


class RuledMemory:
    """Memory by a rule: the format of a surface is that of its generation."""

    def __init__(self, only_bgra8: bool = False) -> None:
        self.asked: List[List[Any]] = []
        self._only_bgra8 = only_bgra8

    def name(self, value: Any) -> Name:
        name: Name = value.name
        return name

    def texture(self, id: int, generation: int, moved: bool) -> Any:
        self.asked.append([id, generation, moved])
        if id % 16 == _UNKNOWN and not self._only_bgra8:
            return "no memory of this connection"
        return self.surface((id, generation, moved))

    def surface(self, name: Name) -> Surface:
        return Surface(name, "bgra8" if self._only_bgra8 else _FORMATS[name[1] % 3])

    def buffer(
        self, id: int, generation: int, moved: bool, element_type: str, length: Optional[int]
    ) -> Any:
        self.asked.append([id, generation, moved])
        if id % 16 == _UNKNOWN and not self._only_bgra8:
            return "no memory of this connection"
        if length is None:
            return "a buffer without its length"
        if length > _MOST:
            return f"more than {_MOST} elements"
        return Numbers((id, generation, moved), element_type, length)

    def bare(self, capability: Any) -> Any:
        raise AssertionError("no vector has a surface in a message")


def codec_of(case: Mapping[str, Any]) -> FrameCodec:
    """Return the codec of a case: its first schema, at its minor version, with its formats."""
    schema = parse_schemas(case["schemas"])[case["schemas"][0]["name"]]
    formats = case.get("formats")
    minor = case.get("minor", schema.version[1])
    return frame_codec(schema, Terms(minor, None if formats is None else tuple(formats)))


def values_of(
    fields: Mapping[str, types.Field], frame: Mapping[str, Any], memory: RuledMemory
) -> Dict[str, Any]:
    """Return the values of a frame in JSON."""
    return {name: _value_of(one.type, frame.get(name), memory) for name, one in fields.items()}


def _value_of(type: types.FieldType, json: Any, memory: RuledMemory) -> Any:
    if isinstance(type, types.Optional):
        return None if json is None else _value_of(type.inner, json, memory)
    if isinstance(type, types.Texture):
        return memory.surface((json["id"], json["generation"], json["moved"]))
    if isinstance(type, types.Buffer):
        name = (json["id"], json["generation"], json["moved"])
        return Numbers(name, type.element_type, json["length"])
    if isinstance(type, types.Array):
        items = [_value_of(type.element, item, memory) for item in json]
        code = _CODES.get(type.element.kind)
        return items if code is None else array(code, items)
    if isinstance(type, types.Struct):
        return values_of(type.fields, json, memory)
    if isinstance(type, types.SchemaRef):
        return values_of(type.schema.fields, json, memory)
    if type.kind in ("Int64", "UInt64"):
        return int(json)
    if type.kind in ("Float32", "Float64"):
        return float(json)
    return bytes.fromhex(json) if type.kind == "Bytes" else json


def json_of(fields: Mapping[str, types.Field], values: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the values of a frame as JSON."""
    return {name: _json_of(one.type, values[name]) for name, one in fields.items()}


def _json_of(type: types.FieldType, value: Any) -> Any:
    if isinstance(type, types.Optional):
        return None if value is None else _json_of(type.inner, value)
    if isinstance(type, (types.Texture, types.Buffer)):
        id, generation, moved = value.name
        made = {"id": id, "generation": generation, "moved": moved}
        return {**made, "length": len(value)} if isinstance(type, types.Buffer) else made
    if isinstance(type, types.Array):
        return [_json_of(type.element, item) for item in value]
    if isinstance(type, types.Struct):
        return json_of(type.fields, value)
    if isinstance(type, types.SchemaRef):
        return json_of(type.schema.fields, value)
    if type.kind in ("Int64", "UInt64"):
        return str(value)
    if type.kind in ("Float32", "Float64"):
        return _json_of_float(value)
    return value.hex() if type.kind == "Bytes" else value


def _json_of_float(value: float) -> Any:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return "-0" if value == 0 and math.copysign(1, value) < 0 else value
