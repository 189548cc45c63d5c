/**
 * Defines processors: what a processor's module exports.
 *
 * @module
 */

import { MAX_CALLS, MAX_SCHEMA_BYTES } from "../proto/limits.ts";
import type { CallMap, NoCalls } from "../proto/schema/call_types.ts";
import {
  connectionSchema,
  type NoPorts,
} from "../proto/schema/connection_schema.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import {
  callSchemas,
  type Declarations,
  declarationsToJson,
} from "../proto/schema/json/declarations_json.ts";
import {
  DESCRIBE_KEY,
  descriptionOf,
} from "../proto/schema/json/description_json.ts";
import type { PortMap } from "../proto/schema/port.ts";
import {
  amount,
  hasProperties,
  Place,
  quote,
  show,
} from "../proto/schema/schema_place.ts";
import type { NoSettings, SettingMap } from "../proto/schema/settings.ts";
import { SettingsCodec } from "../proto/wire/settings_codec.ts";
import { CALL_EXAMPLE, isCall, type ProcessorCalls } from "./call.ts";
import type { Context } from "./context.ts";
import type {
  ProcessorMode,
  ProcessorTypes,
  TypedProcessor,
  TypesOfProcessor,
} from "../proto/schema/processor_types.ts";

/** What every kind of processor has: ports, and functions for its start and end. */
export interface ProcessorDefinition<
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap = NoSettings,
  C extends CallMap = NoCalls,
> {
  /** The schema of each input port. Default, if `outputs` is absent too: the host's ports. */
  readonly inputs?: I;
  /** The schema of each output port. */
  readonly outputs?: O;
  /** Parameters that the host can change while the processor runs. */
  readonly settings?: S;
  /** What the host can ask the processor. */
  readonly calls?: ProcessorCalls<C, I, O, S>;
  /**
   * Called when the host has changed settings, with their names: between the
   * processor's other functions, and after the frames that were sent before the
   * change were read. Not called for the values that the processor starts with. An
   * error here is the processor's failure.
   */
  settingsChanged?(
    context: Context<I, O, S>,
    changed: readonly (keyof S & string)[],
  ): void | Promise<void>;
  /** Called once, before the first frame. Load models here. */
  setup?(context: Context<I, O, S>): void | Promise<void>;
  /** Called when the host pauses the processor. `process` is not called until the host resumes it. */
  pause?(context: Context<I, O, S>): void | Promise<void>;
  /** Called when the host resumes the processor. */
  resume?(context: Context<I, O, S>): void | Promise<void>;
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
  flush?(context: Context<I, O, S>): void | Promise<void>;
  /** Called once, at the end, also after a failure. It must return within 1.5 s. */
  teardown?(context: Context<I, O, S>): void | Promise<void>;
}

/** A processor that processes each frame as it comes. */
export interface ReactiveDefinition<
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap = NoSettings,
  C extends CallMap = NoCalls,
> extends ProcessorDefinition<I, O, S, C> {
  /** Called when a frame has come, until all inputs have ended; the calls never overlap. An error ends the processor and is reported to the host's owner. */
  process(context: Context<I, O, S>): void | Promise<void>;
}

/** A processor that runs in a loop, whether frames come or not. */
export interface ContinuousDefinition<
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap = NoSettings,
  C extends CallMap = NoCalls,
> extends ProcessorDefinition<I, O, S, C> {
  /** Milliseconds to wait after a call in which no frame was read or sent. A frame that comes ends the wait. Default: 16. */
  readonly restMs?: number;
  /** Called repeatedly, until all inputs have ended and were read; the calls never overlap. An error ends the processor and is reported to the host's owner. */
  process(context: Context<I, O, S>): void | Promise<void>;
}

/** The argument of a manual processor's `start`. */
export interface RunningContext<
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap = NoSettings,
> extends Context<I, O, S> {
  /** Aborts when the host stops or ends the processor. */
  readonly running: AbortSignal;
}

/** A processor that runs from start to stop. */
export interface ManualDefinition<
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap = NoSettings,
  C extends CallMap = NoCalls,
> extends ProcessorDefinition<I, O, S, C> {
  /** Called when the host starts the processor. It may run until `running` aborts, or start something and return. */
  start(context: RunningContext<I, O, S>): void | Promise<void>;
  /** Called when the host stops the processor, after `running` has aborted. `start` may not have returned yet. */
  stop?(context: Context<I, O, S>): void | Promise<void>;
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
    /** The settings and calls that it declares. */
    readonly declared: Declarations;
  }
  & {
    [M in ProcessorMode]: {
      /** When its functions are called. */
      readonly mode: M;
      /** Its functions. */
      readonly definition: AnyDefinition[M];
    };
  }[ProcessorMode];

/** The definition of a processor of each mode, whatever it declares. */
export interface AnyDefinition {
  /** It processes each frame as it comes. */
  reactive: ReactiveDefinition<PortMap, PortMap, SettingMap, CallMap>;
  /** It runs in a loop. */
  continuous: ContinuousDefinition<
    PortMap,
    PortMap,
    SettingMap,
    CallMap
  >;
  /** It runs from start to stop. */
  manual: ManualDefinition<PortMap, PortMap, SettingMap, CallMap>;
}

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
 * @throws {BridgeError} `schema_mismatch` if a port, a setting or a call is not valid;
 * `bad_argument` if something else is in the place of one, or of a function
 */
export function reactive<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
  const S extends SettingMap = NoSettings,
  const C extends CallMap = NoCalls,
>(
  definition: ReactiveDefinition<I, O, S, C>,
): Processor<TypesOfProcessor<"reactive", I, O, S, C>> {
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
 * @throws {BridgeError} `schema_mismatch` if a port, a setting or a call is not valid;
 * `bad_argument` if something else is in the place of one, or of a function
 */
export function continuous<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
  const S extends SettingMap = NoSettings,
  const C extends CallMap = NoCalls,
>(
  definition: ContinuousDefinition<I, O, S, C>,
): Processor<TypesOfProcessor<"continuous", I, O, S, C>> {
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
 * @throws {BridgeError} `schema_mismatch` if a port, a setting or a call is not valid;
 * `bad_argument` if something else is in the place of one, or of a function
 */
export function manual<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
  const S extends SettingMap = NoSettings,
  const C extends CallMap = NoCalls,
>(
  definition: ManualDefinition<I, O, S, C>,
): Processor<TypesOfProcessor<"manual", I, O, S, C>> {
  return make("manual", definition);
}

function make<
  M extends ProcessorMode,
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap,
  C extends CallMap,
>(
  mode: M,
  definition: ProcessorDefinition<I, O, S, C>,
): Processor<TypesOfProcessor<M, I, O, S, C>> {
  checkFunctions(mode, definition);
  const { inputs, outputs, settings = {}, calls = {} } = definition;
  // The runner passes the ports of the host's schema, which it has checked against this one.
  const described = {
    mode,
    schema: inputs || outputs
      ? connectionSchema<PortMap, PortMap>({
        ...(inputs && { inputs }),
        ...(outputs && { outputs }),
      })
      : undefined,
    declared: declarationsOf(settings, calls),
  };
  const processor = Object.freeze({
    ...described,
    definition,
    [Symbol.for(DESCRIBE_KEY)]: () => descriptionOf(described),
  }) as unknown as Processor<TypesOfProcessor<M, I, O, S, C>>;
  PROCESSORS.add(processor);
  return processor;
}

/** Returns what a processor declares beside its ports. Throws `schema_mismatch` if it is not valid, or too large for a message; `bad_argument` if it has something else than settings and calls. */
function declarationsOf(
  settings: SettingMap,
  calls: ProcessorCalls<CallMap, PortMap, PortMap, SettingMap>,
): Declarations {
  new SettingsCodec(settings); // checks them
  const place = new Place("what the processor declares");
  checkCalls(calls);
  const { length } = Object.keys(calls);
  if (length > MAX_CALLS) {
    place.refuse(`it has ${length} calls; at most ${MAX_CALLS} are allowed`);
  }
  const declared = Object.freeze({
    settings: Object.freeze({ ...settings }),
    calls: Object.freeze(Object.fromEntries(
      Object.entries(calls).map(([name, one]) => {
        const { request, reply } = one();
        return [name, callSchemas(name, request, reply)];
      }),
    )),
  });
  const size = JSON.stringify(declarationsToJson(declared)).length;
  if (size > MAX_SCHEMA_BYTES) {
    place.refuse(
      `its settings and calls take ${
        amount(size, "character")
      } as JSON; at most ${MAX_SCHEMA_BYTES} are allowed`,
    );
  }
  return declared;
}

/** TypeScript refuses what {@link call} has not made. JavaScript does not. */
function checkCalls(calls: Readonly<Record<string, unknown>>): void {
  const place = new Place("the calls");
  place.map(calls, `{ count: ${CALL_EXAMPLE} }`);
  for (const [name, one] of Object.entries(calls)) {
    if (isCall(one)) continue;
    place.inside(quote(name)).misuse(
      `it is ${show(one)}, not a call; write ${CALL_EXAMPLE}`,
    );
  }
}

/** The functions that a processor of each mode must have, and can have. */
const FUNCTIONS: Readonly<
  Record<ProcessorMode, readonly [must: string, ...can: string[]]>
> = {
  reactive: ["process"],
  continuous: ["process"],
  manual: ["start", "stop"],
};

/** The functions that a processor of any mode can have. */
const COMMON_FUNCTIONS = [
  "settingsChanged",
  "setup",
  "pause",
  "resume",
  "flush",
  "teardown",
];

/** TypeScript refuses a definition without its function, or with another value for one. JavaScript does not. */
function checkFunctions(mode: ProcessorMode, definition: unknown): void {
  const place: Place = new Place(`the definition of a ${mode} processor`);
  const [must, ...can] = FUNCTIONS[mode];
  const advice = `${mode}({ ${must}() {} })`;
  if (!hasProperties(definition)) {
    place.misuse(`it is ${show(definition)}, not an object; write ${advice}`);
  }
  for (const name of [must, ...can, ...COMMON_FUNCTIONS]) {
    const value = definition[name];
    if (typeof value === "function") continue;
    if (value === undefined && name !== must) continue;
    place.misuse(
      `its '${name}' is ${show(value)}, not a function; write ${advice}`,
    );
  }
}

/** Whether {@link reactive}, {@link continuous} or {@link manual} returned a value. */
export function isProcessor(value: unknown): value is Processor {
  return typeof value === "object" && value !== null && PROCESSORS.has(value);
}
