/**
 * Defines the calls of a processor: what its host can ask it.
 *
 * @module
 */

import type {
  CallMap,
  CallTypes,
  DefinedValues,
} from "../proto/schema/call_types.ts";
import type { NoPorts } from "../proto/schema/connection_schema.ts";
import {
  defineFields,
  type FieldDefinitions,
  type Fields,
} from "../proto/schema/field_type.ts";
import type { PortMap } from "../proto/schema/port.ts";
import { Place, show } from "../proto/schema/schema_place.ts";
import type { NoSettings, SettingMap } from "../proto/schema/settings.ts";
import type { Context } from "./context.ts";

/** What an error advises to write. */
export const CALL_EXAMPLE =
  "call({ reply: { count: UInt32 } }, () => ({ count: 1 }))";

/** Every call that was made here. */
const CALLS = new WeakSet<object>();

/** The fields of a call. */
export interface CallFields<
  Q extends FieldDefinitions,
  R extends FieldDefinitions,
> {
  /** The fields of the request. Default: none. They have no textures and buffers. */
  readonly request?: Q;
  /** The fields of the reply. Default: none. They have no textures and buffers. */
  readonly reply?: R;
}

/** What a call's function returns: nothing, if the reply has no fields. */
export type Returned<R extends FieldDefinitions> = keyof R extends never ? void
  : DefinedValues<R>;

/** What a call consists of. `I`, `O` and `S` are the ports and settings that it needs. */
export interface CallParts<
  T extends CallTypes,
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap,
> {
  /** The fields of its request. */
  readonly request: Fields;
  /** The fields of its reply. */
  readonly reply: Fields;
  /** Answers a request whose values fit its fields. Returns the reply, or a promise of it. */
  readonly answer: (request: object, context: Context<I, O, S>) => unknown;
  /** Never set. For the type checker. */
  readonly types?: T;
}

/**
 * A call, as a processor declares it. Made by {@link call}. It returns its parts.
 *
 * It is a function so that TypeScript can type the context. TypeScript looks last at
 * an expression that returns a function. By then it knows the ports and settings of
 * the definition.
 */
export type ProcessorCall<
  T extends CallTypes,
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap,
> = () => CallParts<T, I, O, S>;

/** No fields. */
export type NoFields = Record<never, never>;

/**
 * Declares a call of a processor: something that its host can ask it while it
 * runs. It is for questions and commands such as "seek" or "reset", not for frames:
 * a request and a reply have at most 1 MiB.
 *
 * `answer` is called between the processor's other functions. None of them runs at
 * the same time, except a manual processor's `start`. The frames that the host sent
 * before the request are read first.
 * If it throws, the host's call rejects with that error, and the processor goes
 * on. The `signal` of its context also aborts when the host no longer waits.
 *
 * ```ts
 * import { call, reactive, setting, UInt64, VideoFrame } from "@streamlib/bridge/client";
 *
 * let frames = 0n;
 * export default reactive({
 *   inputs: { video: VideoFrame },
 *   settings: { step: setting(UInt64, { default: 1n, minimum: 1n }) },
 *   calls: {
 *     count: call({ reply: { steps: UInt64 } }, (_, { settings }) => ({
 *       steps: frames / settings.step,
 *     })),
 *     reset: call({ request: { to: UInt64 } }, ({ to }) => {
 *       frames = to;
 *     }),
 *   },
 *   process({ input }) {
 *     using frame = input.video.get();
 *     if (frame) frames++;
 *   },
 * });
 * ```
 *
 * In a definition the context has the ports and settings of that definition. A
 * call that is made outside of one knows only the `signal`, unless its context is
 * annotated: `(request, { output }: Context<NoPorts, { video: typeof VideoFrame }>)`.
 * A definition takes it if it has these ports and settings.
 *
 * Fields that are not valid are found when the processor is made: `reactive()`,
 * `continuous()` and `manual()` throw `schema_mismatch`.
 *
 * @param fields the fields of request and reply: types, as those of a schema
 * @param answer returns the reply; it gets the request, and the context that the
 * processor's other functions get
 * @throws {BridgeError} `bad_argument` if `fields` has something else than types, or
 * `answer` is not a function
 */
export function call<
  const Q extends FieldDefinitions = NoFields,
  const R extends FieldDefinitions = NoFields,
  I extends PortMap = NoPorts,
  O extends PortMap = NoPorts,
  S extends SettingMap = NoSettings,
>(
  fields: CallFields<Q, R>,
  answer: (
    request: DefinedValues<Q>,
    context: Context<I, O, S>,
  ) => Returned<NoInfer<R>> | Promise<Returned<NoInfer<R>>>,
): ProcessorCall<
  { request: DefinedValues<Q>; reply: DefinedValues<R> },
  I,
  O,
  S
> {
  new Place("a call's fields").map(fields, "{ reply: { count: UInt32 } }");
  if (typeof answer !== "function") {
    new Place("a call").misuse(
      `what answers it is ${
        show(answer)
      }, not a function; write ${CALL_EXAMPLE}`,
    );
  }
  const parts = Object.freeze({
    request: defineFields<FieldDefinitions>(fields.request ?? {}),
    reply: defineFields<FieldDefinitions>(fields.reply ?? {}),
    answer: (request: object, context: Context<I, O, S>) =>
      answer(request as DefinedValues<Q>, context),
  });
  const made = Object.freeze(() => parts);
  CALLS.add(made);
  return made;
}

/** Whether {@link call} returned a value. */
export function isCall(value: unknown): boolean {
  return typeof value === "function" && CALLS.has(value);
}

/** The calls of a processor with these ports and settings, by name. */
export type ProcessorCalls<
  C extends CallMap,
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap,
> = {
  readonly [K in keyof C]: ProcessorCall<C[K], I, O, S>;
};
