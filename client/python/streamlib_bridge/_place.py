"""Places in a schema, for errors that name them, and checks of values there."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Sequence, Union

from ._errors import BridgeError
from ._text import is_well_formed, quote, show

#: The largest integer that every JSON reader reads exactly.
_MAX_SAFE = 2**53 - 1


class Place:
    """A place in a schema, or in its JSON form. `name` describes it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def inside(self, name: str) -> "Place":
        """Return a place inside this one."""
        return Place(f"{self.name}, {name}")

    def refuse(self, why: str) -> NoReturn:
        """Raise `schema_mismatch` with this place and the reason."""
        raise BridgeError("schema_mismatch", f"Cannot use {self.name}: {why}")

    def misuse(self, why: str) -> NoReturn:
        """Raise `bad_argument`: code has given something else than what is asked for."""
        raise BridgeError("bad_argument", f"Cannot use {self.name}: {why}")

    def map(self, value: object, advice: str) -> Mapping[str, Any]:
        """Check that `value`, which code has given, has anything by name."""
        if not isinstance(value, Mapping):
            self.misuse(f"they are {show(value)}, not a dict; write {advice}")
        for name in value:
            if not isinstance(name, str):
                self.misuse(f"they have the name {show(name)}, not a string; write {advice}")
        return value

    def json(self, text: str, most: int) -> Any:
        """Parse JSON. Raise `malformed_message` if it is none, or over `most` characters."""
        if len(text) > most:
            self.malformed(f"it has {len(text)} characters; at most {most} are allowed")
        try:
            return parse_json(text)
        except RecursionError:
            self.malformed("it is nested too deep")
        except ValueError as error:
            self.malformed(f"it is not JSON: {error}")

    def malformed(self, why: str) -> NoReturn:
        """Raise `malformed_message` with this place and the reason."""
        raise BridgeError("malformed_message", f"Cannot use {self.name}: {why}")

    def closed(
        self, value: object, required: Sequence[str], optional: Sequence[str] = ()
    ) -> Dict[str, Any]:
        """Check that `value` has all required keys, any optional ones and no others."""
        keys = self.open(value, required)
        known = [*required, *optional]
        for key in keys:
            if key not in known:
                self.refuse(f"it has the key {quote(key)}, and only {', '.join(known)} are known")
        return keys

    def open(self, value: object, required: Sequence[str]) -> Dict[str, Any]:
        """Check that `value` is an object with all required keys. It may have others."""
        if not isinstance(value, dict):
            self.refuse(f"it is {show(value)}, not an object")
        for key in required:
            if key not in value:
                self.refuse(f"'{key}' is missing")
        return value

    def array(self, what: str, value: object) -> List[Any]:
        """Check that `value` is a list. `what` is its name in the error."""
        if not isinstance(value, (list, tuple)):
            self.refuse(f"{what} is {show(value)}, not an array")
        return list(value)

    def string(self, what: str, value: object) -> str:
        """Check that `value` is a string."""
        if not isinstance(value, str):
            self.refuse(f"{what} is {show(value)}, not a string")
        return value

    def text(self, what: str, value: object) -> str:
        """Check that `value` is a string that has a canonical form."""
        text = self.string(what, value)
        if not is_well_formed(text):
            self.refuse(f"{what} is {show(text)}, which has a lone surrogate")
        return text

    def boolean(self, what: str, value: object) -> bool:
        """Check that `value` is a bool."""
        if not isinstance(value, bool):
            self.refuse(f"{what} is {show(value)}, not true or false")
        return value

    def integer(self, what: str, value: object, least: int, most: int) -> int:
        """Check that `value` is an integer from `least` to `most`."""
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(f"{what} is {show(value)}, not an integer from {least} to {most}")
        return value

    def one_of(self, what: str, value: object, names: Sequence[str]) -> str:
        """Check that `value` is one of `names`."""
        if not isinstance(value, str) or value not in names:
            self.refuse(f"{what} is {show(value)}, not one of {', '.join(names)}")
        return value


def parse_json(text: str) -> Any:
    """Parse JSON as ECMAScript does, where 1.0 is an integer and 1e999 is infinite.

    What is no JSON is a ValueError, and a very deep nesting a RecursionError.
    """
    return json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)


def _number(text: str) -> Union[int, float]:
    if len(text) < 16 and _INTEGER(text):
        return int(text)
    value = float(text)
    return int(value) if abs(value) <= _MAX_SAFE and value.is_integer() else value


_INTEGER: Callable[[str], object] = re.compile(r"-?\d+\Z").match


def _refuse_constant(name: str) -> NoReturn:
    # Python's own reader takes NaN and Infinity, which JSON does not have.
    raise ValueError(f"{name} is not a JSON value")
