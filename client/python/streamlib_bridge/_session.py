"""The client's calls to the broker for its connection.

A request is repeated if there is no broker now, or if a new one does not know the
connection yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Optional

from ._errors import BridgeError
from ._generated import DEFAULT_TIMEOUT_SECS, MAX_REASON_LENGTH, POLL_INTERVAL_MS, PROTOCOL_VERSION
from ._native import Ended, Native
from ._packed import Capability, Message, UInt64, pack
from ._text import fit_text

if TYPE_CHECKING:
    from ._waiting import Waiting

#: How long the broker holds one request for the endpoint, and the further limit of such a request, in seconds.
_HOLD = 10.0
_HOLD_SLACK = 5.0
_CALL_TIMEOUT = 10.0
#: How long brokers may not know the connection, in seconds. One that has just started learns it soon.
_UNKNOWN_GRACE = 5.0
_INVALID = 1  # SLB_ERROR_INVALID


class Identity(NamedTuple):
    """The connection of this client."""

    connection_id: str
    token: str  # "" if the connection has none
    service: str  # the broker's service name


class _Unanswered(Exception):
    """A request has no answer: the broker is gone, or there is none."""


class Session:
    """One connection of the client at the broker."""

    def __init__(
        self, native: Native, waiting: "Waiting", identity: Identity, warn: Callable[[str], None]
    ) -> None:
        self._native = native
        self._waiting = waiting
        self._identity = identity
        self._warn = warn
        self._connection = 0
        self._reason = ""

    # ---- requests ----

    def _connected(self) -> int:
        """The connection. A new one if the last found no broker: XPC never retries such a connection."""
        if self._connection == 0:
            native = self._native
            connection = native.connect_to_service(self._identity.service)

            def ended(end: Ended) -> None:
                self._reason = end.text
                if end.kind == _INVALID and self._connection == connection:
                    self._connection = 0
                    native.close(connection)

            def refuse(_message: Message, reply: int, _cost: int) -> None:
                if reply:  # a broker has nothing to ask
                    native.release(reply)

            try:
                native.activate(connection, refuse, ended)
            except BridgeError:
                native.close(connection)
                raise
            self._connection = connection
        return self._connection

    def _packed(self, type: str, fields: Message) -> bytes:
        message: Message = {"type": type, "connection_id": self._identity.connection_id, **fields}
        if self._identity.token:
            message["token"] = self._identity.token
        return pack(message)

    def tell(self, type: str, answered: Callable[[Optional[Message]], None], **fields: Any) -> None:
        """Makes a call without waiting for its answer. Never raises: nothing depends on it."""
        try:
            self._native.request(self._connected(), self._packed(type, fields), answered)
        except BridgeError:
            answered(None)

    def _ask(self, type: str, timeout: float, **fields: Any) -> Message:
        """Makes a call. Raises `_Unanswered` if no answer comes in time."""
        answers: List[Optional[Message]] = []

        def heard(answer: Optional[Message]) -> None:
            if answer is not None and type == "get_endpoint" and answer.get("found") is True:
                endpoint = answer.get("endpoint")
                if isinstance(endpoint, Capability) and endpoint.kind == "endpoint":
                    answer = {**answer, "endpoint": Capability("endpoint", endpoint.take())}
            answers.append(answer)

        number = self._native.request(self._connected(), self._packed(type, fields), heard)
        end = self._waiting.deadline(timeout)
        while not answers:
            left = end()
            if left is not None and left <= 0:
                self._native.forget(number)
                raise _Unanswered(
                    f"The broker '{self._identity.service}' did not answer {type} within {timeout:g} s"
                )
            self._waiting.block(left)
        answer = answers[0]
        if answer is None:
            raise _Unanswered(
                f"Cannot reach the broker '{self._identity.service}' for {type}: "
                f"{self._reason or 'it went away'}"
            )
        code = answer.get("code")
        if isinstance(code, str):
            raise BridgeError(
                code,
                f"The broker '{self._identity.service}' refused {type}: "
                f"{answer.get('error', 'no reason was given')}",
            )
        return answer

    def _ask_until_known(self, type: str, known: Callable[[Message], bool], timeout: float, **fields: Any) -> Message:
        """Asks until a broker knows the connection."""
        waiting = self._waiting
        end = waiting.now() + DEFAULT_TIMEOUT_SECS
        unknown_since: Optional[float] = None
        trouble = ""
        while True:
            error: BridgeError
            try:
                answer = self._ask(type, timeout, **fields)
                if known(answer):
                    return answer
                error = BridgeError(
                    "connection_failed",
                    f"The broker '{self._identity.service}' does not know this connection; "
                    "check STREAMLIB_CONNECTION_ID",
                )
                unknown_since = unknown_since or waiting.now()
                if waiting.now() - unknown_since > _UNKNOWN_GRACE:
                    raise error
            except _Unanswered as unanswered:
                error = BridgeError("broker_unreachable", str(unanswered))
                unknown_since = None
            if self._native.lib.slb_process_is_orphan() == 1:
                raise BridgeError(
                    "channel_lost", f"The host's process is gone; the last attempt: {error.message}"
                )
            if waiting.now() > end:
                raise error
            if error.message != trouble:
                trouble = error.message
                self._warn(f"asking again: {trouble}")
            self._pause()

    def _pause(self) -> None:
        """Waits until the next attempt."""
        left = self._waiting.deadline(POLL_INTERVAL_MS / 1000)
        while (left() or 0) > 0:
            self._waiting.block(left())

    # ---- calls ----

    def get_schema(self) -> str:
        """The connection's schema, as JSON. Compares the protocol's version first."""
        version = self._ask_until_known("get_version", lambda _: True, _CALL_TIMEOUT)
        theirs = version.get("protocol_version")
        if theirs != PROTOCOL_VERSION:
            raise BridgeError(
                "version_mismatch",
                f"The broker '{self._identity.service}' speaks protocol version "
                f"{theirs if theirs is not None else '(none)'}, this client {PROTOCOL_VERSION}; update the older one",
            )
        answer = self._ask_until_known(
            "get_schema", lambda answer: answer.get("found") is True, _CALL_TIMEOUT
        )
        text = answer.get("schema_json")
        if isinstance(text, str) and text:
            return text
        raise BridgeError(
            "schema_mismatch",
            "This connection has no schema: it was allocated without schema_json",
        )

    def get_endpoint(self) -> Capability:
        """The host's endpoint, which the caller owns. Waits until the broker has it."""
        while True:
            endpoint = self._ask_endpoint()
            if endpoint is not None:
                return endpoint
            self._pause()

    def _ask_endpoint(self) -> Optional[Capability]:
        """None if the broker did not get the endpoint while it held the request."""
        answer = self._ask_until_known(
            "get_endpoint",
            lambda answer: answer.get("error") != "connection_not_found",
            _HOLD + _HOLD_SLACK,
            wait_ms=UInt64(int(_HOLD * 1000)),
        )
        if answer.get("found") is True:
            endpoint = answer.get("endpoint")
            if isinstance(endpoint, Capability) and endpoint.kind == "endpoint":
                return endpoint
            raise BridgeError("malformed_message", "The broker's reply lacks the endpoint")
        if answer.get("reason") == "host_endpoint_not_ready":
            return None
        why = next(
            (
                answer[key]
                for key in ("failure_reason", "hint", "reason", "error")
                if isinstance(answer.get(key), str)
            ),
            "no reason was given",
        )
        raise BridgeError("connection_failed", f"The broker has no endpoint for this client: {why}")

    def report_acked(self) -> None:
        """Reports that the channel works. Nothing depends on the answer."""

        def answered(answer: Optional[Message]) -> None:
            if answer is not None and answer.get("success") is False:
                self._warn(f"the broker refused the ack: {answer.get('error')}")

        self.tell("acked", answered, side="client")

    def report_end(self, failure: Optional[str], answered: Callable[[], None]) -> None:
        """Reports a close, or the failure. `answered` is called with the answer, or without one."""
        if failure is None:
            self.tell("close", lambda _: answered(), reason="the host closed it", side="client")
        else:
            line = " | ".join(each.strip() for each in failure.splitlines() if each.strip())
            reason = fit_text(line, MAX_REASON_LENGTH)
            self.tell("report_failure", lambda _: answered(), reason=reason, side="client")
