/**
 * Ports: the named inputs and outputs of a processor, each with its schema.
 *
 * @module
 */

import type { Frame, ReadBehavior, Schema } from "./field_type.ts";
import { checkCapacity, READ_BEHAVIORS } from "./schema_check.ts";
import { Place, quote } from "./schema_place.ts";

/** A port. What its name is, the map that it stands in says. Made by {@link port}; immutable. */
export interface Port<S extends Schema = Schema> {
  /** What its frames hold. */
  readonly schema: S;
  /** What it is for, for people. */
  readonly description: string;
  /** Whether the processor cannot work while nothing is connected here. */
  readonly required: boolean;
  /** How frames are read. */
  readonly read_behavior: ReadBehavior;
  /** How many unread frames it holds, from 1 to 65536. */
  readonly capacity: number;
}

/** What a port does other than its schema's defaults. */
export interface PortOptions {
  /** What it is for, for people. */
  readonly description?: string;
  /** Whether the processor cannot work while nothing is connected here; true if not said. */
  readonly required?: boolean;
  /** How frames are read; as the schema says if not said. */
  readonly read_behavior?: ReadBehavior;
  /** How many unread frames it holds; as the schema says if not said. */
  readonly capacity?: number;
}

/**
 * A port that differs from its schema's defaults. Where it does not, the
 * schema alone will do.
 *
 * ```ts
 * import { AudioFrame, port, VideoFrame } from "@streamlib/bridge";
 *
 * const inputs = {
 *   video: VideoFrame,
 *   commentary: port(AudioFrame, { required: false, capacity: 64 }),
 * };
 * ```
 *
 * @throws {BridgeError} `schema_mismatch` where an option is out of bounds
 */
export function port<S extends Schema>(
  schema: S,
  options: PortOptions = {},
): Port<S> {
  const place = new Place(`a port of ${quote(schema.name)}`);
  return Object.freeze({
    schema,
    description: place.text("description", options.description ?? ""),
    required: options.required ?? true,
    read_behavior: place.oneOf(
      "read_behavior",
      options.read_behavior ?? schema.read_behavior,
      READ_BEHAVIORS,
    ),
    capacity: checkCapacity(
      place,
      "capacity",
      options.capacity ?? schema.default_capacity,
    ),
  });
}

/** Ports as an author writes them: by name, a schema or a {@link port}. */
export interface PortMap {
  /** The port of that name. */
  readonly [name: string]: Schema | Port;
}

/** The schema of a port as an author wrote it. */
export type SchemaOf<P extends Schema | Port> = P extends Port<infer S> ? S
  : P extends Schema ? P
  : never;

/** The frames of a port as an author wrote it. */
export type FrameOf<P extends Schema | Port> = Frame<SchemaOf<P>>;

/** The ports of a map, by name. */
export type PortsOf<M extends PortMap> = {
  readonly [K in keyof M]: Port<SchemaOf<M[K]>>;
};
