"""Runs a processor in the process of its test: no host, no shim, no other process.

    from streamlib_bridge.testing import run_processor
    from invert import Invert

    def test_invert():
        with run_processor(Invert) as run:
            frame = run.picture("video", 4, 2, "gray8")
            frame.pixels[...] = 10
            frame.send()
            result = run.receive("video")
            assert (result.pixels == 245).all()

Time is the test's own: a wait takes none. A sent frame is handled at once, and what
the processor sends can then be received.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Union

from ._agreement import agree_with_host
from ._codec import NO_MEMORY, Misfit, fields_codec, frame_codec
from ._errors import BridgeError
from ._leased_frame import Frame
from ._generated import FEATURES, ChannelKey
from ._loops import Commands, Runner
from ._context import Context
from ._packed import Message, UInt64
from ._processor import Definition
from ._receiver import Receiver
from ._sender import Sender
from ._schema_json import call_schemas
from ._types import Port, connection_schema
from ._settings import CallCodecs, Requests
from ._settings_codec import SettingsCodec
from ._test_channel import Results, TestChannel, TestWaiting

__all__ = ["ProcessorRun", "run_processor"]


class ProcessorRun:
    """A processor that runs, as its test sees it. Made by `run_processor`."""

    def __init__(self, definition: Definition, settings: Mapping[str, Any]) -> None:
        self._definition = definition
        self._waiting = waiting = TestWaiting()
        waiting.is_async = definition.is_async
        hosts = connection_schema(definition.inputs, definition.outputs)
        self.warnings: List[str] = []
        channel = TestChannel(
            waiting._native, waiting, hosts, self.warnings.append, lambda *_: None, self._failed
        )
        channel.results = Results(channel)
        channel.features = frozenset(FEATURES)
        waiting.channel = self._channel = channel
        said = {
            ChannelKey.INPUTS: _words_of(hosts.inputs),
            ChannelKey.OUTPUTS: _words_of(hosts.outputs),
        }
        channel.agree(agree_with_host(hosts, hosts, said, channel.features))
        self._commands = Commands()
        self._runner = Runner(channel, self._commands, lambda: None)
        self._answers: Dict[int, Dict[str, Any]] = {}
        self._requests = Requests(
            SettingsCodec(definition.settings),
            {
                name: CallCodecs(*map(frame_codec, call_schemas(name, each.request, each.reply)))
                for name, each in definition.calls.items()
            },
            lambda _type, fields: self._answers.__setitem__(int(fields["request_id"]), fields),
            channel.frames_so_far,
            self._runner,
            lambda: None,
            lambda: waiting.is_blocking,
        )
        self._requests.settings._apply(dict(settings))
        self._last_request = 0
        self._frame_id = 0
        self._sent: Dict[str, Sender] = {}
        self._context = Context(
            channel.receivers,
            channel.senders,
            self._requests.settings,
            self._runner.is_ended,
            self._is_running,
            lambda seconds: self._runner.sleep(seconds) and self._is_running(),
        )
        self._life = waiting.loop.create_task(self._live())
        self._has_raised = False
        try:
            self._step()
        except BaseException:
            waiting.loop.close()
            raise

    def _failed(self, error: BridgeError) -> None:
        raise error

    def _is_running(self) -> bool:
        at = self._waiting.stops_at
        return self._runner.is_running() and (at is None or self._waiting.now() < at)

    async def _live(self) -> None:
        processor = self._definition.bind(self._context)
        self._runner.use(processor, self._requests)
        try:
            await self._runner.during("setup")
            self._channel.open()
            await self._runner.run()
        finally:
            try:
                await self._runner.during("teardown")
            finally:
                processor.end()

    def _step(self) -> None:
        """Lets the processor do what there is to do. Raises its error, once."""
        waiting = self._waiting
        if not self._life.done():
            waiting.loop.run_until_complete(waiting.until_idle(self._life))
        if self._life.done():
            error = self._life.exception()
            is_ours = isinstance(error, BridgeError) and error.code == "closed"
            if error is not None and not is_ours and not self._has_raised:
                self._has_raised = True
                raise error

    # ---- frames ----

    def _sender(self, port: str) -> Sender:
        """What makes the frames of an input, as a host's port does."""
        receiver = self._channel.receivers.get(port)
        if receiver is None:
            raise BridgeError(
                "bad_argument",
                f"Cannot send on '{port}': the processor has the inputs {', '.join(self._channel.receivers)}",
            )
        sender = self._sent.get(port)
        if sender is None:
            sender = self._sent[port] = _Input(self, receiver, self._definition.inputs[port])
        return sender

    def acquire(self, port: str, template: Union[Frame, Mapping[str, Any], None] = None, **fields: Any) -> Frame:
        """A frame of an input, to fill and to send, as `Sender.acquire` returns one."""
        return self._sender(port).acquire(template, **fields)

    def picture(self, port: str, width: int, height: int, pixel_format: str) -> Frame:
        """A frame of an input that has one picture."""
        return self.acquire(port, width=width, height=height, pixel_format=pixel_format)

    def send(self, port: str, values: Optional[Mapping[str, Any]] = None, **fields: Any) -> None:
        """Sends the values of a frame to the processor, which handles it. Arrays in it are copied."""
        self._sender(port).set({**(values or {}), **fields})

    def receive(self, port: str) -> Optional[Frame]:
        """The oldest frame that the processor has sent and that was not received; None if there is none."""
        if port not in self._channel.senders:
            raise BridgeError(
                "bad_argument",
                f"Cannot receive on '{port}': the processor has the outputs {', '.join(self._channel.senders)}",
            )
        frames = self._channel.results.frames.get(port)
        if not frames:
            return None
        id, frame = frames.popleft()
        self._channel.frame_released(id)
        self._step()
        return frame

    # ---- commands and requests ----

    def start(self, seconds: float = 1.0) -> None:
        """Starts a manual processor, which is stopped after some seconds of the test's time."""
        self._waiting.stops_at = self._waiting.now() + seconds
        self._command("start")

    def stop(self) -> None:
        self._command("stop")

    def pause(self) -> None:
        self._command("pause")

    def resume(self) -> None:
        self._command("resume")

    def _command(self, command: str) -> None:
        self._commands.add(command)
        self._step()

    def set(self, **settings: Any) -> None:
        """Changes settings, as a host does. Raises `bad_argument` for a value that does not fit."""
        declared = self._definition.settings
        try:
            SettingsCodec(declared).check(settings)
        except Misfit as misfit:
            raise BridgeError("bad_argument", misfit.message) from None
        values: Dict[str, Any] = {}
        for name, value in settings.items():
            codec = fields_codec("settings", {name: declared[name].type})
            values.update(codec.encode({name: value}, NO_MEMORY))
        self._ask("set", {"values": values})

    def call(self, name: str, **request: Any) -> Dict[str, Any]:
        """Calls the processor, as a host does. Returns the reply. Raises what the call raises, as a `BridgeError`."""
        call = self._definition.calls.get(name)
        if call is None:
            raise BridgeError(
                "bad_argument",
                f"Cannot call '{name}': the processor has the calls {', '.join(self._definition.calls) or 'none'}",
            )
        codec, reply = map(frame_codec, call_schemas(name, call.request, call.reply))
        try:
            codec.check(request)
        except Misfit as misfit:
            raise BridgeError("bad_argument", misfit.message) from None
        answer = self._ask("call", {"name": name, "request": codec.encode(request, NO_MEMORY)})
        return reply.decode(answer.get("reply", {}), NO_MEMORY)

    def _ask(self, type: str, fields: Dict[str, Any]) -> Dict[str, Any]:
        self._last_request += 1
        id = self._last_request
        self._requests.receive(type, {"request_id": UInt64(id), **fields}, 0)
        self._step()
        answer = self._answers.pop(id, {})
        if "error" in answer:
            raise BridgeError(answer.get("code", "client_failed"), answer["error"])
        return answer

    # ---- the end ----

    def end(self) -> None:
        """Ends the inputs: the processor handles what is left, flushes, and ends its outputs."""
        for receiver in self._channel.receivers.values():
            if not receiver.has_end:
                receiver.put_end()
        self._step()

    def close(self) -> None:
        """Ends the processor: its `teardown` is called."""
        waiting = self._waiting
        if waiting.loop.is_closed():
            return
        self._channel.end(None)
        try:
            while not self._life.done():
                self._step()
            self._step()
        finally:
            waiting.loop.close()

    def __enter__(self) -> "ProcessorRun":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _words_of(ports: Mapping[str, Port]) -> Message:
    """Return what a host of this version says of its ports, whose declarations are the processor's."""
    words: Message = {}
    for name, port in ports.items():
        one: Dict[str, Any] = {ChannelKey.MINOR: UInt64(port.schema.version[1])}
        if port.formats is not None:
            one[ChannelKey.FORMATS] = list(port.formats)
        words[name] = one
    return words


class _Input(Sender):
    """An input of the processor, as the test sends on it."""

    def __init__(self, run: ProcessorRun, receiver: Receiver, port: Any) -> None:
        super().__init__(run._channel, receiver.name, port)
        self._run = run
        self._receiver = receiver

    @property
    def _has_free(self) -> bool:
        return True

    def send(self, frame: Frame) -> bool:
        try:
            self.codec.check(frame._values)
        except Exception as misfit:
            raise BridgeError("schema_mismatch", str(misfit)) from None
        kept = frame.clone()
        frame._end("it was sent")
        self._run._frame_id += 1
        for value in kept._memory:
            value._writable = False
            value._array = value._view = None
        self._receiver.put(self._run._frame_id, dict(kept._values), list(kept._memory), 0, True)
        del kept
        self._run._step()
        return True


def run_processor(processor: Any, **settings: Any) -> ProcessorRun:
    """Runs a marked class or function. `settings` are the first values of its settings.

    Raises what its `setup` raises, `bad_argument` if it is not marked, and
    `schema_mismatch` if it declares no ports: then only a host knows them.
    """
    if not hasattr(processor, "__streamlib_processor__"):
        raise BridgeError(
            "bad_argument",
            f"Cannot run {processor!r}: it is not marked with @reactive, @continuous or @manual",
        )
    definition = Definition(processor)
    if not definition.has_ports:
        raise BridgeError(
            "schema_mismatch",
            f"Cannot run {definition.name} without a host: it declares no ports",
        )
    return ProcessorRun(definition, settings)


