/**
 * The names that this process sees: those of the bootstrap that it was started in,
 * and of this user's services.
 *
 * @module
 */

import { BOOTSTRAP_VARIABLE } from "../proto/bootstrap.ts";
import { BridgeError } from "../proto/errors.ts";
import { MAX_CHANNEL_BYTES } from "./bootstrap.ts";
import { Connection } from "./connection.ts";
import { Listener, type ListenerEvents, withPeers } from "./listener.ts";
import { Native } from "./native.ts";
import { STATUS } from "./status.ts";

/**
 * Returns the environment by which a child of this process uses the bootstrap that
 * this process is in; `{}` if it is in none. Throws `broker_unreachable` if it was
 * started in one and its channel was lost; the message says where.
 */
export function inheritedChannel(
  native: Native,
): Readonly<Record<string, string>> {
  const value = new Uint8Array(MAX_CHANNEL_BYTES);
  const length = native.symbols.slb_bootstrap_inherited(value, value.length);
  if (length === STATUS.absent) {
    throw new BridgeError("broker_unreachable", native.lastError());
  }
  return native.checked(length) === 0 ? {} : {
    [BOOTSTRAP_VARIABLE]: new TextDecoder().decode(value.subarray(0, length)),
  };
}

/**
 * Serves a name for other processes, in the bootstrap that this process was started
 * in; in none, as a service of this user. Disposing what it returns ends that. If
 * the name cannot be served, `events.ended` is called with the reason.
 *
 * ```ts
 * import { connectTo, serve } from "@streamlib/bridge/bootstrap";
 *
 * using _listener = serve(`com.example.echo-${Deno.pid}`, {
 *   peer: (peer) =>
 *     peer.activate({
 *       message: (message) => message.reply({ ...message.body }),
 *       ended: () => peer[Symbol.dispose](),
 *     }),
 *   ended: (_, reason) => console.error(reason),
 * });
 * using connection = connectTo(`com.example.echo-${Deno.pid}`);
 * connection.activate({ message: () => {}, ended: () => {} });
 * using reply = await connection.request({ text: "hello" }, { timeoutMs: 5_000 });
 * console.log(reply.body["text"]); // "hello"
 * ```
 *
 * @throws {BridgeError} what opening the shim throws, `bad_argument` for an impossible name
 */
export function serve(name: string, events: ListenerEvents): Listener {
  using held = new DisposableStack();
  const native = held.use(Native.open());
  const listener = Listener.ofService(native, name);
  held.move();
  listener.disposeWith(native);
  listener.activate(withPeers(native, events));
  return listener;
}

/**
 * Returns a connection to whoever serves the name, inactive, which the caller owns.
 * The name is looked for in the bootstrap that this process was started in, and
 * then, unless that is isolated, among the services of this user. If nobody serves
 * it, `ended` is called with `invalid` after the activation.
 *
 * @throws {BridgeError} what opening the shim throws, `bad_argument` for an impossible name
 */
export function connectTo(name: string): Connection {
  using held = new DisposableStack();
  const native = held.use(Native.open());
  const connection = Connection.toService(native, name);
  held.move();
  connection.disposeWith(native);
  return connection;
}
