"""The argument of a processor's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Generic, Iterator, Mapping, TypeVar, ValuesView

if TYPE_CHECKING:
    from ._receiver import Receiver
    from ._sender import Sender
    from ._settings import Settings


P = TypeVar("P")


class PortMap(Generic[P]):
    """Ports by name: as attributes, by key, or by a call."""

    def __init__(self, ports: Mapping[str, P]) -> None:
        self._ports = dict(ports)

    def __getattr__(self, name: str) -> P:
        ports: Mapping[str, P] = object.__getattribute__(self, "_ports")
        if name in ports:
            return ports[name]
        raise AttributeError(f"there is no port {name!r}; there are {', '.join(ports) or 'none'}")

    def __getitem__(self, name: str) -> P:
        if name in self._ports:
            return self._ports[name]
        raise KeyError(f"there is no port {name!r}; there are {', '.join(self._ports) or 'none'}")

    def __call__(self, name: str) -> P:
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ports)

    def values(self) -> ValuesView[P]:
        return self._ports.values()


class Context:
    """The argument of a processor's functions, for those that take one.

    `input` and `output` have the ports: `ctx.input.video`, `ctx.input["video"]` and
    `ctx.input("video")` are the same. `settings` has the settings as they are now.
    """

    def __init__(
        self,
        inputs: Mapping[str, "Receiver"],
        outputs: Mapping[str, "Sender"],
        settings: "Settings",
        is_ended: Callable[[], bool],
        is_running: Callable[[], bool],
        sleep: Callable[[float], bool],
    ) -> None:
        self.input: "PortMap[Receiver]" = PortMap(inputs)
        self.output: "PortMap[Sender]" = PortMap(outputs)
        self.settings = settings
        self._is_ended = is_ended
        self._is_running = is_running
        self._sleep = sleep

    @property
    def ended(self) -> bool:
        """Whether the processor must end. It hears what the host has said meanwhile."""
        return self._is_ended()

    @property
    def running(self) -> bool:
        """Whether a manual processor is to go on: neither stopped nor ended.

        Ask it in the loop of `start`. It also handles what the host has said meanwhile:
        pause, resume, settings, calls.
        """
        return self._is_running()

    def sleep(self, seconds: float) -> bool:
        """Waits, as `time.sleep` does, but ends when the processor must stop. Returns `running`."""
        return self._sleep(seconds)
