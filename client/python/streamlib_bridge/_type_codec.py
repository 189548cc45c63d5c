"""What each field type does: it checks, writes and reads its values.

A frame travels in one of two forms: as a dictionary in a message, or as the payload of a
record in a lane. A codec knows both.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Protocol, Tuple, Union

from ._misfit import Misfit, misfit
from ._packed import Capability
from ._text import amount


class MemoryNamer(Protocol):
    """Names the textures and buffers of a frame that is sent."""

    def name(self, value: Any) -> Tuple[int, int, bool]:
        """Return id, generation and whether the receiver gets its own memory back.

        Raises a `BridgeError` if the memory cannot be sent.
        """
        ...


class MemoryFinder(Protocol):
    """Finds the memory that a received frame names. The peer is not trusted.

    The finder keeps what it returns until the frame is done with. Of a frame that does not
    fit it is asked for every name that can still be read. It returns a reason, a string, if
    there is no such memory.
    """

    def texture(self, id: int, generation: int, moved: bool) -> Union[Any, str]:
        """Return a surface, which has at least `pixel_format`, `width` and `height`."""
        ...

    def buffer(
        self, id: int, generation: int, moved: bool, element_type: str, length: Optional[int]
    ) -> Union[Any, str]:
        """Return `length` numbers. Without it, the message has not said how many there are."""
        ...

    def bare(self, capability: Capability) -> Union[Any, str]:
        """Return the surface of a capability that is in the message itself."""
        ...


class PayloadReader:
    """Reads the payload of one record.

    After a value that does not fit the next one is read, so that the finder gets the names
    of memory behind it. After a size that is not within the payload, the place `at` is
    beyond its end, and nothing more is found there.
    """

    __slots__ = ("data", "at", "end", "finder")

    def __init__(self, data: bytes, finder: MemoryFinder) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)
        self.finder = finder

    def take(self, size: int, count: int) -> int:
        """Return the place for `count` bytes from the next multiple of `size` on.

        The reader moves behind them. Raises a misfit if they are not within the payload.
        """
        at = self.at + (-self.at & (size - 1))
        if at + count > self.end:
            raise self.short(count)
        self.at = at + count
        return at

    def cut(self, expected: str, got: str) -> Misfit:
        """Return the misfit of a value behind which nothing can be read."""
        self.at = self.end + 1
        return misfit(expected, got)

    def short(self, count: int, thing: str = "byte") -> Misfit:
        """Return the misfit of bytes, or values, that are not within the payload."""
        return self.cut(amount(count, thing), "the end of the frame")


#: Whether a value can certainly be sent; a quick look. If it is not sure, `check` decides.
Fits = Callable[[Any], bool]
#: Appends a value that was checked to the bytes of a payload.
Write = Callable[[Any, bytearray, MemoryNamer], None]
#: Reads the value at the reader's place, and moves the place behind it. Accepts any bytes.
Read = Callable[[PayloadReader], Any]


class Limit(NamedTuple):
    """Which numbers are values of a type of fixed size: those from 0 on, below a limit."""

    below: int
    #: The values in words.
    expected: str
    #: What a number is called.
    called: str


class Fixed(NamedTuple):
    """How values are written and read that all have the same size, which is their alignment.

    The parts are code, in which `{v}` is the value or the number, and `{k}` a constant.
    """

    #: The letter of the number in the `struct` module.
    code: str
    #: The size: 1, 2, 4 or 8.
    bytes: int
    #: True if the value certainly fits.
    fits: str
    #: The number of a value.
    number: str = "{v}"
    #: The value of a number.
    value: str = "{v}"
    limit: Optional[Limit] = None
    #: The constant of `fits` and `number`, and that of `value`.
    numbers: Any = None
    values: Any = None


class TypeCodec:
    """The codec of one field type.

    `check` and `decode` accept any value and raise nothing but `Misfit`. What writes accepts
    only values that passed `check`. Functions for lanes are made when they are first needed.
    """

    #: The fewest bytes of a value in a lane, at least 1: so the bytes limit a list's length.
    least: int = 1
    #: How values are written and read in the code of a level, if they all have one size.
    fixed: Optional[Fixed] = None

    def check(self, value: Any) -> None:
        """Raise a misfit if a value cannot be sent."""
        raise NotImplementedError

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        """Return a value as it is in a message."""
        raise NotImplementedError

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        """Return the value in a message, which is `MISSING` if it is absent."""
        raise NotImplementedError

    def fitting(self) -> Fits:
        """Return the function that takes a quick look at a value."""
        return self._passes

    def writing(self) -> Write:
        """Return the function that writes a value to a payload."""
        raise NotImplementedError

    def reading(self) -> Read:
        """Return the function that reads a value from a payload."""
        raise NotImplementedError

    def _passes(self, value: Any) -> bool:
        try:
            self.check(value)
        except Misfit:
            return False
        return True


def pad(out: bytearray, size: int) -> None:
    """Append zeros up to the next multiple of `size`, a power of two."""
    missing = -len(out) & (size - 1)
    if missing:
        out += bytes(missing)


def refused_number(limit: Limit, number: int) -> Misfit:
    """Return the misfit of a number that is no value of its type."""
    return misfit(limit.expected, f"{limit.called} {number}")


class Code:
    """Code that is being written, with its constants.

    The interpreter then runs one function for the one schema that it is for; a general one
    would look at the type of each field again and takes several times as long. No name of a
    schema becomes code: names are in it as string literals of letters, digits and `_`.
    """

    def __init__(self) -> None:
        self._lines: List[str] = []
        self._names: Dict[int, str] = {}
        self._values: Dict[str, Any] = {}

    def add(self, *lines: str) -> None:
        """Add lines of the function's body."""
        self._lines.extend(lines)

    def constant(self, value: Any) -> str:
        """Return the name of a constant in the code."""
        name = self._names.setdefault(id(value), f"k{len(self._names)}")
        self._values[name] = value
        return name

    def make(self, name: str, parameters: str) -> Any:
        """Return the function whose parameters and body the lines are."""
        body = "\n    ".join(self._lines)
        scope = dict(self._values)
        source = f"def {name}({parameters}):\n    {body}\n"
        exec(compile(source, f"<streamlib_bridge {name}>", "exec"), scope)
        return scope[name]
