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

import asyncio
import ctypes
from collections import deque
from typing import Any, Callable, Coroutine, Deque, Dict, List, Mapping, Optional, Tuple

from ._agreement import agree_with_host
from ._channel import Channel
from ._codec import NO_MEMORY, Misfit, fields_codec, frame_codec
from ._errors import BridgeError
from ._flight import Flight
from ._leased_frame import Frame
from ._generated import FEATURES
from ._loops import Commands, Runner
from ._processor import Context, Definition
from ._receiver import Receiver
from ._sender import Sender
from ._schema_json import call_schemas
from ._types import connection_schema
from ._settings import CallCodecs, Requests
from ._settings_codec import SettingsCodec
from ._waiting import Waiting

__all__ = ["ProcessorRun", "run_processor"]


class _MemoryShim:
    """The functions of the shim that memory needs, over memory of this process."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.slb_now_ns = now_ns
        self._memory: Dict[int, Any] = {}
        self._layouts: Dict[int, List[int]] = {}
        self._last = 0

    def _add(self, size: int) -> int:
        self._last += 1
        self._memory[self._last] = ctypes.create_string_buffer(max(1, size))
        return self._last

    def slb_shmem_create(self, _queue: int, size: int) -> int:
        return self._add(size)

    def slb_shmem_map(self, handle: int) -> int:
        return ctypes.addressof(self._memory[handle])

    slb_shmem_map_read = slb_surface_map = slb_surface_map_read = slb_shmem_map

    def slb_shmem_bytes(self, handle: int) -> int:
        return len(self._memory[handle])

    def slb_surface_create(
        self, _queue: int, width: int, height: int, code: int, planes: Any, count: int
    ) -> int:
        values, offset = [width, height, 0, code, 0, 0, 0, 0, 0, 0, count, 0], 0
        for index in range(count):
            samples, rows, sample_bytes = planes[3 * index : 3 * index + 3]
            stride = -(-samples * sample_bytes // 64) * 64  # with a padding, as a real one
            values += [offset, 0, samples, rows, stride]
            values[2] = values[2] or stride
            offset += stride * rows
        values[4] = offset
        handle = self._add(offset)
        self._layouts[handle] = values
        return handle

    def slb_surface_layout(self, handle: int, values: Any) -> int:
        for index, value in enumerate(self._layouts[handle]):
            values[index] = value
        return 0

    def slb_release(self, handle: int) -> int:
        self._memory.pop(handle, None)
        self._layouts.pop(handle, None)
        return 0


class _TestNative:
    """Has the place of the shim."""

    is_forked = False
    queue = 0

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.lib = _MemoryShim(now_ns)

    def created(self, handle: int) -> int:
        return handle

    def checked(self, status: int) -> int:
        return status

    def release(self, handle: int) -> None:
        self.lib.slb_release(handle)

    def failure(self) -> BridgeError:
        return BridgeError("native_failure", "the memory of this test is used up")

    def send(self, connection: int, packed: bytes) -> None:
        pass

    def drain(self) -> bool:
        return False


async def _events() -> Tuple[asyncio.Event, asyncio.Event]:
    """Two events of the running loop: before Python 3.10 they belong to the loop in which they are made."""
    return asyncio.Event(), asyncio.Event()


class _TestWaiting(Waiting):
    """Waits take no time: a processor that waits leaves its turn to the test."""

    def __init__(self) -> None:
        self._time = 0.0
        self.stops_at: Optional[float] = None
        self.loop = asyncio.new_event_loop()
        self._more, self._idle = self.loop.run_until_complete(_events())
        self.is_async = False
        super().__init__(_TestNative(lambda: 0))  # type: ignore[arg-type]

    def now(self) -> float:  # type: ignore[override]
        return self._time

    @property
    def is_blocking(self) -> bool:
        return not self.is_async

    def poll(self) -> None:
        pass

    def block(self, timeout: Optional[float]) -> None:
        if timeout is None:
            raise BridgeError(
                "timed_out",
                "Cannot wait for ever in this test: the processor waits for something that does not "
                "come; send it, or receive what was sent, before",
            )
        self._time += timeout

    async def wait(self, timeout: Optional[float]) -> None:
        if timeout is not None:
            self._time += timeout
        self._more.clear()
        self._idle.set()
        await self._more.wait()

    async def turn(self) -> None:
        pass

    def changed(self) -> None:
        self._more.set()

    def task(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        task = self.loop.create_task(coroutine)
        task.add_done_callback(lambda _: self.changed())
        return task

    async def until_idle(self, life: Any) -> None:
        """Lets the processor run until it waits, or has ended."""
        self._idle.clear()
        self.changed()
        idle = asyncio.ensure_future(self._idle.wait())
        await asyncio.wait([idle, life], return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()


class _Results:
    """Takes what the processor sends."""

    path = "dictionary"

    def __init__(self, channel: "_TestChannel") -> None:
        self._channel = channel
        self.frames: Dict[str, Deque[Tuple[int, Frame]]] = {}

    def send(self, sender: Sender, frame: Frame, flight: Flight) -> Tuple[int, int]:
        return self.keep(sender, frame, flight)()

    def keep(self, sender: Sender, frame: Frame, _flight: Flight) -> Callable[[], Tuple[int, int]]:
        kept = frame.clone()

        def later() -> Tuple[int, int]:
            id = self._channel.take_frame_id()
            self.frames.setdefault(sender.name, deque()).append((id, kept))
            return id, 0

        return later

    def release(self, _batch: Any) -> None:
        pass

    def end(self, _name: str) -> None:
        pass


class _TestChannel(Channel):
    """A channel whose other side is the test."""

    results: _Results

    @property
    def transport(self) -> Any:
        return self.results


class ProcessorRun:
    """A processor that runs, as its test sees it. Made by `run_processor`."""

    def __init__(self, definition: Definition, settings: Mapping[str, Any]) -> None:
        self._definition = definition
        self._waiting = waiting = _TestWaiting()
        waiting.is_async = definition.is_async
        hosts = connection_schema(definition.inputs, definition.outputs)
        self.warnings: List[str] = []
        channel = _TestChannel(
            waiting._native, waiting, hosts, self.warnings.append, lambda *_: None, self._failed
        )
        channel.results = _Results(channel)
        channel.features = frozenset(FEATURES)
        waiting.channel = self._channel = channel
        channel.agree(agree_with_host(hosts, hosts, {}, channel.features))
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
            self._runner.sleep,
        )
        self._life = waiting.loop.create_task(self._live())
        self._step()

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
            await self._runner.during("teardown")

    def _step(self) -> None:
        """Lets the processor do what there is to do. Raises its error."""
        waiting = self._waiting
        if not self._life.done():
            waiting.loop.run_until_complete(waiting.until_idle(self._life))
        if self._life.done():
            error = self._life.exception()
            if error is not None and not (isinstance(error, BridgeError) and error.code == "closed"):
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

    def acquire(self, port: str, template: Optional[Mapping[str, Any]] = None, **fields: Any) -> Frame:
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
        codec.check(request)
        answer = self._ask("call", {"name": name, "request": codec.encode(request, NO_MEMORY)})
        return reply.decode(answer.get("reply", {}), NO_MEMORY)

    def _ask(self, type: str, fields: Dict[str, Any]) -> Dict[str, Any]:
        from ._packed import UInt64

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


