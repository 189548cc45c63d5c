/**
 * The broker as a library: starts a broker in your own process.
 *
 * ```ts ignore
 * import { Broker } from "@streamlib/bridge/broker";
 *
 * await using broker = await Broker.start({
 *   service: "com.example.broker",
 *   grpc: "unix:/run/user/1000/streamlib/com.example.broker.grpc",
 *   log: { sink: (line) => Deno.stderr.writeSync(new TextEncoder().encode(line)) },
 * });
 * ```
 *
 * @module
 */

export { Broker, type BrokerOptions } from "./broker.ts";
export type { LogOptions } from "./log/log.ts";
export type { LogLevel } from "./log/log_record.ts";
export type { QuotaLimits, QuotaName } from "./registry/quotas.ts";
