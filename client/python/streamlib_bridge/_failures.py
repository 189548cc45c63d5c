"""Errors in words: what a host is told of an error of the processor."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Optional

from ._errors import BridgeError

_HERE = os.path.dirname(os.path.abspath(__file__))


def text_of(error: BaseException) -> str:
    """An error with its type, without the type's module: "ValueError: it is 3"."""
    if isinstance(error, BridgeError):
        return error.message
    name, text = type(error).__name__, str(error)
    return f"{name}: {text}" if text else name


def traceback_of(error: BaseException) -> str:
    """The traceback, the text first, without the frames of this package before the user's."""
    start: Optional[TracebackType] = error.__traceback__
    while start is not None and _is_ours(start):
        start = start.tb_next
    lines = traceback.format_exception(type(error), error, start or error.__traceback__)
    return f"{text_of(error)}\n{''.join(lines)}".rstrip()


def _is_ours(place: TracebackType) -> bool:
    file = os.path.abspath(place.tb_frame.f_code.co_filename)
    return file.startswith(_HERE + os.sep) or file.startswith("<frozen")
