import { assert, assertEquals } from "@std/assert";
import { DESCRIPTOR, METHODS } from "../../proto/broker_gen.ts";
import { CALL_OF_MESSAGE_TYPE } from "../../proto/wire/keys.ts";
import {
  grpcStage,
  type Outcome,
  type SharedCall,
  type Stage,
  xpcStage,
} from "../helpers/carriers.ts";
import { GRPC_NEEDS } from "../helpers/grpc_fixture.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = { ...GRPC_NEEDS, service: true } as const;

/** Both carriers serve the same handlers. Here each has the same conversations and must give the same results. */

type Speaker = "host" | "client";

/** One call, and its expected result. */
interface Step {
  readonly by: Speaker;
  readonly does: SharedCall | "store" | "fetch" | "watch";
  /** The request; by default with the conversation's `connection_id`. */
  readonly with?: Readonly<Record<string, unknown>>;
  /** Whose token is sent: the caller's own by default. */
  readonly as?: Speaker | "nobody" | "guesser";
  /** Expected fields of the response. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** Expected text of a refusal. */
  readonly refuses?: string;
}

/** The calls about one connection. */
interface Conversation {
  readonly name: string;
  readonly allocate?: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
  /** The derived states that a watcher gets after its `watch`. */
  readonly hears?: string[];
}

const SCHEMA = '{"inputs":[],"outputs":[]}';
const UNKNOWN = { connection_id: "ab".repeat(16) };
const NOT_FOUND = "connection_not_found: Check STREAMLIB_CONNECTION_ID";

const host = (does: Step["does"], rest: Partial<Step> = {}): Step => ({
  by: "host",
  does,
  ...rest,
});
const client = (does: Step["does"], rest: Partial<Step> = {}): Step => ({
  by: "client",
  does,
  ...rest,
});
const ok = { success: true };
const acks = (
  step: typeof host | typeof client,
  side: Speaker,
  answers: Record<string, unknown>,
): Step => step("MarkAcked", { with: { side }, answers });

const RELAYED: readonly Step[] = [
  host("store", { answers: { ...ok, client_state: "pending" } }),
  client("fetch", { answers: { found: true, host_state: "xpc_ready" } }),
];

const CONVERSATIONS: readonly Conversation[] = [
  {
    name:
      "from alive to ready, the host's ack first, and the watcher hears all",
    steps: [
      client("watch"),
      host("HostAlive", { answers: { ...ok, client_state: "pending" } }),
      client("ClientAlive", { answers: { ...ok, host_state: "alive" } }),
      host("store", { answers: { ...ok, client_state: "alive" } }),
      client("fetch", { answers: { found: true } }),
      acks(host, "host", { ...ok, connection_state: "awaiting_ack" }),
      acks(client, "client", { ...ok, connection_state: "ready" }),
      host("GetConnectionInfo", {
        answers: {
          found: true,
          host_state: "acked",
          client_state: "acked",
          derived_state: "ready",
          client_connected: true,
          host_xpc_endpoint_stored: false,
          timeout_secs: 300,
          poll_count: 1,
        },
      }),
      host("CloseConnection", { with: { reason: "done" }, answers: ok }),
    ],
    hears: [
      "awaiting_both",
      "awaiting_client",
      "both_alive_awaiting_host_xpc",
      "awaiting_client_to_retrieve_endpoint",
      "client_connecting",
      "awaiting_ack",
      "ready",
      "closed",
    ],
  },
  {
    name: "the client's ack first",
    steps: [
      ...RELAYED,
      acks(client, "client", { ...ok, connection_state: "awaiting_ack" }),
      acks(host, "host", { ...ok, connection_state: "ready" }),
      acks(host, "host", { ...ok, connection_state: "ready" }), // a repetition has no effect
    ],
  },
  {
    name: "an ack that comes too early is answered with the state it was in",
    steps: [
      acks(host, "host", { success: false, connection_state: "awaiting_both" }),
      host("store"),
      acks(host, "host", {
        success: false,
        connection_state: "awaiting_client",
      }),
      acks(client, "client", { success: false }),
    ],
  },
  {
    name: "a token is the right side's, or nothing is done",
    steps: [
      host("HostAlive", { as: "nobody", refuses: "no token" }),
      host("HostAlive", { as: "guesser", refuses: "wrong token" }),
      host("HostAlive", { as: "client", refuses: "wrong token" }),
      client("ClientAlive", { as: "host", refuses: "wrong token" }),
      client("MarkAcked", {
        with: { side: "host" },
        refuses: "wrong token",
      }),
      client("ReportFailure", {
        with: { side: "host", reason: "a lie" },
        refuses: "wrong token",
      }),
      client("ReportStats", {
        with: { side: "host" },
        refuses: "wrong token",
      }),
      client("CloseConnection", { as: "guesser", refuses: "wrong token" }),
      client("GetConnectionSchema", { as: "nobody", refuses: "no token" }),
      client("GetConnectionInfo", { as: "guesser", refuses: "wrong token" }),
      client("watch", { as: "guesser", refuses: "wrong token" }),
      client("store", { refuses: "wrong token", as: "client" }),
      client("fetch", { refuses: "wrong token", as: "host" }),
      host("GetConnectionInfo", {
        answers: { derived_state: "awaiting_both" },
      }),
    ],
  },
  {
    name: "without tokens none is asked for",
    allocate: { want_tokens: false },
    steps: [
      ...RELAYED,
      acks(host, "host", { ...ok, connection_state: "awaiting_ack" }),
      acks(client, "client", { ...ok, connection_state: "ready" }),
    ],
  },
  {
    name: "an unknown connection is an answer",
    steps: [
      host("HostAlive", {
        with: UNKNOWN,
        answers: {
          success: false,
          client_state: "not_found",
          error: NOT_FOUND,
        },
      }),
      client("ClientAlive", {
        with: UNKNOWN,
        answers: { success: false, host_state: "not_found", error: NOT_FOUND },
      }),
      host("MarkAcked", {
        with: { ...UNKNOWN, side: "host" },
        answers: {
          success: false,
          connection_state: "not_found",
          error: NOT_FOUND,
        },
      }),
      host("ReportFailure", {
        with: { ...UNKNOWN, side: "host" },
        answers: { success: false, error: NOT_FOUND },
      }),
      host("ReportStats", {
        with: { ...UNKNOWN, side: "host" },
        answers: { success: false },
      }),
      host("CloseConnection", { with: UNKNOWN, answers: { success: false } }),
      host("GetConnectionSchema", {
        with: UNKNOWN,
        answers: { found: false, schema_json: "" },
      }),
      host("GetConnectionInfo", {
        with: UNKNOWN,
        answers: {
          found: false,
          derived_state: "not_found",
          failure_reason: NOT_FOUND,
        },
      }),
      host("store", {
        with: UNKNOWN,
        answers: { success: false, error: "connection_not_found" },
      }),
      client("fetch", {
        with: UNKNOWN,
        answers: { found: false, error: "connection_not_found" },
      }),
      client("watch", { with: UNKNOWN }),
    ],
    hears: ["not_found"],
  },
  {
    name: "a malformed request is refused by the name of its field",
    steps: [
      host("HostAlive", {
        with: { connection_id: "" },
        refuses: "connection_id",
      }),
      host("HostAlive", {
        with: { connection_id: "x".repeat(257) },
        refuses: "257 bytes",
      }),
      client("ClientAlive", {
        with: { connection_id: "a\nb" },
        refuses: "control characters",
      }),
      host("MarkAcked", { with: { side: "both" }, refuses: '"both"' }),
      host("MarkAcked", { refuses: "host or client" }),
      host("ReportFailure", { with: { side: "" }, refuses: "side" }),
      host("GetConnectionSchema", {
        with: { connection_id: "" },
        refuses: "connection_id",
      }),
      client("watch", {
        with: { connection_id: "" },
        refuses: "connection_id",
      }),
      host("AllocateConnection", {
        with: { connection_id: "", processor_id: "p" },
        refuses: "runtime_id",
      }),
      host("AllocateConnection", {
        with: {
          connection_id: "",
          runtime_id: "r",
          processor_id: "p",
          schema_json: "[",
        },
        refuses: "schema_json",
      }),
      host("AllocateConnection", {
        with: { runtime_id: "r", processor_id: "p" },
        refuses: "host_token",
      }),
      host("RegisterRuntime", { refuses: "runtime_id" }),
      host("RegisterRuntime", {
        with: { runtime_id: "r", pid: -1 },
        refuses: "pid",
      }),
      host("UnregisterRuntime", { refuses: "runtime_id" }),
    ],
  },
  {
    name: "a failure that a side reports is the connection's",
    steps: [
      client("watch"),
      host("store"),
      host("ReportFailure", {
        with: { side: "host", reason: "no GPU" },
        answers: { ...ok, error: "" },
      }),
      client("GetConnectionInfo", {
        answers: {
          found: true,
          host_state: "failed",
          derived_state: "failed",
          failure_reason: "host reported: no GPU",
        },
      }),
      client("ClientAlive", { answers: { success: false } }),
      client("fetch", {
        answers: {
          found: false,
          reason: "connection_failed",
          failure_reason: "host reported: no GPU",
        },
      }),
    ],
    hears: [
      "awaiting_both",
      "awaiting_client",
      "failed",
    ],
  },
  {
    name: "either side closes, and the record says why",
    steps: [
      client("CloseConnection", { with: { reason: "enough" }, answers: ok }),
      host("GetConnectionInfo", {
        answers: {
          host_state: "failed",
          client_state: "failed",
          derived_state: "closed",
          failure_reason: "closed: enough",
        },
      }),
      host("store", { answers: { success: false } }),
    ],
  },
  {
    name: "the schema is handed on as it was given",
    steps: [
      client("GetConnectionSchema", {
        answers: { found: true, schema_json: SCHEMA },
      }),
    ],
  },
  {
    name: "statistics are taken from each side",
    steps: [
      ...RELAYED,
      client("ReportStats", {
        with: {
          side: "client",
          path: "lane",
          frames: 60,
          bytes: 5_000_000_000,
        },
        answers: ok,
      }),
      host("GetConnectionInfo", { answers: { path: "lane" } }),
    ],
  },
  {
    name: "a runtime comes and goes, and the version is told",
    steps: [
      host("GetVersion", { answers: { protocol_version: 1 } }),
      host("RegisterRuntime", {
        with: { runtime_id: "r", name: "camera", pid: 7 },
        answers: { ...ok, error: "" },
      }),
      host("UnregisterRuntime", { with: { runtime_id: "r" }, answers: ok }),
      host("UnregisterRuntime", {
        with: { runtime_id: "r" },
        answers: { success: false },
      }),
    ],
  },
  {
    name: "what a broker has is listed, and its log is read",
    steps: [
      host("GetHealth", { answers: { healthy: true } }),
      host("RegisterRuntime", {
        with: { runtime_id: "r", name: "camera", pid: 7 },
        answers: { ...ok, error: "" },
      }),
      host("ListRuntimes"),
      host("PruneDeadRuntimes", { answers: { pruned_count: 0 } }),
      host("ListProcessors", { with: { runtime_id: "other" } }),
      host("ListConnections"),
      host("ReadLogs", {
        with: { filter: "component=nobody" },
        answers: { lost: 0, more: false },
      }),
    ],
  },
];

/** The calls that are not about one connection. */
const BROKER_CALLS = [
  "GetHealth",
  "GetVersion",
  "ListConnections",
  "ListProcessors",
  "ListRuntimes",
  "PruneDeadRuntimes",
  "ReadLogs",
  "RegisterRuntime",
  "UnregisterRuntime",
];

async function hold(stage: Stage, talk: Conversation): Promise<void> {
  const made = answerOf(
    await stage.host.call("AllocateConnection", {
      runtime_id: "runtime",
      processor_id: "blur",
      schema_json: SCHEMA,
      want_tokens: true,
      ...talk.allocate,
    }),
    "AllocateConnection",
  );
  assertHas(made, { success: true, error: "" }, "AllocateConnection");
  const tokens = {
    host: made["host_token"] as string || undefined,
    client: made["client_token"] as string || undefined,
    nobody: undefined,
    guesser: "0".repeat(64),
  };
  let heard: Record<string, unknown>[] = [];
  for (const [i, step] of talk.steps.entries()) {
    const { by, does, as = by } = step;
    const said = `step ${i + 1}, ${by} ${does}`;
    const request = BROKER_CALLS.includes(does)
      ? { ...step.with }
      : { connection_id: made["connection_id"], ...step.with };
    const token = tokens[as];
    const outcome = does === "watch"
      ? await stage[by].watch(request, token)
      : does === "store" || does === "fetch"
      ? await stage[does](request, token)
      : await stage[by].call(does, request, token);
    if ("events" in outcome) {
      assertEquals(step.refuses, undefined, said);
      heard = outcome.events;
    } else if (step.refuses !== undefined) {
      assert("refused" in outcome, `${said} was not refused`);
      assert(outcome.refused.includes(step.refuses), outcome.refused);
    } else {
      assertHas(answerOf(outcome, said), step.answers ?? {}, said);
      if (does in METHODS) assertWhole(does as SharedCall, outcome, said);
    }
  }
  const { hears } = talk;
  if (hears === undefined) return;
  await until(
    `the watcher to hear ${hears.at(-1)}`,
    () => heard.at(-1)?.["derived_state"] === hears.at(-1),
    () => JSON.stringify(heard),
  );
  const states = heard.map((event) => event["derived_state"]);
  assertEquals(states.filter((state, i) => state !== states[i - 1]), hears);
}

function answerOf(outcome: Outcome, said: string): Record<string, unknown> {
  if ("answer" in outcome) return { ...outcome.answer };
  throw new Error(`${said} was refused: ${outcome.refused}`);
}

/** Asserts that the response has these fields; it may have more. */
function assertHas(
  answer: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, unknown>>,
  said: string,
): void {
  const keys = Object.keys(fields);
  const found = Object.fromEntries(keys.map((key) => [key, answer[key]]));
  assertEquals(found, { ...fields }, said);
}

/** Over both carriers, a response has exactly the fields of `broker.proto`. */
function assertWhole(call: SharedCall, outcome: Outcome, said: string): void {
  assertEquals(
    Object.keys(answerOf(outcome, said)).sort(),
    Object.keys(DESCRIPTOR[METHODS[call].response]!.fields).sort(),
    said,
  );
}

Deno.test("contract: every call that both carriers have is spoken of", () => {
  const spoken = new Set<string>(
    CONVERSATIONS.flatMap(({ steps }) => steps.map(({ does }) => does)),
  );
  const { watch, ...calls } = CALL_OF_MESSAGE_TYPE;
  assert(spoken.has("watch"), watch);
  assertEquals(Object.values(calls).filter((call) => !spoken.has(call)), []);
});

for (const talk of CONVERSATIONS) {
  const run = (open: () => Promise<Stage>) => (): Promise<void> =>
    nativeLeavesNothing(async () => {
      await using stage = await open();
      await soon(hold(stage, talk), talk.name);
    });
  permittedTest(
    `contract over XPC: ${talk.name}`,
    { service: true },
    run(xpcStage),
  );
  permittedTest(
    `contract over gRPC: ${talk.name}`,
    NEEDS,
    run(grpcStage),
  );
}
