"""Records of lanes: the golden ones, and those that are not allowed."""

from __future__ import annotations

import random
import unittest
from typing import Any, Mapping

from kit import bytes_of, hex_of, vectors
from streamlib_bridge._generated import RecordKind
from streamlib_bridge._record import (
    RecordHeader, Release, end_record, frame_record, read_end, read_message, read_release,
    read_slot, release_record, skip_record,
)  # fmt: skip

_HEADER_BYTES = 16


class RecordTest(unittest.TestCase):
    def test_golden_records(self) -> None:
        for record in vectors("golden/lane/records.json")["records"]:
            with self.subTest(record["bytes"]):
                self.check(record, bytes_of(record["bytes"]))

    def check(self, record: Mapping[str, Any], data: bytes) -> None:
        after, slots = record["after"], record["slots"]
        port, frame = record.get("port", 0), record.get("frame", 0)
        payload = data[_HEADER_BYTES:]
        kind = getattr(RecordKind, record["kind"].upper())
        if slots == 0:
            header = read_message(data)
        else:
            header = read_slot(data, 0, slots, 256)
        self.assertEqual(header, RecordHeader(after, port, kind, slots, frame, len(payload)))
        if record["kind"] == "frame":
            written = frame_record(after, port, slots, frame, bytes_of(record["payload"]))
        elif record["kind"] == "release":
            pieces = [(piece["id"], piece["generation"]) for piece in record["pieces"]]
            release = Release(record["dropped"], pieces, record["frames"])
            self.assertEqual(read_release(payload), release)
            written = release_record(after, *release)
        elif record["kind"] == "end":
            self.assertEqual(read_end(payload), record["dropped"])
            written = end_record(after, port, record["dropped"])
        else:
            written = skip_record(after, slots)
        self.assertEqual(hex_of(written), record["bytes"])

    def test_records_that_are_not_allowed(self) -> None:
        good = bytearray(end_record(1, 2, 3))
        cases: Any = [
            (6, 5, "a record with kind = 5 (allowed: 1 to 4)"),
            (7, 0, "a record with slots = 0 (allowed: at least 1)"),
            (7, 9, "a record with slots = 9 (allowed: up to 2, the slots that were published)"),
            (12, 99, "a record with bytes = 99 (allowed: up to 48 in 1 slot)"),
            (8, 1, "a record with frame = 1 (allowed: 0 for kind 3)"),
        ]
        for at, value, words in cases:
            data = bytearray(good)
            data[at] = value
            self.assertEqual(read_slot(bytes(data), 0, 2, 256), words)
        self.assertEqual(
            read_slot(bytes(skip_record(0, 2)), 255, 9, 256),
            "a record with slots = 2 (allowed: up to 1, "
            "the slots from slot 255 to the end of the ring)",
        )
        self.assertIn("(allowed: 1, a frame)", str(read_message(bytes(good))))
        self.assertIn("at least 16", str(read_message(b"x")))
        self.assertIn("dropped", str(read_end(b"\xff" * 8)))
        self.assertIn("for 2 pieces and 0 frames", str(read_release(bytes(8) + b"\x02\0\0\0")))

    def test_random_bytes(self) -> None:
        draw = random.Random(1)
        for _ in range(2_000):
            data = bytes(draw.choice((0, 1, 2, 3, 4, 255)) for _ in range(draw.randrange(16, 60)))
            for found in (read_slot(data, 3, 4, 16), read_message(data)):
                self.assertIsInstance(found, (RecordHeader, str))
            self.assertIsInstance(read_release(data), (Release, str))
            self.assertIsInstance(read_end(data[:8]), (int, str))


if __name__ == "__main__":
    unittest.main()
