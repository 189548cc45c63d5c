/**
 * For a processor: what its module imports.
 *
 * ```ts
 * import { reactive, VideoFrame } from "@streamlib/bridge/client";
 *
 * export default reactive({
 *   inputs: { video: VideoFrame },
 *   process({ input }) {
 *     using frame = input.video.get();
 *     if (frame) save(frame.width, frame.height);
 *   },
 * });
 * ```
 *
 * @module
 */

export * from "../proto/mod.ts";
export { type TransferStats, transferStats } from "../ffi/stats.ts";
export type { Receivers, Senders } from "../ffi/channel/channel.ts";
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
export {
  type Context,
  continuous,
  type ContinuousDefinition,
  manual,
  type ManualDefinition,
  type Processor,
  type ProcessorDefinition,
  reactive,
  type ReactiveDefinition,
  type RunningContext,
} from "./processor.ts";
