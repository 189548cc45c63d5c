"""The error class of this library."""

from __future__ import annotations

from ._generated import MAX_ERROR_LENGTH
from ._text import fit_text


class BridgeError(Exception):
    """A failure with a stable code.

    The message says what was tried, what was found and what to do. It is fit to be sent
    and printed: no controls but line feeds and tabs, at most 16,384 characters.
    """

    #: The stable name of the failure, one of `_generated.ERROR_CODES`. Programs may compare it.
    code: str
    #: What was tried, what was found, what to do.
    message: str

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = fit_text(message, MAX_ERROR_LENGTH)
        super().__init__(self.message)

    def __reduce__(self) -> "tuple[type[BridgeError], tuple[str, str]]":
        # An error that crosses processes keeps both parts.
        return type(self), (self.code, self.message)

    def __str__(self) -> str:
        return self.message
