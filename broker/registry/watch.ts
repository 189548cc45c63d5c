/**
 * Waiting for what happens to a connection, as a stream and as a promise.
 *
 * @module
 */

import {
  type ConnectionRecord,
  hasFailed,
} from "../../proto/states/connection_record.ts";
import { BridgeError } from "../../proto/errors.ts";
import { clientReached } from "../../proto/states/states.ts";
import type { Registry } from "./registry.ts";

/**
 * The connection as it is now and after every change, until it has failed, the
 * registry is gone, or `signal` aborts. Nothing at all for an unknown one.
 *
 * States only move forward, so what a slow reader leaves unread is bounded.
 *
 * Throws BridgeError `not_permitted` when the connection has as many watchers
 * as it may.
 */
export async function* watch<E extends Disposable>(
  registry: Registry<E>,
  id: string,
  signal: AbortSignal,
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
  });
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
 * Resolves once the connection has an endpoint stored (or had one that the
 * client has received), has failed or is gone, after `ms`, or when `signal`
 * aborts, whichever is first; at once when the connection has as many watchers
 * as it may. What it then is, the caller looks up: another may have been faster.
 */
export async function waitForEndpoint<E extends Disposable>(
  registry: Registry<E>,
  id: string,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const current = registry.lookup(id)?.connection;
  if (current === undefined || isSettled(current) || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscription = registry.subscribe(id, {
    changed(connection): void {
      if (isSettled(connection)) resolve();
    },
    ended: resolve,
  });
  if ("rejected" in subscription) return;
  using _ = subscription;
  const cancel = registry.setTimer(resolve, ms);
  const abort = (): void => resolve();
  signal.addEventListener("abort", abort);
  await promise;
  // The signal is the peer's, and outlives this wait.
  signal.removeEventListener("abort", abort);
  cancel();
}

/** Whether waiting changes nothing any more: there is an endpoint, or there was one and it is received. */
function isSettled(connection: ConnectionRecord): boolean {
  return connection.endpointStored || hasFailed(connection) ||
    clientReached(connection.client, "xpc_endpoint_received");
}
