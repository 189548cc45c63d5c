/**
 * The API of a processor's module.
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

export * from "../channel/mod.ts";
export * from "../proto/mod.ts";
export {
  call,
  type CallFields,
  type CallParts,
  type NoFields,
  type ProcessorCall,
  type ProcessorCalls,
  type Returned,
} from "./call.ts";
export type { AnyContext, Context } from "./context.ts";
export { describe } from "./describe.ts";
export {
  type AnyDefinition,
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
