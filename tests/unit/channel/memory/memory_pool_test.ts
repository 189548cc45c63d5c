import { assert, assertEquals } from "@std/assert";
import { MemoryPool } from "../../../../channel/memory/memory_pool.ts";
import { OfferedMemory } from "../../../../channel/memory/offered_memory.ts";
import type { Use } from "../../../../channel/memory/piece.ts";
import { TestMemory } from "../../../fixtures/test_memory.ts";

const NOBODY = { returned: () => {} };

function makePool(bound: number) {
  let freed = 0;
  const pool = new MemoryPool<TestMemory, number>(
    {
      fits: (memory, size) => memory.size === size,
      make: (size) => new TestMemory(size),
    },
    () => freed++,
    bound,
  );
  const take = (size: number): Use => pool.take(size)!.use;
  return { pool, take, freed: () => freed };
}

function memoryOf(use: Use): TestMemory {
  return use.piece.memory as TestMemory;
}

Deno.test("a pool grows to its bound, and gives what is free again", () => {
  const { pool, take, freed } = makePool(2);
  assert(pool.hasRoom(2));
  assert(!pool.hasRoom(3));
  const [one, two] = [take(5), take(5)];
  assert(one.piece !== two.piece);
  assert(pool.hasRoom(0) && !pool.hasRoom(1));
  assertEquals(pool.take(5), undefined);
  one.release();
  assertEquals(freed(), 1);
  assert(pool.hasRoom(1) && !pool.hasRoom(2));
  assert(take(5).piece === one.piece);
});

Deno.test("a piece is free when the last of those who hold it has released it", () => {
  const { pool, take } = makePool(1);
  const use = take(5);
  use.hold();
  use.release();
  assertEquals(pool.take(5), undefined);
  use.release();
  assert(pool.take(5));
});

Deno.test("at the bound, a free piece of another size makes way, and whoever was offered it is told", () => {
  const { pool, take } = makePool(2);
  const [one, two] = [take(5), take(5)];
  const told: string[] = [];
  const peers = [0, 1].map((n) =>
    new OfferedMemory(
      (type, { surface_id }) =>
        void told.push(
          `${n} ${type} ${(surface_id as { value: bigint }).value}`,
        ),
      () => {},
    )
  );
  for (const peer of peers) {
    peer.announce(peer.reserve(one, NOBODY));
    peer.forget()();
    const offer = peer.reserve(one, NOBODY);
    peer.announce(offer);
    offer.giveBack();
  }
  one.release();
  told.length = 0;
  assertEquals(memoryOf(take(7)).size, 7);
  assertEquals(told, ["0 surface_retire 2", "1 surface_retire 2"]);
  assert(memoryOf(one).disposed && !memoryOf(two).disposed);
  assertEquals(pool.take(7), undefined);
});

Deno.test("a disposed pool has released what is free, and releases the rest when its use ends", () => {
  const { pool, take } = makePool(3);
  const [free, held] = [take(5), take(6)];
  free.release();
  pool[Symbol.dispose]();
  assertEquals([memoryOf(free).disposed, memoryOf(held).disposed], [
    true,
    false,
  ]);
  held.release();
  assert(memoryOf(held).disposed);
});

Deno.test("a piece whose view was transferred is counted, and makes way for another", () => {
  const { pool, take } = makePool(2);
  const [one, two] = [take(5), take(5)];
  memoryOf(one).givenAway = true;
  one.release();
  two.release();
  assertEquals(pool.givenAway, 1);
  assert(pool.hasRoom(2));
  const taken = [take(5), take(5)];
  assertEquals(taken.map(({ piece }) => piece === two.piece), [true, false]);
  assert(memoryOf(one).disposed);
  assertEquals(pool.take(5), undefined);
  assertEquals(pool.givenAway, 1);
});

Deno.test("a piece whose view a peer has transferred makes way too, and is not counted here", () => {
  const { pool, take } = makePool(1);
  const one = take(5);
  one.piece.givenAwayThere = true;
  one.release();
  assert(take(5).piece !== one.piece);
  assert(memoryOf(one).disposed);
  assertEquals(pool.givenAway, 0);
});
