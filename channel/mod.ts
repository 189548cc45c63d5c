/**
 * The public part of channels: ports and frames.
 *
 * @module
 */

export { type TransferStats, transferStats } from "../ffi/stats.ts";
export { abortable } from "./abortable.ts";
export type { ChannelStats } from "./channel.ts";
export type { PortCounts, Receivers, Senders } from "./channel_ports.ts";
export type { Latency } from "./latency_window.ts";
export type {
  BufferSpec,
  FrameTemplate,
  SurfaceSpec,
  TemplateOf,
  TemplatesOf,
} from "./memory/frame_template.ts";
export type {
  FrameReceiver,
  ReceivedFrame,
  ReceiverStats,
} from "./frame_receiver.ts";
export type {
  FrameSender,
  OutgoingFrame,
  SenderStats,
} from "./frame_sender.ts";
