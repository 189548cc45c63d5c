"""Calls a processor's functions, each mode in its own loop.

The loops are coroutines. If no function of the processor is `async`, they wait with
the thread, so that they never suspend; else they run in an asyncio event loop.
"""

from __future__ import annotations

import faulthandler
import inspect
import os
import signal
import sys
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List, Optional

from ._errors import BridgeError
from ._generated import DOING, FIRST_CALL

if TYPE_CHECKING:
    from ._channel import Channel
    from ._processor import Processor
    from ._settings import Requests

_MAX_UNTAKEN_COMMANDS = 16
_LOOK = 0.016
#: The time that `start` gets to return at the end, in seconds.
_STOP_GRACE = 0.5
#: The word of each function in the status page.
_WORDS: Dict[str, int] = {name: index for index, name in enumerate(DOING)}
_SWITCHES = ({"start", "stop"}, {"pause", "resume"})


class Commands:
    """The host's commands until the loop takes them."""

    def __init__(self) -> None:
        self._commands: Deque[str] = deque()

    def add(self, command: str) -> None:
        """Adds a command, unless it changes nothing. Of too many, the oldest two of one switch are removed."""
        switch = next(each for each in _SWITCHES if command in each)
        before = next((each for each in reversed(self._commands) if each in switch), None)
        if before == command:
            return
        self._commands.append(command)
        if len(self._commands) > _MAX_UNTAKEN_COMMANDS:
            first = next(each for each in _SWITCHES if self._commands[0] in each)
            pair = [each for each in self._commands if each in first]
            kind = first if len(pair) > 1 else next(each for each in _SWITCHES if each is not first)
            for each in [each for each in self._commands if each in kind][:2]:
                self._commands.remove(each)

    def take(self) -> Optional[str]:
        return self._commands.popleft() if self._commands else None

    def __bool__(self) -> bool:
        return bool(self._commands)


class Runner:
    """Runs one processor on one channel."""

    def __init__(self, channel: "Channel", commands: Commands, flushed: Callable[[], None]) -> None:
        self.channel = channel
        self.waiting = channel.waiting
        self.commands = commands
        self.requests: Any = None
        self._flushed = flushed
        self._processor: Any = None
        #: What runs beside the other functions: a manual processor's `start`, or nothing.
        self._beside = _WORDS["waits"]
        self._is_serving = False
        self._is_stopped = False
        self._is_paused = False

    def use(self, processor: "Processor", requests: "Requests") -> None:
        self._processor, self.requests = processor, requests

    # ---- calling the user's functions ----

    async def during(self, name: str, *given: Any) -> Any:
        """Calls a function of the processor, if it has it, and notes that it runs."""
        function = self._processor.function(name)
        if function is None:
            return None
        # A `teardown` has no word: at the end nobody looks any more.
        word = _WORDS.get("settingsChanged" if name == "settings_changed" else name, _WORDS["waits"])
        return await self._during(word, lambda: function(*given))

    async def during_call(self, index: int, function: Callable[[], Any]) -> Any:
        return await self._during(FIRST_CALL + index, function)

    async def _during(self, word: int, function: Callable[[], Any]) -> Any:
        status = self.channel.status
        status.does(word)
        names_its_line(True)
        try:
            result = function()
            if inspect.isawaitable(result):
                if self.waiting.is_blocking:
                    raise BridgeError(
                        "client_failed",
                        "A function of the processor has returned an awaitable, and none is `async`; "
                        "declare it with `async def`",
                    )
                # While `start` runs, the loop of a manual processor waits beside it and does this.
                attended = None if word == _WORDS["start"] else self.waiting.attend()
                try:
                    result = await result
                finally:
                    if attended is not None:
                        attended()
            return result
        finally:
            if self.channel.native.is_forked and not self.waiting.is_blocking:
                end_child(sys.exc_info()[1])
            names_its_line(False)
            status.does(self._beside)
            if self.channel.left_views:
                self.channel.warn_of_kept_views()

    async def settings_changed(self, changed: List[str]) -> None:
        await self.during("settings_changed", changed)

    async def call(self, name: str, request: Dict[str, Any]) -> Any:
        index = list(self._processor.definition.calls).index(name)
        return await self.during_call(index, lambda: self._processor.answer(name, request))

    # ---- the loops ----

    @property
    def _is_over(self) -> bool:
        return self.channel.is_over

    @property
    def _has_turn(self) -> bool:
        return bool(self.commands) or self.requests.has_due

    async def run(self) -> None:
        """Calls the processor's functions until the end of the channel."""
        mode = self._processor.definition.mode
        if mode == "manual":
            await self._manual()
            return
        await (self._reactive() if mode == "reactive" else self._continuous())
        await self._between()
        if not self._is_over:
            await self._finish()
        while not self._is_over:
            await self._between()
            await self.requests.look(self.channel.read, "all")
            if not self._is_over:
                await self.waiting.wait(None)

    async def _finish(self) -> None:
        """The inputs have ended, and their frames were read."""
        await self.during("flush")
        for sender in self.channel.senders.values():
            sender.end()
        self._flushed()

    async def _between(self) -> None:
        """What happens between the calls of `process`. Returns when the processor is not paused, or must end."""
        while not self._is_over:
            await self.requests.look(self.channel.read, "all" if self._is_paused else "due")
            command = self.commands.take()
            if command == "pause" and not self._is_paused:
                self._is_paused = True
                await self.during("pause")
            elif command == "resume" and self._is_paused:
                self._is_paused = False
                await self.during("resume")
            elif command is None:
                if not self._is_paused:
                    return
                if not self.requests.has_any and not self._is_over:  # a call may have run meanwhile
                    await self.waiting.wait(None)

    async def _reactive(self) -> None:
        channel, is_stuck = self.channel, False
        while not self._is_over:
            self.waiting.poll()
            await self._between()
            if self._is_over:
                return
            if self._has_turn:
                continue
            before = channel.unread
            if before == 0 or (is_stuck and channel.arrivals == 0):
                if channel.incoming_ended:
                    return
                if not self.requests.has_any:  # else it is their turn: nothing is read before
                    await self.waiting.wait(None)
                continue
            channel.arrivals = 0
            await self.during("process")
            is_stuck = channel.unread >= before
            await self._turn()

    async def _turn(self) -> None:
        channel = self.channel
        channel.settle()
        channel.releases.flush()
        await self.waiting.turn()

    async def _continuous(self) -> None:
        channel = self.channel

        def is_all_done() -> bool:
            return self._is_over or (channel.incoming_ended is True and channel.unread == 0)

        while not is_all_done():
            self.waiting.poll()
            await self._between()
            if self._has_turn:
                continue
            if is_all_done():
                return
            channel.arrivals = 0
            before = channel.sent + channel.read
            await self.during("process")
            await self._turn()
            if channel.sent + channel.read != before or channel.arrivals > 0:
                continue
            end = self.waiting.deadline(self._processor.definition.rest)
            while not is_all_done() and channel.arrivals == 0 and not self._has_turn:
                left = end() or 0.0
                if left <= 0:
                    break
                await self.waiting.wait(left)

    # ---- manual ----

    async def _manual(self) -> None:
        start: Any = None  # with an event loop: the task that runs `start`
        is_started = is_flushed = False
        channel = self.channel
        while not self._is_over:
            self.waiting.poll()
            if start is not None and start.done():
                task, start = start, None
                self._starts(False)
                task.result()  # raises its error
            is_reading = start is not None and not self._is_paused
            await self.requests.look(channel.read, "patient" if is_reading else "all")
            command = self.commands.take()
            if command is None and self._is_flush_due(is_flushed, is_started, start):
                is_flushed = True
                await self._finish()
            elif command is None:
                if self._is_over or (start is not None and start.done()):
                    continue  # meanwhile a call has run
                await self.waiting.wait(_LOOK if self.requests.has_any else None)
            elif command == "start":
                if is_flushed or (is_started and not self._is_stopped):
                    continue  # it is running, or has nothing left to do
                if start is not None:
                    await start
                is_started, self._is_stopped = True, False
                self._starts(True)
                if self.waiting.is_blocking:
                    try:
                        await self.during("start")
                    finally:
                        self._starts(False)
                    await self._told_to_stop()
                else:
                    start = self.waiting.task(self.during("start"))
            elif command == "stop":
                await self._stop()
            else:
                await self._pause(command)
        self._is_stopped = True
        if start is not None:
            await self.waiting.finish(start, _STOP_GRACE)

    def _is_flush_due(self, is_flushed: bool, is_started: bool, start: Any) -> bool:
        if is_flushed or self._is_paused or not self.channel.incoming_ended or start is not None:
            return False
        return not is_started or self._is_stopped or self.channel.unread == 0

    async def _stop(self) -> None:
        self._is_stopped = True
        if self._processor.has("stop"):
            await self.during("stop")

    async def _told_to_stop(self) -> None:
        """A blocking `start` has returned, perhaps because of a `stop`: then it is called now."""
        if self._is_stopped and not self._is_over:
            await self.during("stop")

    async def _pause(self, command: str) -> None:
        self._is_paused = command == "pause"
        await self.during(command)

    def _starts(self, on: bool) -> None:
        self._beside = _WORDS["start" if on else "waits"]
        self.channel.status.does(self._beside)

    # ---- what a running processor asks ----

    def is_ended(self) -> bool:
        self.waiting.poll()
        return self._is_over

    def is_running(self) -> bool:
        """Whether a manual processor is to go on. A blocking `start` handles commands and requests here."""
        self.waiting.poll()
        self.channel.settle()
        self.channel.releases.flush()
        if self._is_over:
            return False
        if self.waiting.is_blocking and self._beside == _WORDS["start"] and not self._is_serving:
            self._is_serving = True
            try:
                self.waiting.finish_now(self._serve())
            finally:
                self._is_serving = False
        return not self._is_stopped

    async def _serve(self) -> None:
        """Handles what the host has said while a blocking `start` runs."""
        await self.requests.look(self.channel.read, "patient")
        while self.commands and not self._is_stopped:
            command = self.commands.take()
            if command == "stop":
                self._is_stopped = True  # the function `stop` is called when `start` has returned
            elif command in ("pause", "resume"):
                await self._pause(command)

    def sleep(self, seconds: float) -> bool:
        end = self.waiting.deadline(seconds)
        while self.is_running():
            left = end() or 0.0
            if left <= 0:
                return True
            self.waiting.block(left)
        return False


def names_its_line(on: bool) -> None:
    """While the user's code runs, SIGTERM writes its traceback first: so a hang names its line."""
    try:
        if on:
            faulthandler.register(signal.SIGTERM, all_threads=False, chain=True)
        else:
            faulthandler.unregister(signal.SIGTERM)
    except (AttributeError, OSError, RuntimeError, ValueError):
        pass


def end_child(error: Optional[BaseException]) -> None:
    """Ends a forked child in which a function of an `async` processor has returned, or raised.

    Its event loop shares the kernel's list of descriptors (epoll) with its parent's: to
    close it, which `asyncio.run` does at its end, would take descriptors out of the parent's.
    """
    code: Any = 0
    if isinstance(error, SystemExit):
        code = error.code
    elif error is not None:
        traceback.print_exception(type(error), error, error.__traceback__)
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more
    os._exit((code or 0) & 0xFF)
