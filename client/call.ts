/**
 * Defines the calls of a processor: what its host can ask it.
 *
 * @module
 */

import type {
  CallTypes,
  DefinedValues,
  TypedCall,
} from "../proto/schema/call_types.ts";
import {
  defineFields,
  type FieldDefinitions,
  type Fields,
} from "../proto/schema/field_type.ts";
import type { AnyContext } from "./context.ts";

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

/** A call, as a processor declares it. Made by {@link call}. */
export interface ProcessorCall<T extends CallTypes = CallTypes>
  extends TypedCall<T> {
  /** The fields of its request. */
  readonly request: Fields;
  /** The fields of its reply. */
  readonly reply: Fields;
  /** Answers a request whose values fit its fields. Returns the reply, or a promise of it. */
  answer(request: object, context: AnyContext): unknown;
}

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
 * import { call, reactive, UInt64, VideoFrame } from "@streamlib/bridge/client";
 *
 * let frames = 0n;
 * export default reactive({
 *   inputs: { video: VideoFrame },
 *   calls: {
 *     count: call({ reply: { frames: UInt64 } }, () => ({ frames })),
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
 * Fields that are not valid are found when the processor is made: `reactive()`,
 * `continuous()` and `manual()` throw `schema_mismatch`.
 *
 * @param fields the fields of request and reply: types, as those of a schema
 * @param answer returns the reply; it gets the request, and the context that the
 * processor's other functions get
 */
export function call<
  const Q extends FieldDefinitions = NoFields,
  const R extends FieldDefinitions = NoFields,
>(
  fields: CallFields<Q, R>,
  answer: (
    request: DefinedValues<Q>,
    context: AnyContext,
  ) => Returned<NoInfer<R>> | Promise<Returned<NoInfer<R>>>,
): ProcessorCall<{ request: DefinedValues<Q>; reply: DefinedValues<R> }> {
  return Object.freeze({
    request: defineFields<FieldDefinitions>(fields.request ?? {}),
    reply: defineFields<FieldDefinitions>(fields.reply ?? {}),
    answer: (request: object, context: AnyContext) =>
      answer(request as DefinedValues<Q>, context),
  });
}

/** The calls of a processor, by name. */
export interface ProcessorCalls {
  /** The call of that name. */
  readonly [name: string]: ProcessorCall;
}
