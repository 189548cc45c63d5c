"""The codecs of the types without parameters, and of enums.

A type that is narrower than its XPC type is checked on both sides. A value out of range is a
misfit; it is never wrapped or truncated.
"""

from __future__ import annotations

import json
import numbers
from operator import index
from struct import Struct
from typing import Any, Dict, NamedTuple, Tuple, Type, Union

from . import _field_types as types
from ._minor import variants_at
from ._misfit import misfit, value_misfit, xpc_misfit
from ._packed import Int64, UInt64
from ._text import is_well_formed, show
from ._type_codec import (
    Fixed,
    Limit,
    MemoryFinder,
    MemoryNamer,
    PayloadReader,
    Read,
    TypeCodec,
    Write,
    pad,
    refused_number,
)

#: What a text is, in words. XPC strings are UTF-8 and end at U+0000.
_TEXT_WORDS = "a string without U+0000 or lone surrogates"

#: Numbers from here on are rounded to infinity in 32 bits.
_FLOAT32_END = float.fromhex("0x1.ffffffp+127")

_FLOAT32 = Struct("<f")
_SIZE = Struct("<I")


class IntegerWords(NamedTuple):
    """The integers of a type: their range, and the range in words."""

    least: int
    most: int
    least_text: str
    most_text: str
    xpc: Type[int]
    xpc_name: str


#: The integers of each type.
INTEGERS: Dict[str, IntegerWords] = {
    "Int32": IntegerWords(-(2**31), 2**31 - 1, "-2147483648", "2147483647", Int64, "int64"),
    "UInt32": IntegerWords(0, 2**32 - 1, "0", "4294967295", UInt64, "uint64"),
    "Int64": IntegerWords(-(2**63), 2**63 - 1, "-2^63", "2^63 - 1", Int64, "int64"),
    "UInt64": IntegerWords(0, 2**64 - 1, "0", "2^64 - 1", UInt64, "uint64"),
}

#: The letter of the `struct` and the `array` module for each numeric type.
NUMBER_CODES = {"Int32": "i", "UInt32": "I", "Int64": "q", "UInt64": "Q"}
NUMBER_CODES.update({"Float32": "f", "Float64": "d"})


def range_text(least: str, most: str) -> str:
    """Return a range of integers in words."""
    return f"from {least} to {most}"


def integer_of(value: Any) -> Union[int, None]:
    """Return an integer, also one of numpy; None for any other value, such as True or 1.0."""
    if isinstance(value, bool):
        return None
    try:
        return index(value)
    except TypeError:
        return None


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, also one of numpy, and neither True nor False."""
    if isinstance(value, float):
        return True
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def fits_float32(value: float) -> bool:
    """Tell whether a number is still finite, if it is, when rounded to 32 bits."""
    return -_FLOAT32_END < value < _FLOAT32_END or value - value != 0


def rounded(value: float) -> float:
    """Return a number rounded to 32 bits."""
    found: Tuple[float] = _FLOAT32.unpack(_FLOAT32.pack(value))
    return found[0]


class _FixedCodec(TypeCodec):
    """A type of fixed size. In a level its own functions are not needed."""

    def __init__(self, fixed: Fixed) -> None:
        self.fixed = fixed
        self.least = fixed.bytes
        self._struct = Struct(f"<{fixed.code}")

    def number(self, value: Any) -> Any:
        """Return the number of a value in a lane."""
        return value

    def value(self, number: Any) -> Any:
        """Return the value of a number in a lane."""
        return number

    def writing(self) -> Write:
        pack, number, size = self._struct.pack, self.number, self.least

        def write(value: Any, out: bytearray, namer: MemoryNamer) -> None:
            pad(out, size)
            out += pack(number(value))

        return write

    def reading(self) -> Read:
        unpack, to_value, size = self._struct.unpack_from, self.value, self.least
        assert self.fixed is not None
        limit = self.fixed.limit

        def read(reader: PayloadReader) -> Any:
            at = reader.take(size, size)
            (number,) = unpack(reader.data, at)
            if limit is not None and number >= limit.below:
                raise refused_number(limit, number)
            return to_value(number)

        return read


class _Integer(_FixedCodec):
    def __init__(self, kind: str) -> None:
        words = self._words = INTEGERS[kind]
        size = 4 if kind.endswith("32") else 8
        fits = f"type({{v}}) is int and {words.least} <= {{v}} <= {words.most}"
        super().__init__(Fixed(NUMBER_CODES[kind], size, fits))
        in_words = range_text(words.least_text, words.most_text)
        self._expected = f"an integer {in_words}"
        self._xpc_expected = words.xpc_name if size == 8 else f"{words.xpc_name} {in_words}"

    def check(self, value: Any) -> None:
        found = integer_of(value)
        if found is None or not self._words.least <= found <= self._words.most:
            raise value_misfit(self._expected, value)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return self._words.xpc(index(value))

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        least, most, _, _, xpc, _ = self._words
        if type(value) is not xpc or not least <= value <= most:
            raise xpc_misfit(self._xpc_expected, value)
        return int(value)


class _Float32(_FixedCodec):
    def __init__(self) -> None:
        fits = (
            "(type({v}) is float or type({v}) is int) and "
            f"{-_FLOAT32_END!r} < {{v}} < {_FLOAT32_END!r}"
        )
        super().__init__(Fixed("f", 4, fits))

    def check(self, value: Any) -> None:
        if is_number(value):
            try:
                if fits_float32(float(value)):
                    return
            except OverflowError:
                pass
        raise value_misfit("a number in the range of a 32-bit float", value)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return rounded(value)

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not float or not fits_float32(value):
            raise xpc_misfit("double in the range of a 32-bit float", value)
        return rounded(value)


class _Float64(_FixedCodec):
    def __init__(self) -> None:
        fits = "type({v}) is float or type({v}) is int and -1e300 < {v} < 1e300"
        super().__init__(Fixed("d", 8, fits))

    def check(self, value: Any) -> None:
        if is_number(value):
            try:
                float(value)
                return
            except OverflowError:
                pass
        raise value_misfit("a number", value)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return float(value)

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not float:
            raise xpc_misfit("double", value)
        return value


class _Bool(_FixedCodec):
    def __init__(self) -> None:
        limit = Limit(2, "true or false", "the byte")
        fits = "{v} is True or {v} is False"
        super().__init__(Fixed("B", 1, fits, "1 if {v} else 0", "{v} == 1", limit))

    def number(self, value: Any) -> Any:
        return 1 if value else 0

    def value(self, number: Any) -> Any:
        return number == 1

    def check(self, value: Any) -> None:
        if not isinstance(value, bool) and not _is_numpy_bool(value):
            raise value_misfit("true or false", value)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return bool(value)

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not bool:
            raise xpc_misfit("bool", value)
        return value


def _is_numpy_bool(value: Any) -> bool:
    # What numpy's comparisons return is no bool.
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return kind == "b" and getattr(value, "shape", None) == ()


class EnumCodec(_FixedCodec):
    """One of some names. One that the other side's version does not have does not fit."""

    def __init__(self, type: types.Enum, minor: int, version: str) -> None:
        variants = self._variants = variants_at(type, minor)
        self._all = type.variants
        self._version = version
        # Sends the plain string of an enum class that is a string.
        self._names = {name: name for name in variants}
        self._numbers = {name: number for number, name in enumerate(variants)}
        names = ", ".join(json.dumps(name, ensure_ascii=False) for name in variants)
        self._expected = f"one of {names}"
        limit = Limit(len(variants), self._expected, "the index")
        super().__init__(
            Fixed("H", 2, "{v} in {k}", "{k}[{v}]", "{k}[{v}]", limit, self._numbers, variants)
        )

    def number(self, value: Any) -> Any:
        return self._numbers[value]

    def value(self, number: Any) -> Any:
        return self._variants[number]

    def check(self, value: Any) -> None:
        if isinstance(value, str):
            if value in self._names:
                return
            if value in self._all:
                raise misfit(
                    self._expected,
                    f"{show(value)}: {self._version}, which has no {value}",
                )
        raise value_misfit(self._expected, value)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return self._names[value]

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not str or value not in self._names:
            raise xpc_misfit(f"string, {self._expected}", value)
        return value


def _take_sized(reader: PayloadReader) -> bytes:
    """Return the bytes that follow their size, and move behind them."""
    at = reader.take(4, 4)
    (size,) = _SIZE.unpack_from(reader.data, at)
    at = reader.take(1, size)
    return reader.data[at : at + size]


class _String(TypeCodec):
    least = 4

    def check(self, value: Any) -> None:
        if not isinstance(value, str) or "\0" in value or not is_well_formed(value):
            raise value_misfit(_TEXT_WORDS, value)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return str.__str__(value)

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not str:
            raise xpc_misfit("string", value)
        return value

    def writing(self) -> Write:
        return _write_text

    def reading(self) -> Read:
        return _read_text


def _write_text(value: Any, out: bytearray, namer: MemoryNamer) -> None:
    data = str.encode(value)
    pad(out, 4)
    out += _SIZE.pack(len(data))
    out += data


def _read_text(reader: PayloadReader) -> Any:
    data = _take_sized(reader)
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError:
        raise misfit(_TEXT_WORDS, "other bytes") from None
    if "\0" in text:
        raise misfit(_TEXT_WORDS, "other bytes")
    return text


class _Bytes(TypeCodec):
    least = 4

    def check(self, value: Any) -> None:
        if isinstance(value, (bytes, bytearray)):
            return
        if isinstance(value, memoryview):
            try:
                if value.itemsize == 1 and value.c_contiguous:
                    return
            except ValueError:  # it was released
                raise misfit("bytes", "a memoryview that was released") from None
        raise value_misfit("bytes", value)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return bytes(value)

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not bytes:
            raise xpc_misfit("data", value)
        return value

    def writing(self) -> Write:
        return _write_bytes

    def reading(self) -> Read:
        return _read_bytes


def _write_bytes(value: Any, out: bytearray, namer: MemoryNamer) -> None:
    data = value.cast("B") if isinstance(value, memoryview) else value
    pad(out, 4)
    out += _SIZE.pack(len(data))
    out += data


def _read_bytes(reader: PayloadReader) -> Any:
    return bytes(_take_sized(reader))


#: The codec of each type without parameters.
SCALARS: Dict[str, TypeCodec] = {
    **{kind: _Integer(kind) for kind in INTEGERS},
    "Float32": _Float32(),
    "Float64": _Float64(),
    "Bool": _Bool(),
    "String": _String(),
    "Bytes": _Bytes(),
}
