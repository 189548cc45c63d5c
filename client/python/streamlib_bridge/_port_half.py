"""What the two halves of a port have in common."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Optional

from ._codec import FrameCodec, Terms, frame_codec
from ._leases import Lease
from ._types import Port, Schema

if TYPE_CHECKING:
    from ._agreement import PortTerms
    from ._channel import Channel

_MAX_LEFT_VIEWS = 64


class PortHalf:
    """What both halves have in common."""

    def __init__(self, channel: "Channel", name: str, port: Port) -> None:
        self._channel = channel
        #: The name of the port.
        self.name = name
        #: The schema of its frames.
        self.schema: Schema = port.schema
        #: How frames are read: `skip_to_latest` or `read_next_in_order`.
        self.read_behavior: str = port.read_behavior
        #: The most unread frames that the port keeps.
        self.capacity: int = port.capacity
        #: Whether the host has this port. An optional port of yours may be yours alone.
        self.connected = True
        #: The pixel format that both sides have agreed on, if they have.
        self.pixel_format: Optional[str] = None
        self._codec: Optional[FrameCodec] = None
        self._terms: Optional["PortTerms"] = None

    @property
    def in_order(self) -> bool:
        return self.read_behavior == "read_next_in_order"

    @property
    def codec(self) -> FrameCodec:
        """Reads and writes the frames as both sides have them. Made with the first frame."""
        if self._codec is None:
            terms = self._terms
            self._codec = frame_codec(
                self.schema,
                None if terms is None else Terms(terms.minor, terms.formats),
            )
        return self._codec

    def agree(self, terms: Optional["PortTerms"]) -> None:
        """How both sides use the port; None if the host does not have it."""
        self.connected = terms is not None
        self._terms, self._codec = terms, None
        if terms is not None:
            self.schema, self.capacity = terms.schema, terms.capacity
            self.read_behavior = terms.read_behavior
            self.pixel_format = terms.agreed_format

    def view_is_left(self, lease: "weakref.ref[Lease]") -> None:
        """A view was there at the end of its frame's `with`: a local variable, or one that is kept."""
        left = self._channel.left_views
        if len(left) >= _MAX_LEFT_VIEWS:  # a function that does not return
            left[:] = [each for each in left if each[1]() is not None]
        left.append((self, lease))

    def view_is_kept(self) -> None:
        self._channel.warn_once(
            f"kept:{self.name}",
            f"a view of the memory of a frame on port '{self.name}' was kept after the end of its "
            "`with`: its sender waits until the view is gone; keep a copy, as in frame.pixels.copy()",
        )
