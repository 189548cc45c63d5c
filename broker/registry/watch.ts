/**
 * Waits for changes of a connection, as a stream and as a promise.
 *
 * @module
 */

import {
  type ConnectionRecord,
  hasFailed,
} from "../../proto/states/connection_record.ts";
import { BridgeError } from "../../proto/errors.ts";
import { clientReached } from "../../proto/states/states.ts";
import type { ProcessIdentity } from "./process.ts";
import type { Registry } from "./registry.ts";

/**
 * Yields the connection's record as it is now and after every change, until the
 * connection is over, the registry is disposed, or `signal` aborts. Yields nothing for
 * an unknown connection.
 *
 * The queue for a slow reader is bounded, because states only move forward.
 *
 * Throws BridgeError `not_permitted` at the limit of watchers.
 */
export async function* watch<E extends Disposable>(
  registry: Registry<E>,
  id: string,
  signal: AbortSignal,
  process?: ProcessIdentity,
): AsyncGenerator<ConnectionRecord, void, void> {
  const current = registry.lookup(id)?.connection;
  if (current === undefined) return;
  const unread = [current];
  let over = false;
  let wake = (): void => {};
  const end = (): void => {
    over = true;
    wake();
  };
  const subscription = registry.subscribe(id, {
    changed(connection): void {
      unread.push(connection);
      wake();
    },
    ended: end,
  }, process);
  if ("rejected" in subscription) {
    throw new BridgeError(
      "not_permitted",
      `Cannot watch connection ${id}: ${subscription.rejected}`,
    );
  }
  using _ = subscription;
  signal.addEventListener("abort", end, { once: true });
  try {
    while (!signal.aborted) {
      const connection = unread.shift();
      if (connection !== undefined) yield connection;
      else if (over) return;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/**
 * Resolves when an endpoint is stored or was received by the client, when the
 * connection is over or unknown, after `ms`, or when `signal` aborts, whichever is
 * first; at once at the limit of watchers. The caller must look at the connection
 * again: another peer may have been faster.
 */
export async function waitForEndpoint<E extends Disposable>(
  registry: Registry<E>,
  id: string,
  ms: number,
  signal: AbortSignal,
  process?: ProcessIdentity,
): Promise<void> {
  const current = registry.lookup(id)?.connection;
  if (current === undefined || isSettled(current) || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscription = registry.subscribe(id, {
    changed(connection): void {
      if (isSettled(connection)) resolve();
    },
    ended: resolve,
  }, process);
  if ("rejected" in subscription) return;
  using _ = subscription;
  const cancel = registry.setTimer(resolve, ms);
  const abort = (): void => resolve();
  signal.addEventListener("abort", abort);
  await promise;
  // The signal belongs to the peer and outlives this wait.
  signal.removeEventListener("abort", abort);
  cancel();
}

/** Whether there is nothing to wait for: an endpoint is stored or was received, or the connection is over. */
function isSettled(connection: ConnectionRecord): boolean {
  return connection.endpointStored || hasFailed(connection) ||
    clientReached(connection.client, "xpc_endpoint_received");
}
