"""What a client does with the messages of older hosts."""

from __future__ import annotations

import unittest
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple

from kit import RuledMemory, Surface
from streamlib_bridge import Bytes, Texture, schema
from streamlib_bridge._bridge import Bridge
from streamlib_bridge._codec import frame_codec
from streamlib_bridge._dictionaries import Dictionaries
from streamlib_bridge._generated import FEATURES, PING
from streamlib_bridge._packed import Capability, Message, UInt64, unpack
from streamlib_bridge._session import Identity


class Features(unittest.TestCase):
    """A host that lacks what Python clients need."""

    def heard(self, ping: Message) -> Tuple[Any, List[Message]]:
        """What a client that waits for its ping does with one: the bridge, and what it has told."""
        told: List[Message] = []
        native: Any = SimpleNamespace(
            is_forked=False, request=lambda _connection, packed, _heard: told.append(unpack(packed))
        )
        waiting: Any = SimpleNamespace()
        bridge: Any = Bridge(native, waiting, Identity("1", "", "x"), print, print, print)  # type: ignore[arg-type]
        bridge._session = SimpleNamespace(
            report_end=lambda reason, _: told.append({"broker": reason}), report_acked=lambda: None
        )
        bridge._phase = "awaiting_ping"
        bridge._pong = lambda: None
        bridge.channel = SimpleNamespace(connection=3, end=lambda _: None)
        bridge._heard("ping", ping, 0)
        return bridge, told

    def test_a_host_that_lacks_a_feature_is_told_which(self) -> None:
        some = [each for each in FEATURES if each not in ("ends", "status")]
        for features, missing in (({"features": some}, "ends, status"), ({}, "ends, moves, marks, minors, formats, requests, status")):
            bridge, told = self.heard({"payload": PING, **features})
            text = f"the host lacks {missing}"
            self.assertEqual((bridge.is_over, bridge.failure.code), (True, "version_mismatch"))
            error, report = told
            self.assertEqual(
                (error["ctrl_type"], error["code"], error["error"][: len(text)]),
                ("error", "version_mismatch", text),
            )
            self.assertIn("update the host (the host had not answered the hello)", error["error"])
            self.assertEqual(report["broker"], error["error"])

    def test_lanes_are_not_needed(self) -> None:
        some = [each for each in FEATURES if each != "lanes"]
        bridge, told = self.heard({"payload": PING, "features": some})
        self.assertEqual((bridge.is_loading, bridge.failure, told), (True, None, []))


class _Finder(RuledMemory):
    """Finds a surface in a message, too."""

    def __init__(self) -> None:
        super().__init__()
        self.values: List[Any] = []
        self.has_hosts_memory = False

    def begin(self) -> None:
        pass

    def bare(self, capability: Any) -> Any:
        return Surface((capability.handle, 0, False), "bgra8")


class Handle(unittest.TestCase):
    """The surface of a frame beside its fields."""

    def received(self, handle: Capability, **fields: Any) -> Dict[str, Any]:
        """The values of a frame that comes with a handle."""
        got: List[Dict[str, Any]] = []
        picture = schema("Picture", (1, 0, 0), {"data": Bytes, "one": Texture("any"), "other": Texture("any")})
        port = SimpleNamespace(
            has_end=False, codec=frame_codec(picture), put=lambda _id, values, *_: got.append(values)
        )
        channel: Any = SimpleNamespace(
            agreed_receivers={"video": port}, finder=_Finder(), problem=lambda _, text: self.fail(text)
        )
        Dictionaries(channel).receive_frame(
            {
                "frame_id": UInt64(1),
                "port_name": "video",
                "fields": {"data": b"", "other": Capability("surface", 6), **fields},
                "handle": handle,
            },
            0,
        )
        return got[0]

    def test_it_is_the_first_texture_if_that_is_missing(self) -> None:
        handle = Capability("surface", 5)
        names = lambda values: (values["one"].name[0], values["other"].name[0])  # noqa: E731
        self.assertEqual(names(self.received(handle)), (5, 6))
        self.assertEqual(names(self.received(handle, one=Capability("surface", 7))), (7, 6))


if __name__ == "__main__":
    unittest.main()
