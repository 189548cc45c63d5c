import { assert, assertEquals } from "@std/assert";
import {
  MemoryPool,
  type Pooled,
} from "../../../../channel/memory/memory_pool.ts";
import type { SharedMemory } from "../../../../ffi/shared_memory.ts";
import { Capability } from "../../../../proto/wire/xpc_value.ts";

class Memory implements SharedMemory {
  disposed = false;
  givenAway = false;
  constructor(readonly size: number) {}
  borrow(): Capability {
    return new Capability("shmem", 0);
  }
  lock(): void {}
  unlock(): void {}
  [Symbol.dispose](): void {
    this.disposed = true;
  }
}

function makePool(bound: number) {
  const retired: bigint[] = [];
  let id = 0n;
  const pool = new MemoryPool<Memory, number>(
    {
      nextId: () => ++id,
      retire: (pooled) => void retired.push(pooled.id),
    },
    {
      fits: (memory, size) => memory.size === size,
      make: (size) => new Memory(size),
    },
    bound,
  );
  return { pool, retired };
}

function free(...pieces: (Pooled | undefined)[]): void {
  for (const piece of pieces) piece!.state = "free";
}

Deno.test("a pool grows to its bound, and gives what is free again", () => {
  const { pool } = makePool(2);
  assert(pool.hasRoom(2));
  assert(!pool.hasRoom(3));
  const [one, two] = [pool.take(5), pool.take(5)];
  assertEquals([one?.id, two?.id], [1n, 2n]);
  assert(pool.hasRoom(0) && !pool.hasRoom(1));
  assertEquals(pool.take(5), undefined);
  free(one);
  assert(pool.hasRoom(1) && !pool.hasRoom(2));
  const again = pool.take(5);
  assert(again === one);
  assertEquals(again?.generation, 2n);
  assertEquals(again?.state, "held");
});

Deno.test("at the bound, a free piece of another size makes way", () => {
  const { pool, retired } = makePool(2);
  const [one, two] = [pool.take(5), pool.take(5)];
  free(one);
  const other = pool.take(7);
  assertEquals(other?.memory.size, 7);
  assertEquals(retired, [1n]);
  assert(one!.memory.disposed && !two!.memory.disposed);
  assertEquals(pool.take(7), undefined);
});

Deno.test("a recall frees what is out, and leaves what is held", () => {
  const { pool } = makePool(3);
  const [held, out] = [pool.take(5), pool.take(5)];
  out!.state = "out";
  out!.flight = { out: 1, sentAt: 0, cost: 0 };
  pool.recall();
  assertEquals([held?.state, out?.state], ["held", "free"]);
  assertEquals(out?.flight, undefined);
  assertEquals(pool.take(5)?.generation, 2n);
});

Deno.test("a disposed pool has released everything", () => {
  const { pool, retired } = makePool(3);
  const pieces = [pool.take(5), pool.take(6)];
  pool[Symbol.dispose]();
  assert(pieces.every((piece) => piece!.memory.disposed));
  assertEquals(retired, [1n, 2n]);
});

Deno.test("a piece whose view was transferred is counted, and makes way for another", () => {
  const { pool, retired } = makePool(2);
  const [one, two] = [pool.take(5), pool.take(5)];
  free(one, two);
  one!.memory.givenAway = true;
  assertEquals(pool.givenAway, 1);
  assert(pool.hasRoom(2));
  const taken = [pool.take(5), pool.take(5)];
  assertEquals(taken.map((piece) => piece?.id), [2n, 3n]);
  assertEquals(retired, [1n]);
  assert(one!.memory.disposed);
  assertEquals(pool.take(5), undefined);
  assertEquals(pool.givenAway, 1);
});

Deno.test("a piece whose view the receiver has transferred makes way too, and is not counted here", () => {
  const { pool, retired } = makePool(1);
  const one = pool.take(5);
  one!.givenAwayThere = true;
  free(one);
  assertEquals(pool.take(5)?.id, 2n);
  assertEquals(retired, [1n]);
  assertEquals(pool.givenAway, 0);
});
