/**
 * The types of a processor's calls: what its host can ask it.
 *
 * @module
 */

import type {
  FieldDefinitions,
  FieldValue,
  Schema,
  TypesOf,
  ValueOf,
} from "./field_type.ts";

/** The values that fields of this definition have: those of a request or a reply. */
export type DefinedValues<D extends FieldDefinitions> = string extends keyof D
  ? { readonly [name: string]: FieldValue }
  : { readonly [K in keyof TypesOf<D>]: ValueOf<TypesOf<D>[K]> };

/** What the type of a call tells of it. */
export interface CallTypes {
  /** The values of its request. */
  readonly request: object;
  /** The values of its reply. */
  readonly reply: object;
}

/** What the types of a processor's calls tell of them, by name. */
export interface CallMap {
  /** The values of the call of that name. */
  readonly [name: string]: CallTypes;
}

/** No calls. */
export type NoCalls = Record<never, never>;

/** The schemas of a call's request and reply. */
export interface CallSchemas {
  /** What the host sends. */
  readonly request: Schema;
  /** What the processor returns. */
  readonly reply: Schema;
}
