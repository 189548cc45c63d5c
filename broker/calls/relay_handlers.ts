/**
 * The relay: the host stores its endpoint, the client gets a copy.
 *
 * @module
 */

import {
  type ConnectionRecord,
  hasFailed,
  timeoutAt,
} from "../../proto/states/connection_record.ts";
import { BridgeError } from "../../proto/errors.ts";
import { HINT, REASON } from "../../proto/wire/keys.ts";
import { MAX_TIMEOUT_SECS } from "../../proto/limits.ts";
import { clientReached } from "../../proto/states/states.ts";
import type { PeerId } from "../registry/auth.ts";
import type { CallContext } from "./context.ts";
import { RequestFields } from "./fields.ts";
import type { Caller, RelayHandlers } from "./call_types.ts";
import type {
  GetEndpointResponse,
  StoreEndpointResponse,
} from "./relay_messages.ts";
import type { Entry } from "../registry/registry_types.ts";
import { waitForEndpoint } from "../registry/watch.ts";

const STORE = "store_endpoint";
const GET = "get_endpoint";

/** Makes the handlers of the relay. */
export function relayHandlers<E extends Disposable>(
  context: CallContext<E>,
): RelayHandlers<E> {
  return {
    store_endpoint: (caller, request, endpoint) =>
      Promise.try(() => store(context, caller, request, endpoint)),
    get_endpoint: (caller, request) => get(context, caller, request),
  };
}

function store<E extends Disposable>(
  context: CallContext<E>,
  caller: Caller,
  request: object,
  endpoint: E | undefined,
): StoreEndpointResponse {
  using owned = new DisposableStack();
  if (endpoint !== undefined) owned.use(endpoint);
  peerOf(STORE, caller);
  const fields = new RequestFields(STORE, request);
  const entry = context.entry(caller, fields, "host");
  if (endpoint === undefined) {
    throw new BridgeError(
      "bad_argument",
      "Cannot store_endpoint: the message carries no endpoint",
    );
  }
  if (entry === undefined) {
    return {
      success: false,
      error: REASON.connectionNotFound,
      hint: HINT.connectionNotFound,
    };
  }
  owned.move(); // from here on the registry owns it
  const outcome = context.registry.store(entry.id, endpoint);
  const { connection } = entry;
  if ("rejected" in outcome) {
    if (outcome.isFull) context.refused(caller, outcome.rejected);
    return {
      success: false,
      error: outcome.rejected,
      hint: hasFailed(connection) ? HINT.connectionFailed : HINT.storeTooLate,
    };
  }
  return {
    success: true,
    client_state: connection.client,
    client_poll_count: connection.pollCount,
  };
}

async function get<E extends Disposable>(
  context: CallContext<E>,
  caller: Caller,
  request: object,
): Promise<GetEndpointResponse<E>> {
  const { registry } = context;
  const peer = peerOf(GET, caller);
  const fields = new RequestFields(GET, request);
  const waitMs = fields.number("wait_ms", MAX_TIMEOUT_SECS * 1000);
  const entry = context.entry(caller, fields, "client");
  if (entry === undefined) return unknownConnection();
  registry.apply(entry.id, { type: "endpoint_requested" });
  if (waitMs > 0) {
    await waitForEndpoint(
      registry,
      entry.id,
      waitMs,
      caller.signal,
      caller.process,
    );
  }
  // A peer that has gone meanwhile gets no copy: it would count as delivered,
  // and the next client would be refused.
  if (!caller.signal.aborted) {
    const delivery = registry.deliver(entry.id, peer, context.dup);
    if ("endpoint" in delivery) {
      return delivered(entry.connection, delivery.endpoint);
    }
  }
  if (registry.lookup(entry.id) === undefined) return unknownConnection();
  if (belongsToOther(entry, peer)) {
    context.gate.note(GET, entry.id, caller, HINT.alreadyDelivered);
  }
  return undelivered(entry, peer, context.now());
}

function delivered<E>(
  connection: ConnectionRecord,
  endpoint: E,
): GetEndpointResponse<E> {
  const { firstEndpointRequest = 0, endpointDelivered = 0 } = connection.times;
  return {
    found: true,
    endpoint,
    host_state: connection.host,
    polls_until_success: connection.pollCount,
    wait_time_ms: Math.floor(endpointDelivered - firstEndpointRequest),
  };
}

/** The response for a known connection that has no endpoint for `peer`. */
function undelivered(
  entry: Entry,
  peer: PeerId,
  now: number,
): GetEndpointResponse<never> {
  const { connection } = entry;
  if (hasFailed(connection)) {
    return {
      found: false,
      reason: REASON.connectionFailed,
      failure_reason: connection.failureReason,
    };
  }
  if (belongsToOther(entry, peer)) {
    return {
      found: false,
      reason: REASON.alreadyDelivered,
      hint: HINT.alreadyDelivered,
    };
  }
  if (clientReached(connection.client, "xpc_endpoint_received")) {
    return {
      found: false,
      reason: REASON.endpointReleased,
      hint: HINT.endpointReleased,
    };
  }
  const remaining = timeoutAt(connection) - now;
  return {
    found: false,
    reason: REASON.hostEndpointNotReady,
    host_state: connection.host,
    hint: connection.host === "pending" ? HINT.hostPending : HINT.hostAlive,
    your_poll_count: connection.pollCount,
    connection_age_ms: Math.floor(now - connection.times.created),
    timeout_remaining_secs: Math.max(0, Math.ceil(remaining / 1000)),
  };
}

function belongsToOther(entry: Entry, peer: PeerId): boolean {
  return entry.deliveredTo !== undefined && entry.deliveredTo !== peer;
}

function unknownConnection(): GetEndpointResponse<never> {
  return {
    found: false,
    error: REASON.connectionNotFound,
    hint: HINT.connectionNotFound,
  };
}

/** Endpoints need a peer that the kernel identifies. Throws `bad_argument` without one. */
function peerOf(operation: string, caller: Caller): PeerId {
  if (caller.peer !== undefined) return caller.peer.id;
  throw new BridgeError(
    "bad_argument",
    `Cannot ${operation} over ${caller.carrier}: only XPC carries an endpoint`,
  );
}
