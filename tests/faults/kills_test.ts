import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClientProcess } from "../../host/spawn.ts";
import type { BridgeError } from "../../proto/errors.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";
import {
  carryOut,
  type Fault,
  type Moment,
  MOMENTS,
  type Role,
  type When,
} from "./moments.ts";
import { startHost } from "./host.ts";
import { Case, DEADLINE_MS, exchange, runs, until } from "./stage.ts";

/**
 * kill -9 of each party at each of the twelve steps, right before and right
 * after its message, with two seeds for what the others do meanwhile. Whoever
 * takes the step kills: itself, or the other by its process id.
 */
const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;
const SEEDS = [1, 2] as const;
const TIMEOUT_SECS = 30;
/** More than a client takes, as a rule, until it asks the broker. */
const CLIENT_START_MS = 300;

/** One of the 156. */
interface Kill {
  readonly moment: Moment;
  readonly when: When;
  readonly seed: number;
}

/** From each kill until the survivors knew, or had got over it, in milliseconds, by the victim. */
const afterMs: Record<Role, number[]> = { client: [], host: [], broker: [] };

/** How the host tells of a killed client: what was just sent may have arrived or not. */
function told({ step }: Moment, when: When): RegExp {
  const early = "the client had not connected";
  const connected = "the client had connected but not answered the ping";
  const ponged = "the channel worked but the client's module had not started";
  const sent = when === "after";
  const far = step < 9 || (step === 9 && !sent)
    ? [early]
    : step === 9
    ? [early, connected]
    : step === 10 || (step === 11 && !sent)
    ? [connected]
    : step === 11
    ? [connected, ponged]
    : [ponged];
  // After its own ack, the host has more to do before the client is gone.
  const open = step === 12 ? "|" : "";
  return new RegExp(`was killed by SIGKILL( \\((${far.join("|")})\\)${open})$`);
}

/** What a client, or the broker, says of a host that was killed. */
const HOST_GONE =
  /host lost: |host closed the channel before|channel ended without a teardown|host's process had ended/;

function killing(c: Case, { moment, when }: Kill): Fault {
  return { at: moment.name, when, signal: "SIGKILL", mark: c.mark };
}

// ---- the client is killed ----

/** The others are here; before there is a client, one that was started ahead of its time is killed. */
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
  const host = startHost({
    service: c.service,
    directory: c.directory,
    words: c.words,
    timeoutSecs: TIMEOUT_SECS,
    early: moment.step < 5 || (moment.step === 5 && when === "before"),
    hooks: moment.step === 1 ? carryOut({}) : hooksOf("host"),
    clientPlan: () =>
      moment.by === "client" ? { fault, jitter: seed } : { jitter: seed },
    spawned: (client) => {
      pid = client.pid;
      // There is no client before the first step is done: here it is.
      if (moment.step === 1) {
        carryOut({ fault }, () => pid).at(moment.name, when);
      }
    },
  });
  const failure = await soon(host.ended, "the host's end", DEADLINE_MS);
  afterMs.client.push(Date.now() - c.doneAt);
  assertEquals(failure?.code, "client_failed");
  assertMatch(failure!.message, told(moment, when));
  assert(!runs(pid));
  await until("the broker's record", () => c.failureReason !== undefined);
  assertMatch(c.failureReason!, /^client lost: |^host reported: .*SIGKILL/s);
}

// ---- the host is killed ----

async function killHost(c: Case, kill: Kill): Promise<void> {
  const { moment, seed } = kill;
  const early = seed === 2 && moment.step < 5;
  // So that a client that is ahead waits at the broker when its host dies.
  const fault: Fault = {
    ...killing(c, kill),
    ...(early && moment.by === "host" && { sleepMs: CLIENT_START_MS }),
  };
  let pid = 0;
  await using _broker = await c.broker(
    carryOut(
      { jitter: seed, ...(moment.by === "broker" && { fault }) },
      () => pid,
    ),
  );
  await using host = await c.hostProcess({
    service: c.service,
    directory: c.directory,
    words: c.words,
    timeoutSecs: TIMEOUT_SECS,
    early,
    client: moment.by === "client" ? { fault, jitter: seed } : { jitter: seed },
    clientKillsHost: true,
  }, { jitter: seed, ...(moment.by === "host" && { fault }) });
  pid = host.pid;
  const { signal } = await soon(host.status, "the kill", DEADLINE_MS);
  assertEquals(signal, "SIGKILL", await host.errors);
  const diedAt = c.doneAt;
  await host.end();
  const spawned = host.lines.map((line) => JSON.parse(line))
    .find((line) => "spawned" in line)?.spawned as number | undefined;
  if (spawned !== undefined) {
    await until("the client's end", () => !runs(spawned));
    assertMatch(c.lastWords, HOST_GONE);
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
  const host = startHost({
    service: c.service,
    directory: c.directory,
    words: c.words,
    timeoutSecs: TIMEOUT_SECS,
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
  const { signal } = await soon(killed.status, "the kill", DEADLINE_MS);
  assertEquals(signal, "SIGKILL");
  // Once the client has the endpoint nobody needs a broker: in one case out of two there is none.
  await using held = new AsyncDisposableStack();
  if (moment.step < 9 || seed === 1) held.use(await c.broker());
  await soon(
    host.ready.catch((error) => {
      throw new Error(`${error.message}\nclient: ${c.lastWords}`);
    }),
    `ready (${host.bridge.phase}; ${c.lastWords})`,
    DEADLINE_MS,
  );
  afterMs.broker.push(Date.now() - c.doneAt);
  await exchange(host, 0, 5);
  await soon(host.close(), "close", DEADLINE_MS);
  assertEquals(failed, undefined);
  // A client that was ahead of its host is not the host's to wait for.
  await soon(client!.exit, "the client's end", DEADLINE_MS);
}

const KILLERS: Record<Role, (c: Case, kill: Kill) => Promise<void>> = {
  client: killClient,
  host: killHost,
  broker: killBroker,
};

const WHENS: readonly When[] = ["before", "after"];

for (const [victim, run] of Object.entries(KILLERS)) {
  for (const moment of MOMENTS) {
    const { step, name, by } = moment;
    permittedTest(
      `kill -9 of the ${victim} at step ${step}: ${name}, of the ${by}`,
      NEEDS,
      async () => {
        using home = isolatedHome();
        await leavesNothing(home.runDirectory, async () => {
          const kills = WHENS.flatMap((when) =>
            SEEDS.map((seed) => ({ moment, when, seed }))
          );
          await Promise.all(kills.map(async (kill) => {
            const c = new Case(home.path);
            try {
              await run(c, kill);
              await c.nextBrokerStarts();
            } catch (cause) {
              throw new Error(
                `${kill.when}, seed ${kill.seed}: ${(cause as Error).message}`,
                { cause },
              );
            }
          }));
        });
      },
    );
  }
}

permittedTest("how long it took, at the most", NEEDS, () => {
  const lines = Object.entries(afterMs).map(([victim, times]) =>
    `${times.length} kills of the ${victim}: ${Math.max(...times)} ms`
  );
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
});
