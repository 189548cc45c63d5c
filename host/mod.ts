/**
 * The API of a runtime. A host runs one processor in a process of its own.
 *
 * ```ts ignore
 * import { ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
 *
 * await using invert = ReactiveHost.launch({
 *   module: new URL("./invert.ts", import.meta.url),
 *   inputs: { video: VideoFrame },
 *   outputs: { video: VideoFrame },
 * });
 * await invert.ready;
 * ```
 *
 * @module
 */

export * from "../channel/mod.ts";
export * from "../proto/mod.ts";
export type { GetConnectionInfoResponse } from "../proto/broker_gen.ts";
export type {
  AnyCall,
  CallFunction,
  HostCalls,
  HostSettings,
  SomeSettings,
} from "./asking.ts";
export type { AskOptions } from "./client_requests.ts";
export type { HandshakeTimes } from "./handshake_times.ts";
export { ContinuousHost } from "./continuous.ts";
export { HostFailure, type HostFailureOptions } from "./host_failure.ts";
export { ManualHost } from "./manual.ts";
export type * from "./module_types.ts";
export type { HostOptions } from "./options.ts";
export { type CloseOptions, ProcessorHost } from "./processor_host.ts";
export { ReactiveHost } from "./reactive.ts";
export type { ResendPolicy, RestartPolicy } from "./restart.ts";
export { Runtime, type RuntimeOptions } from "./runtime.ts";
export type { ClientPermissions } from "./spawn/client_arguments.ts";
export type { Restart } from "./supervisor.ts";
