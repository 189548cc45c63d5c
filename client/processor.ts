/**
 * What a processor's module exports.
 *
 * @module
 */

import type { Receivers, Senders } from "../ffi/channel/channel.ts";
import { connectionSchema, type NoPorts } from "../proto/connection_schema.ts";
import type { ConnectionSchema } from "../proto/connection_schema.ts";
import type { PortMap } from "../proto/port.ts";

/** What a processor's functions are given. */
export interface Context<I extends PortMap, O extends PortMap> {
  /** Where frames come in, by port. */
  readonly input: Receivers<I>;
  /** Where frames go out, by port. */
  readonly output: Senders<O>;
  /** Aborts when the processor is to end: for whatever it waits for. */
  readonly signal: AbortSignal;
}

/** A reactive processor: its functions, and the ports that they use. */
export interface ReactiveDefinition<I extends PortMap, O extends PortMap> {
  /** What comes in, by port. Left out together with `outputs`: whatever the host says. */
  readonly inputs?: I;
  /** What goes out, by port. */
  readonly outputs?: O;
  /** Called once, before the first frame: load models here. */
  setup?(context: Context<I, O>): void | Promise<void>;
  /** Called when a frame has come, never twice at a time. What it throws ends the processor and reaches the host's owner. */
  process(context: Context<I, O>): void | Promise<void>;
  /** Called once, at the end, also after a failure of `process`. */
  teardown?(context: Context<I, O>): void | Promise<void>;
}

/** A processor as the runner takes it. Made by {@link reactive}. */
export interface Processor {
  /** When its functions are called. */
  readonly mode: "reactive";
  /** The ports that it declares; `undefined` where it takes the host's. */
  readonly schema: ConnectionSchema | undefined;
  /** Its functions. */
  readonly definition: ReactiveDefinition<PortMap, PortMap>;
}

/** How a processor is told from whatever else a module may export. */
const PROCESSORS = new WeakSet<object>();

/**
 * A processor that works on each frame that comes. Export it as the module's
 * default.
 *
 * ```ts
 * import { reactive, VideoFrame } from "@streamlib/bridge/client";
 *
 * export default reactive({
 *   inputs: { video: VideoFrame },
 *   outputs: { video: VideoFrame },
 *   process({ input, output }) {
 *     using frame = input.video.get();
 *     if (!frame) return;
 *     using out = output.video.acquire(frame); // the same size, other memory
 *     const from = frame.pixel_buffer.pixels, to = out.pixel_buffer.pixels;
 *     for (let i = 0; i < from.length; i++) to[i] = 255 - from[i]!;
 *     output.video.send(out);
 *   },
 * });
 * ```
 *
 * @throws {BridgeError} `schema_mismatch` where a port cannot be as declared
 */
export function reactive<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
>(definition: ReactiveDefinition<I, O>): Processor {
  const { inputs, outputs } = definition;
  const processor: Processor = Object.freeze({
    mode: "reactive",
    schema: inputs || outputs
      ? connectionSchema<PortMap, PortMap>({
        ...(inputs && { inputs }),
        ...(outputs && { outputs }),
      })
      : undefined,
    // The runner gives it the ports of the schema that was checked against this one.
    definition: definition as unknown as ReactiveDefinition<PortMap, PortMap>,
  });
  PROCESSORS.add(processor);
  return processor;
}

/** Whether a value is what {@link reactive} returned. */
export function isProcessor(value: unknown): value is Processor {
  return typeof value === "object" && value !== null && PROCESSORS.has(value);
}
