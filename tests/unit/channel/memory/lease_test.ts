import { assertEquals, assertThrows } from "@std/assert";
import { Lease } from "../../../../channel/memory/lease.ts";
import { Piece, Use } from "../../../../channel/memory/piece.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { TestMemory } from "../../../fixtures/test_memory.ts";

class UnlockableMemory extends TestMemory {
  override lock(): void {
    throw new BridgeError("native_failure", "Cannot lock surface 1");
  }
}

Deno.test("memory that cannot be locked is not held by the frame that should show it", () => {
  let idle = 0;
  const use = new Use(new Piece(new UnlockableMemory(5)), {
    idle: () => void idle++,
  });
  const lease = new Lease({
    name: "video",
    copies: { bytes: 0 },
    leaseCount: 0,
    leaseEnded: () => {},
  });
  assertThrows(() => lease.show(use, true), BridgeError, "Cannot lock");
  assertEquals([idle, lease.views.length], [1, 0]);
});
