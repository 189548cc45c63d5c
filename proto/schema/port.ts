/**
 * Ports: the named inputs and outputs of a processor, each with its schema.
 *
 * @module
 */

import type { Enum, Frame, ReadBehavior, Schema } from "./field_type.ts";
import { hasOpenTexture } from "./format_agreement.ts";
import type { Mirror } from "./marks/mark.ts";
import { checkCapacity, READ_BEHAVIORS } from "./schema_check.ts";
import { Place, quote } from "./schema_place.ts";
import { PIXEL_FORMATS, type PixelFormat } from "./surface.ts";

/**
 * A port. Its name is its key in the map of ports. Made by {@link port}. Immutable.
 * Its type tells whether it is required: `boolean` if that is known only at run time.
 */
export interface Port<
  S extends Schema = Schema,
  R extends boolean = boolean,
> {
  /** The schema of its frames. */
  readonly schema: S;
  /** Its purpose, for readers. */
  readonly description: string;
  /** Whether the other side must have this port too. */
  readonly required: R;
  /** How frames are read. If host and module differ, every frame in order holds. */
  readonly read_behavior: ReadBehavior;
  /** The read behavior, if the options of the port name it. Host and module must not name different ones. */
  readonly given_read_behavior?: ReadBehavior;
  /** The most unread frames that it holds, from 1 to 65536. If host and module differ, the smaller one holds. */
  readonly capacity: number;
  /** The pixel formats that this side sends or takes on it, the preferred one first. Undefined: every one. */
  readonly formats?: readonly PixelFormat[];
}

/** The options of a port that differ from its schema's defaults. */
export interface PortOptions<F extends PixelFormat = PixelFormat> {
  /** Its purpose, for readers. */
  readonly description?: string;
  /** Whether the other side must have this port too. True by default. If false and the other side lacks it, the port is not `connected`: nothing is received on it, and what is sent is dropped. */
  readonly required?: boolean;
  /** How frames are read. By default as in the schema, or as the other side says if that is in order. */
  readonly read_behavior?: ReadBehavior;
  /** The most unread frames that it holds. By default as in the schema, or as the other side says if that is less. */
  readonly capacity?: number;
  /**
   * The pixel formats of its textures of any format, the preferred one first; by
   * default every one. Both sides agree on one in the handshake: the first of the
   * receiving side's list that the sending side lists too.
   */
  readonly formats?: readonly F[];
}

/** A schema whose frames have only some pixel formats, in the fields that mirror them. */
export type WithFormats<S extends Schema, F extends PixelFormat> = S extends
  Schema<infer T> ? Schema<
    {
      readonly [K in keyof T]: T[K] extends
        Mirror<Enum, infer P extends `${string}.pixel_format`>
        ? Mirror<Enum<F>, P>
        : T[K];
    }
  >
  : never;

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
 * A port with `formats` takes, or sends, only pictures of those. Which one it is
 * `pixel_format` of the port says once the client has started.
 *
 * ```ts
 * import { port, VideoFrame } from "@streamlib/bridge";
 *
 * const inputs = { video: port(VideoFrame, { formats: ["nv12", "rgba8"] }) };
 * console.log(inputs.video.formats); // ["nv12", "rgba8"]
 * ```
 *
 * @throws {BridgeError} `schema_mismatch` if an option is out of range, or if
 * formats are given for frames without a texture of any format
 */
export function port<
  S extends Schema,
  const F extends PixelFormat,
  const R extends boolean = true,
>(
  schema: S,
  options: PortOptions<F> & {
    readonly formats: readonly F[];
    readonly required?: R;
  },
): Port<WithFormats<S, F>, NoInfer<R>>;
/**
 * Makes a port whose options give no formats.
 *
 * @throws {BridgeError} `schema_mismatch` if an option is out of range
 */
export function port<S extends Schema, const R extends boolean = true>(
  schema: S,
  options?: PortOptions & { readonly required?: R },
): Port<S, NoInfer<R>>;
export function port(schema: Schema, options: PortOptions = {}): Port {
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
    ...(options.formats !== undefined &&
      { formats: checkFormats(place, schema, options.formats) }),
  });
}

function checkFormats(
  place: Place,
  schema: Schema,
  formats: readonly PixelFormat[],
): readonly PixelFormat[] {
  if (!hasOpenTexture(schema.fields)) {
    place.refuse(
      "it has formats, and its frames have no texture of any format",
    );
  }
  const known = Object.keys(PIXEL_FORMATS) as PixelFormat[];
  const list = place.array("formats", formats).map((name) =>
    place.oneOf("a format", name, known)
  );
  if (list.length === 0) place.refuse("formats is empty");
  const twice = list.find((name, at) => list.indexOf(name) !== at);
  if (twice !== undefined) place.refuse(`the format ${twice} is there twice`);
  return Object.freeze(list);
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
