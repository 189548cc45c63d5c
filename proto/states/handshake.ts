/**
 * The twelve steps of the handshake between a host and a client, as two state machines
 * without I/O: an event goes in, effects come out.
 *
 * | step | who | event in | effect out |
 * |---|---|---|---|
 * | 1 | host | `begin` | `allocate` |
 * | 2, 3 | host | `allocated` | `store_endpoint` |
 * | 5 | host | `stored` | `spawn` |
 * | - | host | `broker_lost` before the client has connected | `store_again` |
 * | 6 | client | `begin` | `get_schema` |
 * | 7 | client | `schema_received` | `get_endpoint` |
 * | 9 | client | `endpoint_received` | `connect` (and say hello) |
 * | 10 | host | `hello` | `adopt`, `ping` |
 * | 11 | client | `ping` | `pong`, `report_acked`, `load_module` |
 * | 12 | host | `pong` | `report_acked` |
 * | - | client | `module_started` | `tell_started` |
 * | - | host | `started` | `open_gate` |
 *
 * Steps 4 and 8 are the broker's, see `transition.ts`.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import {
  CHANNEL_KEY,
  CTRL_TYPE,
  MSG_TYPE,
  PING,
  PONG,
  PROTOCOL_VERSION,
} from "../wire/keys.ts";
import {
  getData,
  getNumber,
  getString,
  uint64,
  type XpcDictionary,
} from "../wire/xpc_value.ts";

// ---- the host ----

/** The phase of the host. */
export type HostPhase =
  | "new"
  | "allocating"
  | "storing"
  | "awaiting_hello"
  | "awaiting_pong"
  | "awaiting_started"
  | "open"
  | "ended";

/** An event of the host. `peer` names a connection to its listener. */
export type HostEvent =
  | { readonly type: "begin" }
  | { readonly type: "allocated" }
  | { readonly type: "stored" }
  | {
    readonly type: "hello";
    readonly peer: number;
    /** Why the peer is not our client; `undefined` if it is. */
    readonly problem: string | undefined;
  }
  | { readonly type: "pong"; readonly valid: boolean }
  | { readonly type: "pong_overdue" }
  | { readonly type: "started" }
  | { readonly type: "broker_lost" }
  | {
    readonly type: "failed";
    readonly code: ErrorCode;
    readonly reason: string;
  }
  | { readonly type: "close" };

/** An effect of the host. */
export type HostEffect =
  | { readonly type: "allocate" }
  | { readonly type: "store_endpoint" }
  | { readonly type: "store_again" }
  | { readonly type: "spawn" }
  | { readonly type: "adopt"; readonly peer: number }
  | { readonly type: "refuse"; readonly peer: number; readonly reason: string }
  | { readonly type: "ping" }
  | { readonly type: "report_acked" }
  | { readonly type: "open_gate" }
  | {
    readonly type: "fail";
    readonly code: ErrorCode;
    readonly reason: string;
  }
  | { readonly type: "close" };

/** The next phase, and what to do now. */
export interface HandshakeStep<Phase, Effect> {
  readonly phase: Phase;
  readonly effects: readonly Effect[];
}

/** The next step of the host. An event that does not fit the phase has no effect. */
export function hostStep(
  phase: HostPhase,
  event: HostEvent,
): HandshakeStep<HostPhase, HostEffect> {
  const stay = { phase, effects: [] };
  const to = (
    next: HostPhase,
    ...effects: HostEffect[]
  ): HandshakeStep<HostPhase, HostEffect> => ({ phase: next, effects });
  const fail = (
    reason: string,
    code: ErrorCode = "handshake_failed",
  ): HandshakeStep<HostPhase, HostEffect> =>
    to("ended", { type: "fail", code, reason });

  if (event.type === "hello") return hostHello(phase, event);
  if (phase === "ended") return stay;
  switch (event.type) {
    case "begin":
      return phase === "new" ? to("allocating", { type: "allocate" }) : stay;
    case "allocated":
      return phase === "allocating"
        ? to("storing", { type: "store_endpoint" })
        : stay;
    case "stored":
      return phase === "storing"
        ? to("awaiting_hello", { type: "spawn" })
        : stay;
    case "pong":
      if (phase !== "awaiting_pong") return stay;
      return event.valid
        ? to("awaiting_started", { type: "report_acked" })
        : fail("the client's pong was not the bytes 53 4C 41");
    case "pong_overdue":
      return phase === "awaiting_pong"
        ? fail("pong not received: the client said hello, then nothing")
        : stay;
    case "started":
      return phase === "awaiting_started"
        ? to("open", { type: "open_gate" })
        : stay;
    case "broker_lost":
      // Earlier the calls themselves are repeated; later the broker is not needed.
      return phase === "awaiting_hello"
        ? to(phase, { type: "store_again" })
        : stay;
    case "failed":
      return fail(event.reason, event.code);
    case "close":
      return to("ended", { type: "close" });
  }
}

function hostHello(
  phase: HostPhase,
  event: Extract<HostEvent, { type: "hello" }>,
): HandshakeStep<HostPhase, HostEffect> {
  const { peer, problem } = event;
  const refuse = (reason: string): HandshakeStep<HostPhase, HostEffect> => ({
    phase,
    effects: [{ type: "refuse", peer, reason }],
  });
  if (problem !== undefined) return refuse(problem);
  if (phase === "ended") return refuse("this host's connection is over");
  // A client may connect before the response to store_endpoint arrives.
  if (phase !== "awaiting_hello" && phase !== "storing") {
    return refuse("this connection has its client already");
  }
  return {
    phase: "awaiting_pong",
    effects: [{ type: "adopt", peer }, { type: "ping" }],
  };
}

/** The progress in each phase, for a host's failure message. */
export const HOST_PHASE_TEXT: Readonly<Record<HostPhase, string>> = {
  new: "nothing was done yet",
  allocating: "the broker had not allocated the connection",
  storing: "the endpoint was not stored at the broker",
  awaiting_hello: "the client had not connected",
  awaiting_pong: "the client had connected but not answered the ping",
  awaiting_started:
    "the channel worked but the client's module had not started",
  open: "frames could flow",
  ended: "it was over",
};

// ---- the client ----

/** The phase of the client. */
export type ClientPhase =
  | "new"
  | "getting_schema"
  | "getting_endpoint"
  | "awaiting_ping"
  | "loading"
  | "running"
  | "ended";

/** An event of the client. */
export type ClientEvent =
  | { readonly type: "begin" }
  | { readonly type: "schema_received" }
  | { readonly type: "endpoint_not_ready" }
  | { readonly type: "endpoint_received" }
  | { readonly type: "ping"; readonly valid: boolean }
  | { readonly type: "module_started" }
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "close" };

/** An effect of the client. */
export type ClientEffect =
  | { readonly type: "get_schema" }
  | { readonly type: "get_endpoint" }
  | { readonly type: "connect" }
  | { readonly type: "pong" }
  | { readonly type: "report_acked" }
  | { readonly type: "load_module" }
  | { readonly type: "tell_started" }
  | { readonly type: "fail"; readonly reason: string }
  | { readonly type: "close" };

/** The next step of the client. An event that does not fit the phase has no effect. */
export function clientStep(
  phase: ClientPhase,
  event: ClientEvent,
): HandshakeStep<ClientPhase, ClientEffect> {
  const stay = { phase, effects: [] };
  const to = (
    next: ClientPhase,
    ...effects: ClientEffect[]
  ): HandshakeStep<ClientPhase, ClientEffect> => ({ phase: next, effects });
  if (phase === "ended") return stay;
  switch (event.type) {
    case "begin":
      return phase === "new"
        ? to("getting_schema", { type: "get_schema" })
        : stay;
    case "schema_received":
      return phase === "getting_schema"
        ? to("getting_endpoint", { type: "get_endpoint" })
        : stay;
    case "endpoint_not_ready":
      return phase === "getting_endpoint"
        ? to(phase, { type: "get_endpoint" })
        : stay;
    case "endpoint_received":
      return phase === "getting_endpoint"
        ? to("awaiting_ping", { type: "connect" })
        : stay;
    case "ping":
      if (phase !== "awaiting_ping") return stay;
      return event.valid
        // The pong first: a module may take a minute to load.
        ? to(
          "loading",
          { type: "pong" },
          { type: "report_acked" },
          { type: "load_module" },
        )
        : to("ended", {
          type: "fail",
          reason: "the host's ping was not the bytes 53 4C 50",
        });
    case "module_started":
      return phase === "loading"
        ? to("running", { type: "tell_started" })
        : stay;
    case "failed":
      return to("ended", { type: "fail", reason: event.reason });
    case "close":
      return to("ended", { type: "close" });
  }
}

/** The progress in each phase, for a client's failure message. */
export const CLIENT_PHASE_TEXT: Readonly<Record<ClientPhase, string>> = {
  new: "nothing was done yet",
  getting_schema: "the broker had not given the schema",
  getting_endpoint: "the host's endpoint was not there",
  awaiting_ping: "the host had not answered the hello",
  loading: "the module had not started",
  running: "frames could flow",
  ended: "it was over",
};

// ---- the messages ----

/** The fields that prove to a host that a peer is its client. */
export interface Credentials {
  readonly connection_id: string;
  /** The client's token; "" if the connection has none. */
  readonly token: string;
  /** SHA-256 of the connection's schema, in lower-case hexadecimal. */
  readonly schema_hash: string;
}

function control(type: string, fields: XpcDictionary = {}): XpcDictionary {
  return {
    [CHANNEL_KEY.msgType]: MSG_TYPE.control,
    [CHANNEL_KEY.ctrlType]: type,
    ...fields,
  };
}

/** The client's first message. */
export function helloMessage(credentials: Credentials): XpcDictionary {
  return control(CTRL_TYPE.hello, {
    [CHANNEL_KEY.connectionId]: credentials.connection_id,
    [CHANNEL_KEY.token]: credentials.token || undefined,
    [CHANNEL_KEY.protocolVersion]: uint64(PROTOCOL_VERSION),
    [CHANNEL_KEY.schemaHash]: credentials.schema_hash,
  });
}

/** Returns the control type of a message; `undefined` if it is not a control message. */
export function controlType(message: XpcDictionary): string | undefined {
  return getString(message, CHANNEL_KEY.msgType) === MSG_TYPE.control
    ? getString(message, CHANNEL_KEY.ctrlType)
    : undefined;
}

/**
 * Returns why this first message is not our client's hello; `undefined` if it is.
 *
 * @param sameToken compares in constant time
 */
export function helloProblem(
  message: XpcDictionary,
  expected: Credentials,
  sameToken: (given: string, expected: string) => boolean,
): string | undefined {
  const type = controlType(message);
  if (type !== CTRL_TYPE.hello) {
    return `the first message must be a hello, not ${type ?? "something else"}`;
  }
  if (getString(message, CHANNEL_KEY.connectionId) !== expected.connection_id) {
    return "the hello is for another connection";
  }
  const token = getString(message, CHANNEL_KEY.token) ?? "";
  if (!sameToken(token, expected.token)) return "the hello's token is wrong";
  const version = getNumber(message, CHANNEL_KEY.protocolVersion, "uint64");
  if (version !== BigInt(PROTOCOL_VERSION)) {
    return `the client speaks protocol version ${
      version ?? "(none)"
    }, this host ${PROTOCOL_VERSION}`;
  }
  const hash = getString(message, CHANNEL_KEY.schemaHash);
  if (hash !== expected.schema_hash) {
    return "the client's schema is another than the host's";
  }
  return undefined;
}

/** The host's last message. */
export function teardownMessage(): XpcDictionary {
  return control(CTRL_TYPE.teardown);
}

/** The host's test of the channel. */
export function pingMessage(): XpcDictionary {
  return control(CTRL_TYPE.ping, {
    [CHANNEL_KEY.payload]: Uint8Array.from(PING),
  });
}

/** The client's answer to a ping. */
export function pongMessage(): XpcDictionary {
  return control(CTRL_TYPE.pong, {
    [CHANNEL_KEY.payload]: Uint8Array.from(PONG),
  });
}

/** Whether a ping or pong has the expected bytes. */
export function hasPayload(
  message: XpcDictionary,
  expected: Readonly<Uint8Array>,
): boolean {
  const payload = getData(message, CHANNEL_KEY.payload);
  return payload !== undefined && payload.length === expected.length &&
    payload.every((byte, index) => byte === expected[index]);
}
