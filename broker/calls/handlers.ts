/**
 * The control API: each call is a function from a caller and a plain request to a
 * plain response, without transport. Both carriers, gRPC and XPC, serve these
 * tables.
 *
 * What a handler returns and what it throws:
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

import type {
  Answer,
  Handlers,
  UnaryAnswers,
  UnaryHandler,
  UnaryHandlers,
} from "./call_types.ts";
import { CallContext, type HandlerOptions } from "./context.ts";
import { RequestFields } from "./fields.ts";
import { lifecycleAnswers } from "./lifecycle_handlers.ts";
import { logAnswers, logHandlers } from "./log_handlers.ts";
import { queryAnswers, streamHandlers } from "./query_handlers.ts";
import { relayHandlers } from "./relay_handlers.ts";
import { runtimeAnswers } from "./runtime_handlers.ts";

/** Makes the handlers of a broker. */
export function createHandlers<E extends Disposable>(
  options: HandlerOptions<E>,
): Handlers<E> {
  const context = new CallContext(options);
  const answers: UnaryAnswers = {
    ...runtimeAnswers(context),
    ...lifecycleAnswers(context),
    ...queryAnswers(context),
    ...logAnswers(context.logs),
  };
  const unary = Object.entries(answers).map(([name, answer]) => [
    name,
    unaryHandler(name, answer),
  ]);
  return {
    unary: Object.fromEntries(unary) as UnaryHandlers,
    stream: {
      ...streamHandlers(context),
      ...logHandlers(context.logs, context.quotas.tails),
    },
    relay: relayHandlers(context),
  };
}

function unaryHandler(
  name: string,
  answer: Answer<object>,
): UnaryHandler<object> {
  return (caller, request) =>
    Promise.try(() => answer(caller, new RequestFields(name, request)));
}
