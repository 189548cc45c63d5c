"""The frame objects that user code gets: to fill, and to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Union

from ._errors import BridgeError
from ._leases import Lease, Look
from ._surfaces import Numbers, Surface

if TYPE_CHECKING:
    from ._port_half import PortHalf

Memory = Union[Surface, Numbers]


class Frame:
    """A frame: its fields, as attributes and by key.

    `frame.width` and `frame["width"]` are the same. The memory of a received frame is
    given back to its sender when nothing refers to it any more: neither the frame nor
    a view of it (`pixels`, `buffer`, an array). `with frame:` gives it back earlier, at
    the end of the block, unless a view is kept.
    """

    __slots__ = ("_port", "_values", "_memory", "_bare", "_place", "_why", "is_spare", "__weakref__")

    _port: "PortHalf"
    _values: Dict[str, Any]
    _memory: List[Memory]
    _bare: Optional[Lease]
    _place: Optional[Lease]
    _why: str
    is_spare: bool

    def __init__(
        self,
        port: "PortHalf",
        values: Dict[str, Any],
        memory: List[Memory],
        bare: Optional[Lease] = None,
        place: Optional[Lease] = None,
        is_spare: bool = False,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "_port", port)
        set_(self, "_values", values)
        set_(self, "_memory", memory)
        set_(self, "_bare", bare)
        set_(self, "_place", place)
        set_(self, "_why", "")
        set_(self, "is_spare", is_spare)

    # ---- fields ----

    def __getattr__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_values")
        try:
            return values[name]
        except KeyError:
            raise AttributeError(self._no_field(name)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._values:
            raise AttributeError(self._no_field(name))
        self._values[name] = value

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise KeyError(self._no_field(name)) from None

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._values:
            raise KeyError(self._no_field(name))
        self._values[name] = value

    def _no_field(self, name: str) -> str:
        schema = self._port.schema.name
        return f"{schema} has no field {name!r}; it has {', '.join(self._values)}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def keys(self) -> Any:
        """The names of the fields."""
        return self._values.keys()

    def values(self) -> Any:
        """The values of the fields."""
        return self._values.values()

    def items(self) -> Any:
        """Names and values."""
        return self._values.items()

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or `default` if the schema has no such field."""
        return self._values.get(name, default)

    # ---- pictures ----

    @property
    def pixels(self) -> Any:
        """The numpy array over the frame's picture, without a copy: `Surface.pixels` of its texture.

        Raises `AttributeError` if the frame has no texture, or more than one.
        """
        surfaces = [value for value in self._memory if isinstance(value, Surface)]
        if len(surfaces) != 1:
            raise AttributeError(
                f"this {self._port.schema.name} has {len(surfaces)} textures; use the pixels of one"
            )
        return surfaces[0].pixels

    # ---- life ----

    def send(self) -> bool:
        """Sends the frame on the port on which it was acquired. Returns whether it was taken; see `Sender.send`."""
        send = getattr(self._port, "send", None)
        if send is None:
            raise BridgeError(
                "bad_argument",
                f"Cannot send a received frame of port '{self._port.name}' without a port: "
                "give it to an output, as in output.send(frame)",
            )
        return bool(send(self))

    def release(self) -> None:
        """Gives the frame back. Views of its memory that are kept hold it until they end."""
        self._end("it was released")

    def __enter__(self) -> "Frame":
        return self

    def __exit__(self, *_: object) -> None:
        self._end("it was released", warns=True)

    def _end(self, why: str, warns: bool = False) -> None:
        if self._why:
            return
        set_ = object.__setattr__
        set_(self, "_why", why)
        set_(self, "_bare", None)
        set_(self, "_place", None)
        for value in self._memory:
            left = value._end(why)
            if left is not None and warns:
                self._port.view_is_left(left)

    @property
    def is_held(self) -> bool:
        """Whether the frame was neither sent nor released."""
        return self._why == ""

    @property
    def why_over(self) -> str:
        """Why it can no longer be used; "" if it can."""
        return self._why

    def clone(self) -> "Frame":
        """Another frame with the same memory, which holds it on its own. Raises `closed` after the end."""
        if self._why:
            raise BridgeError("closed", f"Cannot clone a frame of port '{self._port.name}': {self._why}")
        again: Dict[int, Memory] = {id(value): _again(value) for value in self._memory}
        values = {name: _replaced(value, again) for name, value in self._values.items()}
        return Frame(self._port, values, list(again.values()), None, None, self.is_spare)

    def copy(self) -> Dict[str, Any]:
        """The content, in memory of this process: textures and buffers as numpy arrays."""
        return {name: _copied(value) for name, value in self._values.items()}

    def __repr__(self) -> str:
        ended = f" ({self._why})" if self._why else ""
        return f"<{self._port.schema.name}{ended} {self._values!r}>"


def _again(value: Memory) -> Memory:
    """Another look at the same memory, on a lease of its own."""
    lease: Any = value._lease
    more = Lease(lease._ends, Look(value._use.hold(), not value._writable))
    if isinstance(value, Surface):
        return Surface(value._layout, value._use, more, value._writable)
    return Numbers(value.element_type, len(value), value._use, more, value._writable)


def _replaced(value: Any, again: Dict[int, Memory]) -> Any:
    if isinstance(value, (Surface, Numbers)):
        return again.get(id(value), value)
    if isinstance(value, dict):
        return {name: _replaced(item, again) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, again) for item in value]
    return value


def _copied(value: Any) -> Any:
    if isinstance(value, Surface):
        planes = [plane.copy() for plane in value.planes]
        return planes[0] if len(planes) == 1 else planes
    if isinstance(value, Numbers):
        return value.array.copy()
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
