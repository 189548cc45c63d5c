"""What this client does, in memory that its host reads."""

from __future__ import annotations

import ctypes
from typing import Any

from ._generated import STATUS_BYTES
from ._native import Native
from ._packed import Capability


class Status:
    """What this client does, in memory that its host reads."""

    def __init__(self) -> None:
        self._words: Any = (ctypes.c_uint32 * 3)()

    def open(self, native: Native, memory: Capability) -> None:
        """Uses the host's memory. Without it the words go nowhere."""
        handle = memory.take()
        address = native.lib.slb_shmem_map(handle)
        if address and native.lib.slb_shmem_bytes(handle) >= STATUS_BYTES:
            self._words = (ctypes.c_uint32 * 3).from_address(address)
        else:
            native.release(handle)

    def forget(self) -> None:
        """From now on the words go nowhere."""
        self._words = (ctypes.c_uint32 * 3)()

    def does(self, word: int) -> None:
        """Which function runs."""
        self._words[0] = word

    def took(self, port: int, frame: int) -> None:
        """A frame was read, or dropped unread."""
        self._words[1] = port + 1
        self._words[2] = frame & 0xFFFF_FFFF
