import { assert, assertEquals } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { BridgeError, transferStats } from "../../host/mod.ts";
import type { Counts, Held } from "../fixtures/passes_on.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import {
  ask,
  connect,
  graphTest,
  isProcess,
  launchMember,
  type Member,
  onlyLost,
  type Picture,
  Sink,
  SMALL,
  Source,
} from "../helpers/graph.ts";
import { showsNumber } from "../helpers/numbered_pictures.ts";
import { Prng } from "../helpers/prng.ts";
import { soon, until } from "../helpers/soon.ts";

/** Graphs of processes: frames go through a chain of clients, and to several at once. */

const FULL_HD = { width: 1920, height: 1080 };
const PICTURE_BYTES = 4 * FULL_HD.width * FULL_HD.height;
const { capacity: CAPACITY } = EVERY_FRAME;
/** More than the noise of a heap, and less than the leak of one picture in a hundred. */
const RSS_NOISE_BYTES = 80e6;
/** Mappings that a heap may make or give back; less than one for each picture. */
const MAPPING_NOISE = 100;

// ---- frames flow, and nothing grows ----

/** What a process has, by /proc. */
interface Memory {
  /** Mappings of shared memory. */
  readonly shared: number;
  readonly mappings: number;
  readonly rss: number;
}

function memoryOf(pid: number): Memory {
  const maps = Deno.readTextFileSync(`/proc/${pid}/maps`).trim().split("\n");
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return {
    shared: maps.filter((line) => line.includes("memfd:")).length,
    mappings: maps.length,
    rss: Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)![1]) * 1024,
  };
}

/** What host and clients have at one moment, when no frame is on its way. */
interface Measured {
  readonly copied: number;
  readonly surfaces: number;
  readonly clients: readonly Counts[];
  readonly memory: readonly Memory[];
}

async function measure(members: readonly Member[]): Promise<Measured> {
  const clients: Counts[] = [];
  for (const member of members) {
    clients.push(JSON.parse(await ask(member, "counts")));
  }
  using native = Native.open();
  return {
    copied: transferStats().copied_bytes,
    surfaces: native.stats().by_kind.surface,
    clients,
    memory: [Deno.pid, ...members.map(({ clientPid }) => clientPid)]
      .map(memoryOf),
  };
}

/** Fails if anything has grown, or was copied, between two moments. */
function assertFlat(before: Measured, after: Measured): void {
  const copied = [
    after.copied - before.copied,
    ...after.clients.map(({ copied_bytes }, index) =>
      copied_bytes - before.clients[index]!.copied_bytes
    ),
  ];
  // Their calls to the broker and their answers are data. One picture would be more.
  assert(copied.every((bytes) => bytes < PICTURE_BYTES), `copied ${copied}`);
  assertEquals(after.surfaces, before.surfaces);
  after.clients.forEach((now, index) => {
    const then = before.clients[index]!;
    assertEquals(now.surfaces, then.surfaces);
    assertEquals(now.memories, then.memories);
  });
  after.memory.forEach((now, index) => {
    const then = before.memory[index]!;
    const what = JSON.stringify({ index, then, now });
    assertEquals(now.shared, then.shared, what);
    assert(now.mappings - then.mappings < MAPPING_NOISE, what);
    assert(now.rss - then.rss < RSS_NOISE_BYTES, what);
  });
}

/** Sends `count` pictures, and reads each at the end of all arms. */
async function flow(
  source: Source,
  heads: readonly Member[],
  sinks: readonly Sink[],
  count: number,
): Promise<void> {
  const feeding = (async () => {
    for (let n = 0; n < count; n++) await soon(source.feed(...heads), "room");
  })();
  await Promise.all([
    feeding,
    ...sinks.map(async (sink) => {
      for (let n = 0; n < count; n++) (await sink.next())[Symbol.dispose]();
    }),
  ]);
}

/** Has all memory of the graph made: as many pictures as there may be at once. */
async function fillUp(
  source: Source,
  heads: readonly Member[],
  sinks: readonly Sink[],
): Promise<void> {
  const kept: Picture[] = [];
  for (let n = 0; n < CAPACITY; n++) {
    await soon(source.feed(...heads), "room");
    for (const sink of sinks) kept.push(await sink.next());
  }
  for (const frame of kept) frame[Symbol.dispose]();
}

/** Pictures through a graph of three clients: one after the other, or side by side. */
async function graphOfThree(
  shape: "chain" | "tee",
  count: number,
): Promise<void> {
  const members = Array.from({ length: 3 }, () => launchMember());
  await using held = new AsyncDisposableStack();
  for (const member of members) held.use(member);
  for (const { ready } of members) await soon(ready, "ready");
  const [first, second, third] = members as [Member, Member, Member];
  const isChain = shape === "chain";
  const links = isChain ? [connect(first, second), connect(second, third)] : [];
  const heads = isChain ? [first] : members;
  const sinks = (isChain ? [third] : members).map((last) => new Sink(last));
  const source = new Source(FULL_HD);

  await fillUp(source, heads, sinks);
  await flow(source, heads, sinks, 50);
  const before = await measure(members);
  await flow(source, heads, sinks, count);
  assertFlat(before, await measure(members));

  for (const sink of sinks) sink.isWhole(source.made);
  // All processes have used the same few pieces of memory.
  const [ids, ...others] = [...before.clients, ...sinks]
    .map(({ memories }) => [...memories].sort());
  assertEquals(ids!.length, CAPACITY);
  for (const same of others) assertEquals(same, ids);
  for (const { stats } of members) {
    const { copied_bytes, dropped, lost, misfits, stray_releases } = stats;
    assertEquals(
      { copied_bytes, dropped, lost, misfits, stray_releases },
      { copied_bytes: 0, dropped: 0, lost: 0, misfits: 0, stray_releases: 0 },
    );
  }
  for (const member of members) await soon(member.drain(), "the drain");
  await soon(Promise.all(links), "the end of the links");
}

for (const shape of ["chain", "tee"] as const) {
  const what = `pictures of 1080p through a ${shape} of three clients: ` +
    "each arrives whole and in order, no pixel is copied, no memory grows";
  graphTest(`100 ${what}`, () => graphOfThree(shape, 100));
  graphTest(`10,000 ${what}`, () => graphOfThree(shape, 10_000), {
    exhaustive: true,
  });
}

// ---- the end ----

graphTest(
  "a chain of three is drained one after the other: all 100 frames arrive",
  async () => {
    const members = [launchMember("makes"), launchMember(), launchMember()];
    const [first, second, third] = members as [Member, Member, Member];
    const links = [connect(first, second), connect(second, third)];
    const sink = new Sink(third);
    const reading = sink.all();
    const source = new Source(SMALL);
    for (let n = 0; n < 100; n++) await soon(source.feed(first), "room");
    await soon(first.drain(), "the first drain");
    await soon(links[0]!, "the end of the first link");
    await soon(second.drain(), "the second drain");
    await soon(links[1]!, "the end of the second link");
    await soon(third.drain(), "the third drain");
    await soon(reading, "the end of the results");
    sink.isWhole(100n);
    for (const member of members) {
      await soon(member.close(), "the close");
      assertEquals(await soon(member.ended, "the end"), undefined);
      assertEquals(member.stats.lost, 0);
    }
  },
);

// ---- deaths ----

/** A chain under load: the first client makes the pictures, the others pass them on. */
class Chain {
  readonly members: readonly [Member, Member, Member];
  readonly sink: Sink;
  readonly source = new Source(SMALL);
  /** What each part ends with: the feeding, the two links, and the reading. */
  readonly #parts: readonly Promise<unknown>[];
  #isFed = true;
  /** Who wants a frame of which client. */
  #wanted: { readonly from: number; got(frame: Picture): void } | undefined;

  constructor(restart: "never" | "on-failure") {
    const options = { restart, onRestart: () => {}, warn: () => {} };
    const launch = (how = ""): Member => launchMember(how, options);
    const members = [launch("makes"), launch(), launch()] as const;
    const [first, second, third] = this.members = members;
    const saw = (from: number) => (frame: Picture): void => {
      if (this.#wanted?.from !== from) return;
      this.#wanted.got(frame.clone());
      this.#wanted = undefined;
    };
    this.sink = new Sink(third, saw(2));
    const outcome = (part: Promise<void>): Promise<unknown> =>
      part.then(() => undefined, (error) => error);
    this.#parts = [
      outcome(this.#feed()),
      outcome(connect(first, second, saw(0))),
      outcome(connect(second, third, saw(1))),
      outcome(this.sink.all()),
    ];
  }

  async #feed(): Promise<void> {
    while (this.#isFed) await this.source.feed(this.members[0]);
  }

  /** Waits until `count` more pictures have arrived that were made after this call. */
  async flows(count: number): Promise<void> {
    const { made } = this.source;
    await until(
      `pictures from ${made} on`,
      () => this.sink.newest >= made + BigInt(count),
      () => `the newest is ${this.sink.newest}`,
    );
  }

  /** Returns a clone of the next frame that the host gets from a client. */
  hold(from: number): Promise<Picture> {
    const { promise, resolve } = Promise.withResolvers<Picture>();
    this.#wanted = { from, got: resolve };
    return promise;
  }

  /** Feeds no more, drains one host after the other, and returns what the parts have ended with. */
  async finish(): Promise<unknown[]> {
    this.#isFed = false;
    for (const [index, member] of this.members.entries()) {
      await soon(this.#parts[index]!, "the last frame for a client");
      await soon(member.drain().catch(onlyLost), "a drain");
    }
    return await this.#outcomes();
  }

  /** Closes all hosts, and returns what the parts have ended with. */
  async close(): Promise<unknown[]> {
    this.#isFed = false;
    for (const member of this.members) await soon(member.close(), "a close");
    return await this.#outcomes();
  }

  #outcomes(): Promise<unknown[]> {
    return soon(Promise.all(this.#parts), "the end of the parts");
  }
}

/** Kills a client while the host and another client hold a frame; both are read afterwards. The host's is returned. */
async function killOne(chain: Chain, victim: number): Promise<Picture> {
  const { members } = chain;
  const killed = members[victim]!;
  const other = members[victim === 0 ? 1 : victim === 1 ? 2 : 1]!;
  await ask(other, "hold");
  const held = await soon(chain.hold(victim), "a frame of the client");
  const { clientPid } = killed;
  Deno.kill(clientPid, "SIGKILL");
  await until("the death", () => !isProcess(clientPid));
  const isRight = (): boolean =>
    showsNumber(held.pixel_buffer, held.frame_number);
  assert(isRight());
  const there: Held = JSON.parse(await ask(other, "look"));
  assert(there.isRight, `picture ${there.number} at the other client`);
  assert(isRight());
  return held;
}

/** Kills all three, in a random order and at random moments; the graph goes on after each. */
async function killAll(random: Prng): Promise<void> {
  const chain = new Chain("on-failure");
  const { members, source, sink } = chain;
  for (const { ready } of members) await soon(ready, "ready");
  const order = [0, 1, 2].sort(() => random.next() - 0.5);
  const kept: Picture[] = [];
  for (const victim of order) {
    await chain.flows(random.below(20));
    kept.push(await killOne(chain, victim));
    await chain.flows(10);
  }
  for (const frame of kept) {
    assert(showsNumber(frame.pixel_buffer, frame.frame_number));
    frame[Symbol.dispose]();
  }
  const outcomes = await chain.finish();
  assertEquals(outcomes, [undefined, undefined, undefined, undefined]);
  const counted = members.reduce(
    (sum, { stats: { lost, dropped } }) => sum + lost + dropped,
    0,
  );
  const missing = Number(source.made) - sink.count;
  assert(missing <= counted, `${missing} missing, ${counted} counted`);
  assertEquals(members.map(({ restarts }) => restarts), [1, 1, 1]);
  using native = Native.open();
  await until(
    "the memory of the dead is released",
    () => native.stats().by_kind.surface <= 2 * CAPACITY,
    () => `${native.stats().by_kind.surface} surfaces`,
  );
  await chain.close();
}

/** Kills one, which is not started again. */
async function killForGood(random: Prng): Promise<void> {
  const chain = new Chain("never");
  const { members } = chain;
  for (const { ready } of members) await soon(ready, "ready");
  await chain.flows(random.below(20));
  const victim = random.below(3);
  using held = await killOne(chain, victim);
  const failure = await soon(members[victim]!.ended, "the end of the killed");
  assertEquals(failure?.code, "client_failed");
  const outcomes = await chain.close();
  assert(showsNumber(held.pixel_buffer, held.frame_number));
  for (const error of outcomes) {
    const isOver = error === undefined || error === failure ||
      (error instanceof BridgeError && error.code === "closed");
    assert(isOver, String(error));
  }
}

/** Kills `rounds` times all of a chain, and `rounds` times one of another for good. */
async function kills(all: number, forGood: number): Promise<void> {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  await Deno.stderr.write(new TextEncoder().encode(`seed ${seed}\n`));
  const random = new Prng(seed);
  for (let n = 0; n < all; n++) await killAll(random);
  for (let n = 0; n < forGood; n++) await killForGood(random);
}

const KILLS = "kills in a chain: nothing hangs or leaks, what others hold " +
  "stays readable, and with restarts the graph goes on";
graphTest(`5 ${KILLS}`, () => kills(1, 2), { long: true });
graphTest(`100 ${KILLS}`, () => kills(25, 25), { exhaustive: true });
