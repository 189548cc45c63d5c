/**
 * A host is attacked through its lane by the client that it has started, after a good
 * handshake: it goes on, or ends the connection and says why; and another host of
 * the same process gets all its frames meanwhile.
 */

import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { findBroker } from "../../host/broker_finder.ts";
import type { ClientExit } from "../../host/spawn/spawn.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { Native } from "../../ffi/native.ts";
import type { BridgeError } from "../../proto/errors.ts";
import { DEFAULT_TIMEOUT_SECS } from "../../proto/limits.ts";
import {
  LANE_ATTACKED,
  NEVER_ENDS,
  type Round,
} from "../fixtures/hostile_lane.ts";
import { killTree, linesOf } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { LANE_ATTACKS, MISUSED } from "../helpers/lane/lane_attacks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";

const NEEDS = {
  read: true,
  write: true,
  env: true,
  run: true,
  service: true,
} as const;
const SERVICE = "com.example.hostile";
/** How long a quick attack lasts, and all attacks of an exhaustive run. */
const QUICK_MS = 60;
const EXHAUSTIVE_MS = 60_000;
/** The frames that the neighbour gets while a host is attacked. */
const NEIGHBOURS = 5;

/** The process of hostile clients. */
class Attacker implements AsyncDisposable {
  readonly #child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "-q", "--no-check"],
      new URL("../fixtures/hostile_lane.ts", import.meta.url).pathname,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  readonly #input = this.#child.stdin.getWriter();
  readonly #lines = linesOf(this.#child.stdout);

  /** Begins the next round. */
  async begin(round: Round): Promise<void> {
    const line = new TextEncoder().encode(`${JSON.stringify(round)}\n`);
    await soon(this.#input.write(line), "the attacker's input");
  }

  /** Resolves when it has said this. */
  async said(word: string): Promise<void> {
    const { value } = await soon(this.#lines.next(), word);
    assertEquals(value, word);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killTree(this.#child.pid);
    await this.#child.status;
    await this.#lines.return();
  }
}

/** A host that is attacked, and what it has said. */
class Attacked implements AsyncDisposable {
  readonly env = Promise.withResolvers<Readonly<Record<string, string>>>();
  readonly warnings: string[] = [];
  readonly #exited = Promise.withResolvers<ClientExit>();
  readonly host = new Supervisor(Native.open(), {
    schema: LANE_ATTACKED,
    runtimeId: "test",
    processorId: "attacked",
    name: "client",
    processorType: "manual",
    path: "lane",
    sleeps: false,
    timeoutSecs: DEFAULT_TIMEOUT_SECS,
    findBroker: (native, lost, signal) =>
      findBroker(
        native,
        { given: SERVICE, fallback: SERVICE, embed: undefined },
        lost,
        signal,
      ),
    spawn: (env) => {
      this.env.resolve(env);
      return {
        pid: 1,
        stderrTail: "",
        exit: this.#exited.promise,
        kill: () => {},
      };
    },
    warn: (text) => void this.warnings.push(text),
    restart: "never",
    settings: {},
    restarting: () => {},
  });

  constructor() {
    this.host.setRunning(true);
    this.host.over.addEventListener(
      "abort",
      () => this.#exited.resolve({ code: 0, signal: null, stderrTail: "" }),
    );
  }

  /** Sends a frame, and looks at each frame that has come, at all of its memory. */
  useAll(): void {
    const { senders, receivers } = this.host.channel;
    if (!this.host.over.aborted) {
      using frame = senders["frames"]!.acquire({
        data: new Uint8Array(100),
        schema_name: "attacked",
        timestamp_ns: 0n,
      });
      senders["frames"]!.send(frame);
    }
    for (const receiver of Object.values(receivers)) {
      for (let frame; (frame = receiver.get());) {
        using _ = frame;
        frame.copy();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await soon(this.host.close(), "close");
  }
}

/** What happens on every attack: another host works as ever. */
class Neighbour implements AsyncDisposable {
  readonly #host = launchFixture("invert.ts");
  readonly #results = this.#host.output.video[Symbol.asyncIterator]();
  #number = 0;

  async ready(): Promise<void> {
    await soon(this.#host.ready, "the neighbour");
  }

  /** Sends a frame, and waits until it is back. */
  async exchange(): Promise<void> {
    const number = this.#number++;
    await soon(this.#host.input.video.ready, `room for ${number}`);
    using frame = acquireFrame(this.#host, number);
    assert(this.#host.input.video.send(frame));
    const { value } = await soon(this.#results.next(), `frame ${number}`);
    using out = value!;
    assertEquals(out.frame_number, BigInt(number));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    assertEquals(this.#host.output.video.stats.dropped, 0);
    await soon(this.#host[Symbol.asyncDispose](), "the neighbour's end");
  }
}

/** Runs `body` with a broker, the neighbour and a hostile process. */
async function besideNeighbour(
  body: (neighbour: Neighbour, attacker: Attacker) => Promise<void>,
): Promise<void> {
  using _ = isolatedHome();
  await using _broker = await Broker.start({
    service: SERVICE,
    log: { sink: () => {} },
  });
  await using neighbour = new Neighbour();
  await using attacker = new Attacker();
  await neighbour.ready();
  await body(neighbour, attacker);
}

/** Lets the attacker attack a new host. Returns how that host has ended. */
async function attacked(
  neighbour: Neighbour,
  attacker: Attacker,
  round: Omit<Round, "env">,
): Promise<BridgeError | undefined> {
  await using attacked = new Attacked();
  const { host, env, warnings } = attacked;
  await attacker.begin({ ...round, env: await soon(env.promise, "the start") });
  await soon(host.ready, "the attacked host");
  await attacker.said("begun");
  let isDone = false;
  const served = async (): Promise<void> => {
    for (let number = 0; number < NEIGHBOURS || !isDone; number++) {
      attacked.useAll();
      await neighbour.exchange();
    }
  };
  const done = attacker.said("done").finally(() => isDone = true);
  await Promise.all([done, served()]);
  if (LANE_ATTACKS[round.attack]!.ends) await soon(host.ended, "the end");
  await soon(host.close(), "close");
  assert(warnings.length < 12, warnings.join("\n"));
  return host.failure;
}

function assertEnd(
  { attack, seed }: Omit<Round, "env">,
  failure: BridgeError | undefined,
): void {
  const { ends, mayEnd } = LANE_ATTACKS[attack]!;
  const what = `a client that ${attack}, seed ${seed}: ${failure ?? "no end"}`;
  if (failure === undefined) return assertEquals(ends, undefined, what);
  assert(ends || mayEnd, what);
  assert((ends ?? MISUSED).test(failure.message), what);
  const isOverdue = failure.code === "timed_out" && mayEnd &&
    failure.message.includes("did not come within");
  assert(isOverdue || failure.code === "malformed_message", what);
}

permittedTest(
  "a host whose client writes garbage into every part of their lane, floods its bell or shuts it, goes on or says why not, and its neighbour is served",
  NEEDS,
  (t) =>
    besideNeighbour(async (neighbour, attacker) => {
      for (const attack of Object.keys(LANE_ATTACKS)) {
        await t.step(attack, async () => {
          const round = { attack, seed: 15, ms: QUICK_MS };
          assertEnd(round, await attacked(neighbour, attacker, round));
        });
      }
    }),
);

permittedTest(
  "a minute of every attack on a lane, each with other numbers",
  { ...NEEDS, exhaustive: true },
  () =>
    besideNeighbour(async (neighbour, attacker) => {
      const deadline = performance.now() + EXHAUSTIVE_MS;
      for (let seed = 1; performance.now() < deadline; seed++) {
        for (const attack of Object.keys(LANE_ATTACKS)) {
          const round = { attack, seed, ms: QUICK_MS };
          assertEnd(round, await attacked(neighbour, attacker, round));
        }
      }
    }),
);

permittedTest(
  "a client that writes as fast as its host reads keeps it from nothing else",
  NEEDS,
  () =>
    besideNeighbour(async (neighbour, attacker) => {
      await using attacked = new Attacked();
      const { host, env } = attacked;
      await attacker.begin({
        attack: NEVER_ENDS,
        seed: 0,
        ms: PATIENCE_MS / 4,
        env: await soon(env.promise, "the start"),
      });
      await soon(host.ready, "the attacked host");
      await attacker.said("begun");
      await attacker.said("full");
      let isDone = false;
      attacker.said("done").then(() => isDone = true, () => {});
      for (let number = 0; number < 10; number++) await neighbour.exchange();
      assert(!isDone, "the attack was over before the neighbour was served");
      await soon(host.close(), "close");
      assertEquals(host.failure, undefined);
    }),
);
