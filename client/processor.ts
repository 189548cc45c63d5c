/**
 * Defines processors: what a processor's module exports.
 *
 * @module
 */

import type { Receivers, Senders } from "../channel/ports/channel_ports.ts";
import {
  connectionSchema,
  type NoPorts,
} from "../proto/schema/connection_schema.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type {
  ProcessorMode,
  ProcessorTypes,
  TypedProcessor,
  TypesOfProcessor,
} from "../proto/schema/processor_types.ts";

/** The argument of a processor's functions. */
export interface Context<I extends PortMap, O extends PortMap> {
  /** Receives frames from the host, by port. */
  readonly input: Receivers<I>;
  /** Sends frames to the host, by port. */
  readonly output: Senders<O>;
  /** Aborts when the processor must end. Pass it to everything that the processor waits for. */
  readonly signal: AbortSignal;
}

/** What every kind of processor has: ports, and functions for its start and end. */
export interface ProcessorDefinition<I extends PortMap, O extends PortMap> {
  /** The schema of each input port. Default, if `outputs` is absent too: the host's ports. */
  readonly inputs?: I;
  /** The schema of each output port. */
  readonly outputs?: O;
  /** Called once, before the first frame. Load models here. */
  setup?(context: Context<I, O>): void | Promise<void>;
  /** Called when the host pauses the processor. `process` is not called until the host resumes it. */
  pause?(context: Context<I, O>): void | Promise<void>;
  /** Called when the host resumes the processor. */
  resume?(context: Context<I, O>): void | Promise<void>;
  /**
   * Called once, when the host has ended all inputs and their frames were read:
   * send here what the processor still holds. It still arrives; then all outputs
   * end by themselves, whether there is a `flush` or not. `process` and `start`
   * are not called any more. While the processor is paused it waits. An error
   * here is the processor's failure.
   *
   * A reactive processor whose `process` leaves frames unread, and a manual one
   * that is not running, can still read them here. A manual one that runs is
   * asked when its `start` has returned. A processor without inputs is never
   * asked: it ends its outputs itself, with {@link FrameSender.end}.
   *
   * ```ts
   * import { continuous, DataFrame } from "@streamlib/bridge/client";
   *
   * const held: Uint8Array[] = []; // a look-ahead of two frames
   * export default continuous({
   *   inputs: { data: DataFrame },
   *   outputs: { data: DataFrame },
   *   process({ input, output }) {
   *     using frame = input.data.get();
   *     if (!frame) return;
   *     held.push(frame.data);
   *     if (held.length > 2) send(held.shift()!, output.data);
   *   },
   *   async flush({ output }) {
   *     for (const data of held) {
   *       await output.data.ready;
   *       send(data, output.data);
   *     }
   *   },
   * });
   *
   * type Output = import("@streamlib/bridge/client").FrameSender<typeof DataFrame>;
   * function send(data: Uint8Array, output: Output): void {
   *   using frame = output.acquire({
   *     data,
   *     schema_name: "held",
   *     timestamp_ns: 0n,
   *   });
   *   output.send(frame);
   * }
   * ```
   */
  flush?(context: Context<I, O>): void | Promise<void>;
  /** Called once, at the end, also after a failure. It must return within 1.5 s. */
  teardown?(context: Context<I, O>): void | Promise<void>;
}

/** A processor that processes each frame as it comes. */
export interface ReactiveDefinition<I extends PortMap, O extends PortMap>
  extends ProcessorDefinition<I, O> {
  /** Called when a frame has come, until all inputs have ended; the calls never overlap. An error ends the processor and is reported to the host's owner. */
  process(context: Context<I, O>): void | Promise<void>;
}

/** A processor that runs in a loop, whether frames come or not. */
export interface ContinuousDefinition<I extends PortMap, O extends PortMap>
  extends ProcessorDefinition<I, O> {
  /** Milliseconds to wait after a call in which no frame was read or sent. A frame that comes ends the wait. Default: 16. */
  readonly restMs?: number;
  /** Called repeatedly, until all inputs have ended and were read; the calls never overlap. An error ends the processor and is reported to the host's owner. */
  process(context: Context<I, O>): void | Promise<void>;
}

/** The argument of a manual processor's `start`. */
export interface RunningContext<I extends PortMap, O extends PortMap>
  extends Context<I, O> {
  /** Aborts when the host stops or ends the processor. */
  readonly running: AbortSignal;
}

/** A processor that runs from start to stop. */
export interface ManualDefinition<I extends PortMap, O extends PortMap>
  extends ProcessorDefinition<I, O> {
  /** Called when the host starts the processor. It may run until `running` aborts, or start something and return. */
  start(context: RunningContext<I, O>): void | Promise<void>;
  /** Called when the host stops the processor, after `running` has aborted. `start` may not have returned yet. */
  stop?(context: Context<I, O>): void | Promise<void>;
}

/**
 * A processor. Made by {@link reactive}, {@link continuous} or {@link manual}. Its
 * type tells its mode and its ports, so that a host can be checked against it: see
 * the `launch` of each kind of host.
 */
export type Processor<T extends ProcessorTypes = ProcessorTypes> =
  & TypedProcessor<T>
  & {
    /** The ports that it declares; `undefined` if it uses the host's ports. */
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

/** Every processor that was made here; a module may export something else. */
const PROCESSORS = new WeakSet<object>();

/**
 * Makes a processor that processes each frame as it comes. Export it as the
 * module's default.
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
 * @throws {BridgeError} `schema_mismatch` if a port's declaration is not valid
 */
export function reactive<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
>(
  definition: ReactiveDefinition<I, O>,
): Processor<TypesOfProcessor<"reactive", I, O>> {
  return make("reactive", definition);
}

/**
 * Makes a processor that runs in a loop, whether frames come or not. Export it as
 * the module's default.
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
 * @throws {BridgeError} `schema_mismatch` if a port's declaration is not valid
 */
export function continuous<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
>(
  definition: ContinuousDefinition<I, O>,
): Processor<TypesOfProcessor<"continuous", I, O>> {
  return make("continuous", definition);
}

/**
 * Makes a processor that runs from start to stop. Export it as the module's
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
 * @throws {BridgeError} `schema_mismatch` if a port's declaration is not valid
 */
export function manual<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
>(
  definition: ManualDefinition<I, O>,
): Processor<TypesOfProcessor<"manual", I, O>> {
  return make("manual", definition);
}

function make<
  M extends ProcessorMode,
  I extends PortMap,
  O extends PortMap,
>(
  mode: M,
  definition: ProcessorDefinition<I, O>,
): Processor<TypesOfProcessor<M, I, O>> {
  const { inputs, outputs } = definition;
  // The runner passes the ports of the host's schema, which it has checked against this one.
  const processor = Object.freeze({
    mode,
    schema: inputs || outputs
      ? connectionSchema<PortMap, PortMap>({
        ...(inputs && { inputs }),
        ...(outputs && { outputs }),
      })
      : undefined,
    definition,
  }) as unknown as Processor<TypesOfProcessor<M, I, O>>;
  PROCESSORS.add(processor);
  return processor;
}

/** Whether {@link reactive}, {@link continuous} or {@link manual} returned a value. */
export function isProcessor(value: unknown): value is Processor {
  return typeof value === "object" && value !== null && PROCESSORS.has(value);
}
