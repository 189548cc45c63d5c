/**
 * The calls that change a connection: allocate, alive, ready, acked, failure,
 * statistics, close.
 *
 * @module
 */

import { derivedState } from "../../proto/states/connection_record.ts";
import { BridgeError } from "../../proto/errors.ts";
import { sameToken } from "../../proto/token.ts";
import { NOT_FOUND } from "../../proto/wire/keys.ts";
import {
  CONNECTION_ID_BYTES,
  DEFAULT_TIMEOUT_SECS,
  MAX_SCHEMA_BYTES,
  MAX_SETTINGS_JSON,
  MAX_TIMEOUT_SECS,
  TOKEN_BYTES,
} from "../../proto/limits.ts";
import type { Tokens } from "../registry/auth.ts";
import type { Acted, CallContext } from "./context.ts";
import type { RequestFields } from "./fields.ts";
import type { Answer, Caller, UnaryAnswers } from "./call_types.ts";
import type {
  AllocateConnectionResponse,
  HostAliveResponse,
} from "../../proto/broker_gen.ts";
import type { Entry, Rejection } from "../registry/registry_types.ts";

/** The longest latency that is accepted, in microseconds: a little over a day. */
const MAX_LATENCY_US = 1e11;

/** Makes the answers to the calls that change a connection. */
export function lifecycleAnswers<E extends Disposable>(
  context: CallContext<E>,
) {
  return {
    AllocateConnection: (caller, fields) =>
      allocated(context, caller, allocate(context, caller, fields)),
    HostAlive: hostEvent(context, "host_alive"),
    HostXpcReady: hostEvent(context, "host_xpc_ready"),
    ClientAlive: (caller, fields) => {
      const acted = context.act(caller, fields, "client", {
        type: "client_alive",
      });
      return {
        success: succeeded(acted),
        host_state: acted.connection?.host ?? NOT_FOUND,
        error: acted.error,
      };
    },
    MarkAcked: (caller, fields) => {
      const side = fields.side();
      const acted = context.act(caller, fields, side, {
        type: "acked",
        side,
      });
      return {
        success: succeeded(acted),
        connection_state: acted.connection === undefined
          ? NOT_FOUND
          : derivedState(acted.connection),
        error: acted.error,
      };
    },
    ReportFailure: (caller, fields) => {
      const side = fields.side();
      const acted = context.act(caller, fields, side, {
        type: "failure_reported",
        side,
        reason: reasonIn(fields),
      });
      return { success: succeeded(acted), error: acted.error };
    },
    ReportStats: (caller, fields) => {
      const side = fields.side();
      const acted = context.act(caller, fields, side, {
        type: "stats_reported",
        side,
        stats: {
          path: fields.optionalName("path"),
          frames: fields.number("frames", Number.MAX_SAFE_INTEGER),
          bytes: fields.number("bytes", Number.MAX_SAFE_INTEGER),
          dropped: fields.number("dropped", Number.MAX_SAFE_INTEGER),
          p50Us: fields.number("p50_us", MAX_LATENCY_US, true),
          p99Us: fields.number("p99_us", MAX_LATENCY_US, true),
          hangs: fields.number("hangs", Number.MAX_SAFE_INTEGER),
          settingsJson: fields.optionalJson("settings_json", MAX_SETTINGS_JSON),
        },
      });
      return { success: succeeded(acted) };
    },
    CloseConnection: (caller, fields) => {
      const acted = context.act(caller, fields, "either", {
        type: "closed",
        reason: reasonIn(fields),
      });
      return { success: succeeded(acted) };
    },
  } satisfies Partial<UnaryAnswers>;
}

/** `HostAlive` and `HostXpcReady` differ only in their event. */
function hostEvent<E extends Disposable>(
  context: CallContext<E>,
  type: "host_alive" | "host_xpc_ready",
): Answer<HostAliveResponse> {
  return (caller, fields) => {
    const acted = context.act(caller, fields, "host", { type });
    return {
      success: succeeded(acted),
      client_state: acted.connection?.client ?? NOT_FOUND,
      error: acted.error,
    };
  };
}

function allocate<E extends Disposable>(
  context: CallContext<E>,
  caller: Caller,
  fields: RequestFields,
): Entry | Rejection {
  const { registry } = context;
  const spec = {
    runtimeId: fields.name("runtime_id"),
    processorId: fields.name("processor_id"),
    processorType: fields.optionalName("processor_type"),
    schemaJson: fields.optionalJson("schema_json", MAX_SCHEMA_BYTES),
    timeoutMs: 1000 *
      (fields.number("timeout_secs", MAX_TIMEOUT_SECS) || DEFAULT_TIMEOUT_SECS),
  };
  const peer = caller.peer?.id;
  const held = heldCredentials(fields);
  if (held === undefined) {
    return registry.allocate(
      fields.flag("want_tokens") ? { ...spec, tokens: "fresh" } : spec,
      peer,
      caller.process,
    );
  }
  const known = registry.lookup(held.id);
  if (known === undefined) {
    return registry.allocate({ ...spec, ...held }, peer, caller.process);
  }
  context.gate.admit("AllocateConnection", known, {
    ...caller,
    token: held.tokens.host,
  }, "host");
  if (
    known.tokens === undefined ||
    !sameToken(known.tokens.client, held.tokens.client)
  ) {
    throw context.gate.refuse(
      "AllocateConnection",
      held.id,
      caller,
      "wrong token for side client",
    );
  }
  if (peer !== undefined) registry.bindPeer(known.id, "host", peer);
  return registry.apply(known.id, { type: "reallocated" });
}

/** The id and tokens of a connection that a restarted broker is to adopt; `undefined` for a new connection. */
function heldCredentials(
  fields: RequestFields,
): { id: string; tokens: Tokens } | undefined {
  const id = fields.optionalHex("connection_id", CONNECTION_ID_BYTES);
  const host = fields.optionalHex("host_token", TOKEN_BYTES);
  const client = fields.optionalHex("client_token", TOKEN_BYTES);
  if (id === "" && host === "" && client === "") return undefined;
  if (id !== "" && host !== "" && client !== "" && host !== client) {
    return { id, tokens: { host, client } };
  }
  throw new BridgeError(
    "bad_argument",
    "Cannot AllocateConnection again: connection_id, host_token and client_token are all needed, with different tokens; for a new connection give none of them",
  );
}

function allocated<E extends Disposable>(
  context: CallContext<E>,
  caller: Caller,
  outcome: Entry | Rejection,
): AllocateConnectionResponse {
  if ("rejected" in outcome) {
    if (outcome.isFull) context.refused(caller, outcome.rejected);
    return {
      connection_id: "",
      success: false,
      error: outcome.rejected,
      host_token: "",
      client_token: "",
    };
  }
  return {
    connection_id: outcome.id,
    success: true,
    error: "",
    host_token: outcome.tokens?.host ?? "",
    client_token: outcome.tokens?.client ?? "",
  };
}

function succeeded(acted: Acted): boolean {
  return acted.error === "";
}

function reasonIn(fields: RequestFields): string {
  return fields.reason("reason") || "no reason given";
}
