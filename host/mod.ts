/**
 * For a runtime: hosts, which run a processor in a process of its own.
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

export * from "../proto/mod.ts";
export { type TransferStats, transferStats } from "../ffi/stats.ts";
export type {
  ChannelStats,
  Receivers,
  Senders,
} from "../ffi/channel/channel.ts";
export type {
  BufferSpec,
  FrameTemplate,
  SurfaceSpec,
} from "../ffi/channel/field_memory.ts";
export type {
  FrameReceiver,
  ReceivedFrame,
  ReceiverStats,
} from "../ffi/channel/frame_receiver.ts";
export type {
  FrameSender,
  OutgoingFrame,
  SenderStats,
} from "../ffi/channel/frame_sender.ts";
export type { HandshakeTimes } from "./bridge.ts";
export { ContinuousHost } from "./continuous.ts";
export { ManualHost } from "./manual.ts";
export { type HostOptions, ProcessorHost } from "./processor_host.ts";
export { ReactiveHost } from "./reactive.ts";
export type { ClientPermissions } from "./spawn.ts";
