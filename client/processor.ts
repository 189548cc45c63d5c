/**
 * What a processor's module exports.
 *
 * @module
 */

import type { Receivers, Senders } from "../channel/channel.ts";
import {
  connectionSchema,
  type NoPorts,
} from "../proto/schema/connection_schema.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";

/** What a processor's functions are given. */
export interface Context<I extends PortMap, O extends PortMap> {
  /** Where frames come in, by port. */
  readonly input: Receivers<I>;
  /** Where frames go out, by port. */
  readonly output: Senders<O>;
  /** Aborts when the processor is to end: for whatever it waits for. */
  readonly signal: AbortSignal;
}

/** What every kind of processor has: its ports, and what is called once. */
export interface ProcessorDefinition<I extends PortMap, O extends PortMap> {
  /** What comes in, by port. Left out together with `outputs`: whatever the host says. */
  readonly inputs?: I;
  /** What goes out, by port. */
  readonly outputs?: O;
  /** Called once, before the first frame: load models here. */
  setup?(context: Context<I, O>): void | Promise<void>;
  /** Called when the host pauses the processor: no more `process` until it is resumed. */
  pause?(context: Context<I, O>): void | Promise<void>;
  /** Called when the host resumes the processor. */
  resume?(context: Context<I, O>): void | Promise<void>;
  /** Called once, at the end, also after a failure. */
  teardown?(context: Context<I, O>): void | Promise<void>;
}

/** A processor that works on each frame that comes. */
export interface ReactiveDefinition<I extends PortMap, O extends PortMap>
  extends ProcessorDefinition<I, O> {
  /** Called when a frame has come, never twice at a time. What it throws ends the processor and reaches the host's owner. */
  process(context: Context<I, O>): void | Promise<void>;
}

/** A processor that works again and again, frames or not. */
export interface ContinuousDefinition<I extends PortMap, O extends PortMap>
  extends ProcessorDefinition<I, O> {
  /** Milliseconds to rest after a call in which no frame was read or sent; 16 if not said. A frame that comes ends the rest. */
  readonly restMs?: number;
  /** Called again and again, never twice at a time. */
  process(context: Context<I, O>): void | Promise<void>;
}

/** What `start` of a manual processor is given. */
export interface RunningContext<I extends PortMap, O extends PortMap>
  extends Context<I, O> {
  /** Aborts when the host stops the processor, or ends it. */
  readonly running: AbortSignal;
}

/** A processor that works from start to stop. */
export interface ManualDefinition<I extends PortMap, O extends PortMap>
  extends ProcessorDefinition<I, O> {
  /** Called when the host starts the processor. It may work until `running` aborts, or set something going and return. */
  start(context: RunningContext<I, O>): void | Promise<void>;
  /** Called when the host stops the processor, after `running` has aborted; not awaited by `start`, nor awaiting it. */
  stop?(context: Context<I, O>): void | Promise<void>;
}

/** A processor as the runner takes it. Made by {@link reactive}, {@link continuous} or {@link manual}. */
export type Processor =
  & {
    /** The ports that it declares; `undefined` where it takes the host's. */
    readonly schema: ConnectionSchema | undefined;
  }
  & (
    | {
      /** When its functions are called. */
      readonly mode: "reactive";
      /** Its functions. */
      readonly definition: ReactiveDefinition<PortMap, PortMap>;
    }
    | {
      /** When its functions are called. */
      readonly mode: "continuous";
      /** Its functions. */
      readonly definition: ContinuousDefinition<PortMap, PortMap>;
    }
    | {
      /** When its functions are called. */
      readonly mode: "manual";
      /** Its functions. */
      readonly definition: ManualDefinition<PortMap, PortMap>;
    }
  );

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
  return make("reactive", definition);
}

/**
 * A processor that works again and again, frames or not. Export it as the
 * module's default.
 *
 * ```ts
 * import { continuous, DataFrame } from "@streamlib/bridge/client";
 *
 * let count = 0n;
 * export default continuous({
 *   outputs: { ticks: DataFrame },
 *   async process({ output }) {
 *     await output.ticks.ready;
 *     using tick = output.ticks.acquire({
 *       data: new Uint8Array(8),
 *       schema_name: "tick",
 *       timestamp_ns: count++,
 *     });
 *     output.ticks.send(tick);
 *   },
 * });
 * ```
 *
 * @throws {BridgeError} `schema_mismatch` where a port cannot be as declared
 */
export function continuous<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
>(definition: ContinuousDefinition<I, O>): Processor {
  return make("continuous", definition);
}

/**
 * A processor that works from start to stop. Export it as the module's
 * default.
 *
 * ```ts
 * import { DataFrame, manual } from "@streamlib/bridge/client";
 *
 * export default manual({
 *   outputs: { ticks: DataFrame },
 *   async start({ output, running }) {
 *     for (let count = 0n; !running.aborted; count++) {
 *       await output.ticks.ready;
 *       using tick = output.ticks.acquire({
 *         data: new Uint8Array(8),
 *         schema_name: "tick",
 *         timestamp_ns: count,
 *       });
 *       output.ticks.send(tick);
 *     }
 *   },
 * });
 * ```
 *
 * @throws {BridgeError} `schema_mismatch` where a port cannot be as declared
 */
export function manual<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
>(definition: ManualDefinition<I, O>): Processor {
  return make("manual", definition);
}

function make<I extends PortMap, O extends PortMap>(
  mode: Processor["mode"],
  definition: ProcessorDefinition<I, O>,
): Processor {
  const { inputs, outputs } = definition;
  // The runner gives it the ports of the schema that was checked against this one.
  const processor = Object.freeze({
    mode,
    schema: inputs || outputs
      ? connectionSchema<PortMap, PortMap>({
        ...(inputs && { inputs }),
        ...(outputs && { outputs }),
      })
      : undefined,
    definition,
  }) as unknown as Processor;
  PROCESSORS.add(processor);
  return processor;
}

/** Whether a value is what {@link reactive}, {@link continuous} or {@link manual} returned. */
export function isProcessor(value: unknown): value is Processor {
  return typeof value === "object" && value !== null && PROCESSORS.has(value);
}
