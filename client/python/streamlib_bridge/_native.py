"""The shim by ctypes: its functions, its event queue, and handles.

Nothing here knows the protocol. `c/include/streamlib_bridge.h` describes every
function.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ._errors import BridgeError
from ._packed import Message, capabilities, pack, unpack

ABI_VERSION = 11

_U32, _I32, _U64, _F64 = ctypes.c_uint32, ctypes.c_int32, ctypes.c_uint64, ctypes.c_double
_POINTER, _BYTES = ctypes.c_void_p, ctypes.c_char_p

#: Functions that return at once. They keep Python's lock, which is quicker than to give it up.
_QUICK: Dict[str, Tuple[Any, List[Any]]] = {
    "slb_abi_version": (_U32, []),
    "slb_error_copy": (_U32, [_POINTER, _U32]),
    "slb_error_code": (_I32, []),
    "slb_now_ns": (_U64, []),
    "slb_release": (_I32, [_U32]),
    "slb_forked": (_I32, []),
    "slb_process_follow": (_I32, [_U32, _BYTES, _U32]),
    "slb_process_is_orphan": (_I32, []),
    "slb_queue_create": (_U32, []),
    "slb_queue_take_bell": (_I32, [_U32]),
    "slb_queue_drain": (_I32, [_U32, _POINTER, _U32]),
    "slb_queue_next_bytes": (_U32, [_U32]),
    "slb_connection_create_service": (_U32, [_U32, _BYTES, _U32]),
    "slb_connection_create_endpoint": (_U32, [_U32, _U32]),
    "slb_connection_activate": (_I32, [_U32]),
    "slb_connection_cancel": (_I32, [_U32]),
    "slb_connection_send": (_I32, [_U32, _BYTES, _U32]),
    "slb_connection_request": (_I32, [_U32, _BYTES, _U32, _U32]),
    "slb_connection_reason_copy": (_U32, [_U32, _POINTER, _U32]),
    "slb_reply_send": (_I32, [_U32, _BYTES, _U32]),
    "slb_shmem_create": (_U32, [_U32, _U64]),
    "slb_shmem_map": (_POINTER, [_U32]),
    "slb_shmem_map_read": (_POINTER, [_U32]),
    "slb_shmem_bytes": (_U64, [_U32]),
    "slb_lane_open": (_U32, [_U32, _U32]),
    "slb_lane_slots": (_U32, [_U32]),
    "slb_lane_map": (_POINTER, [_U32]),
    "slb_lane_bytes": (_U64, [_U32]),
    "slb_lane_bell": (_U32, [_U32]),
    "slb_lane_connect": (_I32, [_U32, _U32]),
    "slb_lane_take_bell": (_I32, [_U32]),
    "slb_lane_publish": (_I32, [_U32, _U32]),
    "slb_lane_consume": (_I32, [_U32, _U32]),
    "slb_lane_sleep": (_I32, [_U32, _U32]),
    "slb_lane_wake": (_I32, [_U32]),
    "slb_surface_create": (_U32, [_U32, _U32, _U32, _U32, _POINTER, _U32]),
    "slb_surface_layout": (_I32, [_U32, _POINTER]),
    "slb_surface_map": (_POINTER, [_U32]),
    "slb_surface_map_read": (_POINTER, [_U32]),
    "slb_surface_lock": (_I32, [_U32, _U32]),
    "slb_surface_unlock": (_I32, [_U32, _U32]),
}

#: Functions that wait. Other threads of this process run meanwhile.
_WAITING: Dict[str, Tuple[Any, List[Any]]] = {
    "slb_queue_wait": (_I32, [_U32, _U32]),
    "slb_lane_spin": (_U32, [_U32, _U32, _U32]),
    "slb_lane_wait": (_I32, [_U32, _U32, _U32]),
}

_EVENT = struct.Struct("<IIIIII")
_MESSAGE, _REPLY, _ERROR, _MALFORMED = 1, 2, 4, 5
_E_BUFFER = -5
_MAX_TEXT_BYTES = 512
#: The most looks at the queue before others get their turn; each returns up to 32 KiB, or one event.
_DRAINS = 16

#: The status codes of the shim that have an error code of their own.
_CODES = {-2: "bad_argument", -6: "closed", -9: "not_permitted", -11: "outbox_full"}


class Ended(NamedTuple):
    """How a connection has ended."""

    kind: int  # SLB_ERROR_*
    reason: int  # SLB_REASON_*
    text: str  # the reason in words; "" if it is not known


#: Gets the messages of a connection, with the handle of the reply that is asked for, or 0.
OnMessage = Callable[[Message, int, int], None]
OnEnd = Callable[[Ended], None]


class _Sink(NamedTuple):
    message: OnMessage
    ended: OnEnd
    malformed: Callable[[], None]


def _open(path: str) -> Any:
    """Loads the shim. Raises `library_not_found` or `version_mismatch`."""
    try:
        quick, waiting = ctypes.PyDLL(path), ctypes.CDLL(path)
    except OSError as error:
        raise BridgeError(
            "library_not_found", f"Cannot load the shim {path}: {error}"
        ) from None
    functions = _Functions()
    for library, table in ((quick, _QUICK), (waiting, _WAITING)):
        for name, (result, arguments) in table.items():
            function = getattr(library, name, None)
            if function is None:
                raise BridgeError(
                    "version_mismatch",
                    f"Cannot use the shim {path}: it has no function {name}; "
                    "use the shim of this package's host",
                )
            function.restype, function.argtypes = result, arguments
            setattr(functions, name, function)
    version = functions.slb_abi_version()
    if version != ABI_VERSION:
        raise BridgeError(
            "version_mismatch",
            f"Cannot use the shim {path}: its ABI is version {version}, "
            f"this package needs {ABI_VERSION}",
        )
    return functions


class _Functions:
    """The functions of the shim, as attributes."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Native:
    """The shim, with one event queue. Everything happens in `drain`, on the thread that calls it."""

    def __init__(self) -> None:
        path = os.environ.get("STREAMLIB_LIBRARY", "")
        if path == "":
            raise BridgeError(
                "library_not_found",
                "Cannot load the shim: STREAMLIB_LIBRARY is not set; a host sets it",
            )
        self.lib = _open(path)
        #: Whether this is a forked child, which must say nothing on its parent's connections.
        self.is_forked = False
        #: Called in a forked child, before anything else in it.
        self.when_forked: Callable[[], None] = lambda: None
        self.queue = self.created(self.lib.slb_queue_create())
        self._buffer = bytearray(64 << 10)
        self._at = (ctypes.c_char * len(self._buffer)).from_buffer(self._buffer)
        self._sinks: Dict[int, _Sink] = {}
        self._replies: Dict[int, Callable[[Optional[Message]], None]] = {}
        self._last_request = 0
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self.is_forked = True
        self.lib.slb_forked()
        self.when_forked()

    # ---- errors ----

    def error(self) -> str:
        """The text of the last failure on this thread."""
        text = ctypes.create_string_buffer(_MAX_TEXT_BYTES)
        length = self.lib.slb_error_copy(text, _MAX_TEXT_BYTES)
        return text.raw[:length].decode(errors="replace")

    def failure(self) -> BridgeError:
        """The last failure on this thread, as an error."""
        code = _CODES.get(self.lib.slb_error_code(), "native_failure")
        return BridgeError(code, self.error())

    def created(self, handle: int) -> int:
        """Returns a handle. Raises if it is 0."""
        if handle == 0:
            raise self.failure()
        return handle

    def checked(self, status: int) -> int:
        """Returns a status. Raises if it is negative."""
        if status < 0:
            raise self.failure()
        return status

    def release(self, handle: int) -> None:
        self.lib.slb_release(handle)

    # ---- connections ----

    def connect_to_service(self, name: str) -> int:
        """Makes an inactive connection to a named service."""
        encoded = name.encode()
        return self.created(
            self.lib.slb_connection_create_service(self.queue, encoded, len(encoded))
        )

    def connect_to_endpoint(self, endpoint: int) -> int:
        """Makes an inactive connection to an endpoint, which stays the caller's."""
        return self.created(self.lib.slb_connection_create_endpoint(self.queue, endpoint))

    def activate(
        self,
        connection: int,
        message: OnMessage,
        ended: OnEnd,
        malformed: Callable[[], None] = lambda: None,
    ) -> None:
        """Starts the events of a connection. Handles that nobody takes out of a message are released."""
        self._sinks[connection] = _Sink(message, ended, malformed)
        try:
            self.checked(self.lib.slb_connection_activate(connection))
        except BridgeError:
            self._sinks.pop(connection)
            raise

    def close(self, connection: int) -> None:
        """Ends and releases a connection."""
        self._sinks.pop(connection, None)
        self.lib.slb_release(connection)

    def send(self, connection: int, packed: bytes) -> None:
        """Sends a packed message. On a connection that has ended it is lost."""
        if self.is_forked:
            return
        status = self.lib.slb_connection_send(connection, packed, len(packed))
        if status < 0 and status not in (-1, -6, -11):  # has ended, or is ended by this: an event tells it
            raise self.failure()

    def request(
        self,
        connection: int,
        packed: bytes,
        answered: Callable[[Optional[Message]], None],
    ) -> int:
        """Sends a message and asks for a reply: `answered` gets it once, or None without one.

        Returns the number by which `forget` ends the wait.
        """
        self._last_request = number = (self._last_request + 1) & 0x7FFF_FFFF
        self._replies[number] = answered
        status = -6
        if not self.is_forked:
            status = self.lib.slb_connection_request(connection, packed, len(packed), number)
        if status < 0:
            self._replies.pop(number, None)
            answered(None)
        return number

    def forget(self, request: int) -> None:
        """Nobody waits for the reply to a request any more."""
        self._replies.pop(request, None)

    def reply(self, handle: int, message: Message) -> None:
        """Answers a message that asked for a reply."""
        packed = pack(message)
        if not self.is_forked and self.lib.slb_reply_send(handle, packed, len(packed)) < 0:
            self.lib.slb_release(handle)

    # ---- events ----

    def drain(self) -> bool:
        """Handles the events that wait, but not those of a peer that sends without end.

        Returns whether more may wait.
        """
        lib = self.lib
        if self.is_forked:
            return False
        for _ in range(_DRAINS):
            written = lib.slb_queue_drain(self.queue, self._at, len(self._buffer))
            if written == _E_BUFFER:
                size = lib.slb_queue_next_bytes(self.queue)
                self._buffer = bytearray(size)
                self._at = (ctypes.c_char * size).from_buffer(self._buffer)
                continue
            if self.checked(written) == 0:
                return False
            data = bytes(memoryview(self._buffer)[:written])
            at = 0
            while at < written:
                length, *event = _EVENT.unpack_from(data, at)
                self._handle(data[at + _EVENT.size : at + length], *event)
                at += length
        return True

    def _handle(
        self, body: bytes, event: int, source: int, subject: int, detail: int, cost: int
    ) -> None:
        sink = self._sinks.get(source)
        if event == _MESSAGE:
            message = unpack(body)
            try:
                if sink is not None:
                    sink.message(message, subject, cost)
                elif subject:
                    self.lib.slb_release(subject)
            finally:
                self._release_in(message)
        elif event == _REPLY:
            answered = self._replies.pop(subject, None)
            reply = unpack(body) if detail == 0 else None
            try:
                if answered is not None:
                    answered(reply)
            finally:
                self._release_in(reply)
        elif event == _ERROR and sink is not None:
            sink.ended(Ended(detail, subject, self._reason(source)))
        elif event == _MALFORMED:
            if subject:
                self.lib.slb_release(subject)
            if sink is not None:
                sink.malformed()

    def _release_in(self, message: Optional[Message]) -> None:
        """Releases the handles in a message that nobody has taken."""
        for capability in capabilities(message):
            if capability.handle:
                self.release(capability.take())

    def _reason(self, connection: int) -> str:
        text = ctypes.create_string_buffer(_MAX_TEXT_BYTES)
        length = self.lib.slb_connection_reason_copy(connection, text, _MAX_TEXT_BYTES)
        return text.raw[:length].decode(errors="replace")
