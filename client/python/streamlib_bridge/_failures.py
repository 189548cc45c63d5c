"""Errors in words: what a host is told of an error of the processor."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Optional

from ._errors import BridgeError
from ._generated import MAX_ERROR_LENGTH
from ._text import fit_text

_MAX_STACK_LENGTH = 100_000
_HERE = os.path.dirname(os.path.abspath(__file__))


def text_of(error: BaseException) -> str:
    """An error, fit to be sent, with its type, without the type's module: "ValueError: it is 3"."""
    if isinstance(error, BridgeError):
        return fit_text(error.message, MAX_ERROR_LENGTH)
    name, text = type(error).__name__, str(error)
    return fit_text(f"{name}: {text}" if text else name, MAX_ERROR_LENGTH)


def traceback_of(error: BaseException) -> str:
    """The traceback, the text first, without the frames of this package before the user's."""
    start: Optional[TracebackType] = error.__traceback__
    while start is not None and _is_ours(start):
        start = start.tb_next
    lines = traceback.format_exception(type(error), error, start or error.__traceback__)
    return fit_text(f"{text_of(error)}\n{''.join(lines)}".rstrip(), _MAX_STACK_LENGTH)


def _is_ours(place: TracebackType) -> bool:
    file = os.path.abspath(place.tb_frame.f_code.co_filename)
    return file.startswith(_HERE + os.sep) or file.startswith("<frozen")
