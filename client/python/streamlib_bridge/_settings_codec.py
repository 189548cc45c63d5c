"""Checks the values of settings, and reads those that a host sends."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Union

from ._codec import NO_MEMORY, FrameCodec, frame_codec
from ._field_types import Field, FieldType
from ._misfit import Misfit, extra_misfit, misfit, value_misfit
from ._packed import Message
from ._place import Place
from ._scalar_codecs import INTEGERS, range_text, rounded
from ._text import number_text, quote, show
from ._types import Setting, schema

#: What the path of a setting begins with, in an error.
_NAME = "settings"

#: What an error advises to write.
_EXAMPLE = "setting(Float32, default=0.5)"

#: The kinds of types that a setting can have.
_KINDS = ("Bool", *INTEGERS, "Float32", "Float64", "String", "Enum")


class SettingsCodec:
    """Knows the settings that a processor declares.

    `schema_mismatch` names the setting, if what is declared is not valid; `bad_argument` if
    it is not a setting.
    """

    #: What the processor declares.
    declared: Mapping[str, Setting]
    #: The default of each setting.
    defaults: Dict[str, Any]

    def __init__(self, declared: Mapping[str, Setting]) -> None:
        place = Place("the settings")
        place.map(declared, f'{{"amount": {_EXAMPLE}}}')
        self.declared = declared
        self._codecs: Dict[str, FrameCodec] = {}
        for name, one in declared.items():
            _check_form(place.inside(quote(name)), one)
            self._codecs[name] = _codec_of(name, one)
        for name, one in declared.items():
            self._check_declared(place.inside(quote(name)), name, one)
        self.defaults = {name: one.default for name, one in declared.items()}

    def _check_declared(self, place: Place, name: str, one: Setting) -> None:
        for what, limit in (("minimum", one.minimum), ("maximum", one.maximum)):
            if limit is None:
                continue
            if one.type.kind not in INTEGERS and not one.type.kind.startswith("Float"):
                place.refuse(f"a {one.type.kind} has no {what}")
            try:
                self._check_type(name, limit)
            except Misfit as why:
                place.refuse(f"its {what}: {why.message}")
            if limit != limit:
                place.refuse(f"its {what} is NaN")
        minimum, maximum = one.minimum, one.maximum
        if minimum is not None and maximum is not None and minimum > maximum:
            place.refuse(
                f"its minimum {_limit_text(minimum)} is above its maximum {_limit_text(maximum)}"
            )
        try:
            self.check({name: one.default})
        except Misfit as why:
            place.refuse(f"its default: {why.message}")

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise a misfit for the first value that is not one of its setting."""
        for name, value in values.items():
            one = self.declared.get(name)
            if one is None:
                raise self._unknown(name)
            words = _range_words(one)
            try:
                self._check_type(name, value)
            except Misfit as why:
                if words is None:
                    raise
                raise Misfit(_NAME, name, words, why.got) from None
            if words is not None and not _is_within_limits(one, value):
                raise value_misfit(words, value).within(name).of(_NAME)

    def _check_type(self, name: str, value: Any) -> None:
        self._codecs[name].check({name: value})

    def _unknown(self, name: str) -> Misfit:
        known = (
            f"one of {', '.join(self.declared)}"
            if self.declared
            else "no settings, as the processor declares none"
        )
        return misfit(known, quote(name)).of(_NAME)

    def decode(self, values: Message) -> Dict[str, Any]:
        """Return the values in a message. Raises a misfit if they are not of these settings."""
        found: Dict[str, Any] = {}
        for name, value in values.items():
            codec = self._codecs.get(name)
            if codec is None:
                raise extra_misfit(name).of(_NAME)
            found[name] = codec.decode({name: value}, NO_MEMORY)[name]
        self.check(found)
        return found


def _check_form(place: Place, one: object) -> None:
    """Refuse what is no setting at all, or of a type that no setting has."""
    if not isinstance(one, Setting):
        place.misuse(f"it is {show(one)}, not a setting; write {_EXAMPLE}")
    if not isinstance(one.type, FieldType):
        place.misuse(f"its type is {show(one.type)}, not a type; write {_EXAMPLE}")
    if one.type.kind not in _KINDS:
        place.refuse(
            f"its type is {one.type.kind}; a setting is a {', '.join(_KINDS)}: write {_EXAMPLE}"
        )


def _codec_of(name: str, one: Setting) -> FrameCodec:
    return frame_codec(schema(_NAME, (1, 0, 0), {name: Field(one.type, one.description)}))


def _is_within_limits(one: Setting, value: Any) -> bool:
    # A Float32 is rounded when it is sent: its limits are compared as rounded, too.
    compared = rounded if one.type.kind == "Float32" else _unchanged
    found = compared(value)
    return (one.minimum is None or found >= compared(one.minimum)) and (
        one.maximum is None or found <= compared(one.maximum)
    )


def _unchanged(value: Any) -> Any:
    return value


def _limit_text(limit: Union[int, float]) -> str:
    return str(int(limit)) if isinstance(limit, int) else number_text(limit)


def _range_words(one: Setting) -> Optional[str]:
    """Return what the values of a setting with limits are; None if it has none."""
    minimum = None if one.minimum is None else _limit_text(one.minimum)
    maximum = None if one.maximum is None else _limit_text(one.maximum)
    if minimum is None and maximum is None:
        return None
    integers = INTEGERS.get(one.type.kind)
    if integers is not None:
        least = integers.least_text if minimum is None else minimum
        most = integers.most_text if maximum is None else maximum
        return f"an integer {range_text(least, most)}"
    if minimum is None:
        return f"a number of at most {maximum}"
    if maximum is None:
        return f"a number of at least {minimum}"
    return f"a number from {minimum} to {maximum}"
