import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  fitRecord,
  FoundMemory,
  SentNames,
} from "../../../../channel/lane/lane_memory.ts";
import type { Lease } from "../../../../channel/memory/lease.ts";
import { MemoryTable } from "../../../../channel/memory/memory_table.ts";
import { OfferedMemory } from "../../../../channel/memory/offered_memory.ts";
import type { PieceName } from "../../../../channel/transport.ts";
import type { Native } from "../../../../ffi/native.ts";
import { BridgeError } from "../../../../proto/errors.ts";

Deno.test("lane memory: numbers of 32 bits fit into a record, others do not", () => {
  for (const id of [0, 1, 2 ** 32 - 1]) {
    assert(fitRecord([{ id, generation: 2 ** 32 - 1 }]));
  }
  for (const id of [2 ** 32, -1, 1.5, 2n ** 40n]) {
    assertEquals(fitRecord([{ id, generation: 1 }]), false, `${id}`);
    const fits = { id: 1, generation: 1 };
    assertEquals(fitRecord([fits, { id: 1, generation: id }]), false, `${id}`);
  }
});

Deno.test("lane memory: a frame's memory is named by its piece; one that the peer has numbered beyond 32 bits cannot be given back", () => {
  const names = new SentNames();
  const piece = (name: PieceName): void => {
    names.memory = { pieceOf: () => name, offerPieces: () => {} };
  };
  const samples = new Float32Array(1);
  piece({ id: 7, generation: 2, moved: true });
  assertEquals(names.name(samples), { id: 7, generation: 2, moved: true });
  piece({ id: 2n ** 32n, generation: 2, moved: true });
  const error = assertThrows(() => names.name(samples), BridgeError);
  assertEquals(error.code, "malformed_message");
  assert(error.message.includes("id 4294967296"), error.message);
});

Deno.test("lane memory: a name of nothing is told, whose memory it would be", () => {
  const found = new FoundMemory(
    new MemoryTable({} as Native, () => {}),
    new OfferedMemory(() => {}, () => {}),
  );
  found.begin({ views: [] } as unknown as Lease);
  const theirs = { id: 3, generation: 1, moved: false };
  const own = { id: 3, generation: 1, moved: true };
  for (
    const [reason, words] of [
      [found.texture(theirs), "3"],
      [found.texture(own), "surface 3 of this side"],
      [found.buffer(theirs, "Float32", 1), "3"],
      [found.buffer(own, "Float32", 1), "surface 3 of this side"],
    ] as const
  ) {
    assert(typeof reason === "string" && reason.includes(words), `${reason}`);
  }
  assertEquals(found.hasPeersMemory, false);
});
