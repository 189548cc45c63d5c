/**
 * Names for processes that have one ancestor in common, and connections between
 * them, without a service manager and without a file. docs/bootstrap.md tells more.
 *
 * ```ts ignore
 * import { Bootstrap } from "@streamlib/bridge/bootstrap";
 *
 * using bootstrap = Bootstrap.create();
 * const child = bootstrap.spawn("./plugin", { args: ["--fast"] });
 * using connection = await bootstrap.connect("com.example.plugin", { timeoutMs: 10_000 });
 * ```
 *
 * @module
 */

export { BridgeError, type ErrorCode } from "../proto/errors.ts";
export {
  Bootstrap,
  type BootstrapOptions,
  type ConnectOptions,
} from "./bootstrap.ts";
export type { BootstrapEvent } from "./bootstrap_events.ts";
export type { OwnedCapability } from "./capability.ts";
export {
  Connection,
  type ConnectionQueues,
  type Peer,
  type RequestOptions,
} from "./connection.ts";
export type { ConnectionEvents } from "./connection_events.ts";
export {
  type Capability,
  type CapabilityKind,
  double,
  int64,
  uint64,
  type XpcDictionary,
  XpcNumber,
  type XpcNumberType,
  type XpcValue,
} from "../proto/wire/xpc_value.ts";
export type { Message } from "./message.ts";
export type { ConnectionEnd } from "./native.ts";
export { Listener, type ListenerEvents } from "./listener.ts";
export { Party } from "./party.ts";
export { connectTo, serve } from "./own_names.ts";
