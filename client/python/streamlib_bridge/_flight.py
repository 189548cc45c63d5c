"""A frame on its way: what the host holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ._errors import BridgeError
from ._leased_frame import Frame
from ._leases import Use
from ._offered import Offer

if TYPE_CHECKING:
    from ._sender import Sender


class Flight:
    """A frame on its way: what the host holds of it until it has released it."""

    __slots__ = ("cost", "sent_at", "_frame", "_sender", "_offers", "_back", "_out")

    def __init__(self, sender: "Sender", frame: Frame) -> None:
        self.cost = 0
        self.sent_at = 0.0
        self._frame: Optional[Frame] = frame
        self._sender = sender
        self._offers: Dict[Use, Offer] = {}
        self._back: List[Use] = []
        self._out = 0

    @property
    def is_bare(self) -> bool:
        """Whether the host confirms the frame by its id."""
        return not self._offers

    def name(self, value: object) -> Tuple[int, int, bool]:
        """The name of the memory of a texture or buffer: id, generation, whether it is the host's own."""
        frame, channel = self._frame, self._sender._channel
        if frame is None or not any(value is mine for mine in frame._memory):
            raise BridgeError(
                "bad_argument",
                f"Cannot send this memory on port '{self._sender.name}': a frame can be sent only "
                "with its own memory; fill what acquire() returned, or send a received frame as it is",
            )
        use: Use = value._use  # type: ignore[attr-defined]
        id = channel.table.id_of(use)
        if id is not None:
            if use not in self._back:
                self._back.append(use.hold())
            return id, use.generation, True
        offer = self._offers.get(use)
        if offer is None:
            offer = self._offers[use] = channel.offered.reserve(use, self._returned)
        return offer.id, offer.generation, False

    def announce(self) -> None:
        """Offers the pieces that the host does not know yet."""
        for offer in self._offers.values():
            self._sender._channel.offered.announce(offer)

    def launch(self, cost: int, now: float) -> None:
        """The frame was sent."""
        self.cost, self.sent_at = cost, now
        self._out = len(self._offers)
        for offer in self._offers.values():
            offer.is_out = True
        self._let_go()

    def cancel(self) -> None:
        """The frame will not be sent."""
        for offer in self._offers.values():
            offer.give_back()
        self._offers = {}
        self._let_go()

    def _let_go(self) -> None:
        self._frame = None
        for use in self._back:
            use.release()
        self._back = []

    def _returned(self) -> None:
        self._out -= 1
        if self._out == 0:
            self._sender.landed(self, True)
