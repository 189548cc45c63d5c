"""Texts of errors: values and names in words, made safe to print and to send."""

from __future__ import annotations

import json
import re
from typing import Sized

#: The longest excerpt of a value in an error, in characters.
_EXCERPT = 60

# Patterns are compiled when they are first used: a frame that fits needs none.
#
# Sequences that a terminal acts on: styles, movements of the cursor, titles, links.
_SEQUENCES = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
# Controls but line feeds and tabs, marks of the writing direction, lone surrogates.
_CONTROLS = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_SURROGATES = "[\ud800-\udfff]"
# What a text ends with that was cut.
_ENDING = r"… \((\d{1,15}) characters more\)\Z"
_CUT_ESCAPE = r"\\u?[0-9a-f]{0,3}\Z"


def _escaped(match: "re.Match[str]") -> str:
    return f"\\u{ord(match.group()):04x}"


def fit_text(text: str, most: int) -> str:
    """Return `text` fit to be sent and printed, with at most `most` characters.

    Colors and other sequences for terminals are removed. Control characters, except line
    feeds and tabs, and lone surrogates are escaped. A text that was cut ends with
    "… (N characters more)". A text that is fit already is returned as it is.
    """
    head = text[:most]
    shown = re.sub(_SEQUENCES, "", head).replace("\r\n", "\n")
    shown = re.sub(_CONTROLS, _escaped, shown)
    if len(text) == len(head) and len(shown) <= most:
        return shown
    # A text that was cut before says how much is missing in all.
    cut = re.search(_ENDING, text[-40:])
    unseen = len(text) - len(head) + len(shown)
    if cut is not None:
        unseen += int(cut.group(1)) - len(cut.group())
    kept = shown[: max(0, most - len(_ending(unseen)))]
    kept = re.sub(_CUT_ESCAPE, "", kept)
    return kept + _ending(unseen - len(kept))


def _ending(characters: int) -> str:
    return f"… ({characters} characters more)"


def is_well_formed(text: str) -> bool:
    """Tell whether `text` has no lone surrogates, which have no form in UTF-8."""
    return text.isascii() or re.search(_SURROGATES, text) is None


def json_string(text: str) -> str:
    """Return `text` as a JSON string, as ECMAScript writes it."""
    return re.sub(_SURROGATES, _escaped, json.dumps(text, ensure_ascii=False))


def number_text(value: float) -> str:
    """Return a number as ECMAScript writes it: `1` for 1.0, `Infinity`, `1e+21`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if value < 0:
        return f"-{number_text(-value)}"
    # Both languages write the shortest digits that give the same number.
    digits, _, exponent = repr(float(value)).partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    point = len(whole) + int(exponent or "0")
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    sign = "+" if point > 0 else "-"
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{sign}{abs(point - 1)}"


def amount(count: int, thing: str) -> str:
    """Return a number of things in words: `1 byte`, `2 bytes`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def with_article(noun: str) -> str:
    """Return a noun with `a` or `an` before it."""
    return f"{'an' if noun[:1] in 'AEIOUaeiou' else 'a'} {noun}"


def show(value: object) -> str:
    """Return a short, printable text for any value. The value may be a peer's."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        text = json_string(value[:_EXCERPT])
        return f"{text}… ({len(value)} characters)" if len(value) > _EXCERPT else text
    if isinstance(value, int):
        # Python refuses to write very long integers in decimal digits.
        bits = value.bit_length()
        return _cut(str(int(value))) if bits < 512 else f"an integer of {bits} bits"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, (bytes, bytearray)):
        return amount(len(value), "byte")
    name = type(value).__name__
    if isinstance(value, (list, tuple)):
        return f"{with_article(name)} of {len(value)}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if callable(value):
        return "a function"
    return _sized(value, with_article(name))


def _sized(value: object, name: str) -> str:
    if isinstance(value, Sized) and not isinstance(value, (dict, set, frozenset)):
        try:
            return f"{name} of {memoryview(value).nbytes} bytes"  # type: ignore[arg-type]
        except (TypeError, ValueError, BufferError):
            pass
    return name


def _cut(text: str) -> str:
    return f"{text[:_EXCERPT]}…" if len(text) > _EXCERPT else text


def quote(name: str) -> str:
    """Return a name in quotes, short and printable. The name may be a peer's."""
    text = json_string(name[:_EXCERPT])[1:-1]
    return f"'{text}…'" if len(name) > _EXCERPT else f"'{text}'"
