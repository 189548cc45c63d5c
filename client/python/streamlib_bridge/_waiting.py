"""How the client waits for its host: with its thread, or in an asyncio event loop.

Everything that comes is handled on one thread, the main one, and only while it
waits or looks. Without something to do a wait takes no processor time.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Callable, Coroutine, List, Optional, Tuple

if TYPE_CHECKING:
    from ._channel import Channel
    from ._lane import Lane
    from ._native import Native

#: The longest wait in one call of the shim, in seconds.
_LONGEST = 60.0
#: How soon the end of a lease on another thread is noticed while this one waits, in seconds.
_LEASE_INTERVAL = 0.05
#: How often the messages of XPC are looked at while frames keep coming, in seconds.
_TURN = 0.001


class Waiting:
    """The waits of one client."""

    def __init__(self, native: "Native") -> None:
        self._native = native
        self.channel: Optional["Channel"] = None
        self._timers: List[Tuple[float, Callable[[], None]]] = []
        self._loop: Any = None
        self._event: Any = None
        self._drained_at = 0.0
        #: What has failed in a callback of the event loop, until the next wait raises it.
        self._error: Optional[Exception] = None

    # ---- time ----

    @staticmethod
    def now() -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def deadline(self, timeout: Optional[float]) -> Callable[[], Optional[float]]:
        """Returns what returns the seconds that are left; None without a time limit."""
        if timeout is None:
            return lambda: None
        end = self.now() + timeout
        return lambda: end - self.now()

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Calls something later. Returns what cancels that."""
        timer = (self.now() + seconds, call)
        self._timers.append(timer)

        def cancel() -> None:
            if timer in self._timers:
                self._timers.remove(timer)

        if self._event is not None:
            self._event.set()  # the wait that is under way must be shorter
        return cancel

    def _run_timers(self) -> None:
        if not self._timers:
            return
        now = self.now()
        for timer in [each for each in self._timers if each[0] <= now]:
            if timer in self._timers:
                self._timers.remove(timer)
                timer[1]()

    def _limited(self, timeout: Optional[float]) -> float:
        """How long a wait may take."""
        limit = _LONGEST if timeout is None else max(0.0, timeout)
        if self._timers:
            limit = min(limit, max(0.0, min(at for at, _ in self._timers) - self.now()))
        if self.channel is not None and self.channel.lends:
            limit = min(limit, _LEASE_INTERVAL)
        return limit

    # ---- looking ----

    def poll(self) -> None:
        """Handles what has come, without waiting."""
        channel = self.channel
        if channel is not None and channel.lane is not None and not channel.lane.is_over:
            channel.lane.poll()
            now = self.now()
            if now - self._drained_at < _TURN:
                return
            self._drained_at = now
        self._native.drain()
        self._run_timers()

    # ---- waiting with the thread ----

    def block(self, timeout: Optional[float]) -> None:
        """Waits until something has come, and handles it; for at most `timeout` seconds."""
        self._end_if_forked()
        channel = self.channel
        if channel is not None:
            channel.settle()
            channel.releases.flush()
            lane = channel.lane
            if lane is not None and not lane.is_over:
                if not lane.spin():
                    lane.block(_ms(self._limited(timeout)))
                if self._loop is not None:
                    self._let_others_wait(lane)
                self._drained_at = 0.0
                self._run_timers()
                return
        if self._native.lib.slb_queue_wait(self._native.queue, _ms(self._limited(timeout))):
            self._native.drain()
        self._run_timers()

    def _end_if_forked(self) -> None:
        """A forked child that has returned into this package has nothing to do here: the channel is its parent's."""
        if self._native.is_forked:
            raise SystemExit(0)

    # ---- coroutines ----

    @property
    def is_blocking(self) -> bool:
        """Whether waits block the thread, so that a coroutine of this package never suspends."""
        return self._loop is None

    @staticmethod
    def finish_now(coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine that never suspends."""
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        coroutine.close()
        raise RuntimeError("a coroutine has waited for something else than its host")

    def task(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine in the event loop, beside this one."""
        task = self._loop.create_task(coroutine)
        task.add_done_callback(lambda _: self.changed())
        return task

    async def finish(self, task: Any, seconds: float) -> None:
        """Waits for a task, for at most some seconds; then cancels it."""
        import asyncio

        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=seconds)
        if task.done() and not task.cancelled():
            task.exception()  # nobody asks for it: the end is told already

    # ---- waiting in an event loop ----

    def use_loop(self) -> None:
        """From now on the running asyncio loop waits: `wait` no longer blocks."""
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        bell = self._native.checked(self._native.lib.slb_queue_take_bell(self._native.queue))
        self._loop.add_reader(bell, self._rung, bell)
        channel = self.channel
        if channel is not None and channel.lane is not None:
            lane_bell = channel.lane.take_bell()
            self._loop.add_reader(lane_bell, self._lane_rung, lane_bell)
        self._drain_in_turns()

    def _rung(self, bell: int) -> None:
        try:
            os.read(bell, 64)
        except BlockingIOError:
            pass
        self._drain_in_turns()

    def _drain_in_turns(self) -> None:
        """The bell rings only for an empty queue: what is left is handled in the next turn of the loop."""
        if self._handled(self._native.drain):
            self._loop.call_soon(self._drain_in_turns)
        self.changed()

    def _handled(self, handle: Callable[[], Any]) -> Any:
        """Handles what has come. An error, which asyncio would only log, is raised by the next wait."""
        try:
            return handle()
        except Exception as error:
            self._error = self._error or error
            return None

    def _raise_error(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _lane_rung(self, bell: int) -> None:
        lane = self.channel.lane if self.channel is not None else None
        try:
            rings = os.read(bell, 4096)
        except BlockingIOError:
            return
        if not rings:
            self._loop.remove_reader(bell)
        if lane is not None and not lane.is_over:
            self._handled(lambda: lane.rung(len(rings)) if rings else lane.shut())
        self.changed()

    def changed(self) -> None:
        """Ends the wait that is under way in the event loop."""
        if self._event is not None:
            self._event.set()

    async def wait(self, timeout: Optional[float]) -> None:
        """As `block`: in an event loop it leaves the thread to others meanwhile."""
        self._end_if_forked()
        if self._loop is None:
            self.block(timeout)
            return
        import asyncio

        self._raise_error()
        channel = self.channel
        if channel is not None:
            channel.settle()
            channel.releases.flush()
            lane = channel.lane
            if lane is not None and not lane.is_over and lane.spin():
                self._let_others_wait(lane)
                await asyncio.sleep(0)
                self._run_timers()
                return
        self._event.clear()
        limit = self._limited(timeout)
        try:
            await asyncio.wait_for(self._event.wait(), limit)
        except asyncio.TimeoutError:
            pass
        self._raise_error()
        self._run_timers()

    def _let_others_wait(self, lane: "Lane") -> None:
        """Has the host ring while others use this thread, and wakes all waits: what has come may be for another task."""
        while lane.sleep():
            pass
        self.changed()

    def attend(self) -> Callable[[], None]:
        """In an event loop: looks after leases and timers while the user's code awaits something else.

        Returns what ends that.
        """
        timer: List[Any] = []

        def turn() -> None:
            channel = self.channel
            if channel is not None and not channel.is_over:
                channel.settle()
                channel.releases.flush()
            self._run_timers()

        def look() -> None:
            self._handled(turn)
            timer[:] = [self._loop.call_later(_LEASE_INTERVAL, look)]

        timer.append(self._loop.call_later(_LEASE_INTERVAL, look))
        return lambda: timer[0].cancel()

    async def turn(self) -> None:
        """Gives the event loop a turn, if there is one."""
        if self._loop is not None:
            import asyncio

            lane = self.channel.lane if self.channel is not None else None
            if lane is not None:
                self._let_others_wait(lane)
            await asyncio.sleep(0)


def _ms(seconds: float) -> int:
    return int(seconds * 1000 + 0.999)
