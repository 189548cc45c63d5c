"""The client without a host: who owns handles and memory, and waits in an event loop."""

from __future__ import annotations

import asyncio
import gc
import unittest
from types import SimpleNamespace
from typing import Any, Callable, Dict, List, Tuple

from streamlib_bridge import BridgeError
from streamlib_bridge._failures import text_of, traceback_of
from streamlib_bridge._leases import Ends, Lease, settle
from streamlib_bridge._loops import Commands, Runner
from streamlib_bridge._native import Native, _Sink
from streamlib_bridge._packed import Capability, Message, pack
from streamlib_bridge._received import FrameFinder, MemoryTable
from streamlib_bridge._waiting import Waiting

_MESSAGE, _REPLY, _SOURCE = 1, 2, 7
_DEADLINE = 20.0


class Handles(unittest.TestCase):
    """A handle that comes in a message belongs to the message, until it is taken."""

    def setUp(self) -> None:
        self.released: List[int] = []
        native: Any = object.__new__(Native)
        native.lib = SimpleNamespace(slb_release=self.released.append)
        native._sinks, native._replies = {}, {}
        self.native = native

    def handle(self, event: int, message: Message, got: Callable[[Message], None]) -> None:
        self.native._sinks[_SOURCE] = _Sink(lambda each, _reply, _cost: got(each), print, print)
        self.native._replies[_SOURCE] = got
        self.native._handle(pack(message), event, _SOURCE, _SOURCE, 0, 10)

    def test_what_nobody_takes_is_released(self) -> None:
        message: Message = {"msg_type": "x", "a": Capability("fd", 3), "b": [{"c": Capability("shmem", 4)}]}
        for event in (_MESSAGE, _REPLY):
            self.released.clear()
            self.handle(event, message, lambda _: None)
            self.assertEqual(sorted(self.released), [3, 4])

    def test_what_is_taken_stays(self) -> None:
        message: Message = {"a": Capability("fd", 3), "b": Capability("shmem", 4)}
        for event in (_MESSAGE, _REPLY):
            self.released.clear()
            taken: List[int] = []
            self.handle(event, message, lambda each: taken.append(each["a"].take()))
            self.assertEqual((taken, self.released), ([3], [4]))

    def test_a_failure_leaks_nothing(self) -> None:
        def fails(_: Message) -> None:
            raise BridgeError("limits", "it is too much")

        for event in (_MESSAGE, _REPLY):
            self.released.clear()
            with self.assertRaises(BridgeError):
                self.handle(event, {"a": Capability("fd", 3)}, fails)
            self.assertEqual(self.released, [3])


class Memory(unittest.TestCase):
    """The leases of received frames."""

    def test_a_piece_that_a_frame_names_twice_is_released_once_at_the_end_of_both(self) -> None:
        released: List[Tuple[int, int]] = []
        shim: Any = SimpleNamespace(
            release=lambda _: None,
            lib=SimpleNamespace(slb_shmem_bytes=lambda _: 64, slb_shmem_map_read=lambda _: 4096),
        )
        ends = Ends()
        table = MemoryTable(shim, lambda id, generation: released.append((id, generation)))
        table.offer(5, Capability("shmem", 9))
        finder = FrameFinder(table, SimpleNamespace(), ends)  # type: ignore[arg-type]
        finder.begin()
        found: List[Any] = [finder.buffer(5, 1, False, "UInt8", 8) for _ in range(2)]
        finder.begin()
        self.assertEqual(ends.out, 2)
        del found[0]
        gc.collect()
        settle(ends)
        self.assertEqual((released, ends.out), ([], 1))
        found.clear()
        gc.collect()
        settle(ends)
        self.assertEqual((released, ends.out), ([(5, 1)], 0))


class Texts(unittest.TestCase):
    """What a host is told of an error."""

    def test_any_text_can_be_sent(self) -> None:
        for text in ("a\0b", "\ud800", "x" * 3_000_000, "\x1b[31mred"):
            error = ValueError(text)
            self.assertLess(len(pack({"error": text_of(error), "stack": traceback_of(error)})), 1 << 20)
        self.assertEqual(text_of(ValueError("a\0b")), "ValueError: a\\u0000b")
        self.assertEqual(text_of(BridgeError("aborted", "a\0b")), "a\\u0000b")


class _Lane:
    """A lane that finds something once, while its caller waits awake."""

    is_over = False

    def __init__(self, finds: Callable[[], None]) -> None:
        self._finds = [finds]

    def spin(self) -> bool:
        if not self._finds:
            return False
        self._finds.pop()()
        return True

    def sleep(self) -> bool:
        return False


class EventLoop(unittest.TestCase):
    """Waits of several tasks in one event loop."""

    def waiting(self, finds: Callable[[], None]) -> Waiting:
        waiting = Waiting(SimpleNamespace(is_forked=False))  # type: ignore[arg-type]
        waiting._loop, waiting._event = asyncio.get_running_loop(), asyncio.Event()
        nothing = lambda: None  # noqa: E731
        waiting.channel = SimpleNamespace(  # type: ignore[assignment]
            settle=nothing, releases=SimpleNamespace(flush=nothing), lends=False, is_over=False, lane=None
        )
        self.lane = _Lane(finds)
        return waiting

    def run_async(self, test: Callable[[], Any]) -> None:
        async def limited() -> None:
            await asyncio.wait_for(test(), _DEADLINE)

        asyncio.run(limited())

    def test_what_one_task_finds_wakes_the_one_that_waits_for_it(self) -> None:
        async def test() -> None:
            has: Dict[str, bool] = {}
            waiting = self.waiting(lambda: has.update(frame=True))

            async def waits() -> None:
                while not has:
                    await waiting.wait(None)

            task = asyncio.ensure_future(waits())
            await asyncio.sleep(0)
            self.assertFalse(task.done())
            waiting.channel.lane = self.lane  # type: ignore[union-attr, assignment]
            await waiting.wait(0)
            await task

        self.run_async(test)

    def test_an_error_of_what_has_come_ends_a_wait(self) -> None:
        async def test() -> None:
            waiting = self.waiting(lambda: None)

            def fails() -> None:
                raise BridgeError("native_failure", "no descriptor is left")

            waiting._loop.call_soon(lambda: (waiting._handled(fails), waiting.changed()))
            with self.assertRaises(BridgeError):
                await waiting.wait(None)

        self.run_async(test)

    def test_timers_run_while_a_function_awaits_something_else(self) -> None:
        async def test() -> None:
            waiting = self.waiting(lambda: None)
            done = asyncio.Event()
            waiting.after(0, done.set)
            attended = waiting.attend()
            await done.wait()
            attended()

        self.run_async(test)

    def test_a_start_that_fails_while_a_call_is_handled_is_heard(self) -> None:
        async def test() -> None:
            waiting = self.waiting(lambda: None)
            steps: List[str] = []

            async def start() -> None:
                await called.wait()
                steps.append("fails")
                raise ValueError("start has failed")

            async def look(_read: int, _how: str) -> None:
                if steps or not begun:  # the call is handled once, when `start` runs
                    begun.append(True)
                    return
                called.set()
                while not steps:
                    await asyncio.sleep(0)
                await asyncio.sleep(0)

            called, begun = asyncio.Event(), []  # type: Tuple[asyncio.Event, List[bool]]
            nothing = lambda *_: None  # noqa: E731
            waiting.poll = nothing  # type: ignore[method-assign]
            commands = Commands()
            commands.add("start")
            channel: Any = SimpleNamespace(
                waiting=waiting,
                status=SimpleNamespace(does=nothing),
                native=SimpleNamespace(is_forked=False),
                left_views=[],
                is_over=False,
                incoming_ended=None,
                read=0,
            )
            processor: Any = SimpleNamespace(
                definition=SimpleNamespace(mode="manual"), function=lambda _: start
            )
            runner = Runner(channel, commands, print)
            runner.use(processor, SimpleNamespace(look=look, has_any=False, has_due=False))  # type: ignore[arg-type]
            with self.assertRaisesRegex(ValueError, "start has failed"):
                await runner.run()

        self.run_async(test)

    def test_a_task_that_is_cancelled_at_the_end_ends_before(self) -> None:
        async def test() -> None:
            waiting = self.waiting(lambda: None)
            steps: List[str] = []

            async def start() -> None:
                try:
                    await asyncio.sleep(1000)
                finally:
                    await asyncio.sleep(0)
                    steps.append("cleaned up")
                    raise ValueError("told to nobody")

            task = waiting.task(start())
            await waiting.finish(task, 1)  # of which the clean-up needs two turns of the loop
            self.assertEqual(steps, ["cleaned up"])

        self.run_async(test)


if __name__ == "__main__":
    unittest.main()
