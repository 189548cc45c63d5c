/**
 * A client is attacked by the host that has started it, after a good handshake:
 * what waits in the client stays within its budgets, what it writes is fit for a
 * terminal, and it goes on, or ends and says why: on its stderr and to the broker.
 */

import {
  INBOX_BYTES,
  MEMORY_BYTES,
  MIB,
  OUTBOX_BYTES,
} from "../helpers/queue_budgets.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { type ClientProcess, clientStarter } from "../../host/spawn/spawn.ts";
import type { Condition } from "../fixtures/attacked_client.ts";
import { CollectedText, kill, killTree } from "../helpers/child.ts";
import { testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "../helpers/home.ts";
import { type Needs, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = {
  read: true,
  write: true,
  env: true,
  run: true,
  service: true,
} as const;
/** So many messages are more than the queues hold. */
const ENOUGH = 300;
const PACKETS = { ...NEEDS, linux: "c/linux's packets" } as const;
/** A line of an attacked client. */
const LINE = /^\{[^{}\n]*\}$/gm;
const fixture = (name: string): URL =>
  new URL(`../fixtures/${name}`, import.meta.url);

/** A client, its attacker, and what the broker has logged. */
interface Attacked {
  readonly client: ClientProcess;
  /** How the client was so far. */
  conditions(): Condition[];
  /** All that the client has written so far. */
  written(): string;
  killHost(): Promise<void>;
  readonly records: readonly Record<string, string>[];
}

/** Returns the lines of an attacked client in what it has written. */
function conditionsIn(written: string): Condition[] {
  return [...written.matchAll(LINE)].map(([line]) => JSON.parse(line));
}

/** In so many lines of an attacked client its host has sent nothing more. */
const STILL = 20;

/**
 * Whether a flood has done what it can. Either it has sent more than the queues hold;
 * or its host, which reads nothing, has stopped it: the answers of the client wait for
 * it, so the client takes no more, or the host lacks the confirmations to send more.
 */
function isEnough(conditions: readonly Condition[]): boolean {
  const last = conditions.at(-1);
  if (last === undefined || last.received > ENOUGH) return last !== undefined;
  const still = conditions.slice(-STILL);
  return still.length === STILL &&
    still.every(({ received, outbox }) =>
      received === last.received && outbox > 0
    );
}

/** Asserts that what waits in the client, and what it takes, stayed within the budgets. */
function assertBudgets(conditions: readonly Condition[]): void {
  const most = (of: (one: Condition) => number): number =>
    Math.max(0, ...conditions.map(of));
  const [first] = conditions;
  const grown = most(({ memory }) => memory) - (first?.memory ?? 0);
  const inbox = most(({ inbox }) => inbox);
  const outbox = most(({ outbox }) => outbox);
  assert(inbox <= INBOX_BYTES, `${inbox} bytes waited in the inbox`);
  // One message may be added to a queue that is not full yet.
  assert(outbox <= OUTBOX_BYTES + MIB, `${outbox} bytes waited in the outbox`);
  assert(grown <= MEMORY_BYTES, `${grown} bytes more`);
}

/** Asserts that no terminal acts on what was written, and that it is no flood. */
function assertFit(written: string): void {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  assert(!/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/.test(written), written);
  assert(written.length < 100_000, `${written.length} characters`);
}

/** Registers a test of one attack. */
function attackTest(
  name: string,
  attack: string,
  body: (attacked: Attacked) => Promise<void>,
  needs: Needs = NEEDS,
): void {
  permittedTest(name, needs, async () => {
    using _home = isolatedHome();
    const service = "com.example.attacked";
    const records: Record<string, string>[] = [];
    await using _broker = await Broker.start({
      service,
      log: { sink: (line) => void records.push(JSON.parse(line)) },
    });
    const host = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "-q", "--no-check"],
        ...[fixture("hostile_host.ts").pathname, service, attack],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    await using _host = {
      [Symbol.asyncDispose]: async () => {
        await killTree(host.pid);
        await host.status;
      },
    };
    const said = new CollectedText(host.stdout);
    await said.until("the connection", (text) => text.includes("\n"));
    const { connection_id, token } = JSON.parse(said.text);
    let written = "";
    const start = clientStarter({
      permissions: undefined,
      ...testClient("attacked_client.ts", { read: true }),
      name: "client",
      runner: new URL("../../client/runner.ts", import.meta.url),
      grpcClient: undefined,
      userEnv: {},
      deno: undefined,
      config: undefined,
      output: (chunk) => written += new TextDecoder().decode(chunk),
    });
    await start.prepare?.(new AbortController().signal);
    const client = start({
      STREAMLIB_BROKER_XPC_SERVICE: service,
      STREAMLIB_CONNECTION_ID: connection_id,
      STREAMLIB_CONNECTION_TOKEN: token,
    });
    await using _client = {
      [Symbol.asyncDispose]: async () => {
        client.kill("SIGKILL");
        await soon(client.exit, "the client's end");
      },
    };
    await body({
      client,
      conditions: () => conditionsIn(written),
      written: () => written,
      killHost: async () => void await kill(host),
      records,
    });
    assertBudgets(conditionsIn(written));
  });
}

attackTest(
  "a client whose host floods it with what it does not want outlives it, and ends when the host is killed",
  "floods",
  async ({ client, conditions, killHost, written }) => {
    let hasEnded = false;
    client.exit.then(() => hasEnded = true);
    await until(
      "messages",
      () => hasEnded || isEnough(conditions()),
      () => JSON.stringify(conditions().at(-1)),
    );
    await killHost();
    const { code, stderrTail } = await soon(client.exit, "the client's end");
    assertEquals(code, 0, stderrTail);
    assertFit(written().replaceAll(LINE, ""));
    assertStringIncludes(stderrTail, "the channel ended without a teardown");
  },
);

/** Attacks that end a client: what the host does, the client's words and code, and what else the attack needs. */
const ENDING: [attack: string, what: string, words: string, needs?: Needs][] = [
  [
    "confirms",
    "reads nothing, and confirms all that it was sent",
    "outbox_full: the channel to the host ended: process",
    PACKETS,
  ],
  [
    "nonsense",
    "sends what is no packet",
    "malformed_message: the channel to the host ended: a packet was refused: the header",
    PACKETS,
  ],
  [
    "oversize",
    "sends what is longer than a message may be",
    "malformed_message: the channel to the host ended: a packet was refused: ",
    { ...PACKETS, exhaustive: true },
  ],
  [
    "last packet",
    "ends the connection with words for a terminal",
    "malformed_message: the channel to the host ended: the other side has ended the connection, and says: ?[31mred",
    PACKETS,
  ],
  [
    "a lane that can shrink",
    "offers a lane whose memory can shrink",
    "malformed_message: the channel to the host ended: a packet was refused: shared memory is not a memfd sealed against shrinking",
    PACKETS,
  ],
  [
    "a refusal",
    "refuses it with words for a terminal",
    "timed_out: the host refused this client: red",
  ],
];

/** Of these the host ends with its client, or has told of its failure itself: the broker has other words, or none. */
const UNTOLD = ["a lane that can shrink", "a refusal"];

for (const [attack, what, words, needs] of ENDING) {
  attackTest(
    `a client whose host ${what} ends and says why`,
    attack,
    async ({ client, records, written }) => {
      const { code, stderrTail } = await soon(client.exit, "the client's end");
      assertEquals(code, 1, stderrTail);
      const said = written().replaceAll(LINE, "").trim();
      assertStringIncludes(said, `streamlib client: client: ${words}`);
      assertFit(said);
      if (UNTOLD.includes(attack)) return;
      const failed = records.find(({ message }) => message === "failed");
      const reason = words.slice(words.indexOf(": ") + 2);
      assertStringIncludes(
        failed?.["reason"] ?? "",
        `client reported: ${reason}`,
      );
    },
    needs,
  );
}

attackTest(
  "a client whose host says that it fails leaves it the word, and ends",
  "last words",
  async ({ client, written }) => {
    const { code } = await soon(client.exit, "the client's end");
    assertEquals([code, written().replaceAll(LINE, "").trim()], [1, ""]);
  },
);
