import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Buffer } from "node:buffer";
import { Broker } from "../../broker/broker.ts";
import { Relay } from "../../broker/xpc/xpc_carrier.ts";
import type { Handlers } from "../../broker/calls/call_types.ts";
import { BrokerLink } from "../../ffi/broker_link.ts";
import type { OwnedCapability } from "../../ffi/capability.ts";
import type { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { Incidents } from "../../broker/registry/incidents.ts";
import { identifyBy } from "../../broker/registry/process.ts";
import { createQuotas } from "../../broker/registry/quotas.ts";
import { BridgeError, type ErrorCode } from "../../proto/errors.ts";
import {
  clientErrorMessage,
  pongMessage,
} from "../../proto/states/handshake_messages.ts";
import { MAX_REASON_LENGTH } from "../../proto/limits.ts";
import { CHANNEL_KEY, CODE_METADATA } from "../../proto/wire/keys.ts";
import { checkVersion, type ControlClient } from "../../proto/wire/control.ts";
import {
  getString,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { FakeWorld } from "../helpers/fake_world.ts";
import { GRPC_NEEDS, serveControlPlane } from "../helpers/grpc_fixture.ts";
import { launchFixture } from "../helpers/hosts.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import {
  type Played,
  playedTest,
  shakeHands,
  STARTED,
} from "../helpers/played_client.ts";
import { refusedCall } from "../helpers/refused_call.ts";
import { soon } from "../helpers/soon.ts";

/**
 * Every error code arrives at the owner of the other side, with its reason: from a
 * client at its host, from a host at its client, from a broker at either, over both
 * carriers. A code without an entry does not compile.
 */

/** How a host comes to fail, or to refuse a peer, with a code; or why it cannot while it has a client. */
type HostCase = string | ((played: Played) => Promise<XpcDictionary>);

/** Sends a hello that is changed, and returns the host's answer. */
function refused(change: XpcDictionary): HostCase {
  return async ({ client }) => {
    using rogue = client.again();
    rogue.send({ ...client.hello, ...change });
    return await rogue.control("error");
  };
}

const HOST_CASES: Record<ErrorCode, HostCase> = {
  aborted: "the owner's signal closes the host, which is a teardown",
  bad_argument: async ({ client }) => {
    await shakeHands(client);
    client.send({ ...STARTED, [CHANNEL_KEY.mode]: "manual" });
    return await client.control("error");
  },
  broker_lost: "a host whose client has connected needs no broker",
  broker_unreachable: "a host that reaches no broker has no client",
  channel_lost: "there is no channel to tell it on",
  client_failed: "the client has told it",
  client_hung: "a client that hangs reads nothing",
  closed: async ({ host, client, exit }) => {
    await shakeHands(client);
    client.send({ ...STARTED, [CHANNEL_KEY.mode]: "manual" });
    await client.control("error");
    // The host is over, and its listener is not released before its client's process has ended.
    using late = client.again();
    late.send(client.hello);
    const answer = await late.control("error");
    exit({ code: 1, signal: null, stderrTail: "" });
    await soon(host.ended, "the host's end");
    return answer;
  },
  connection_failed: "a host that the broker refuses has no client",
  handshake_failed: refused({ connection_id: "0".repeat(32) }),
  library_not_found: "a host without the shim has no client",
  malformed_message: async ({ client }) => {
    client.send(client.hello);
    await client.control("ping");
    client.send({ ...pongMessage(), payload: "SLA" });
    return await client.control("error");
  },
  name_in_use: "it is the broker's",
  native_failure:
    "the system has ended the host's listener or channel: no test can make it",
  not_permitted: refused({ token: "f".repeat(64) }),
  outbox_full: "a client that does not read cannot be told",
  schema_mismatch: refused({ schema_hash: "0".repeat(64) }),
  timed_out: async ({ client }) => {
    await shakeHands(client);
    return await client.control("error"); // its module never starts
  },
  version_mismatch: refused({ protocol_version: uint64(9) }),
};

const CODES = Object.keys(HOST_CASES) as ErrorCode[];

for (const code of CODES) {
  const provoke = HOST_CASES[code];
  if (typeof provoke === "string") continue;
  playedTest(
    `a client is told why its host fails or refuses it: ${code}`,
    async (played) => {
      const answer = await provoke(played);
      assertEquals(getString(answer, CHANNEL_KEY.code), code);
      const reason = getString(answer, CHANNEL_KEY.reason)!;
      assert(reason.length > 10, reason);
    },
    code === "timed_out" ? { timeoutSecs: 1 } : {},
  );
}

/** Ends the client's process after its report. Returns the host's failure. */
async function leaves({ host, exit }: Played): Promise<BridgeError> {
  exit({ code: 1, signal: null, stderrTail: "" });
  return (await soon(host.ended, "the host's end"))!;
}

for (const code of CODES) {
  playedTest(
    `a host's owner gets the client's error before the start, with its code: ${code}`,
    async (played) => {
      await shakeHands(played.client);
      played.client.send(
        clientErrorMessage("BridgeError: Cannot: it is so", code, "the stack"),
      );
      const failure = await leaves(played);
      assertEquals(failure.code, code);
      assertStringIncludes(failure.message, "Cannot: it is so");
      const { cause } = failure;
      assert(cause instanceof BridgeError, String(cause));
      assertEquals([cause.code, cause.stack], [code, "the stack"]);
    },
  );
}

playedTest(
  "an error after the start is the client's failure, and its cause has the code",
  async (played) => {
    const { host, client } = played;
    await shakeHands(client);
    client.send(STARTED);
    await soon(host.ready, "ready");
    client.send(clientErrorMessage("BridgeError: too late", "timed_out"));
    const failure = await leaves(played);
    assertEquals(failure.code, "client_failed");
    assertEquals((failure.cause as BridgeError).code, "timed_out");
  },
);

playedTest(
  "what a client sent last is read although its exit is known before",
  async ({ host, client, exit }) => {
    await shakeHands(client);
    exit({ code: 1, signal: null, stderrTail: "" });
    await Promise.resolve(); // the exit is known
    client.send(clientErrorMessage("RangeError: the last words"));
    const failure = (await soon(host.ended, "the host's end"))!;
    assertStringIncludes(failure.message, "the last words");
  },
);

playedTest(
  "the refusal of a client is in the failure when it then ends",
  async ({ host, client, exit }) => {
    client.send({ ...client.hello, protocol_version: uint64(9) });
    await client.control("error");
    exit({ code: 1, signal: null, stderrTail: "" });
    const failure = (await soon(host.ended, "the host's end"))!;
    assertEquals(failure.code, "version_mismatch");
    assertStringIncludes(failure.message, "protocol version 9");
  },
);

/** What a client may send that is malformed, and the words that the host's owner gets. */
const MALFORMED: [what: string, send: XpcDictionary[], words: string][] = [
  [
    "a start before the pong",
    [STARTED],
    "before it answered the ping",
  ],
  [
    "an error without a text",
    [pongMessage(), { msg_type: "control", ctrl_type: "error", error: null }],
    "no string 'error'",
  ],
  [
    "a pong of other bytes",
    [{ ...pongMessage(), payload: Uint8Array.of(1) }],
    "53 4C 41",
  ],
];

for (const [what, messages, words] of MALFORMED) {
  playedTest(
    `a host's owner is told what was malformed: ${what}`,
    async (played) => {
      const { client } = played;
      client.send(client.hello);
      await client.control("ping");
      for (const message of messages) client.send(message);
      const failure = await leaves(played);
      assertEquals(failure.code, "malformed_message");
      assertStringIncludes(failure.message, words);
    },
  );
}

// ---- the broker ----

/** Handlers of which one throws the code that it is asked for. */
function throwing(): Handlers<OwnedCapability> {
  const answer = (): Promise<never> => Promise.reject(new Error("not asked"));
  return {
    unary: {
      GetVersion: () =>
        Promise.resolve({
          version: "9.9.9",
          git_commit: "",
          build_date: "",
          protocol_version: 9,
        }),
      HostAlive: (_caller: unknown, request: { connection_id?: ErrorCode }) =>
        Promise.reject(
          new BridgeError(request.connection_id!, "Cannot: it is so\nin short"),
        ),
    } as unknown as Handlers<OwnedCapability>["unary"],
    stream: {} as Handlers<OwnedCapability>["stream"],
    relay: { store_endpoint: answer, get_endpoint: answer },
  };
}

async function assertCodesCross(control: ControlClient): Promise<void> {
  for (const code of CODES) {
    const asked = control.call("HostAlive", { connection_id: code });
    assertStringIncludes(await refusedCall(asked, code), "Cannot: it is so");
  }
  await refusedCall(checkVersion(control, "there"), "version_mismatch");
}

permittedTest(
  "every code that a broker answers arrives over XPC",
  { service: true },
  async () => {
    using native = Native.open();
    const service = `com.example.reasons-${Deno.pid}`;
    using _relay = await Relay.start({
      native,
      service,
      bootstrap: undefined,
      handlers: throwing(),
      quotas: createQuotas(),
      incidents: new Incidents(),
      identify: identifyBy((pid) => native.processStarted(pid)),
      log: new FakeWorld().log,
      peerLost: () => {},
    });
    using link = new BrokerLink(native, service);
    await assertCodesCross(link);
  },
);

permittedTest(
  "every code that a broker answers arrives over gRPC",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane(
      throwing() as unknown as Parameters<typeof serveControlPlane>[0],
    );
    await assertCodesCross(served.client);
  },
);

permittedTest(
  "a broker's reply with a wrong type or without its fields is named as malformed",
  { service: true },
  async () => {
    using native = Native.open();
    const service = `com.example.replies-${Deno.pid}`;
    const replies: XpcDictionary[] = [{ success: "yes" }, { other: true }];
    using listener = Listener.ofService(native, service);
    const peers: Connection[] = [];
    listener.activate({
      peer: (peer) => {
        peers.push(peer);
        peer.activate({
          message: (message) => {
            using _ = message;
            message.reply(replies.shift()!);
          },
          ended: () => {},
        });
      },
      ended: () => {},
    });
    using link = new BrokerLink(native, service);
    for (
      const words of ["'success' is \"yes\", not a boolean", "none of the"]
    ) {
      const asked = link.call("HostAlive", {});
      assertStringIncludes(
        await refusedCall(asked, "malformed_message"),
        words,
      );
    }
    for (const peer of peers) peer[Symbol.dispose]();
  },
);

permittedTest(
  "a request over gRPC whose bytes are no message is refused as malformed, and logged with its count",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane({
      unary: { HostAlive: () => Promise.resolve({}) },
    });
    const grpc = await import("@grpc/grpc-js");
    const raw = new grpc.Client(
      served.carrier.address,
      grpc.credentials.createInsecure(),
    );
    try {
      const failed = Promise.withResolvers<
        import("@grpc/grpc-js").ServiceError
      >();
      raw.makeUnaryRequest(
        "/streamlib.broker.BrokerService/HostAlive",
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes: Uint8Array) => bytes,
        Uint8Array.of(0x7f), // field 15 of wire type 7, which does not exist
        (error) => error && failed.resolve(error),
      );
      const error = await soon(failed.promise, "the refusal");
      assertEquals(error.code, grpc.status.INVALID_ARGUMENT);
      assertEquals(error.metadata.get(CODE_METADATA), ["malformed_message"]);
      assertStringIncludes(error.details, "1 bytes");
      const [line] = served.logLines.filter(({ level }) => level === "warn");
      assertEquals(line?.["message"], "A malformed request was refused");
      assertEquals([line?.["pid"], line?.["count"]], [Deno.pid, 1]);
    } finally {
      raw.close();
    }
  },
);

// ---- real clients ----

const RUN = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;

/** What a module throws, and the words that arrive. */
const THROWN: [kind: string, words: string][] = [
  ["huge", "characters more)"],
  ["nul", "a\\u0000b \\ud800"],
  ["colours", "Error: red and bold"],
  ["null", "null was thrown"],
  ["proxy", "cannot be shown"],
  ["stack", "Error: no stack"],
];

for (const control of ["xpc", "grpc"] as const) {
  permittedTest(
    `whatever a client throws arrives shortened and escaped, in the broker's record too: control over ${control}`,
    control === "grpc" ? { ...RUN, net: true } : RUN,
    async () => {
      using home = isolatedHome();
      const service = `com.example.thrown-${control}`;
      const brokerEndpoint = `unix:${home.runDirectory}/thrown.grpc`;
      const records: Record<string, string>[] = [];
      await using _broker = await Broker.start({
        service,
        ...(control === "grpc" && { grpc: brokerEndpoint }),
        log: { sink: (line) => void records.push(JSON.parse(line)) },
      });
      for (const [kind, words] of THROWN) {
        await using host = launchFixture("throws_anything.ts", {
          env: { KIND: kind },
          control,
          broker: service,
          ...(control === "grpc" && { brokerEndpoint }),
        });
        const { code, message, cause } = (await soon(host.ended, kind))!;
        assertEquals(code, "client_failed", message);
        assertStringIncludes(message, words);
        assert(message.length <= 16_384 && message.isWellFormed());
        // deno-lint-ignore no-control-regex -- they are what is looked for
        assert(!/[\x00-\x08\x0b-\x1f]/.test(message + (cause as Error).stack));
        const record = records.find((record) =>
          record["message"] === "failed" &&
          record["connection_id"] === host.connectionId
        );
        const reason = record?.["reason"] ?? "no record";
        assertMatch(reason, /^(client|host) reported: /);
        assert(reason.length <= MAX_REASON_LENGTH && !reason.includes("\n"));
      }
    },
  );
}

permittedTest(
  "a stream that is aborted or closed while it connects says so, and does not wait for a broker",
  GRPC_NEEDS,
  async () => {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    for (const code of ["aborted", "closed"] as const) {
      using client = new PatientClient("unix:/nowhere/at/all.grpc");
      const controller = new AbortController();
      const { signal } = controller;
      const stream = client.stream("TailLogs", {}, { signal });
      const asked = refusedCall(stream.next(), code);
      if (code === "aborted") controller.abort();
      else client[Symbol.dispose]();
      await soon(asked, code);
    }
  },
);
