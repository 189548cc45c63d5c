"""The host's requests to a processor: changes of its settings, and calls.

They are checked, kept until their turn, and each is answered once.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Protocol

from ._codec import NO_MEMORY, FrameCodec, Misfit
from ._errors import BridgeError
from ._failures import text_of, traceback_of
from ._generated import MAX_REQUESTS, MAX_UNREAD_BYTES
from ._packed import Message, UInt64
from ._settings_codec import SettingsCodec

#: After so many patient looks in which nothing was read, a request that is not due is handled.
_MAX_IDLE_LOOKS = 64


class CallCodecs(NamedTuple):
    request: FrameCodec
    reply: FrameCodec


class Settings:
    """The settings as they are now, by name and as attributes."""

    def __init__(self, values: Dict[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getattr__(self, name: str) -> Any:
        values: Dict[str, Any] = object.__getattribute__(self, "_values")
        if name in values:
            return values[name]
        raise AttributeError(f"the processor has no setting {name!r}; it has {', '.join(values) or 'none'}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"cannot set {name!r}: only the host sets settings")

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def keys(self) -> Any:
        return self._values.keys()

    def __repr__(self) -> str:
        return f"<Settings {self._values!r}>"

    def _apply(self, values: Dict[str, Any]) -> List[str]:
        """Sets valid values. Returns the names of those that are others than before."""
        mine: Dict[str, Any] = self._values
        changed = [name for name, value in values.items() if mine[name] != value]
        mine.update(values)
        return changed


class Handler(Protocol):
    """What handles requests: each returns an awaitable, which does not wait if the function is not async."""

    async def settings_changed(self, changed: List[str]) -> None: ...

    async def call(self, name: str, request: Dict[str, Any]) -> Any: ...


class _Request(NamedTuple):
    id: int
    is_due: Callable[[], bool]
    cost: int
    values: Optional[Dict[str, Any]]  # of a change of settings
    name: str  # of a call
    request: Dict[str, Any]


class Requests:
    """The requests of one host."""

    def __init__(
        self,
        settings: SettingsCodec,
        calls: Dict[str, CallCodecs],
        send: Callable[[str, Message], None],
        frames_so_far: Callable[[], Callable[[], bool]],
        handler: Handler,
        arrived: Callable[[], None],
        is_blocking: Callable[[], bool],
    ) -> None:
        self._codec = settings
        self._calls = calls
        self._send = send
        self._frames_so_far = frames_so_far
        self._handler = handler
        self._arrived = arrived
        self._is_blocking = is_blocking
        self.settings = Settings(settings.defaults)
        #: Whether the first values of the settings have come.
        self.has_first = False
        self._awaits_first = False
        self._open: "OrderedDict[int, _Request]" = OrderedDict()
        self._running: Optional[int] = None
        #: Ends the call that runs, if it waits in an event loop.
        self._cancel: Callable[[], None] = lambda: None
        self._is_given_up = False
        self._cost = 0
        self._read_before: Optional[int] = None
        self._idle_looks = 0

    def declare(self, declarations: str) -> None:
        """Tells the host what the processor declares. The first `set` follows."""
        self._awaits_first = True
        self._send("declared", {"declarations": declarations})

    # ---- receiving ----

    def receive(self, type: str, body: Message, cost: int) -> None:
        """Handles a control message of the host, if it is about requests."""
        id = body.get("request_id")
        if not isinstance(id, UInt64):
            return
        if type == "cancel":
            request = self._open.pop(id, None)
            if request is not None:
                self._cost -= request.cost
            elif id == self._running:
                self._is_given_up = True
                self._cancel()
            return
        if id in self._open or id == self._running:
            return  # it is answered once
        if type == "set":
            self._set(id, body, cost)
        elif type == "call":
            self._call(id, body, cost)

    def _set(self, id: int, body: Message, cost: int) -> None:
        given = body.get("values")
        try:
            if not isinstance(given, dict):
                raise Misfit("settings", "", "a dictionary", "nothing")
            values = self._codec.decode(given)
        except Misfit as misfit:
            self._refuse(id, "bad_argument", misfit.message)
            return
        if self._awaits_first:  # before `setup`: nothing is told of a change
            self._awaits_first = False
            self.settings._apply(values)
            self._answer(id, {})
            self.has_first = True
            self._arrived()
            return
        self._add(_Request(id, self._frames_so_far(), cost, values, "", {}))

    def _call(self, id: int, body: Message, cost: int) -> None:
        name, given = body.get("name"), body.get("request")
        codecs = self._calls.get(name) if isinstance(name, str) else None
        if codecs is None:
            has = ", ".join(self._calls) or "none"
            self._refuse(id, "bad_argument", f"the processor has no call {name!r}; it has {has}")
            return
        try:
            request = codecs.request.decode(given if isinstance(given, dict) else {}, NO_MEMORY)
        except Misfit as misfit:
            self._refuse(id, "bad_argument", misfit.message)
            return
        self._add(_Request(id, self._frames_so_far(), cost, None, str(name), request))

    def _add(self, request: _Request) -> None:
        """Keeps a request until its turn; refuses it if the host has sent more than it may."""
        count = len(self._open) + (self._running is not None)
        if count >= MAX_REQUESTS or (count > 0 and self._cost + request.cost > MAX_UNREAD_BYTES):
            self._refuse(request.id, "outbox_full", f"{count} requests are not answered yet")
            return
        self._open[request.id] = request
        self._cost += request.cost
        self._arrived()

    # ---- handling ----

    @property
    def has_any(self) -> bool:
        return bool(self._open)

    @property
    def has_due(self) -> bool:
        """Whether the oldest one is due."""
        return bool(self._open) and next(iter(self._open.values())).is_due()

    async def look(self, read: int, how: str = "due") -> None:
        """Handles the requests that are due.

        If nothing was read since the last look, it handles all: they do not wait for
        frames that the processor leaves unread. `how`: "all", also those that are not
        due; "patient", waits longer for a frame to be read.
        """
        while self._open:
            first = next(iter(self._open.values()))
            if how != "all" and not first.is_due() and not self._has_waited(read, how):
                return
            del self._open[first.id]
            self._cost -= first.cost
            self._running = first.id
            try:
                await self._run(first)
            finally:
                self._running = None
        self._read_before = None

    def _has_waited(self, read: int, how: str) -> bool:
        self._idle_looks = self._idle_looks + 1 if read == self._read_before else 0
        self._read_before = read
        return self._idle_looks >= (1 if how == "due" else _MAX_IDLE_LOOKS)

    async def _run(self, request: _Request) -> None:
        if request.values is not None:
            changed = self.settings._apply(request.values)
            if changed:
                await self._handler.settings_changed(changed)
            self._answer(request.id, {})
            return
        self._is_given_up = False
        try:
            reply = await self._answer_of(request)
            codec = self._calls[request.name].reply
            given = {} if reply is None else reply
            try:
                codec.check(given)
            except Misfit as misfit:
                raise BridgeError("schema_mismatch", misfit.message) from None
            if not self._is_given_up:
                self._answer(request.id, {"reply": codec.encode(given, NO_MEMORY)})
        except Exception as error:
            if self._is_given_up:
                return  # nobody waits for the answer
            fields: Message = {"error": text_of(error), "stack": traceback_of(error)}
            if isinstance(error, BridgeError):
                fields["code"] = error.code
            self._answer(request.id, fields)

    async def _answer_of(self, request: _Request) -> Any:
        """Calls the function. In an event loop a call that nobody waits for any more is cancelled."""
        calling = self._handler.call(request.name, request.request)
        if self._is_blocking():
            return await calling
        import asyncio

        task = asyncio.ensure_future(calling)

        def cancel() -> None:
            task.cancel()

        self._cancel = cancel
        try:
            return await task
        except asyncio.CancelledError:
            if not self._is_given_up:
                raise
            raise BridgeError("aborted", "nobody waits for the answer") from None
        finally:
            self._cancel = lambda: None

    def _refuse(self, id: int, code: str, text: str) -> None:
        self._answer(id, {"code": code, "error": text})

    def _answer(self, id: int, fields: Message) -> None:
        self._send("answer", {"request_id": UInt64(id), **fields})
