"""The shared memory that the host was offered."""

from __future__ import annotations

from collections import OrderedDict
from typing import Callable, Optional

from ._generated import MAX_OFFERED
from ._leases import Use
from ._memory import Piece
from ._packed import Message, UInt64


class Offer:
    """A piece that was offered to the host. It is idle, or taken for one frame."""

    __slots__ = ("piece", "id", "generation", "is_announced", "use", "is_out", "returned", "_memory")

    def __init__(self, memory: "OfferedMemory", piece: Piece, id: int) -> None:
        self._memory = memory
        self.piece = piece
        self.id = id
        #: How often it was sent. A release of an earlier time has no effect.
        self.generation = 0
        self.is_announced = False
        self.use: Optional[Use] = None
        #: Whether the frame that it is taken for was sent.
        self.is_out = False
        #: Called when the host has released it.
        self.returned: Callable[[], None] = lambda: None
        piece.offers.add(self)

    def take(self, use: Use, returned: Callable[[], None]) -> None:
        self.generation = (self.generation + 1) & 0xFFFF_FFFF
        self.use = use.hold()
        self.returned = returned

    def give_back(self) -> None:
        use, self.use, self.is_out = self.use, None, False
        if use is not None:
            use.release()

    def retire(self) -> None:
        self._memory.retire(self)


class OfferedMemory:
    """What the host was offered, by id, the least recently used first."""

    def __init__(self, control: Callable[[str, Message], None]) -> None:
        self._control = control
        self._offers: "OrderedDict[int, Offer]" = OrderedDict()
        self._last_id = 0

    def has_room(self, count: int) -> bool:
        """Whether `count` more pieces can be with the host."""
        room = MAX_OFFERED - len(self._offers)
        if room >= count:
            return True
        return room + sum(offer.use is None for offer in self._offers.values()) >= count

    def reserve(self, use: Use, returned: Callable[[], None]) -> Offer:
        """Takes an offer of a piece for one frame. There is room."""
        offer = next((each for each in use.piece.offers if each.use is None), None)
        if offer is not None:
            self._offers.move_to_end(offer.id)
        else:
            offer = self._add(use.piece)
        offer.take(use, returned)
        return offer

    def _add(self, piece: Piece) -> Offer:
        if len(self._offers) >= MAX_OFFERED:
            self.retire(next(each for each in self._offers.values() if each.use is None))
        self._last_id += 1
        offer = self._offers[self._last_id] = Offer(self, piece, self._last_id)
        return offer

    def announce(self, offer: Offer) -> None:
        """Tells the host of the piece, once."""
        if not offer.is_announced:
            self._control(
                "surface_offer",
                {"surface_id": UInt64(offer.id), "surface": offer.piece.capability},
            )
            offer.is_announced = True

    def retire(self, offer: Offer) -> None:
        """Tells the host that an idle piece will not be sent again."""
        self._offers.pop(offer.id, None)
        offer.piece.offers.discard(offer)
        if offer.is_announced:
            self._control("surface_retire", {"surface_id": UInt64(offer.id)})

    def find(self, id: int, generation: int) -> Optional[Use]:
        """What the host holds under a name."""
        offer = self._offers.get(id)
        return offer.use if offer and offer.is_out and offer.generation == generation else None

    def released(self, id: int, generation: int, given_away: bool) -> bool:
        """The host has released a piece. Returns whether that has an effect."""
        offer = self._offers.get(id)
        if offer is None or not offer.is_out or offer.generation != generation:
            return False
        returned = offer.returned
        if given_away:
            offer.piece.is_given_away = True
        offer.give_back()
        returned()
        return True
