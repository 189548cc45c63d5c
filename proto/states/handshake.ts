/**
 * The twelve steps by which a host and a client come to share a channel, as
 * two state machines without I/O: what happened goes in, what to do comes out.
 *
 * | step | who | event in | effect out |
 * |---|---|---|---|
 * | 1 | host | `begin` | `allocate` |
 * | 2, 3 | host | `allocated` | `store_endpoint` |
 * | 5 | host | `stored` | `spawn` |
 * | - | host | `broker_lost` while no client has come | `store_again` |
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

/** How far the host has come. */
export type HostPhase =
  | "new"
  | "allocating"
  | "storing"
  | "awaiting_hello"
  | "awaiting_pong"
  | "awaiting_started"
  | "open"
  | "ended";

/** What the host hears. `peer` names a connection to its listener. */
export type HostEvent =
  | { readonly type: "begin" }
  | { readonly type: "allocated" }
  | { readonly type: "stored" }
  | {
    readonly type: "hello";
    readonly peer: number;
    /** Why it is not our client, if it is not. */
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

/** What the host does. */
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

/** A phase and what to do on the way to it. */
export interface HandshakeStep<Phase, Effect> {
  readonly phase: Phase;
  readonly effects: readonly Effect[];
}

/** What the host does next. An event that does not belong to the phase changes nothing. */
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
      // Before this the calls themselves are made again; after it nobody needs the broker.
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
  // A client may be faster than the answer to store_endpoint is.
  if (phase !== "awaiting_hello" && phase !== "storing") {
    return refuse("this connection has its client already");
  }
  return {
    phase: "awaiting_pong",
    effects: [{ type: "adopt", peer }, { type: "ping" }],
  };
}

/** What a failure of the host says of how far it got. */
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

/** How far the client has come. */
export type ClientPhase =
  | "new"
  | "getting_schema"
  | "getting_endpoint"
  | "awaiting_ping"
  | "loading"
  | "running"
  | "ended";

/** What the client hears. */
export type ClientEvent =
  | { readonly type: "begin" }
  | { readonly type: "schema_received" }
  | { readonly type: "endpoint_not_ready" }
  | { readonly type: "endpoint_received" }
  | { readonly type: "ping"; readonly valid: boolean }
  | { readonly type: "module_started" }
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "close" };

/** What the client does. */
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

/** What the client does next. An event that does not belong to the phase changes nothing. */
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
        // The pong goes first: a module that takes a minute to load fails no handshake.
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

/** What a failure of the client says of how far it got. */
export const CLIENT_PHASE_TEXT: Readonly<Record<ClientPhase, string>> = {
  new: "nothing was done yet",
  getting_schema: "the broker had not given the schema",
  getting_endpoint: "the host's endpoint was not there",
  awaiting_ping: "the host had not answered the hello",
  loading: "the module had not started",
  running: "frames could flow",
  ended: "it was over",
};

// ---- what they say to each other ----

/** What proves to a host that a peer is its client. */
export interface Credentials {
  readonly connection_id: string;
  /** The client's token; "" where the connection has none. */
  readonly token: string;
  /** SHA-256 of the connection's schema, lower-case hex. */
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

/** The control type of a message, `undefined` for any other message. */
export function controlType(message: XpcDictionary): string | undefined {
  return getString(message, CHANNEL_KEY.msgType) === MSG_TYPE.control
    ? getString(message, CHANNEL_KEY.ctrlType)
    : undefined;
}

/**
 * Why this first message is not our client's hello, `undefined` if it is.
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

/** The host's last word. */
export function teardownMessage(): XpcDictionary {
  return control(CTRL_TYPE.teardown);
}

/** The host's test of the channel. */
export function pingMessage(): XpcDictionary {
  return control(CTRL_TYPE.ping, {
    [CHANNEL_KEY.payload]: Uint8Array.from(PING),
  });
}

/** The client's answer. */
export function pongMessage(): XpcDictionary {
  return control(CTRL_TYPE.pong, {
    [CHANNEL_KEY.payload]: Uint8Array.from(PONG),
  });
}

/** Whether a ping or pong carries the bytes that it should. */
export function hasPayload(
  message: XpcDictionary,
  expected: Readonly<Uint8Array>,
): boolean {
  const payload = getData(message, CHANNEL_KEY.payload);
  return payload !== undefined && payload.length === expected.length &&
    payload.every((byte, index) => byte === expected[index]);
}
