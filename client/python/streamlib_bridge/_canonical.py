"""The canonical form of JSON, RFC 8785: equal data gives equal bytes."""

from __future__ import annotations

import hashlib
from typing import Any, NoReturn

from ._errors import BridgeError
from ._text import is_well_formed, json_string, number_text

#: Above it, not every integer has a form of its own in ECMAScript.
_MAX_SAFE = 2**53


def code_units(text: str) -> bytes:
    """Return what texts are sorted by: their UTF-16 code units, and not their characters."""
    return text.encode("utf-16-be", "surrogatepass")


def canonical_json(value: Any) -> str:
    """Return `value` as canonical JSON.

    There is no white space, keys are in the order of their UTF-16 code units, numbers and
    strings are as ECMAScript writes them. A value that has no such form is a `BridgeError`
    `bad_argument`: a lone surrogate, a number that is not finite, another type.
    """
    if isinstance(value, str):
        if not is_well_formed(value):
            _refuse(f"the string {json_string(value)} has a lone surrogate")
        return json_string(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(canonical_json, value))}]"
    if isinstance(value, dict):
        members = (
            f"{canonical_json(key)}:{canonical_json(value[key])}"
            for key in sorted(value, key=code_units)
        )
        return f"{{{','.join(members)}}}"
    _refuse(f"JSON has no {type(value).__name__}")


def _number(value: float) -> str:
    if isinstance(value, int) and abs(value) <= _MAX_SAFE:
        return str(int(value))
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if number - number != 0:
        _refuse(f"the number {number_text(number)} is not finite")
    return number_text(number)


def _refuse(why: str) -> NoReturn:
    raise BridgeError("bad_argument", f"Cannot write canonical JSON: {why}")


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
