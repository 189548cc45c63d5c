import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Activity, nextTurn } from "../../../channel/activity.ts";
import { type Drainable, drained, isDrained } from "../../../host/drain.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { type Feature, NO_FEATURES } from "../../../proto/wire/features.ts";
import { soon } from "../../helpers/soon.ts";

const KNOWS_ENDS: ReadonlySet<Feature> = new Set(["ends"]);
const DIED = new BridgeError("client_failed", "the client was killed");

/** An output with room for one frame more. */
const IN_ORDER = {
  name: "ticks",
  read_behavior: "read_next_in_order",
  capacity: 4,
  size: 3,
};

/** A host whose client the test plays. */
class Stage {
  readonly activity = new Activity();
  readonly #over = new AbortController();
  readonly over = this.#over.signal;
  hasFlushed = false;
  lastFailure: BridgeError | undefined;
  failure: BridgeError | undefined;
  readonly channel = {
    isOpen: true,
    features: KNOWS_ENDS,
    senders: { ticks: { end: () => this.channel.outgoingEnded = true } },
    outgoingEnded: false as boolean | undefined,
    incomingEnded: false as boolean | undefined,
    receivers: { ticks: IN_ORDER as object },
    stats: { lost: 0 },
  };

  get host(): Drainable {
    return this as unknown as Drainable;
  }

  drain(signal?: AbortSignal): Promise<void> {
    return soon(drained(this.host, signal), "the drain");
  }

  /** What happens next to the host. */
  async then(change: () => void): Promise<void> {
    await nextTurn();
    change();
    this.activity.changed();
  }

  end(failure?: BridgeError): void {
    this.failure = failure;
    this.#over.abort();
  }

  async refuses(drain: Promise<void>): Promise<BridgeError> {
    return await assertRejects(() => drain, BridgeError);
  }
}

Deno.test("drain: waits for the end of the outputs and for the flush", async () => {
  const stage = new Stage();
  const drain = stage.drain();
  assert(stage.channel.outgoingEnded);
  await stage.then(() => stage.channel.incomingEnded = true);
  await nextTurn();
  assert(!isDrained(stage.host));
  await stage.then(() => stage.hasFlushed = true);
  await drain;
  await stage.drain(); // again
});

Deno.test("drain: without inputs nothing is flushed, without outputs there is no end to wait for", () => {
  for (
    const [outgoingEnded, incomingEnded, hasFlushed, done] of [
      [undefined, true, false, true],
      [undefined, false, false, false],
      [true, undefined, false, false],
      [true, undefined, true, true],
      [false, undefined, true, false], // a client that says so too early
      [undefined, undefined, false, true],
    ] as const
  ) {
    const stage = new Stage();
    Object.assign(stage.channel, { outgoingEnded, incomingEnded });
    stage.hasFlushed = hasFlushed;
    assertEquals(isDrained(stage.host), done);
    stage.channel.isOpen = false; // between two clients
    assert(!isDrained(stage.host));
  }
});

Deno.test("drain: a client that does not know ends is refused as soon as that is known, and keeps its inputs", async () => {
  const stage = new Stage();
  stage.channel.features = NO_FEATURES;
  assertEquals((await stage.refuses(stage.drain())).code, "version_mismatch");
  assertEquals(stage.channel.outgoingEnded, false);
  stage.channel.isOpen = false;
  const early = stage.drain();
  await stage.then(() => stage.channel.isOpen = true);
  assertEquals((await stage.refuses(early)).code, "version_mismatch");
});

Deno.test("drain: what was lost is told when all has ended, or with the failure, or not if the host was closed", async () => {
  const ends: [(stage: Stage) => void, code: string][] = [
    [(stage) => {
      stage.channel.incomingEnded = true;
      stage.hasFlushed = true;
    }, "channel_lost"],
    [(stage) => stage.end(DIED), "channel_lost"],
    [(stage) => stage.end(), "closed"],
  ];
  for (const [end, code] of ends) {
    for (
      const [lost, words, released] of [
        [1, "1 frame was lost", "released it:"],
        [5, "5 frames were lost", "released them:"],
      ] as const
    ) {
      const stage = new Stage();
      const drain = stage.drain();
      stage.channel.stats.lost = lost;
      stage.lastFailure = DIED;
      await stage.then(() => end(stage));
      const error = await stage.refuses(drain);
      assertEquals(error.code, code);
      if (code === "closed") continue;
      assertStringIncludes(error.message, words);
      assertStringIncludes(error.message, released);
      assertEquals(error.cause, DIED);
    }
  }
});

Deno.test("drain: without a loss the host's own failure is the error", async () => {
  const stage = new Stage();
  const drain = stage.drain();
  await stage.then(() => stage.end(DIED));
  assertEquals(await stage.refuses(drain), DIED);
});

Deno.test("drain: a signal ends the wait, with its reason; the inputs have ended", async () => {
  const stage = new Stage();
  const stop = new AbortController();
  const drain = stage.drain(stop.signal);
  await nextTurn();
  stop.abort("enough");
  const error = await stage.refuses(drain);
  assertEquals([error.code, error.cause], ["aborted", "enough"]);
  assert(stage.channel.outgoingEnded);
  assert(error.message.endsWith("the inputs have ended"), error.message);
});

Deno.test("drain: the error of an aborted wait names an output that nobody reads", async () => {
  for (
    const [port, named] of [
      [{ ...IN_ORDER, size: 4 }, true],
      [{ ...IN_ORDER, size: 4, read_behavior: "skip_to_latest" }, false],
    ] as const
  ) {
    const stage = new Stage();
    stage.channel.receivers.ticks = port;
    const { message } = await stage.refuses(stage.drain(AbortSignal.abort()));
    const words = "The output 'ticks' is full (4 unread): read the outputs";
    assertEquals(message.includes(words), named, message);
  }
});
