/**
 * The public part of channels: ports and frames.
 *
 * @module
 */

export { now } from "../ffi/now.ts";
export { type TransferStats, transferStats } from "../ffi/stats.ts";
export { abortable } from "./abortable.ts";
export type { ChannelStats } from "./channel_stats.ts";
export type { PortCounts, Receivers, Senders } from "./ports/channel_ports.ts";
export type { Latency } from "./latency_window.ts";
export type {
  BufferSpec,
  FrameTemplate,
  GivenKeys,
  MirroredOf,
  SpecKeys,
  SurfaceSpec,
  TemplateIn,
  TemplateOf,
  TemplatesOf,
} from "./memory/frame_template.ts";
export type {
  FrameReceiver,
  ReceivedFrame,
  ReceiverStats,
} from "./ports/frame_receiver.ts";
export type {
  FrameSender,
  OutgoingFrame,
  SenderStats,
} from "./ports/frame_sender.ts";
export type { UnreleasedFrame } from "./ports/sent_copies.ts";
export type { Leased } from "./memory/leased_frame.ts";
export type { TransportPath } from "./transport.ts";
