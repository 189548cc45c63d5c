import { assert, assertEquals } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../host/mod.ts";
import type { Held } from "../fixtures/passes_on.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import {
  ask,
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

/** One source and three clients, which read the same memory, while clients are killed. */
class Tee {
  readonly members: readonly Member[];
  readonly sinks: readonly Sink[];
  readonly source = new Source(SMALL);
  /** The clients that get pictures. */
  #arms: readonly Member[];
  #isFed = true;
  /** Who wants the next result of which client. */
  #wanted: { readonly from: number; got(frame: Picture): void } | undefined;
  /** What each part ends with: the feeding, and the reading of each client. */
  readonly #parts: readonly Promise<unknown>[];

  constructor(restart: "never" | "on-failure") {
    const options = { restart, onRestart: () => {}, warn: () => {} };
    this.members = [0, 1, 2].map(() => launchMember("", options));
    this.#arms = this.members;
    this.sinks = this.members.map((member, from) =>
      new Sink(member, (frame) => {
        if (this.#wanted?.from !== from) return;
        this.#wanted.got(frame.clone());
        this.#wanted = undefined;
      })
    );
    this.#parts = [this.#feed(), ...this.sinks.map((sink) => sink.all())]
      .map((part) => part.then(() => undefined, (error) => error));
  }

  async #feed(): Promise<void> {
    while (this.#isFed) {
      const arms = this.#arms;
      try {
        await this.source.feed(...arms);
      } catch (error) {
        if (arms === this.#arms) throw error;
      }
    }
  }

  /** Sends nothing to a client any more. */
  leaveOut(member: Member): void {
    this.#arms = this.#arms.filter((arm) => arm !== member);
  }

  /** Waits until `count` more pictures have come from every client that gets them. */
  async flows(count: number): Promise<void> {
    const wanted = this.source.made + BigInt(count);
    const sinks = this.sinks
      .filter((_, index) => this.#arms.includes(this.members[index]!));
    await until(
      `pictures up to ${wanted}`,
      () => sinks.every(({ newest }) => newest >= wanted),
      () => `the newest are ${sinks.map(({ newest }) => newest)}`,
    );
  }

  /** Returns a clone of the next result of a client. */
  hold(from: number): Promise<Picture> {
    const { promise, resolve } = Promise.withResolvers<Picture>();
    this.#wanted = { from, got: resolve };
    return promise;
  }

  /** Feeds no more, and drains all hosts. Returns what the parts have ended with. */
  async finish(): Promise<unknown[]> {
    this.#isFed = false;
    await soon(this.#parts[0]!, "the last picture");
    for (const member of this.members) {
      await soon(member.drain().catch(onlyLost), "a drain");
    }
    return await this.#outcomes();
  }

  /** Closes all hosts. Returns what the parts have ended with. */
  async close(): Promise<unknown[]> {
    this.#isFed = false;
    for (const member of this.members) await soon(member.close(), "a close");
    return await this.#outcomes();
  }

  #outcomes(): Promise<unknown[]> {
    return soon(Promise.all(this.#parts), "the end of the parts");
  }
}

/**
 * Kills a client, while another one holds a picture that all three have got, and the
 * host a result of the killed one. Both are read afterwards; the result is returned.
 *
 * @param isForGood whether it gets no picture any more
 */
async function killArm(
  tee: Tee,
  victim: number,
  isForGood = false,
): Promise<Picture> {
  const { clientPid } = tee.members[victim]!;
  const other = tee.members[(victim + 1) % 3]!;
  await ask(other, "hold");
  const held = await soon(tee.hold(victim), "a result");
  if (isForGood) tee.leaveOut(tee.members[victim]!);
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

/** Kills all three, in a random order and at random moments; all get pictures again after each. */
async function killEachArm(random: Prng): Promise<void> {
  const tee = new Tee("on-failure");
  const { members, source, sinks } = tee;
  for (const { ready } of members) await soon(ready, "ready");
  const kept: Picture[] = [];
  for (const victim of [0, 1, 2].sort(() => random.next() - 0.5)) {
    await tee.flows(random.below(20));
    kept.push(await killArm(tee, victim));
    await tee.flows(10);
  }
  for (const frame of kept) {
    assert(showsNumber(frame.pixel_buffer, frame.frame_number));
    frame[Symbol.dispose]();
  }
  assertEquals(await tee.finish(), [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  members.forEach(({ restarts, stats: { lost, dropped } }, index) => {
    const missing = Number(source.made) - sinks[index]!.count;
    assert(missing <= lost + dropped, `${missing} missing, ${lost} lost`);
    assertEquals(restarts, 1);
  });
  // One pool, of the port on which all pictures were acquired.
  using native = Native.open();
  await until(
    "nothing but the pool",
    () => native.stats().by_kind.surface <= EVERY_FRAME.capacity,
    () => `${native.stats().by_kind.surface} surfaces`,
  );
  await tee.close();
}

/** Kills one, which is not started again: the two others go on. */
async function killArmForGood(random: Prng): Promise<void> {
  const tee = new Tee("never");
  for (const { ready } of tee.members) await soon(ready, "ready");
  await tee.flows(random.below(20));
  const victim = random.below(3);
  const killed = tee.members[victim]!;
  using held = await killArm(tee, victim, true);
  const failure = await soon(killed.ended, "the end of the killed");
  assertEquals(failure?.code, "client_failed");
  await tee.flows(20);
  const [feeding, ...readings] = await tee.close();
  assert(showsNumber(held.pixel_buffer, held.frame_number));
  assert(feeding === undefined || isClosed(feeding), String(feeding));
  readings.forEach((error, index) =>
    assertEquals(error, index === victim ? failure : undefined)
  );
}

function isClosed(error: unknown): boolean {
  return error instanceof BridgeError && error.code === "closed";
}

/** Kills each arm of `all` tees, and one arm of `forGood` others for good. */
async function teeKills(all: number, forGood: number): Promise<void> {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  await Deno.stderr.write(new TextEncoder().encode(`seed ${seed}\n`));
  const random = new Prng(seed);
  for (let n = 0; n < all; n++) await killEachArm(random);
  for (let n = 0; n < forGood; n++) await killArmForGood(random);
}

const KILLS =
  "kills in a tee: nothing hangs or leaks, what others hold stays " +
  "readable, and the other arms go on";
graphTest(`5 ${KILLS}`, () => teeKills(1, 2), { long: true });
graphTest(`100 ${KILLS}`, () => teeKills(25, 25), { exhaustive: true });
