"""The client's half of the bridge: performs the effects of the handshake's state machine."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

from ._channel import Channel
from ._errors import BridgeError
from ._failures import text_of, traceback_of
from ._generated import (
    ERROR_CODES,
    FEATURES,
    LAST_WORD_TIMEOUT_MS,
    PING,
    PONG,
    PROTOCOL_VERSION,
    STATS_INTERVAL_MS,
)
from ._handshake import CLIENT_PHASE_TEXT, client_step
from ._native import Ended, Native
from ._packed import Capability, Message, UInt64, pack
from ._schema_json import parse_connection_schema, schema_hash
from ._session import Identity, Session
from ._types import ConnectionSchema, connection_schema
from ._waiting import Waiting

_PING_TIMEOUT = 10.0
_HOST_LOST = (
    "the channel ended without a teardown: the host has failed, or its process has ended"
)
_COMMANDS = ("start", "stop", "pause", "resume")
#: SLB_REASON_*
_REASON_OUTBOX, _REASON_MALFORMED, _REASON_EXHAUSTED, _REASON_TOLD = 2, 3, 4, 256


class Bridge:
    """The client's half of one connection."""

    def __init__(
        self,
        native: Native,
        waiting: Waiting,
        identity: Identity,
        warn: Callable[[str], None],
        command: Callable[[str], None],
        request: Callable[[str, Message, int], None],
    ) -> None:
        self._native = native
        self._waiting = waiting
        self._identity = identity
        self._warn = warn
        self._command = command
        self._request = request
        self._session = Session(native, waiting, identity, warn)
        self._phase = "new"
        self._mode = ""
        self._ports: Message = {}
        self.schema: ConnectionSchema = connection_schema({}, {})
        self._schema_text = ""
        self.ping: Message = {}
        self.channel: Any = None
        self._endpoint: Optional[Capability] = None
        self._cancel_ping: Callable[[], None] = lambda: None
        #: Answers that are still waited for at the end.
        self._last_words: List[str] = []
        self._has_reported = self._has_told = False
        self._stats_before: Dict[str, Any] = {}
        self._stats_told: Dict[str, Any] = {}
        #: Whether the host has ended the connection because it failed itself: it tells its owner.
        self.is_hosts_failure = False
        self._was_refused = False
        self.failure: Optional[BridgeError] = None

    @property
    def is_over(self) -> bool:
        return self._phase == "ended"

    @property
    def is_loading(self) -> bool:
        return self._phase == "loading"

    # ---- what the runner calls ----

    def connect(self) -> None:
        """Makes the channel. Returns when it works, or is over."""
        self._apply({"type": "begin"})
        while not self.is_over and not self.is_loading:
            self._waiting.block(None)

    def started(self, mode: str, ports: Message) -> None:
        """The processor has started: the host may send frames."""
        self._mode, self._ports = mode, ports
        self._apply({"type": "module_started"})

    def flushed(self) -> None:
        """The processor has flushed, and its outputs have ended."""
        self.channel.send_control("flushed")

    def failed(self, error: BaseException) -> None:
        """The processor has failed."""
        code = error.code if isinstance(error, BridgeError) else None
        text = text_of(error)
        if not self.is_over:
            self._tell_host(text, code, traceback_of(error))
        self._apply({"type": "failed", "code": code or "client_failed", "reason": text})

    def finish(self) -> None:
        """Waits until host and broker have the report of the end."""
        end = self._waiting.deadline(LAST_WORD_TIMEOUT_MS / 1000)
        while self._last_words and not self._native.is_forked:
            left = end()
            if left is None or left <= 0:
                return
            self._waiting.channel = None  # only the messages matter now
            self._waiting.block(left)

    # ---- the machine ----

    def _apply(self, event: Mapping[str, Any]) -> None:
        before = self._phase
        self._phase, effects = client_step(self._phase, event)
        for effect in effects:
            try:
                self._do(effect, before)
            except BridgeError as error:
                self._apply({"type": "failed", "code": error.code, "reason": error.message})

    def _do(self, effect: Mapping[str, Any], before: str) -> None:
        type = effect["type"]
        if type == "get_schema":
            self._schema_text = self._session.get_schema()
            self.schema = parse_connection_schema(self._schema_text)
            self._apply({"type": "schema_received"})
        elif type == "get_endpoint":
            self._endpoint = self._session.get_endpoint()
            self._apply({"type": "endpoint_received"})
        elif type == "connect":
            self._connect()
        elif type == "pong":
            self._pong()
        elif type == "report_acked":
            self._session.report_acked()
        elif type == "tell_started":
            self._tell_started()
        elif type == "fail":
            self._fail(BridgeError(effect["code"], f"{effect['reason']} ({CLIENT_PHASE_TEXT[before]})"))
        elif type == "close":
            self._end(None)

    def _fail(self, failure: BridgeError) -> None:
        self.failure = failure
        self._tell_host(failure.message, failure.code, None)
        self._end(failure)

    def _end(self, failure: Optional[BridgeError]) -> None:
        self._cancel_ping()
        if self.channel is not None:
            self.channel.end(failure)
        # Of a host that has failed, the host's own report is the better one.
        if not self.is_hosts_failure and not self._was_refused:
            self._report(failure.message if failure else None)

    def _report(self, failure: Optional[str]) -> None:
        if not self._has_reported and not self._native.is_forked:
            self._has_reported = True
            self._last_words.append("broker")
            self._session.report_end(failure, lambda: self._last_words.remove("broker"))

    def _tell_host(self, text: str, code: Optional[str], stack: Optional[str]) -> None:
        """Reports a failure to the host, once. Its answer says that it was read: this process must not end before."""
        connection = self.channel.connection if self.channel is not None else 0
        is_hosts_word = self.is_hosts_failure or self._was_refused
        if self._has_told or connection == 0 or is_hosts_word or self._native.is_forked:
            return
        self._has_told = True
        message: Message = {"msg_type": "control", "ctrl_type": "error", "error": text}
        if code is not None:
            message["code"] = code
        if stack is not None:
            message["stack"] = stack
        self._last_words.append("host")
        self._native.request(
            connection, pack(message), lambda _: self._last_words.remove("host")
        )

    # ---- with the host ----

    def _connect(self) -> None:
        native, endpoint = self._native, self._endpoint
        assert endpoint is not None
        self.channel = channel = Channel(
            native,
            self._waiting,
            self.schema,
            self._warn,
            self._heard,
            lambda error: self._apply(
                {"type": "failed", "code": error.code, "reason": error.message}
            ),
        )
        self._waiting.channel = channel
        channel.connection = native.connect_to_endpoint(endpoint.handle)
        native.release(endpoint.take())
        native.activate(
            channel.connection,
            channel.receive,
            self._host_lost,
            lambda: channel.problem("limits", "received a message beyond the limits of a message"),
        )
        hello: Message = {
            "msg_type": "control",
            "ctrl_type": "hello",
            "connection_id": self._identity.connection_id,
            "protocol_version": UInt64(PROTOCOL_VERSION),
            "schema_hash": schema_hash(self._schema_text),
            "features": list(FEATURES),
        }
        if self._identity.token:
            hello["token"] = self._identity.token
        native.send(channel.connection, pack(hello))
        self._cancel_ping = self._waiting.after(
            _PING_TIMEOUT,
            lambda: self._apply(
                {
                    "type": "failed",
                    "code": "handshake_failed",
                    "reason": f"no ping came within {int(_PING_TIMEOUT * 1000)} ms of the hello",
                }
            ),
        )

    def _pong(self) -> None:
        self._cancel_ping()
        channel = self.channel
        fields = channel.open_lane(self.ping)
        pong = {"msg_type": "control", "ctrl_type": "pong", "payload": PONG, **fields}
        self._native.send(channel.connection, pack(pong))
        bell = fields.get("bell")
        if isinstance(bell, Capability):
            self._native.release(bell.take())

    def _tell_started(self) -> None:
        channel = self.channel
        channel.send_control("started", {"mode": self._mode, **self._ports})
        channel.open()  # after the message: ports that have ended already are told now
        self._stats_before = self._counters()
        self._report_stats_later()

    def _host_lost(self, end: Ended) -> None:
        is_told = bool(end.reason & _REASON_TOLD)
        code = {
            _REASON_OUTBOX: "outbox_full",
            _REASON_MALFORMED: "malformed_message",
            _REASON_EXHAUSTED: "channel_lost" if is_told else "native_failure",
        }.get(end.reason & ~_REASON_TOLD)
        if code is not None:
            why = f"the channel to the host ended: {end.text}"
            self._apply({"type": "failed", "code": code, "reason": why})
        elif self._phase == "awaiting_ping":
            self._apply(
                {
                    "type": "failed",
                    "code": "handshake_failed",
                    "reason": "the host closed the channel before it had tested it",
                }
            )
        else:
            if not self.is_over:
                self._warn(_HOST_LOST)
                self._report(_HOST_LOST)
            self._apply({"type": "close"})

    def _heard(self, type: str, message: Message, cost: int) -> None:
        if type == "ping":
            self._heard_ping(message)
        elif type == "teardown":
            self._apply({"type": "close"})
        elif type == "check":
            self.channel.send_control("checked")
        elif type in _COMMANDS:
            self._command(type)
        elif type == "error":
            self._heard_error(message)
        else:
            self._request(type, message, cost)

    def _heard_ping(self, message: Message) -> None:
        if self._phase != "awaiting_ping":
            return
        said = message.get("features")
        known = [each for each in said[:32] if isinstance(each, str)] if isinstance(said, list) else []
        self.channel.features = frozenset(each for each in known if each in FEATURES)
        missing = [each for each in FEATURES if each not in known and each != "lanes"]
        if missing:
            why = f"the host lacks {', '.join(missing)}, which Python clients need; update the host"
            self._apply({"type": "failed", "code": "version_mismatch", "reason": why})
            return
        self.ping = message
        memory = message.get("status")
        if isinstance(memory, Capability) and memory.kind == "shmem":
            self.channel.status.open(self._native, memory)
        self._apply({"type": "ping", "valid": message.get("payload") == PING})

    def _heard_error(self, message: Message) -> None:
        self._was_refused = self._phase == "awaiting_ping"
        if not self.is_over and not self._was_refused:
            self.is_hosts_failure = True
        code, reason = message.get("code"), message.get("reason")
        what = "the host refused this client" if self._was_refused else "the host has failed"
        self._apply(
            {
                "type": "failed",
                "code": code if code in ERROR_CODES else "handshake_failed",
                "reason": f"{what}: {reason if isinstance(reason, str) else 'no reason given'}",
            }
        )

    # ---- statistics ----

    def _counters(self) -> Dict[str, Any]:
        channel = self.channel
        return {
            "frames": channel.received,
            "bytes": sum(port.bytes for port in channel.receivers.values()),
            "dropped": channel.dropped,
        }

    def _report_stats_later(self) -> None:
        """Reports the counters once a second, while frames flow. An idle channel has no timer."""
        self._waiting.after(STATS_INTERVAL_MS / 1000, self._report_stats)

    def _report_stats(self) -> None:
        channel = self.channel
        if self._phase != "running":
            return
        now = self._counters()
        times = sorted(channel.latency)
        report: Dict[str, Any] = {
            name: UInt64(now[name] - self._stats_before[name]) for name in ("frames", "bytes", "dropped")
        }
        for name, share in (("p50_us", 0.5), ("p99_us", 0.99)):
            at = max(0, -(-int(share * 100 * len(times)) // 100) - 1)
            report[name] = times[at] * 1e6 if times else 0.0
        report["path"] = channel.transport.path
        if report == self._stats_told:
            channel.when_stirred(self._report_stats_later)
            return

        def answered(answer: Optional[Message]) -> None:
            if answer is not None and answer.get("success") is True:
                self._stats_told = report
            if self._phase == "running":
                self._report_stats_later()

        self._session.tell("report_stats", answered, side="client", **report)
