"""Frames in both forms: the conformance kit, and the golden files of lanes."""

from __future__ import annotations

import re
import unittest
from typing import Any, Dict, Iterator, Mapping, Tuple

from kit import (
    TESTS, RuledMemory, bytes_of, codec_of, hex_of, json_of, parse, random_frames, values_of,
    vectors,
)  # fmt: skip
from streamlib_bridge._codec import FrameCodec
from streamlib_bridge._misfit import Misfit
from streamlib_bridge._packed import pack, unpack

#: What TypeScript says in words of its own language, and Python in other ones.
_IN_PYTHON = (
    (r"expected a bigint", "expected an integer"),
    (r"(\d)n\b", r"\1"),
)


def in_python(message: str) -> str:
    """Return the message of TypeScript as Python has it."""
    for pattern, words in _IN_PYTHON:
        message = re.sub(pattern, words, message)
    return message


def cases() -> Iterator[Tuple[str, Mapping[str, Any]]]:
    for case in vectors("conformance/fields.json")["cases"]:
        yield case["about"], case
    for number, case in enumerate(random_frames()):
        yield f"random frame {number}", case


class ConformanceTest(unittest.TestCase):
    def test_frames(self) -> None:
        for about, case in cases():
            codec = codec_of(case)
            for vector in case["frames"]:
                with self.subTest(about, frame=vector["frame"]):
                    self.check_frame(codec, vector)

    def check_frame(self, codec: FrameCodec, vector: Mapping[str, Any]) -> None:
        fields = codec.schema.fields
        memory = RuledMemory()
        values = values_of(fields, vector["frame"], memory)
        codec.check(values)
        packed = bytes_of(vector["packed"])
        payload = bytes_of(vector["lane"])
        self.assertEqual(hex_of(pack(codec.encode(values, memory))), hex_of(packed))
        self.assertEqual(hex_of(codec.write(values, memory)), hex_of(payload))
        self.assertEqual(codec.cost(len(payload)), vector["cost"])
        for found in (codec.decode(unpack(packed), memory), codec.read(payload, memory)):
            self.assertEqual(json_of(fields, found), vector["frame"])
            self.assertEqual(list(found), list(fields))

    def test_what_cannot_be_sent(self) -> None:
        for about, case in cases():
            codec = codec_of(case)
            for vector in case.get("unsent", ()):
                with self.subTest(about, **vector):
                    values = values_of(
                        codec.schema.fields, case["frames"][0]["frame"], RuledMemory()
                    )
                    values.update(vector["values"])
                    with self.assertRaises(Misfit) as caught:
                        codec.check(values)
                    self.assertEqual(caught.exception.message, in_python(vector["message"]))

    def test_messages(self) -> None:
        self.check_outcomes("messages")

    def test_payloads(self) -> None:
        self.check_outcomes("payloads")

    def check_outcomes(self, form: str) -> None:
        for about, case in cases():
            codec = codec_of(case)
            for vector in case[form]:
                with self.subTest(about, **vector):
                    data = bytes_of(vector["bytes"])
                    memory = RuledMemory()
                    found: Dict[str, Any] = {}
                    try:
                        values = (
                            codec.read(data, memory)
                            if form == "payloads"
                            else codec.decode(unpack(data), memory)
                        )
                        found["frame"] = json_of(codec.schema.fields, values)
                    except Misfit as why:
                        found["message"] = why.message
                    self.assertEqual(found.get("frame"), vector.get("frame"))
                    expected = vector.get("message")
                    self.assertEqual(
                        found.get("message"), None if expected is None else in_python(expected)
                    )
                    self.assertEqual(memory.asked, vector.get("asked", []))


class GoldenLaneTest(unittest.TestCase):
    def test_golden_frames(self) -> None:
        for path in sorted((TESTS / "golden/lane").glob("*.json")):
            if path.stem == "records":
                continue
            file = parse(path.read_text(encoding="utf-8"))
            for vector in file["frames"]:
                with self.subTest(path.stem, bytes=vector["bytes"]):
                    self.check_frame(codec_of({**file, **vector}), vector)
            for vector in file.get("refused", ()):
                with self.subTest(path.stem, bytes=vector["bytes"]):
                    codec = codec_of({**file, **vector})
                    with self.assertRaises(Misfit) as caught:
                        codec.read(bytes_of(vector["bytes"]), RuledMemory(only_bgra8=True))
                    self.assertEqual(caught.exception.message, vector["message"])

    def check_frame(self, codec: FrameCodec, vector: Mapping[str, Any]) -> None:
        fields = codec.schema.fields
        memory = RuledMemory(only_bgra8=True)
        values = values_of(fields, vector["frame"], memory)
        codec.check(values)
        self.assertEqual(hex_of(codec.write(values, memory)), vector["bytes"])
        found = codec.read(bytes_of(vector["bytes"]), memory)
        self.assertEqual(json_of(fields, found), vector["frame"])


if __name__ == "__main__":
    unittest.main()
