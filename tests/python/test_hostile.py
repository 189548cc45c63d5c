"""Payloads and messages from a peer that is not trusted, and texts that are no schemas."""

from __future__ import annotations

import random
import tracemalloc
import unittest
from typing import Any, List

from kit import RuledMemory, bytes_of, codec_of, random_frames
from streamlib_bridge._codec import frame_codec
from streamlib_bridge._errors import BridgeError
from streamlib_bridge._misfit import Misfit
from streamlib_bridge._packed import Capability, Int64, UInt64, unpack
from streamlib_bridge._schema_json import parse_connection_schema, schema_hash
from streamlib_bridge._types import Array, Bool, Float64, Int32, Optional, String, Struct, schema

_SEED = 151_000
_PAYLOADS = 40


class HostileTest(unittest.TestCase):
    def test_payloads(self) -> None:
        for number, case in enumerate(random_frames()):
            draw = random.Random(_SEED + number)
            codec = codec_of(case)
            good = bytes_of(case["frames"][0]["lane"])
            for _ in range(_PAYLOADS):
                payload = bytearray(good)
                for _ in range(draw.randrange(1, 5)):
                    if payload:
                        payload[draw.randrange(len(payload))] = draw.choice((0, 1, 2, 127, 255))
                payload = payload[: draw.randrange(len(payload) + 2)]
                noise = draw.randbytes(draw.randrange(200)) if draw.randrange(4) == 0 else payload
                with self.subTest(number=number, payload=bytes(noise).hex()):
                    try:
                        codec.read(bytes(noise), RuledMemory())
                    except Misfit as why:
                        self.assertTrue(why.message.startswith(codec.schema.name))

    def test_messages(self) -> None:
        others: List[Any] = [None, True, "x", UInt64(2**64 - 1), Int64(-1), 1.5, b"x", [], [[]], {}]
        others += [{"surface_id": UInt64(2**64 - 1), "generation": UInt64(0)}]
        others += [Capability("fd", 3), [None] * 9]
        for number, case in enumerate(random_frames()):
            draw = random.Random(_SEED + number)
            codec = codec_of(case)
            for _ in range(_PAYLOADS):
                fields = unpack(bytes_of(case["frames"][0]["packed"]))
                self.change(draw, fields, others)
                with self.subTest(number=number, fields=fields):
                    try:
                        codec.decode(fields, RuledMemory())
                    except Misfit as why:
                        self.assertTrue(why.message.startswith(codec.schema.name))

    def change(self, draw: random.Random, value: Any, others: List[Any]) -> None:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = draw.choice(keys)
        if isinstance(value[key], (dict, list)) and value[key] and draw.randrange(3):
            self.change(draw, value[key], others)
        else:
            value[key] = draw.choice(others)

    def test_a_size_does_not_allocate(self) -> None:
        made = schema(
            "S", (1, 0, 0), {"a": Array(Int32), "b": Array(Bool), "c": String, "d": Array(String)}
        )
        codec = frame_codec(made)
        codec.read(bytes(16), RuledMemory())
        tracemalloc.start()
        for at in (0, 4, 8, 12):
            payload = bytearray(16)
            payload[at : at + 4] = b"\xff\xff\xff\xff"
            with self.assertRaises(Misfit):
                codec.read(bytes(payload), RuledMemory())
        self.assertLess(tracemalloc.get_traced_memory()[1], 1_000_000)
        tracemalloc.stop()

    def test_packed_bytes(self) -> None:
        draw = random.Random(_SEED)
        good = bytes_of(random_frames()[3]["frames"][0]["packed"])
        for _ in range(500):
            data = bytearray(good)
            for _ in range(draw.randrange(4)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            with self.subTest(data=data.hex()):
                try:
                    unpack(bytes(data[: draw.randrange(len(data) + 1)]))
                except BridgeError as error:
                    self.assertEqual(error.code, "native_failure")

    def test_texts_that_are_no_schemas(self) -> None:
        for text in ("", "{", "NaN", '{"a":Infinity}', "[" * 20_000, "1e999", "9" * 20_000, "\x00"):
            with self.subTest(text=text[:20]):
                with self.assertRaises(BridgeError):
                    parse_connection_schema(text)
                with self.assertRaises(BridgeError):
                    schema_hash(text)

    def test_values_that_are_not_frames(self) -> None:
        made = schema(
            "S",
            (1, 0, 0),
            {"x": Float64, "n": Array(Int32), "s": Struct({"o": Optional(String)})},
        )
        codec = frame_codec(made)
        good = {"x": 0.5, "n": [1], "s": {}}
        codec.check(good)
        odd = [None, 5, "x", [], (), {1: 2}, object(), good.keys(), type, 10**400, 1j, "\ud800"]
        odd += [[10**400], [[1]], {"o": "\ud800"}, {"o": 5, "p": 6}, float, memoryview(b"x")]
        for value in odd:
            for values in (value, {**good, "x": value}, {**good, "n": value}, {**good, "s": value}):
                with self.subTest(values=repr(values)[:80]):
                    try:
                        codec.check(values)  # type: ignore[arg-type]
                    except Misfit:
                        continue
                    codec.write(values, RuledMemory())  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
