import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClientProcess } from "../../host/spawn/spawn.ts";
import type { BridgeError } from "../../proto/errors.ts";
import { atMost, TWICE_THE_CORES } from "../helpers/at_most.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";
import {
  carryOut,
  type Fault,
  type Moment,
  MOMENTS,
  type Role,
  type When,
} from "./moments.ts";
import { Case, exchange, runs } from "./stage.ts";

/**
 * kill -9 of each party at each of the twelve steps, right before and right
 * after its message, with two seeds for the delays of the others: 156
 * kills. The process that takes the step kills itself, or the other by its process id.
 *
 * A normal run does one kill at each step, of another party each time; an
 * exhaustive run does all of them.
 */

/** One of the 156. */
interface Kill {
  readonly victim: Role;
  readonly moment: Moment;
  readonly when: When;
  readonly seed: number;
}

/** The four kills at one moment. */
const VARIANTS: readonly Pick<Kill, "when" | "seed">[] = [
  { when: "before", seed: 1 },
  { when: "after", seed: 2 },
  { when: "before", seed: 2 },
  { when: "after", seed: 1 },
];

/** The time from each kill until the survivors knew of it or had recovered, in milliseconds, by victim. It is printed only. */
const afterMs: Record<Role, number[]> = { client: [], host: [], broker: [] };

/**
 * How the host reports a killed client. The last message that was sent may have
 * arrived or not, and a client that another process kills goes on until the
 * signal is there: it may have answered. The client's own ack goes to the broker,
 * so the pong is its last message to the host at step 12 too.
 */
function told({ step, by }: Moment, when: When): RegExp {
  const early = "the client had not connected";
  const connected = "the client had connected but not answered the ping";
  const ponged = "the channel worked but the client's module had not started";
  const sent = when === "after";
  const far = step < 8 || (step <= 9 && !sent)
    ? [early]
    : step <= 9
    ? [early, connected]
    : step <= 11 && !sent
    ? [connected]
    : step <= 11 || by === "client"
    ? [connected, ponged]
    : [ponged];
  // A host that has the pong acks it and goes on, unless it knows by then that the client is gone.
  const open = far.includes(ponged) ? "|" : "";
  return new RegExp(`was killed by SIGKILL( \\((${far.join("|")})\\)${open})$`);
}

/** What a client or the broker reports about a host that was killed. */
const HOST_GONE =
  /host lost: |host closed the channel before|channel ended without a teardown|host's process had ended/;

function killing(c: Case, { moment, when }: Kill): Fault {
  return { at: moment.name, when, signal: "SIGKILL", mark: c.mark };
}

// ---- the client is killed ----

/** The host and the broker are in this process. At moments before the host starts its client, a client that was started early is killed. */
async function killClient(c: Case, kill: Kill): Promise<void> {
  const { moment, when, seed } = kill;
  const fault = killing(c, kill);
  let pid = 0;
  const hooksOf = (role: Role) =>
    carryOut(
      { jitter: seed, ...(moment.by === role && { fault }) },
      () => pid,
    );
  await using _broker = await c.broker(hooksOf("broker"));
  const host = c.host({
    early: moment.step < 5 || (moment.step === 5 && when === "before"),
    hooks: moment.step === 1 ? carryOut({}) : hooksOf("host"),
    clientPlan: () =>
      moment.by === "client" ? { fault, jitter: seed } : { jitter: seed },
    spawned: (client) => {
      pid = client.pid;
      // The client starts only after the first step.
      if (moment.step === 1) {
        carryOut({ fault }, () => pid).at(moment.name, when);
      }
    },
  });
  const failure = await soon(host.ended, "the host's end");
  afterMs.client.push(Date.now() - c.doneAt);
  assertEquals(failure?.code, "client_failed");
  assertMatch(failure!.message, told(moment, when));
  assert(!runs(pid));
  await until("the broker's record", () => c.failureReason !== undefined);
  assertMatch(c.failureReason!, /^client lost: |^host reported: .*SIGKILL/s);
}

// ---- the host is killed ----

/** The event that the broker sees before a host with an early client is killed: that this client waits, or, if it is not started yet, that the host is known. */
function signBefore({ step, by }: Moment, when: When): string | undefined {
  if (by !== "host") return undefined;
  if (step > 1) return "get_endpoint";
  return when === "after" ? "reply to allocate" : undefined;
}

async function killHost(c: Case, kill: Kill): Promise<void> {
  const { moment, when, seed } = kill;
  const early = seed === 2 && moment.step < 5;
  const sign = signBefore(moment, when);
  const fault: Fault = {
    ...killing(c, kill),
    ...(early && sign !== undefined && { until: c.released }),
  };
  const seen = (name: string): void => {
    if (name === sign) c.release();
  };
  let pid = 0;
  const hooks = carryOut(
    { jitter: seed, ...(moment.by === "broker" && { fault }) },
    () => pid,
  );
  await using _broker = await c.broker({
    at: (name, when) => {
      hooks.at(name, when);
      if (when === "after") seen(name);
    },
    heard: seen,
  });
  await using host = await c.hostProcess({
    early,
    client: moment.by === "client" ? { fault, jitter: seed } : { jitter: seed },
    clientKillsHost: true,
  }, { jitter: seed, ...(moment.by === "host" && { fault }) });
  pid = host.pid;
  await host.killed();
  const diedAt = c.doneAt;
  await host.end();
  const spawned = host.lines.map((line) => JSON.parse(line))
    .find((line) => "spawned" in line)?.spawned as number | undefined;
  if (spawned !== undefined) {
    await until("the client's end", () => !runs(spawned));
    // A client that its broken pipe ends first says nothing: nobody would read it.
    if (c.lastWords !== "") assertMatch(c.lastWords, HOST_GONE);
  } else assert(moment.step <= 5);
  if (c.records.some(({ connection_id }) => connection_id)) {
    await until("the broker's record", () => c.failureReason !== undefined);
    afterMs.host.push(Date.now() - diedAt);
    assertMatch(c.failureReason!, HOST_GONE);
  } else assert(moment.step === 1);
}

// ---- the broker is killed ----

async function killBroker(c: Case, kill: Kill): Promise<void> {
  const { moment, seed } = kill;
  const fault = killing(c, kill);
  await using killed = await c.brokerProcess(
    moment.by === "broker" ? { fault, jitter: seed } : { jitter: seed },
  );
  await killed.serves();
  let client: ClientProcess | undefined;
  const host = c.host({
    early: seed === 2 && moment.step < 5,
    hooks: carryOut(
      { jitter: seed, ...(moment.by === "host" && { fault }) },
      () => killed.pid,
    ),
    clientPlan: () =>
      moment.by === "client"
        ? { fault: { ...fault, to: killed.pid }, jitter: seed }
        : { jitter: seed },
    spawned: (process) => client = process,
  });
  host.ended.then((failure) => failure && (failed = failure));
  let failed: BridgeError | undefined;
  await killed.killed();
  // When the client has the endpoint, no side needs a broker: in half of the cases there is none.
  await using held = new AsyncDisposableStack();
  if (moment.step < 9 || seed === 1) held.use(await c.broker());
  await soon(
    host.ready.catch((error) => {
      throw new Error(`${error.message}\nclient: ${c.lastWords}`);
    }),
    `ready (${host.bridge.phase}; ${c.lastWords})`,
  );
  afterMs.broker.push(Date.now() - c.doneAt);
  await exchange(host, 0, 5);
  await soon(host.close(), "close");
  assertEquals(failed, undefined);
  // A host does not wait for the end of a client that was started before it.
  await soon(client!.exit, "the client's end");
}

const KILLERS: Record<Role, (c: Case, kill: Kill) => Promise<void>> = {
  client: killClient,
  host: killHost,
  broker: killBroker,
};

/** Does the kills, several at once. Each of them leaves nothing behind. */
async function doKills(
  kills: readonly Kill[],
  atOnce: number,
): Promise<void> {
  using home = isolatedHome();
  await leavesNothing(
    home.runDirectory,
    () =>
      atMost(atOnce, kills, async (kill) => {
        try {
          await using c = new Case(home.path);
          await KILLERS[kill.victim](c, kill);
          await c.nextBrokerStarts();
        } catch (cause) {
          const { victim, moment: { step, name }, when, seed } = kill;
          throw new Error(
            `${victim}, ${when} step ${step}, ${name}, seed ${seed}: ${
              (cause as Error).message
            }`,
            { cause },
          );
        }
      }),
  );
}

const VICTIMS = ["client", "host", "broker"] as const satisfies Role[];

for (const [index, moment] of MOMENTS.entries()) {
  const { step, name, by } = moment;
  // Another victim and another variant at the next step.
  const victim = VICTIMS[index % VICTIMS.length]!;
  const variant = VARIANTS[index % VARIANTS.length]!;
  permittedTest(
    `kill -9 of the ${victim} at step ${step}: ${name}, of the ${by}`,
    HOST_NEEDS,
    () => doKills([{ victim, moment, ...variant }], 1),
  );
}

for (const victim of VICTIMS) {
  const all = MOMENTS.flatMap((moment) =>
    VARIANTS.map((variant) => ({ victim, moment, ...variant }))
  );
  permittedTest(
    `kill -9 of the ${victim} at every step: all ${all.length}`,
    { ...HOST_NEEDS, exhaustive: true },
    async () => {
      await doKills(all, TWICE_THE_CORES);
      const text = `${Math.max(...afterMs[victim])} ms at the most\n`;
      Deno.stdout.writeSync(new TextEncoder().encode(text));
    },
  );
}
