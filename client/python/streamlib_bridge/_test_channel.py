"""A channel whose other side is a test of a processor: no shim, no other process."""

from __future__ import annotations

import asyncio
import ctypes
from collections import deque
from typing import Any, Callable, Coroutine, Deque, Dict, List, Optional, Tuple

from ._channel import Channel
from ._errors import BridgeError
from ._flight import Flight
from ._leased_frame import Frame
from ._sender import Sender
from ._waiting import Waiting


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

    def slb_surface_lock(self, _handle: int, _read_only: int) -> int:
        return 0

    slb_surface_unlock = slb_surface_lock

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


class TestWaiting(Waiting):
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

    def attend(self) -> Callable[[], None]:
        return lambda: None

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


class Results:
    """Takes what the processor sends."""

    path = "dictionary"

    def __init__(self, channel: "TestChannel") -> None:
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


class TestChannel(Channel):
    """A channel whose other side is the test."""

    results: Results

    @property
    def transport(self) -> Any:
        return self.results
