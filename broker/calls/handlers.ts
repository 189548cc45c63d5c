/**
 * The control API, once: every operation is one function from a caller and a
 * plain request to a plain response, with no transport in it. Both carriers,
 * gRPC and XPC, are loops over these tables.
 *
 * What a handler answers and what it throws:
 *
 * | condition | outcome |
 * |---|---|
 * | unknown connection | a response: `success: false`, `found: false` or `not_found` |
 * | a transition that the state forbids, a full quota | a response: `success: false` with the reason |
 * | a missing or wrong token, the wrong peer | throws BridgeError `not_permitted`, counted and logged |
 * | a malformed request | throws BridgeError `bad_argument` |
 *
 * Carriers turn `bad_argument` into INVALID_ARGUMENT and `not_permitted` into
 * PERMISSION_DENIED, or both into `{success: false, error}`.
 *
 * @module
 */

import type { Handlers } from "./call_types.ts";
import { CallContext, type HandlerOptions } from "./context.ts";
import { lifecycleHandlers } from "./lifecycle_handlers.ts";
import { logHandlers } from "./log_handlers.ts";
import { queryHandlers, streamHandlers } from "./query_handlers.ts";
import { relayHandlers } from "./relay_handlers.ts";
import { runtimeHandlers } from "./runtime_handlers.ts";

/** Makes the handlers of one broker, over its registry. */
export function createHandlers<E extends Disposable>(
  options: HandlerOptions<E>,
): Handlers<E> {
  const context = new CallContext(options);
  return {
    unary: {
      ...runtimeHandlers(context),
      ...lifecycleHandlers(context),
      ...queryHandlers(context),
    },
    stream: { ...streamHandlers(context), ...logHandlers(context.logs) },
    relay: relayHandlers(context),
  };
}
