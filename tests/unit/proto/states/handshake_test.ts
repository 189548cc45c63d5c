import { assert, assertEquals } from "@std/assert";
import {
  type ClientEvent,
  type ClientPhase,
  clientStep,
  type HostEvent,
  type HostPhase,
  hostStep,
} from "../../../../proto/states/handshake.ts";
import {
  type Credentials,
  hasPayload,
  helloMessage,
  helloProblem,
  pingMessage,
  pongMessage,
} from "../../../../proto/states/handshake_messages.ts";
import type { ErrorCode } from "../../../../proto/errors.ts";
import { PING, PONG } from "../../../../proto/wire/keys.ts";
import {
  uint64,
  type XpcDictionary,
} from "../../../../proto/wire/xpc_value.ts";

function runHost(...events: HostEvent[]): [HostPhase, string[]] {
  let phase: HostPhase = "new";
  const done: string[] = [];
  for (const event of events) {
    const step = hostStep(phase, event);
    phase = step.phase;
    done.push(...step.effects.map((effect) => effect.type));
  }
  return [phase, done];
}

function runClient(...events: ClientEvent[]): [ClientPhase, string[]] {
  let phase: ClientPhase = "new";
  const done: string[] = [];
  for (const event of events) {
    const step = clientStep(phase, event);
    phase = step.phase;
    done.push(...step.effects.map((effect) => effect.type));
  }
  return [phase, done];
}

const HELLO: HostEvent = { type: "hello", peer: 1, problem: undefined };
const HOST_WAY: HostEvent[] = [
  { type: "begin" },
  { type: "allocated" },
  { type: "stored" },
  HELLO,
  { type: "pong", valid: true },
  { type: "started" },
];

Deno.test("host: the way to an open gate", () => {
  assertEquals(runHost(...HOST_WAY), ["open", [
    "allocate",
    "store_endpoint",
    "spawn",
    "adopt",
    "ping",
    "report_acked",
    "open_gate",
  ]]);
});

Deno.test("host: every event twice does nothing twice", () => {
  const [phase, done] = runHost(...HOST_WAY.flatMap((event) => [event, event]));
  assertEquals(phase, "open");
  assertEquals(done.filter((effect) => effect !== "refuse").length, 7);
  assertEquals(done.filter((effect) => effect === "refuse").length, 1);
});

Deno.test("host: a hello that is not its client's is refused in every phase, and changes nothing", () => {
  for (let length = 0; length <= HOST_WAY.length; length++) {
    const [phase] = runHost(...HOST_WAY.slice(0, length));
    const problem = {
      code: "not_permitted",
      reason: "no",
      isOurClient: false,
    } as const;
    const step = hostStep(phase, { type: "hello", peer: 9, problem });
    assertEquals(step, {
      phase,
      effects: [{ type: "refuse", peer: 9, ...problem }],
    });
  }
});

Deno.test("host: a start before the pong is malformed, and says so", () => {
  let phase: HostPhase = "new";
  for (const event of HOST_WAY.slice(0, 4)) {
    phase = hostStep(phase, event).phase;
  }
  const { effects } = hostStep(phase, { type: "started" });
  assert(
    effects[0]?.type === "fail" && effects[0].code === "malformed_message",
  );
});

Deno.test("host: from every phase a failure ends it once, with its reason", () => {
  for (let length = 0; length <= HOST_WAY.length; length++) {
    const failed: HostEvent = {
      type: "failed",
      code: "client_failed",
      reason: "why",
    };
    const [phase, done] = runHost(
      ...HOST_WAY.slice(0, length),
      failed,
      failed,
      { type: "close" },
    );
    assertEquals(phase, "ended");
    assertEquals(done.filter((e) => e === "fail" || e === "close"), ["fail"]);
  }
});

Deno.test("host: a broker that goes is given everything again while the client is awaited, and at no other time", () => {
  for (let length = 0; length <= HOST_WAY.length; length++) {
    const [phase] = runHost(...HOST_WAY.slice(0, length));
    const step = hostStep(phase, { type: "broker_lost" });
    const effects = phase === "awaiting_hello"
      ? [{ type: "store_again" as const }]
      : [];
    assertEquals(step, { phase, effects });
  }
});

Deno.test("host: a pong that is late or wrong fails, a late timer does not", () => {
  const asked = HOST_WAY.slice(0, 4);
  assertEquals(runHost(...asked, { type: "pong_overdue" })[0], "ended");
  assertEquals(runHost(...asked, { type: "pong", valid: false })[0], "ended");
  assertEquals(
    runHost(...asked, { type: "pong", valid: true }, { type: "pong_overdue" })[
      0
    ],
    "awaiting_started",
  );
});

const CLIENT_WAY: ClientEvent[] = [
  { type: "begin" },
  { type: "schema_received" },
  { type: "endpoint_received" },
  { type: "ping", valid: true },
  { type: "module_started" },
];

Deno.test("client: the way to running, asking again while the endpoint is not there", () => {
  assertEquals(
    runClient(
      ...CLIENT_WAY.slice(0, 2),
      { type: "endpoint_not_ready" },
      { type: "endpoint_not_ready" },
      ...CLIENT_WAY.slice(2),
    ),
    ["running", [
      "get_schema",
      "get_endpoint",
      "get_endpoint",
      "get_endpoint",
      "connect",
      "pong",
      "report_acked",
      "load_module",
      "tell_started",
    ]],
  );
});

Deno.test("client: the pong goes before the module is loaded", () => {
  const [, done] = runClient(...CLIENT_WAY);
  assert(done.indexOf("pong") < done.indexOf("load_module"));
});

Deno.test("client: from every phase a failure or a close ends it once", () => {
  for (let length = 0; length <= CLIENT_WAY.length; length++) {
    for (const end of ["fail", "close"] as const) {
      const event: ClientEvent = end === "fail"
        ? { type: "failed", code: "client_failed", reason: "why" }
        : { type: "close" };
      const [phase, done] = runClient(
        ...CLIENT_WAY.slice(0, length),
        event,
        event,
      );
      assertEquals(phase, "ended");
      assertEquals(done.filter((e) => e === end).length, 1);
    }
  }
});

const CREDENTIALS: Credentials = {
  connection_id: "c0ffee",
  token: "secret",
  schema_hash: "ab",
};

Deno.test("hello: accepted as it is made, refused with the reason for each thing that is wrong", () => {
  const hello = helloMessage(CREDENTIALS);
  assertEquals(helloProblem(hello, CREDENTIALS), undefined);
  const wrong: [XpcDictionary, ErrorCode, string][] = [
    [{}, "malformed_message", "must be a hello"],
    [pingMessage(), "malformed_message", "must be a hello, not 'ping'"],
    [
      { ...hello, connection_id: uint64(1) },
      "malformed_message",
      "no string 'connection_id'",
    ],
    [
      { ...hello, connection_id: "other" },
      "handshake_failed",
      "another connection",
    ],
    [{ ...hello, token: "guess" }, "not_permitted", "token is wrong"],
    [{ ...hello, token: undefined }, "not_permitted", "token is wrong"],
    [
      { ...hello, protocol_version: uint64(2) },
      "version_mismatch",
      "protocol version 2",
    ],
    [
      { ...hello, protocol_version: "1" },
      "version_mismatch",
      "protocol version (none)",
    ],
    [{ ...hello, schema_hash: "cd" }, "schema_mismatch", "schema is another"],
    [{ ...hello, schema_hash: true }, "schema_mismatch", "hash is missing"],
  ];
  for (const [message, code, words] of wrong) {
    const problem = helloProblem(message, CREDENTIALS);
    const reason = problem?.reason ?? "accepted";
    assertEquals(problem?.code, code, reason);
    assert(reason.includes(words), `${reason} does not say ${words}`);
    assert(!reason.includes("secret") && !reason.includes("guess"));
    const proven = code === "version_mismatch" || code === "schema_mismatch";
    assertEquals(problem?.isOurClient, proven);
  }
});

Deno.test("ping and pong are told apart by their bytes", () => {
  assert(hasPayload(pingMessage(), PING));
  assert(hasPayload(pongMessage(), PONG));
  assert(!hasPayload(pingMessage(), PONG));
  assert(!hasPayload({ payload: "SLP" }, PING));
});
