"""The codecs of optional values and of arrays."""

from __future__ import annotations

from array import array
from struct import Struct, error as StructError, pack
from typing import Any, Optional, Sequence

from . import _field_types as types
from ._misfit import MISSING, Misfit, misfit, value_misfit, xpc_misfit
from ._scalar_codecs import NUMBER_CODES
from ._type_codec import (
    Fits,
    MemoryFinder,
    MemoryNamer,
    PayloadReader,
    Read,
    TypeCodec,
    Write,
    pad,
)

_COUNT = Struct("<I")


class OptionalCodec(TypeCodec):
    """A value or None. An absent value means None, on both sides."""

    least = 1

    def __init__(self, inner: TypeCodec) -> None:
        self.inner = inner

    def check(self, value: Any) -> None:
        if value is not None and value is not MISSING:
            self.inner.check(value)

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        if value is None or value is MISSING:
            return None
        return self.inner.encode(value, namer)

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if value is None or value is MISSING:
            return None
        return self.inner.decode(value, finder)

    def fitting(self) -> Fits:
        fits = self.inner.fitting()
        return lambda value: value is None or fits(value)

    def writing(self) -> Write:
        write_inner = self.inner.writing()

        def write(value: Any, out: bytearray, namer: MemoryNamer) -> None:
            if value is None:
                out.append(0)
            else:
                out.append(1)
                write_inner(value, out, namer)

        return write

    def reading(self) -> Read:
        read_inner = self.inner.reading()

        def read(reader: PayloadReader) -> Any:
            flag = reader.data[reader.take(1, 1)]
            if flag > 1:
                raise refused_flag(reader, flag)
            return read_inner(reader) if flag else None

        return read


def refused_flag(reader: PayloadReader, flag: int) -> Misfit:
    """Return the misfit of a byte before an optional value that is neither 0 nor 1."""
    return reader.cut("a value or null", f"the byte {flag}")


def _check_length(length: Optional[int], found: int) -> None:
    if length is not None and found != length:
        raise misfit(f"{length} values", f"{found}")


def _read_count(reader: PayloadReader, length: Optional[int], least: int) -> int:
    """Read the number of elements, each of which takes `least` bytes or more.

    So the payload's size limits it. After an impossible number nothing can be read.
    """
    (count,) = _COUNT.unpack_from(reader.data, reader.take(4, 4))
    if length is not None and count != length:
        raise reader.cut(f"{length} values", f"{count}")
    if count * least > reader.end - reader.at:
        raise reader.short(count, "value")
    return int(count)


class ListCodec(TypeCodec):
    """An array of anything but numbers: a list."""

    least = 4

    def __init__(self, element: TypeCodec, length: Optional[int]) -> None:
        self._element = element
        self._length = length

    def check(self, value: Any) -> None:
        if not isinstance(value, (list, tuple)):
            raise value_misfit("an array", value)
        at = 0
        try:
            for at, item in enumerate(value):
                self._element.check(item)
        except Misfit as why:
            raise why.within(f"[{at}]") from None
        _check_length(self._length, len(value))

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return [self._element.encode(item, namer) for item in value]

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not list:
            raise xpc_misfit("an array", value)
        # The length is checked first, so that a longer array is not decoded.
        _check_length(self._length, len(value))
        decode, items, at = self._element.decode, [], 0
        try:
            for at, item in enumerate(value):
                items.append(decode(item, finder))
        except Misfit as why:
            raise why.within(f"[{at}]") from None
        return items

    def fitting(self) -> Fits:
        fits, length = self._element.fitting(), self._length

        def fits_all(value: Any) -> bool:
            if not isinstance(value, (list, tuple)):
                return False
            return (length is None or len(value) == length) and all(map(fits, value))

        return fits_all

    def writing(self) -> Write:
        write_element = self._element.writing()

        def write(value: Any, out: bytearray, namer: MemoryNamer) -> None:
            pad(out, 4)
            out += _COUNT.pack(len(value))
            for item in value:
                write_element(item, out, namer)

        return write

    def reading(self) -> Read:
        read_element, least = self._element.reading(), self._element.least
        length = self._length

        def read(reader: PayloadReader) -> Any:
            items = []
            first: Optional[Misfit] = None
            for at in range(_read_count(reader, length, least)):
                try:
                    items.append(read_element(reader))
                except Misfit as why:
                    first = first or why.within(f"[{at}]")
                    if reader.at > reader.end:
                        break  # nothing can be read behind it
            if first is not None:
                raise first
            return items

        return read


def _items_of(value: Any) -> Optional[Sequence[Any]]:
    """Return the elements of a sequence; None if it is none, or text or bytes.

    Arrays of numpy give numbers of Python, which are checked faster than theirs.
    """
    if type(value) is list or type(value) is tuple:
        return value
    if isinstance(value, (str, bytes, bytearray, dict, set, frozenset)):
        return None
    if not hasattr(value, "__len__") or not hasattr(value, "__getitem__"):
        return None
    try:
        items = value.tolist() if hasattr(value, "tolist") else list(value)
    except (TypeError, ValueError, NotImplementedError):
        return None
    return items if isinstance(items, list) else None


# The kinds of numbers in the `struct` module: their size is told apart by `itemsize`.
_FORMATS = {"Int32": "bhilqn", "Int64": "bhilqn", "UInt32": "BHILQN", "UInt64": "BHILQN"}
_FORMATS.update({"Float32": "efd", "Float64": "efd"})


class NumbersCodec(TypeCodec):
    """An array of numbers. It is taken as any sequence of them, and read as an `array.array`."""

    least = 4

    def __init__(self, kind: str, element: TypeCodec, length: Optional[int]) -> None:
        self._element = element
        self._length = length
        self._code = NUMBER_CODES[kind]
        self._formats = _FORMATS[kind]
        self._bytes = element.least
        self._is_integer = not kind.startswith("Float")
        self._expected = f"an array of {kind}"

    def check(self, value: Any) -> None:
        view = self._view(value)
        if view is not None:
            _check_length(self._length, len(view))
            return
        items = _items_of(value)
        if items is None:
            raise value_misfit(self._expected, value)
        if not self._packs(items):
            self._check_each(items)
        _check_length(self._length, len(items))

    def _check_each(self, value: Sequence[Any]) -> None:
        at = 0
        try:
            for at, item in enumerate(value):
                self._element.check(item)
        except Misfit as why:
            raise why.within(f"[{at}]") from None

    def _view(self, value: Any) -> Optional[memoryview]:
        """Return the memory of numbers of just this type; None if it is something else."""
        if type(value) is list or type(value) is tuple:
            return None
        try:
            view = memoryview(value)
            if view.ndim != 1 or view.itemsize != self._bytes:
                return None
            # `<`, `=` and `@` are this machine's byte order, which is little-endian.
            if view.format.lstrip("<=@") not in self._formats or len(view.format) > 2:
                return None
        except (TypeError, ValueError, BufferError):
            return None
        return view

    def _packs(self, value: Sequence[Any]) -> bool:
        """Tell whether all elements certainly fit; a quick look."""
        allowed = {int} if self._is_integer else {float, int}
        try:
            if not set(map(type, value)) <= allowed:
                return False
            pack(f"<{len(value)}{self._code}", *value)
        except (OverflowError, StructError):
            return False
        return True

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        return [self._element.encode(item, namer) for item in self._numbers(value)]

    def _numbers(self, value: Any) -> Any:
        view = self._view(value)
        return value if view is None else view.tolist()

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not list:
            raise xpc_misfit("an array", value)
        _check_length(self._length, len(value))
        decode, numbers, at = self._element.decode, array(self._code), 0
        try:
            for at, item in enumerate(value):
                numbers.append(decode(item, finder))
        except Misfit as why:
            raise why.within(f"[{at}]") from None
        return numbers

    def writing(self) -> Write:
        code, size, view_of = self._code, self._bytes, self._view

        def write(value: Any, out: bytearray, namer: MemoryNamer) -> None:
            count = len(value)
            pad(out, 4)
            out += _COUNT.pack(count)
            if count == 0:
                return
            pad(out, size)
            view = view_of(value)
            out += pack(f"<{count}{code}", *value) if view is None else view.tobytes()

        return write

    def reading(self) -> Read:
        code, size, length = self._code, self._bytes, self._length

        def read(reader: PayloadReader) -> Any:
            numbers = array(code)
            count = _read_count(reader, length, size)
            if count == 0:
                return numbers
            try:
                at = reader.take(size, size * count)
            except Misfit:
                raise reader.short(count, "value") from None
            numbers.frombytes(reader.data[at : reader.at])
            return numbers

        return read


def array_codec(type: types.Array, element: TypeCodec) -> TypeCodec:
    """Return the codec of an array. Numbers have one of their own."""
    kind = type.element.kind
    if kind in NUMBER_CODES:
        return NumbersCodec(kind, element, type.length)
    return ListCodec(element, type.length)
