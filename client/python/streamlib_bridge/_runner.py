"""The main program of a client: connects to its host, loads the user's file, and runs
its processor until the end. The host starts Python with it.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import signal
import sys
from types import ModuleType
from typing import Any, Callable, List, Optional

from ._agreement import Agreement, agree_with_host
from ._bridge import Bridge
from ._channel import Channel
from ._codec import frame_codec
from ._errors import BridgeError
from ._failures import text_of, traceback_of
from ._generated import PACKAGE_VERSION
from ._loops import Commands, Runner, names_its_line
from ._native import Native
from ._packed import Message
from ._context import Context
from ._processor import Definition, find_processor
from ._schema_json import call_schemas, declarations_to_json, description_of
from ._session import Identity
from ._settings import CallCodecs, Requests
from ._settings_codec import SettingsCodec
from ._types import ConnectionSchema, connection_schema
from ._waiting import Waiting

#: How long this process may outlive its host before it loads the user's file, and afterwards, in milliseconds.
_START_GRACE_MS = 300
_FOLLOW_GRACE_MS = 3_000
#: The time limit of an `async` teardown, in seconds. The host ends a process that takes longer.
_TEARDOWN = 1.5


def main(arguments: List[str]) -> None:
    """Runs a client, or describes the processor of a file: `--describe FILE`."""
    if arguments[:1] == ["--describe"]:
        sys.exit(describe(arguments[1]))
    if not arguments:
        sys.exit("streamlib_bridge runs the processor of a file for a host: a host starts it")
    sys.exit(run(arguments[0], arguments[1] if len(arguments) > 1 else None))


def describe(file: str) -> int:
    """Writes what the processor of a file declares, as JSON. Returns the exit code."""
    try:
        definition = find_processor(vars(load(file)), file)
        print(json.dumps(description_of(**_declared(definition))))  # in one line, the last of stdout
        return 0
    except Exception as error:
        code = error.code if isinstance(error, BridgeError) else "client_failed"
        print(f"{code}: {text_of(error)}", file=sys.stderr)
        if not isinstance(error, BridgeError):
            print(traceback_of(error), file=sys.stderr)
        return 1


def _declared(definition: Definition) -> "dict[str, Any]":
    return {
        "mode": definition.mode,
        "ports": _schema_of(definition),
        "settings": definition.settings,
        "calls": {name: (each.request, each.reply) for name, each in definition.calls.items()},
    }


def _schema_of(definition: Definition) -> Optional[ConnectionSchema]:
    if not definition.has_ports:
        return None
    return connection_schema(definition.inputs, definition.outputs)


def run(file: str, name: Optional[str]) -> int:
    """Runs the processor of a file until its host ends it. Returns the exit code."""
    # Not SIG_IGN, which the programs that the processor starts would inherit. A Ctrl-C goes to
    # every process of a terminal; the client ends when its host tells it to or is gone.
    signal.signal(signal.SIGINT, lambda *_: None)
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    faulthandler.enable()
    # A pool ends its forked workers by SIGTERM: that is no hang, and their stacks are no news.
    os.register_at_fork(after_in_child=lambda: names_its_line(False))
    say = sayer(name)
    warn_of_another_version(say)
    client: Optional[Client] = None
    try:
        client = Client(file, say)
        return client.run()
    except BridgeError as error:
        if client is not None and client.native.is_forked:
            raise
        say(f"{error.code}: {error.message}")
    except SystemExit:
        raise
    except BaseException as error:
        if client is not None and client.native.is_forked:
            raise
        say(f"client_failed: {traceback_of(error)}")
    return 1


def warn_of_another_version(say: Callable[[str], None]) -> None:
    """The host's copy of this package runs. Editors and tests may use another one."""
    for folder in sys.path[1:]:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            found = re.fullmatch(r"streamlib_bridge-(.+)\.dist-info", name)
            if found is not None and found.group(1) != PACKAGE_VERSION:
                say(
                    f"streamlib-bridge {found.group(1)} is installed in {folder}, the host has "
                    f"{PACKAGE_VERSION}, which is used; install the same version for your editor and tests"
                )
                return


def sayer(name: Optional[str]) -> Callable[[str], None]:
    """What writes a line to stderr. Its host finds there why a client failed that had no channel."""
    start = "streamlib client: " + (f"{name}: " if name else "")

    def say(text: str) -> None:
        try:
            sys.stderr.write(f"{start}{text}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more

    return say


def read_identity() -> Identity:
    """Takes the connection of this client out of the environment: the processor must not see its token."""
    environment = os.environ
    id = environment.get("STREAMLIB_CONNECTION_ID", "")
    service = environment.get("STREAMLIB_BROKER_XPC_SERVICE", "")
    if not id or not service:
        raise BridgeError(
            "bad_argument",
            "Cannot run a client by itself: STREAMLIB_CONNECTION_ID and "
            "STREAMLIB_BROKER_XPC_SERVICE are not set; a host starts its client",
        )
    return Identity(id, environment.pop("STREAMLIB_CONNECTION_TOKEN", ""), service)


def load(file: str) -> ModuleType:
    """Loads the user's file under its own name, so that pickle finds what it defines."""
    import importlib.util
    from importlib.machinery import SourceFileLoader

    path = os.path.abspath(file)
    folder, base = os.path.split(path)
    name = os.path.splitext(base)[0]
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        raise BridgeError("client_failed", f"Cannot load {path}: it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise BridgeError(
            "client_failed",
            f"Cannot load {path}: there is no module {error.name!r} for {sys.executable} "
            f"(Python {sys.version.split()[0]}); install it for this Python, or name another one "
            "with the host's option `python`",
        ) from error
    return module


class Client:
    """One run of a client."""

    def __init__(self, file: str, say: Callable[[str], None]) -> None:
        self._file = file
        self._say = say
        identity = read_identity()
        self.native = Native()
        self._follow(_START_GRACE_MS)
        if self.native.lib.slb_process_is_orphan() == 1:
            raise BridgeError(
                "channel_lost", "The host's process had ended before its client started"
            )
        self._waiting = Waiting(self.native)
        self._commands = Commands()
        self._requests: Optional[Requests] = None
        self._bridge = Bridge(
            self.native, self._waiting, identity, say, self._commands.add, self._heard
        )

    def _follow(self, grace_ms: int) -> None:
        if self.native.lib.slb_process_follow(grace_ms, b"", 0) < 0:
            self._say(self.native.error())

    def _heard(self, type: str, message: Message, cost: int) -> None:
        if self._requests is not None:
            self._requests.receive(type, message, cost)

    def run(self) -> int:
        """Runs the processor until the end. Raises the failure, unless the host tells of it."""
        bridge = self._bridge
        bridge.connect()
        if not bridge.is_over:
            self._follow(_FOLLOW_GRACE_MS)
            try:
                self._run_processor()
            except SystemExit:
                raise  # its code is the process's
            except BaseException as error:
                if self.native.is_forked:
                    raise
                if not self._is_our_end(error):
                    bridge.failed(error)
                    bridge.finish()
                    raise
        bridge.finish()
        if bridge.is_hosts_failure:
            return 1
        if bridge.failure is not None:
            raise bridge.failure
        return 0

    def _is_our_end(self, error: BaseException) -> bool:
        """Whether an error says only that the host has closed the channel while the processor ran."""
        return (
            self._bridge.is_over and isinstance(error, BridgeError) and error.code == "closed"
        ) or error is self._bridge.failure

    def _run_processor(self) -> None:
        bridge, channel = self._bridge, self._bridge.channel
        definition = find_processor(vars(load(self._file)), self._file)
        agreement = agree_with_host(
            bridge.schema, _schema_of(definition), bridge.ping, channel.features
        )
        channel.agree(agreement)
        runner = Runner(channel, self._commands, bridge.flushed)
        requests = self._requests = self._make_requests(definition, channel, runner)
        if definition.settings or definition.calls:
            declared = declarations_to_json(definition.settings, _declared(definition)["calls"])
            requests.declare(json.dumps(declared))
            while not requests.has_first and not bridge.is_over:
                self._waiting.block(None)
        if bridge.is_over:
            return
        life = self._live(definition, channel, runner, requests, agreement)
        if definition.is_async:
            import asyncio

            asyncio.run(life)
        else:
            self._waiting.finish_now(life)

    def _make_requests(self, definition: Definition, channel: Channel, runner: Runner) -> Requests:
        codecs = {
            name: CallCodecs(*map(frame_codec, call_schemas(name, call.request, call.reply)))
            for name, call in definition.calls.items()
        }
        return Requests(
            SettingsCodec(definition.settings),
            codecs,
            channel.send_control,
            channel.frames_so_far,
            runner,
            self._waiting.changed,
            lambda: self._waiting.is_blocking,
        )

    async def _live(
        self,
        definition: Definition,
        channel: Channel,
        runner: Runner,
        requests: Requests,
        agreement: Agreement,
    ) -> None:
        bridge = self._bridge
        if definition.is_async:
            self._waiting.use_loop()
        context = Context(
            channel.receivers,
            channel.senders,
            requests.settings,
            runner.is_ended,
            runner.is_running,
            runner.sleep,
        )
        processor: Any = None
        try:
            processor = definition.bind(context)
            runner.use(processor, requests)
            await runner.during("setup")
            bridge.started(definition.mode, agreement.message)
            await runner.run()
        except SystemExit:
            raise
        except BaseException as error:
            # Told before `teardown`, whose error must not replace it. If another task calls
            # sys.exit, asyncio cancels this one: then the error that leaves the loop is told.
            is_cancelled = definition.is_async and _is_cancelled(error)
            if not self.native.is_forked and not is_cancelled and not self._is_our_end(error):
                bridge.failed(error)
            raise
        finally:
            if processor is not None and not self.native.is_forked:
                await self._tear_down(runner, definition)

    async def _tear_down(self, runner: Runner, definition: Definition) -> None:
        if not definition.is_async:
            await runner.during("teardown")
            return
        import asyncio

        try:
            await asyncio.wait_for(runner.during("teardown"), _TEARDOWN)
        except asyncio.TimeoutError:
            raise BridgeError(
                "timed_out", f"The processor's teardown took over {int(_TEARDOWN * 1000)} ms"
            ) from None


def _is_cancelled(error: BaseException) -> bool:
    import asyncio

    return isinstance(error, asyncio.CancelledError)
