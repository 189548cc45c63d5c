import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BridgeError,
  ContinuousHost,
  type HostOptions,
  ManualHost,
  type ProcessorHost,
  ReactiveHost,
} from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "../helpers/home.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { Prng } from "../helpers/prng.ts";
import { lapse, soon } from "../helpers/soon.ts";

type Ports = { ticks: typeof TICKS };
type Host = ProcessorHost<Ports, Ports>;

type Mode = "reactive" | "continuous" | "manual";

const MODES: Readonly<
  Record<Mode, { launch(options: HostOptions<Ports, Ports>): Host }>
> = {
  reactive: ReactiveHost,
  continuous: ContinuousHost,
  manual: ManualHost,
};

function launch(
  mode: Mode,
  module: string,
  options: Partial<HostOptions<Ports, Ports>> = {},
): Host {
  const host: Host = MODES[mode].launch({
    ...testClient(module),
    inputs: { ticks: TICKS },
    outputs: { ticks: TICKS },
    output: () => {},
    path: TEST_PATH,
    ...options,
  });
  if (host instanceof ManualHost) host.start();
  return host;
}

/** Sends ticks with these numbers; fewer if the host ends meanwhile. */
async function feed(host: Host, count: number): Promise<void> {
  for (let n = 0n; n < count; n++) {
    await host.input.ticks.ready;
    using tick = host.input.ticks.acquire({
      data: new Uint8Array(0),
      schema_name: "tick",
      timestamp_ns: n,
    });
    assert(host.input.ticks.send(tick), `tick ${n} was dropped`);
  }
}

/** Reads all results; resolves with their numbers when the port has ended. */
async function read(host: Host): Promise<bigint[]> {
  const numbers: bigint[] = [];
  for await (using tick of host.output.ticks) numbers.push(tick.timestamp_ns);
  return numbers;
}

const upTo = (count: number): bigint[] =>
  Array.from({ length: count }, (_, n) => BigInt(n));

/** Every frame comes back, in order, and the host ends in order. */
async function losesNothing(mode: Mode, count: number): Promise<void> {
  using home = isolatedHome();
  await leavesNothing(home.runDirectory, async () => {
    const host = launch(mode, `look_ahead.ts?mode=${mode}`);
    await soon(host.ready, "ready");
    const results = read(host);
    await feed(host, count);
    await soon(host.drain(), "the drain");
    assertEquals(await soon(results, "the end of the results"), upTo(count));
    assert(host.output.ticks.ended && host.input.ticks.ended);
    assertEquals(await host.output.ticks.next(), undefined);
    const { sent, received, dropped, lost, misfits } = host.stats;
    assertEquals([sent, received, dropped, lost, misfits], [
      count,
      count,
      0,
      0,
      0,
    ]);
    await soon(host.close(), "close");
    assertEquals(await soon(host.ended, "the end"), undefined);
  });
}

for (const mode of ["reactive", "continuous", "manual"] as const) {
  permittedTest(
    `ends: 200 frames through a ${mode} filter that looks 8 ahead, then drain: all come back, in order`,
    HOST_NEEDS,
    () => losesNothing(mode, 200),
  );
  permittedTest(
    `ends: 10,000 frames through a ${mode} filter that looks 8 ahead, then drain: all come back, in order`,
    { ...HOST_NEEDS, exhaustive: true },
    () => losesNothing(mode, 10_000),
  );
}

/** Runs `body` in a home of its own, and shows that it leaves no process and no file. */
function endTest(name: string, body: () => Promise<void>, more = {}): void {
  permittedTest(`ends: ${name}`, { ...HOST_NEEDS, ...more }, async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, body);
  });
}

/** The error with which `promise` rejects. */
function refusal(
  promise: Promise<unknown>,
  what: string,
): Promise<BridgeError> {
  return assertRejects(() => soon(promise, what), BridgeError);
}

/** Feeds `count` ticks to a client that answers two and holds the third, until its port is full. */
async function feedHolder(
  host: Host,
  results: AsyncIterator<Disposable>,
): Promise<void> {
  await soon(host.ready, "ready");
  await soon(feed(host, 2 + TICKS.capacity), "room for all");
  for (let n = 0; n < 2; n++) {
    const { value } = await soon(results.next(), "an answer");
    value![Symbol.dispose]();
  }
}

endTest(
  "a client that is killed with frames in flight: drain rejects with their number",
  async () => {
    const host = launch("reactive", "ends_early.ts?how=holds&at=2");
    await feedHolder(host, host.output.ticks[Symbol.asyncIterator]());
    const drain = refusal(host.drain(), "the drain");
    Deno.kill(host.clientPid, "SIGKILL");
    const error = await drain;
    assertEquals(error.code, "channel_lost");
    assertStringIncludes(error.message, `${TICKS.capacity} frames were lost`);
    assertStringIncludes(error.message, "SIGKILL");
    assertEquals(host.stats.lost, TICKS.capacity);
    assertEquals(await soon(host.ended, "the end"), error.cause);
    assertEquals(
      (await refusal(host.drain(), "a late drain")).code,
      "channel_lost",
    );
  },
);

endTest(
  "a client that is started again is told of the ended inputs; drain waits for it, and rejects with what the first one lost",
  async () => {
    const host = launch("reactive", "ends_early.ts?how=holds&at=2", {
      restart: "on-failure",
      onRestart: () => {},
    });
    const frames = host.output.ticks[Symbol.asyncIterator]();
    await feedHolder(host, frames);
    const drain = refusal(host.drain(), "the drain");
    Deno.kill(host.clientPid, "SIGKILL");
    assertEquals(
      (await soon(frames.next(), "the end of the results")).done,
      true,
    );
    const error = await drain;
    assertEquals([error.code, host.restarts], ["channel_lost", 1]);
    assertStringIncludes(error.message, `${TICKS.capacity} frames were lost`);
    assertEquals(
      (await refusal(host.input.ticks.ready, "an ended input")).code,
      "closed",
    );
    const again = await refusal(
      host.close({ drain: true }),
      "a drain at the close",
    );
    assertEquals(again.code, "channel_lost");
    assertEquals(await soon(host.ended, "the end"), undefined);
  },
);

endTest(
  "a death without frames in flight: drain rejects with the host's failure",
  async () => {
    const host = launch("reactive", "ends_early.ts?how=fails");
    await soon(host.ready, "ready");
    const results = refusal(read(host), "the results");
    await soon(feed(host, 3), "room");
    const error = await refusal(host.drain(), "the drain");
    assertStringIncludes(error.message, "nothing to flush");
    assertEquals([error.code, host.stats.lost], ["client_failed", 0]);
    assertEquals(await results, error);
    assertEquals(await soon(host.ended, "the end"), error);
  },
);

endTest(
  "close({ drain: true }) loses nothing, and flush can read what process leaves",
  async () => {
    const host = launch("reactive", "ends_early.ts?how=leaves&at=2");
    await soon(host.ready, "ready");
    const results = read(host);
    await soon(feed(host, 6), "room");
    await soon(host.close({ drain: true }), "the close");
    assertEquals(await soon(results, "the results"), upTo(6));
    assertEquals(await soon(host.ended, "the end"), undefined);
  },
);

endTest(
  "a host without outputs is drained when its client has flushed",
  async () => {
    let written = "";
    const host = ReactiveHost.launch({
      ...testClient("sink.ts"),
      inputs: { ticks: TICKS },
      output: (chunk) => void (written += new TextDecoder().decode(chunk)),
    });
    await soon(host.ready, "ready");
    for (let n = 0n; n < 20n; n++) {
      await soon(host.input.ticks.ready, "room");
      using tick = host.input.ticks.acquire({
        data: new Uint8Array(0),
        schema_name: "tick",
        timestamp_ns: n,
      });
      assert(host.input.ticks.send(tick));
    }
    await soon(host.drain(), "the drain");
    await soon(host.close(), "the close");
    assertStringIncludes(written, "read 20");
  },
);

endTest(
  "a source ends its output itself, and drain waits for that",
  async () => {
    const host = ManualHost.launch({
      ...testClient("ticks_and_ends.ts"),
      outputs: { ticks: TICKS },
      output: () => {},
    });
    await soon(host.ready, "ready");
    const early = await refusal(
      host.drain({ signal: AbortSignal.abort("enough") }),
      "an aborted drain",
    );
    assertEquals([early.code, early.cause], ["aborted", "enough"]);
    const drain = host.drain();
    host.start();
    await soon(drain, "the drain");
    assertEquals(host.output.ticks.size, 3); // the end has come, though nobody has read
    assert(!host.output.ticks.ended);
    let count = 0;
    for await (using _ of host.output.ticks) count++;
    assertEquals(count, 3);
    await soon(host.close(), "the close");
  },
);

endTest("a paused processor is not flushed", async () => {
  const host = launch("reactive", "ends_early.ts");
  host.pause();
  await soon(host.ready, "ready");
  const results = read(host);
  await soon(feed(host, 3), "room");
  const late = await refusal(
    host.drain({ signal: AbortSignal.timeout(300) }),
    "a drain of a paused host",
  );
  assertEquals(late.code, "aborted");
  assertEquals(host.output.ticks.stats.received, 0);
  host.resume();
  await soon(host.drain(), "the drain");
  assertEquals(await soon(results, "the results"), upTo(3));
  await soon(host.close(), "the close");
});

endTest(
  "before it is ready a host can be drained: it has nothing to lose",
  async () => {
    const host = launch("manual", "look_ahead.ts?mode=manual");
    const results = read(host);
    await soon(host.drain(), "the drain");
    assertEquals(await soon(results, "the results"), []);
    await soon(host.close(), "the close");
  },
);

endTest(
  "a continuous host's own loop ends when everything has ended and was read, also if it goes on sending",
  async () => {
    const host = ContinuousHost.launch({
      ...testClient("look_ahead.ts?mode=continuous"),
      inputs: { ticks: TICKS },
      outputs: { ticks: TICKS },
      output: () => {},
    });
    const read: bigint[] = [];
    let count = 0n;
    let draining: Promise<void> | undefined;
    const running = host.run(({ input, output }) => {
      using result = output.ticks.get();
      if (result) read.push(result.timestamp_ns);
      if (count === 20n) draining ??= host.drain(); // not awaited here: the results are still to be read
      using tick = input.ticks.acquire({
        data: new Uint8Array(0),
        schema_name: "tick",
        timestamp_ns: count,
      });
      if (input.ticks.send(tick)) count++;
    });
    await soon(running, "the end of the loop");
    await soon(draining!, "the drain");
    assertEquals(read, upTo(20));
    await soon(host.close(), "the close");
    assertEquals(await soon(host.ended, "the end"), undefined);
  },
);

endTest(
  "a host that was drained and closed can be so again: another call has no effect",
  async () => {
    const host = launch("reactive", "look_ahead.ts?mode=reactive");
    const results = soon(read(host), "the results");
    await soon(feed(host, 10), "the feeding");
    await soon(host.close({ drain: true }), "the close");
    await soon(host.close({ drain: true }), "another close");
    await soon(host.drain(), "another drain");
    assertEquals(await results, upTo(10));
    assertEquals(await soon(host.ended, "the end"), undefined);
  },
);

/** What a host does at a random moment, beside its client, which may leave at one too. */
const HOST_ENDS: Record<string, (host: Host) => Promise<unknown>> = {
  close: (host) => host.close(),
  drain: (host) => host.drain(),
  "drain and close": (host) => host.close({ drain: true }),
  "drain, and close meanwhile": (host) => {
    const draining = host.drain();
    return Promise.all([draining, host.close()]);
  },
  "drain with a short limit": (host) =>
    host.close({ drain: true, signal: AbortSignal.timeout(5) }),
  kill: (host) => {
    try {
      if (host.clientPid > 0) Deno.kill(host.clientPid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it has left by itself
    }
    return host.drain();
  },
};
const CLIENT_ENDS = ["", "exits", "throws", "ends", "leaves", "fails"];

/** One run of a seed: whatever the two sides do, everything that was awaited settles. */
async function endsSomehow(seed: number): Promise<void> {
  const random = new Prng(seed);
  const how = random.pick(Object.keys(HOST_ENDS));
  const leaves = random.pick(CLIENT_ENDS);
  const count = random.below(40);
  const at = random.below(40);
  const waits = random.pick([0, 1, 5, 250]); // in milliseconds, before the end; 250: about when it is ready
  const isReadyFirst = random.below(4) > 0;
  const what = `seed ${seed}: ${how} of ${count} ticks, the client ${
    leaves || "stays"
  } at ${at}`;
  const host = launch("reactive", `ends_early.ts?how=${leaves}&at=${at}`, {
    restart: random.pick(["never", "on-failure"]),
    onRestart: () => {},
    warn: () => {},
  });
  const settled = <T>(promise: Promise<T>, name: string): Promise<T | Error> =>
    soon(promise.catch((error) => error as Error), `${what}, ${name}`);
  if (isReadyFirst) await settled(host.ready, "ready");
  const results = settled(read(host), "the results");
  const feeding = settled(feed(host, count), "the feeding");
  // One that leaves the frames unread takes no more than there is room for.
  const isFed = isReadyFirst && leaves !== "leaves" && random.below(2) > 0;
  if (isFed) await feeding;
  await lapse(waits);
  const outcome = await settled(HOST_ENDS[how]!(host), "the end");
  await settled(host.close(), "the close");
  const fed = await feeding;
  const got = await results;
  const failure = await settled(host.ended, "its outcome");
  if (!(outcome instanceof Error) && how.startsWith("drain")) {
    assertEquals([failure, host.stats.lost], [undefined, 0], what);
  }
  // A client that stays answers all that it was sent.
  const isWhole = fed === undefined && ["", "leaves"].includes(leaves) &&
    how === "drain and close" && isReadyFirst;
  if (isWhole) assertEquals([outcome, got], [undefined, upTo(count)], what);
}

/** They wait for their clients most of the time. */
const HOSTS_AT_ONCE = 4;

async function endSomehow(seeds: number): Promise<void> {
  const first = crypto.getRandomValues(new Uint32Array(1))[0]!;
  Deno.stderr.writeSync(new TextEncoder().encode(`seeds from ${first}\n`));
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < seeds) await endsSomehow((first + next++) >>> 0);
  };
  await Promise.all(Array.from({ length: HOSTS_AT_ONCE }, run));
}

endTest(
  "either side ends at a random moment, 12 times: nothing hangs",
  () => endSomehow(12),
  { long: true },
);

endTest(
  "either side ends at a random moment, 1,000 times: nothing hangs",
  () => endSomehow(1_000),
  { exhaustive: true },
);
