"""Misfits: why a frame does not fit its schema."""

from __future__ import annotations

from typing import Any

from ._packed import Capability, Int64, UInt64
from ._text import number_text, quote, show


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


#: In place of a value that is not there.
MISSING = _Missing()


class Misfit(Exception):
    """The first place where a frame does not fit its schema.

    A codec that does not know its place leaves `schema` and `path` empty; `within` and `of`
    add them.
    """

    #: The schema's name; empty if it is not known yet.
    schema: str
    #: The path to the field, such as `pose.points[3].x`; empty for the frame itself.
    path: str
    #: What the schema requires.
    expected: str
    #: What was found, short and printable.
    got: str

    def __init__(self, schema: str, path: str, expected: str, got: str) -> None:
        super().__init__(schema, path, expected, got)
        self.schema = schema
        self.path = path
        self.expected = expected
        self.got = got

    def within(self, step: str) -> "Misfit":
        """Return the same misfit with `step` before its path."""
        dot = "" if self.path == "" or self.path.startswith("[") else "."
        return Misfit(self.schema, f"{step}{dot}{self.path}", self.expected, self.got)

    def of(self, name: str) -> "Misfit":
        """Return the same misfit with the schema's name."""
        return Misfit(name, self.path, self.expected, self.got)

    @property
    def message(self) -> str:
        """The message, such as `VideoFrame.width: expected an integer …, got None`."""
        where = f"{self.schema}.{self.path}" if self.path else self.schema
        return f"{where}: expected {self.expected}, got {self.got}"

    def __str__(self) -> str:
        return self.message


def misfit(expected: str, got: str) -> Misfit:
    """Make a misfit of a value whose place is not known yet."""
    return Misfit("", "", expected, got)


def value_misfit(expected: str, value: object) -> Misfit:
    """Make the misfit of a value from code in this process."""
    return Misfit("", "", expected, "nothing" if value is MISSING else show(value))


def xpc_misfit(expected: str, value: object) -> Misfit:
    """Make the misfit of a value from a message."""
    return Misfit("", "", expected, _describe(value))


def extra_misfit(name: object) -> Misfit:
    """Make the misfit of a field that is not in the schema.

    Its name is no part of the path: a path only has names of the schema, so that a peer
    cannot invent paths.
    """
    shown = quote(name) if isinstance(name, str) else show(name)
    return Misfit("", "", "no other fields", f"the field {shown}")


def _describe(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"bool {'true' if value else 'false'}"
    if isinstance(value, str):
        return f"string {show(value)}"
    if isinstance(value, Int64):
        return f"int64 {int(value)}"
    if isinstance(value, UInt64):
        return f"uint64 {int(value)}"
    if isinstance(value, float):
        return f"double {number_text(value)}"
    if isinstance(value, (bytes, bytearray)):
        return f"data of {len(value)} bytes"
    if isinstance(value, Capability):
        return f"a capability, {value.kind}"
    if isinstance(value, dict):
        return f"a dictionary of {len(value)} keys"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return show(value)
