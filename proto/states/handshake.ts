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
import type { HelloProblem } from "./handshake_messages.ts";

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
    /** Why the peer is refused; `undefined` if it is our client. */
    readonly problem: HelloProblem | undefined;
  }
  | { readonly type: "pong"; readonly valid: boolean }
  | { readonly type: "pong_overdue" }
  | { readonly type: "started" }
  | { readonly type: "broker_lost" }
  | {
    readonly type: "failed";
    readonly code: ErrorCode;
    readonly reason: string;
    /** The error of the client, if it reported one. */
    readonly cause?: Error | undefined;
  }
  | { readonly type: "close" };

/** An effect of the host. */
export type HostEffect =
  | { readonly type: "allocate" }
  | { readonly type: "store_endpoint" }
  | { readonly type: "store_again" }
  | { readonly type: "spawn" }
  | { readonly type: "adopt"; readonly peer: number }
  | ({ readonly type: "refuse"; readonly peer: number } & HelloProblem)
  | { readonly type: "ping" }
  | { readonly type: "report_acked" }
  | { readonly type: "open_gate" }
  | {
    readonly type: "fail";
    readonly code: ErrorCode;
    readonly reason: string;
    readonly cause?: Error | undefined;
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
        : fail(
          "the client's pong was not the bytes 53 4C 41",
          "malformed_message",
        );
    case "pong_overdue":
      return phase === "awaiting_pong"
        ? fail("pong not received: the client said hello, then nothing")
        : stay;
    case "started":
      if (phase === "awaiting_pong") {
        return fail(
          "the client said that it has started before it answered the ping",
          "malformed_message",
        );
      }
      return phase === "awaiting_started"
        ? to("open", { type: "open_gate" })
        : stay;
    case "broker_lost":
      // Earlier the calls themselves are repeated; later the broker is not needed.
      return phase === "awaiting_hello"
        ? to(phase, { type: "store_again" })
        : stay;
    case "failed":
      return to("ended", { ...event, type: "fail" });
    case "close":
      return to("ended", { type: "close" });
  }
}

function hostHello(
  phase: HostPhase,
  event: Extract<HostEvent, { type: "hello" }>,
): HandshakeStep<HostPhase, HostEffect> {
  const { peer, problem } = event;
  // A client may connect before the response to store_endpoint arrives.
  const isAwaited = phase === "awaiting_hello" || phase === "storing";
  const refuse = (
    why: HelloProblem,
  ): HandshakeStep<HostPhase, HostEffect> => ({
    phase,
    effects: [{ type: "refuse", peer, ...why }],
  });
  if (problem !== undefined) return refuse(problem);
  if (phase === "ended") {
    return refuse({
      code: "closed",
      reason: "this host's connection is over",
      isOurClient: false,
    });
  }
  if (!isAwaited) {
    return refuse({
      code: "handshake_failed",
      reason: "this connection has its client already",
      isOurClient: false,
    });
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
  | {
    readonly type: "failed";
    readonly code: ErrorCode;
    readonly reason: string;
  }
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
  | {
    readonly type: "fail";
    readonly code: ErrorCode;
    readonly reason: string;
  }
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
          code: "malformed_message",
          reason: "the host's ping was not the bytes 53 4C 50",
        });
    case "module_started":
      return phase === "loading"
        ? to("running", { type: "tell_started" })
        : stay;
    case "failed":
      return to("ended", { ...event, type: "fail" });
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
