"""Counters of what this process has copied and sent, kept by the shim."""

from __future__ import annotations

import ctypes
import os
from typing import NamedTuple


class TransferStats(NamedTuple):
    """Counters of this process, since its start."""

    #: Bytes of payload that were copied to send them: data values in messages, and
    #: messages too large for a packet. Pixels of surfaces are not included, unless they
    #: were copied into a message.
    copied_bytes: int = 0
    #: Bytes written to sockets, with the headers of messages; 0 on macOS.
    socket_bytes: int = 0
    #: Messages sent.
    messages: int = 0
    #: Descriptors sent; 0 on macOS.
    descriptors: int = 0


#: The places of the counters in what `slb_stats` writes; see the header.
_DATA, _MESSAGES, _SOCKET, _SPILL, _DESCRIPTORS, _COUNT = 13, 14, 17, 18, 19, 30


def transfer_stats() -> TransferStats:
    """The current counters of this process. Without a host, as in a test, all are 0."""
    library = os.environ.get("STREAMLIB_LIBRARY")
    if not library:
        return TransferStats()
    counters = (ctypes.c_uint64 * _COUNT)()
    ctypes.PyDLL(library).slb_stats(counters, ctypes.c_uint32(_COUNT))
    return TransferStats(
        copied_bytes=counters[_DATA] + counters[_SPILL],
        socket_bytes=counters[_SOCKET],
        messages=counters[_MESSAGES],
        descriptors=counters[_DESCRIPTORS],
    )
