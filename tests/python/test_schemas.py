"""Schemas and what is declared with them, and what host and module agree on."""

from __future__ import annotations

import json
import pickle
import unittest
from typing import Any, Mapping

from kit import TESTS, bytes_of, hex_of, vectors
from streamlib_bridge._agreement import AgreedPorts, agree_with_host
from streamlib_bridge._canonical import canonical_json
from streamlib_bridge._errors import BridgeError
from streamlib_bridge._frames import AudioFrame, ColorSpace, DataFrame, VideoFrame
from streamlib_bridge._generated import CtrlType, PIXEL_FORMATS
from streamlib_bridge._handshake import CLIENT_PHASE_TEXT, client_step
from streamlib_bridge._misfit import Misfit
from streamlib_bridge._packed import pack, unpack
from streamlib_bridge._place import parse_json
from streamlib_bridge._schema_json import (
    call_schemas,
    connection_schema_to_json,
    declarations_to_json,
    description_of,
    lane_layout,
    lane_layout_hash,
    parse_connection_schema,
    read_connection_schema,
    schema_hash,
    schema_to_json,
)
from streamlib_bridge._settings_codec import SettingsCodec
from streamlib_bridge._types import (
    Array, Bool, Bytes, Clock, Enum, Float32, Float64, Int8, Int32, Int64,
    Optional, SchemaRef, String, Texture, UInt64, connection_schema, field, port,
    schema, setting,
)  # fmt: skip

#: What TypeScript says in words of its own language.
_IN_PYTHON = (
    ("an array of", "a list of"),
    ("it is an object,", "it is a dict,"),
    ("it is undefined", "it is None"),
    (
        "declare it with required: false in the module",
        "declare it with required=False in the module",
    ),
)


def in_python(message: str) -> str:
    for words, ours in _IN_PYTHON:
        message = message.replace(words, ours)
    return message


class SchemaTest(unittest.TestCase):
    def setUp(self) -> None:
        self.vectors = vectors("conformance/schemas.json")

    def test_canonical_json(self) -> None:
        for vector in self.vectors["canonical"]:
            with self.subTest(vector["text"]):
                found = canonical_json(parse_json(vector["text"]))
                self.assertEqual(found, vector["canonical"])

    def test_connections(self) -> None:
        for vector in self.vectors["connections"]:
            with self.subTest(vector["hash"]):
                full = read_connection_schema(vector["full"], "full")
                self.assertEqual(connection_schema_to_json(full, "full"), vector["full"])
                base = connection_schema_to_json(full)
                self.assertEqual(base, parse_json(vector["base"]))
                self.assertEqual(schema_hash(vector["base"]), vector["hash"])
                parsed = parse_connection_schema(vector["base"])
                self.assertEqual(connection_schema_to_json(parsed), base)

    def test_layouts(self) -> None:
        known = {}
        for vector in self.vectors["connections"]:
            connection = read_connection_schema(vector["full"], "full")
            for ports in (connection.inputs, connection.outputs):
                known.update({one.schema.name: one.schema for one in ports.values()})
        for vector in self.vectors["layouts"]:
            with self.subTest(vector["schema"], minor=vector["minor"]):
                made = known[vector["schema"]]
                self.assertEqual(lane_layout(made, vector["minor"]), vector["layout"])
                self.assertEqual(lane_layout_hash(made, vector["minor"]), vector["hash"])

    def test_what_is_no_schema(self) -> None:
        for vector in self.vectors["refused"]:
            with self.subTest(vector["text"][:200]):
                with self.assertRaises(BridgeError) as caught:
                    parse_connection_schema(vector["text"])
                self.assertEqual(caught.exception.message, in_python(vector["message"]))
                self.assertEqual(caught.exception.code, vector["code"])

    def test_the_shipped_frames_are_those_of_version_0_1(self) -> None:
        lines = (TESTS / "golden/shipped_frames.txt").read_text(encoding="utf-8").splitlines()
        for index, made in enumerate((VideoFrame, AudioFrame, DataFrame)):
            base = connection_schema_to_json(connection_schema({"a": made}))
            self.assertEqual(canonical_json(base["inputs"][0]["schema"]), lines[2 * index])
            self.assertEqual(schema_hash(canonical_json(base)), lines[2 * index + 1])
        self.assertEqual(ColorSpace.kind, "Struct")

    def test_definitions_that_are_none(self) -> None:
        def refused(words: str, code: str, make: Any) -> None:
            with self.subTest(words), self.assertRaises(BridgeError) as caught:
                make()
            self.assertEqual(caught.exception.code, code)
            self.assertIn(words, caught.exception.message)

        def of(fields: Any, **options: Any) -> Any:
            return lambda: schema("S", (1, 0, 0), fields, **options)

        refused("neither a type nor a field", "bad_argument", of({"a": float}))
        refused("not a dict", "bad_argument", of([Float32]))
        refused("its version is", "bad_argument", lambda: schema("S", "1.0", {}))  # type: ignore
        refused("Int8 is only for the elements of a buffer", "schema_mismatch", of({"a": Int8}))
        refused("every JavaScript object has", "schema_mismatch", of({"constructor": Bool}))
        refused("not one of", "schema_mismatch", of({}, kind="x"))
        refused(
            "an Optional of an Optional", "schema_mismatch", of({"a": Optional(Optional(Bool))})
        )
        refused("cannot hold", "schema_mismatch", of({"a": Clock(Bool)}))
        refused("not of a type", "bad_argument", lambda: Array(int))  # type: ignore[arg-type]
        refused("neither a schema nor a port", "bad_argument", lambda: connection_schema({"a": 5}))  # type: ignore
        refused(
            "no texture of any format",
            "schema_mismatch",
            lambda: port(AudioFrame, formats=["nv12"]),
        )
        refused("twice", "schema_mismatch", lambda: port(VideoFrame, formats=["nv12", "nv12"]))
        refused("from 1 to 65536", "schema_mismatch", lambda: port(VideoFrame, capacity=True))
        with self.assertRaises(AttributeError):
            VideoFrame.name = "x"

    def test_objects_can_be_pickled(self) -> None:
        made = pickle.loads(pickle.dumps(port(VideoFrame, capacity=2)))
        self.assertEqual(made.capacity, 2)
        self.assertEqual(schema_to_json(made.schema, "full"), schema_to_json(VideoFrame, "full"))

    def test_pixel_formats(self) -> None:
        self.assertEqual(PIXEL_FORMATS["nv12"].planes[1], (2, 2, 2, 2, "uint8"))
        self.assertEqual(PIXEL_FORMATS["rgba16f"].planes[0].channels, 4)


class AgreementTest(unittest.TestCase):
    def test_agreements(self) -> None:
        for vector in vectors("conformance/agreement.json")["cases"]:
            with self.subTest(vector["about"]):
                hosts = parse_connection_schema(vector["hosts"])
                declared = None
                if vector["declared"] is not None:
                    declared = parse_connection_schema(vector["declared"], "full")
                ping = unpack(bytes_of(vector["ping"]))
                features = frozenset(vector["features"])
                if "message" in vector:
                    with self.assertRaises(BridgeError) as caught:
                        agree_with_host(hosts, declared, ping, features)
                    self.assertEqual(caught.exception.message, in_python(vector["message"]))
                    self.assertEqual(caught.exception.code, vector["code"])
                    continue
                found = agree_with_host(hosts, declared, ping, features)
                self.check_ports(found.inputs, vector["inputs"])
                self.check_ports(found.outputs, vector["outputs"])
                self.assertEqual(found.message, unpack(bytes_of(vector["started"])))
                self.assertEqual(hex_of(pack(found.message)), vector["started"])

    def check_ports(self, found: AgreedPorts, expected: Mapping[str, Any]) -> None:
        self.assertEqual(list(found.unconnected), expected["unconnected"])
        self.assertEqual(list(found.terms), list(expected["terms"]))
        for name, one in expected["terms"].items():
            term = found.terms[name]
            self.assertEqual(term.read_behavior, one["read_behavior"])
            self.assertEqual(term.in_order, one["read_behavior"] == "read_next_in_order")
            self.assertEqual(term.capacity, one["capacity"])
            self.assertEqual(term.minor, one["minor"])
            formats = None if one["formats"] is None else tuple(one["formats"])
            self.assertEqual(term.formats, formats)
            self.assertEqual(schema_to_json(term.schema, "full"), json.loads(one["schema"]))


class HandshakeTest(unittest.TestCase):
    def test_every_step(self) -> None:
        file = vectors("conformance/handshake.json")
        self.assertEqual(dict(CLIENT_PHASE_TEXT), file["phases"])
        for step in file["steps"]:
            with self.subTest(step["phase"], event=step["event"]):
                found = client_step(step["phase"], step["event"])
                self.assertEqual(found, (step["next"], step["effects"]))
        self.assertEqual(CtrlType.SURFACE_OFFER, "surface_offer")


_SETTINGS = {
    "amount": setting(Float32, default=0.1, minimum=0.1, maximum=0.3, description="how much"),
    "least": setting(Int32, default=0, minimum=-5),
    "most": setting(UInt64, default=0, maximum=7),
    "wide": setting(Int64, default=-(2**63)),
    "free": setting(Float64, default=float("nan")),
    "mode": setting(Enum("a", "b"), default="b"),
    "text": setting(String, default="Länge"),
    "flag": setting(Bool, default=True),
}


class SettingsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.vectors = vectors("conformance/settings.json")

    def test_what_is_declared(self) -> None:
        point = schema("Point", (1, 0, 0), {"x": Float32})
        request, reply = call_schemas(
            "row",
            {"y": field(Int32, "which"), "at": SchemaRef(point)},
            {"pixels": Array(Int64), "text": Optional(String)},
        )
        calls = {"row": (request.fields, reply.fields)}
        self.assertEqual(declarations_to_json(_SETTINGS, calls), self.vectors["declared"])
        made = description_of("manual", None, {}, {})
        self.assertEqual(made, {"mode": "manual", "ports": None, "settings": [], "calls": []})

    def test_values(self) -> None:
        codec = SettingsCodec(_SETTINGS)
        self.assertEqual(codec.defaults["wide"], -(2**63))
        for vector in self.vectors["set"]:
            with self.subTest(**vector):
                values = unpack(bytes_of(vector["values"]))
                if "message" in vector:
                    with self.assertRaises(Misfit) as caught:
                        codec.decode(values)
                    message = vector["message"].replace("a bigint", "an integer")
                    expected = message.replace("8n", "8").replace("got NaN", "got nan")
                    self.assertEqual(caught.exception.message, expected)
                    continue
                found = codec.decode(values)
                shown = declarations_to_json(
                    {
                        name: setting(_SETTINGS[name].type, default=one)
                        for name, one in found.items()
                    },
                    {},
                )
                listed = {one["name"]: one["default"] for one in shown["settings"]}
                self.assertEqual(listed, vector["found"])

    def test_declarations_that_are_none(self) -> None:
        wrong: Any = [
            (
                setting(Float32, default=2, maximum=1),
                "its default: settings.a: expected a number of at most 1, got 2",
            ),
            (setting(Int32, default=0.5), "its default"),
            (setting(Int32, default=0, minimum=0.5), "its minimum"),
            (setting(Float64, default=0, minimum=float("nan")), "its minimum is NaN"),
            (setting(Int32, default=1, minimum=2, maximum=1), "minimum 2 is above its maximum 1"),
            (setting(Bool, default=True, minimum=1), "a Bool has no minimum"),
            (setting(Bytes, default=b""), "its type is Bytes; a setting is a Bool, Int32"),
            (setting(Texture("any"), default=1), "its type is Texture"),
            (setting(Int32, default=True), "its default"),
            (5, "not a setting"),
        ]
        for one, words in wrong:
            with self.subTest(words), self.assertRaises(BridgeError) as caught:
                SettingsCodec({"a": one})
            self.assertIn(words, caught.exception.message)
        with self.assertRaises(BridgeError):
            call_schemas("then", {}, {})
        with self.assertRaises(BridgeError):
            call_schemas("row", {"a": Texture("any")}, {})


if __name__ == "__main__":
    unittest.main()
