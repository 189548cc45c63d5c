/**
 * Ports: the named inputs and outputs of a processor, each with its schema.
 *
 * @module
 */

import type { Frame, ReadBehavior, Schema } from "./field_type.ts";
import { checkCapacity, READ_BEHAVIORS } from "./schema_check.ts";
import { Place, quote } from "./schema_place.ts";

/** A port. Its name is its key in the map of ports. Made by {@link port}. Immutable. */
export interface Port<S extends Schema = Schema> {
  /** The schema of its frames. */
  readonly schema: S;
  /** Its purpose, for readers. */
  readonly description: string;
  /** Whether the other side must have this port too. */
  readonly required: boolean;
  /** How frames are read. If host and module differ, every frame in order holds. */
  readonly read_behavior: ReadBehavior;
  /** The read behavior, if the options of the port name it. Host and module must not name different ones. */
  readonly given_read_behavior?: ReadBehavior;
  /** The most unread frames that it holds, from 1 to 65536. If host and module differ, the smaller one holds. */
  readonly capacity: number;
}

/** The options of a port that differ from its schema's defaults. */
export interface PortOptions {
  /** Its purpose, for readers. */
  readonly description?: string;
  /** Whether the other side must have this port too. True by default. If false and the other side lacks it, the port is not `connected`: nothing is received on it, and what is sent is dropped. */
  readonly required?: boolean;
  /** How frames are read. By default as in the schema, or as the other side says if that is in order. */
  readonly read_behavior?: ReadBehavior;
  /** The most unread frames that it holds. By default as in the schema, or as the other side says if that is less. */
  readonly capacity?: number;
}

/**
 * Makes a port with options. A port without options is written as its schema
 * only.
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
 * @throws {BridgeError} `schema_mismatch` if an option is out of range
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
    ...(options.read_behavior !== undefined &&
      { given_read_behavior: options.read_behavior }),
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

/** Ports in a definition, by name: each is a schema or a {@link port}. */
export interface PortMap {
  /** The port of that name. */
  readonly [name: string]: Schema | Port;
}

/** The schema of a port in a definition. */
export type SchemaOf<P extends Schema | Port> = P extends Port<infer S> ? S
  : P extends Schema ? P
  : never;

/** The frames of a port in a definition. */
export type FrameOf<P extends Schema | Port> = Frame<SchemaOf<P>>;

/** The {@link Port}s of a definition, by name. */
export type PortsOf<M extends PortMap> = {
  readonly [K in keyof M]: Port<SchemaOf<M[K]>>;
};
