"""What Python values a frame can have, messages as bytes, and texts of errors."""

from __future__ import annotations

import enum
import math
import pickle
import unittest
from array import array
from fractions import Fraction
from typing import Any, Dict, Mapping

from kit import Numbers, RuledMemory, Surface
from streamlib_bridge._codec import FrameCodec, Terms, fields_codec, frame_codec
from streamlib_bridge._errors import BridgeError
from streamlib_bridge._frames import AudioFrame, VideoFrame
from streamlib_bridge._generated import ERROR_CODES, MAX_ERROR_LENGTH
from streamlib_bridge._misfit import Misfit
from streamlib_bridge._packed import (
    Capability, Int64, UInt64, capabilities, cost_of, get_bool, get_data, get_dictionary,
    get_string, get_uint64, pack, unpack,
)  # fmt: skip
from streamlib_bridge._text import fit_text, number_text, show
from streamlib_bridge._types import (
    Array, Bool, Bytes, Enum, FieldType, FixedArray, Float32, Float64, Int32, Int64 as Int64Type,
    Optional, String, Struct, UInt32, UInt64 as UInt64Type, schema,
)  # fmt: skip


class Indexed:
    """An integer of another library, such as numpy."""

    def __index__(self) -> int:
        return 7


class Mode(str, enum.Enum):
    SOFT = "soft"


def codec_of(type: FieldType) -> FrameCodec:
    return frame_codec(schema("S", (1, 0, 0), {"f": type}))


class ValueTest(unittest.TestCase):
    def carry(self, type: FieldType, value: Any) -> Any:
        """Send a value in both forms. Return what arrives, which must be the same."""
        codec = codec_of(type)
        codec.check({"f": value})
        memory = RuledMemory()
        fields = unpack(pack(codec.encode({"f": value}, memory)))
        one = codec.decode(fields, memory)["f"]
        other = codec.read(codec.write({"f": value}, memory), memory)["f"]
        if not (isinstance(one, float) and math.isnan(one)):
            self.assertEqual(one, other)
        self.assertIs(one.__class__, other.__class__)
        return one

    def test_values_that_are_taken(self) -> None:
        cases: Any = [
            (Int32, Indexed(), 7),
            (UInt64Type, 2**64 - 1, 2**64 - 1),
            (Float32, 1, 1.0),
            (Float32, 0.1, 0.10000000149011612),
            (Float32, math.inf, math.inf),
            (Float64, Fraction(1, 2), 0.5),
            (Float64, 2**70, 2.0**70),
            (Bool, True, True),
            (String, "\x01\ufeffLänge 🎞", "\x01\ufeffLänge 🎞"),
            (Bytes, bytearray(b"ab"), b"ab"),
            (Bytes, memoryview(b"abc")[1:], b"bc"),
            (Enum("soft", "hard"), Mode.SOFT, "soft"),
            (Optional(Int32), None, None),
            (Optional(Int32), -5, -5),
            (Array(Int32), [1, -2], array("i", [1, -2])),
            (Array(Int32), (Indexed(),), array("i", [7])),
            (Array(Int32), range(3), array("i", [0, 1, 2])),
            (Array(Int64Type), array("q", [1]), array("q", [1])),
            (Array(Int32), array("q", [1]), array("i", [1])),
            (Array(UInt32), memoryview(array("I", [1, 2, 3]))[::2], array("I", [1, 3])),
            (Array(Float32), [1, 0.5], array("f", [1, 0.5])),
            (Array(Float64), [], array("d")),
            (Array(Bool), (True, False), [True, False]),
            (FixedArray(FixedArray(UInt32, 2), 1), [[1, 2]], [array("I", [1, 2])]),
            (Struct({"b": Bool, "a": Float64}), {"b": True, "a": 1}, {"b": True, "a": 1.0}),
            (Struct({}), {}, {}),
            (Array(Struct({})), [{}, {}], [{}, {}]),
        ]
        for type, value, expected in cases:
            with self.subTest(f"{type} {value!r}"):
                found = self.carry(type, value)
                self.assertEqual(found, expected)
                self.assertIs(found.__class__, expected.__class__)

    def test_values_that_are_refused(self) -> None:
        cases: Any = [
            (Int32, True, "expected an integer from -2147483648 to 2147483647, got True"),
            (Int32, 3.0, "got 3.0"),
            (Int32, 2**31, "got 2147483648"),
            (UInt64Type, -1, "expected an integer from 0 to 2^64 - 1, got -1"),
            (Int64Type, 10**5000, "got an integer of 16610 bits"),
            (Float32, True, "expected a number in the range of a 32-bit float, got True"),
            (Float32, 3.5e38, "got 3.5e+38"),
            (Float64, "1", 'expected a number, got "1"'),
            (Float64, 10**400, "expected a number"),
            (Bool, 1, "expected true or false, got 1"),
            (Bool, None, "got None"),
            (String, b"x", "got 1 byte"),
            (String, "a\0", "expected a string without U+0000 or lone surrogates"),
            (String, "\ud800", 'got "\\ud800"'),
            (Bytes, "x", 'expected bytes, got "x"'),
            (Bytes, [1], "got a list of 1"),
            (Enum("a"), ["a"], 'expected one of "a", got a list of 1'),
            (Array(Int32), [1, 2.0], "S.f[1]: expected an integer"),
            (Array(Int32), [2**31], "S.f[0]: expected an integer"),
            (Array(Float32), [0.5, 1e39], "S.f[1]: expected a number in the range"),
            (Array(Int32), [True], "S.f[0]: expected an integer"),
            (Array(Int32), "12", "expected an array of Int32, got"),
            (Array(Int32), b"12", "expected an array of Int32, got"),
            (Array(Int32), memoryview(b"12").cast("c"), "S.f[0]: expected an integer"),
            (Array(Int32), 5, "expected an array of Int32, got 5"),
            (Array(Bool), {True}, "expected an array, got a set"),
            (FixedArray(Int32, 2), [1], "S.f: expected 2 values, got 1"),
            (
                Struct({"x": Int32}),
                {"x": 1, "y": 2},
                "S.f: expected no other fields, got the field 'y'",
            ),
            (
                Struct({"x": Int32}),
                {},
                "S.f.x: expected an integer from -2147483648 to 2147483647, got nothing",
            ),
            (Struct({"x": Int32}), 5, "S.f: expected a mapping of fields, got 5"),
        ]
        for type, value, words in cases:
            with self.subTest(f"{type}: {words}"), self.assertRaises(Misfit) as caught:
                codec_of(type).check({"f": value})
            self.assertIn(words, caught.exception.message)

    def test_optional_keys_can_be_missing(self) -> None:
        made = {"a": Optional(Int32), "b": Optional(String), "c": Bool}
        codec = frame_codec(schema("S", (1, 0, 0), made))
        given: Any = ({"c": True}, {"c": True, "b": None}, {"b": "x", "c": False, "a": 5})
        for values in given:
            codec.check(values)
            found = codec.read(codec.write(values, RuledMemory()), RuledMemory())
            self.assertEqual(found, {"a": None, "b": None, **values})

    def test_any_mapping_is_a_frame(self) -> None:
        class Frame(Dict[str, Any]):
            pass

        codec = codec_of(Int32)
        codec.check(Frame(f=5))
        self.assertEqual(codec.write(Frame(f=5), RuledMemory()), b"\x05\0\0\0")

    def test_memory(self) -> None:
        codec = frame_codec(VideoFrame)
        self.assertTrue(codec.has_memory)
        picture = Surface((1, 0, False), "bgra8")
        frame: Dict[str, Any] = {
            "pixel_buffer": picture, "pixel_format": "bgra8", "width": 2, "height": 1,
            "timestamp_ns": 1, "frame_number": 2,
        }  # fmt: skip
        codec.check(frame)
        for name, value in (("width", 3), ("pixel_format", "nv12"), ("pixel_buffer", 5)):
            with self.subTest(name), self.assertRaises(Misfit):
                codec.check({**frame, name: value})
        nv12 = frame_codec(VideoFrame, Terms(1, ("nv12",)))
        with self.assertRaises(Misfit) as caught:
            nv12.check(frame)
        self.assertEqual(
            caught.exception.message,
            "VideoFrame.pixel_buffer: expected a surface of nv12, got a surface of bgra8",
        )
        handle = Capability("surface", 9)
        fields = codec.encode(frame, RuledMemory())
        self.assertIs(codec.with_handle(fields, handle), fields)
        del fields["pixel_buffer"]
        self.assertIs(codec.with_handle(fields, handle)["pixel_buffer"], handle)
        sound = {"samples": Numbers((1, 0, False), "Float32", 4), "channels": 2, "sample_rate": 8}
        audio = frame_codec(AudioFrame)
        audio.check({**sound, "timestamp_ns": 0, "frame_number": 0})
        with self.assertRaises(Misfit):
            audio.check({**sound, "samples": [0.5], "timestamp_ns": 0, "frame_number": 0})

    def test_values_that_change_are_an_error_of_the_caller(self) -> None:
        codec = codec_of(Int32)
        for values in ({"f": "x"}, {}, {"f": 2**40}):
            with self.assertRaises(BridgeError) as caught:
                codec.write(values, RuledMemory())
            self.assertEqual(caught.exception.code, "bad_argument")

    def test_fields_of_a_call(self) -> None:
        codec = fields_codec("row.request", {"y": UInt32})
        with self.assertRaises(Misfit) as caught:
            codec.check({"y": -1})
        self.assertTrue(caught.exception.message.startswith("row.request.y: expected an integer"))


class PackedTest(unittest.TestCase):
    def test_messages_cross(self) -> None:
        message: Dict[str, Any] = {
            "none": None, "yes": True, "i": Int64(-5), "u": UInt64(2**64 - 1), "d": 0.5,
            "s": "Länge", "b": b"\0\xff", "l": [UInt64(1), [None]], "e": {"x": {}},
            "c": Capability("fd", 7),
        }  # fmt: skip
        packed = pack(message)
        found = unpack(b"xx" + packed, 2)
        self.assertEqual(found, message)
        self.assertEqual(pack(found), packed)
        self.assertIs(type(found["i"]), Int64)
        self.assertIs(type(found["u"]), UInt64)
        self.assertEqual(list(capabilities(found)), [Capability("fd", 7)])
        self.assertEqual(cost_of(message, len(packed)), len(packed) + 16 * 15)

    def test_values_without_a_type_are_refused(self) -> None:
        bad: Any = ({"x": 5}, {"x": object()}, {"x": "\0"}, {"x": UInt64(-1)}, {"k" * 70_000: None})
        for message in bad:
            with self.assertRaises(BridgeError) as caught:
                pack(message)
            self.assertEqual(caught.exception.code, "bad_argument")

    def test_getters_take_exact_types(self) -> None:
        message: Dict[str, Any] = {
            "s": "x",
            "b": True,
            "u": UInt64(5),
            "d": {},
            "y": b"",
            "i": Int64(5),
        }
        self.assertEqual(get_string(message, "s"), "x")
        self.assertIs(get_bool(message, "b"), True)
        self.assertEqual(get_uint64(message, "u"), 5)
        self.assertEqual(get_dictionary(message, "d"), {})
        self.assertEqual(get_data(message, "y"), b"")
        for getter in (get_string, get_bool, get_uint64, get_dictionary, get_data):
            self.assertIsNone(getter(message, "i"))
            self.assertIsNone(getter(message, "missing"))


class TextTest(unittest.TestCase):
    def test_errors(self) -> None:
        error = BridgeError("bad_argument", "\x1b[31mred\x1b[0m, then a NUL: \0")
        self.assertEqual(str(error), "red, then a NUL: \\u0000")
        self.assertIn(error.code, ERROR_CODES)
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual((copy.code, copy.message), (error.code, error.message))
        long = BridgeError("bad_argument", "y" * 100_000).message
        self.assertLessEqual(len(long), MAX_ERROR_LENGTH)

    def test_fit_text(self) -> None:
        self.assertEqual(fit_text("y" * 1000, 40), "y" * 16 + "… (984 characters more)")
        self.assertEqual(
            fit_text(fit_text("y" * 1000, 100), 40), "y" * 16 + "… (984 characters more)"
        )
        self.assertEqual(fit_text("a\r\nb\tc", 40), "a\nb\tc")

    def test_numbers(self) -> None:
        cases: Mapping[float, str] = {
            1.0: "1", -0.0: "0", 1.5: "1.5", 1e21: "1e+21", 1e20: "100000000000000000000",
            1e-6: "0.000001", 1.5e-7: "1.5e-7", -123.25: "-123.25", 5e-324: "5e-324",
        }  # fmt: skip
        for value, text in cases.items():
            self.assertEqual(number_text(value), text)

    def test_show(self) -> None:
        shown: Any = [(None, "None"), (b"ab", "2 bytes"), ([1], "a list of 1")]
        shown += [(array("i", [1]), "an array of 4 bytes"), (int, "the class int"), ({}, "a dict")]
        for value, text in shown:
            self.assertEqual(show(value), text)


if __name__ == "__main__":
    unittest.main()
