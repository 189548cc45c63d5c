/**
 * Makes a frame to fill from a template: walks the frame's type and the
 * template together, puts a surface wherever the type has a texture, and a
 * typed array over shared memory wherever it has a buffer.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type {
  Array as ArrayType,
  Buffer,
  Fields,
  FieldType,
  NumericArray,
  Texture,
} from "../../proto/schema/field_type.ts";
import { MAX_OFFERED } from "../../proto/limits.ts";
import { Misfit, valueMisfit } from "../../proto/wire/misfit.ts";
import { NUMERIC_ARRAYS } from "../../proto/schema/numeric_array.ts";
import type { Schema } from "../../proto/schema/field_type.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import { NativeBuffer } from "../../ffi/buffer.ts";
import type { Native } from "../../ffi/native.ts";
import { NativeSurface } from "../../ffi/surface.ts";
import type { BufferSpec, SurfaceSpec } from "./frame_template.ts";
import { type Bounded, memoryCounter } from "./memory_plan.ts";
import { MemoryPool, type Pooled, type PoolOwner } from "./memory_pool.ts";
import { bufferMisfit, textureMisfit } from "./memory_spec.ts";
import { spareSurface } from "./spare_surface.ts";

/** The memory that a frame to fill has taken. */
export interface Filling {
  /** The pieces, by the surface or typed array that stands for each in the frame. */
  readonly pieces: Map<Surface | NumericArray, Pooled>;
  /** There was no room: the frame is in private memory of this process, and will be dropped. */
  spare: boolean;
}

/** Makes the value of one place in a frame from its template. */
type Fill = (template: unknown, filling: Filling) => unknown | Misfit;

/** A pool of surfaces or of buffers. */
interface AnyPool extends Bounded, Disposable {
  readonly givenAway: number;
  hasRoom(count: number): boolean;
  recall(): void;
}

/** One texture or buffer in a frame's type. All elements of an array share one place. */
interface Place {
  readonly pool: AnyPool;
  /** The pieces that the newest frame asked for. The next frame is assumed to need as many. */
  asked: number;
}

/** The memory of the frames of one port: one pool per place. */
export class FrameMemory implements Disposable {
  readonly #native: Native;
  readonly #owner: PoolOwner;
  readonly #schema: Schema;
  readonly #frames: number;
  readonly #places: Place[] = [];
  readonly #countMemory = memoryCounter();
  readonly #fill: Fill | undefined;

  /** @param frames the number of frames that need memory at one time */
  constructor(
    native: Native,
    owner: PoolOwner,
    schema: Schema,
    frames: number,
  ) {
    this.#native = native;
    this.#owner = owner;
    this.#schema = schema;
    this.#frames = frames;
    this.#fill = this.#struct(schema.fields, 1);
  }

  /** The pools. Each first asks for as many pieces as it can use. */
  get pools(): Bounded[] {
    return this.#places.map(({ pool }) => pool);
  }

  /** Whether there is memory for a frame like the last one. */
  get hasRoom(): boolean {
    return this.#places.every(({ pool, asked }) =>
      pool.hasRoom(Math.min(asked, pool.bound))
    );
  }

  /**
   * Returns a frame made from `template`. Its memory is added to `filling`, and
   * is writable until {@link giveBack}, or until the frame is sent.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value if
   * the template does not fit; `native_failure` if there is no more memory. All
   * pieces taken before are given back
   */
  fill(template: object, filling: Filling): Record<string, unknown> {
    if (!this.#fill) return { ...template };
    for (const place of this.#places) place.asked = 0;
    try {
      const frame = this.#fill(template, filling);
      if (!(frame instanceof Misfit)) return frame as Record<string, unknown>;
      throw new BridgeError(
        "schema_mismatch",
        `Cannot acquire a frame like this: ${
          frame.of(this.#schema.name).message
        }`,
      );
    } catch (error) {
      giveBack(filling);
      throw error;
    }
  }

  /** Pieces that were lost because a view of them was transferred. */
  get givenAway(): number {
    return this.#places.reduce((sum, { pool }) => sum + pool.givenAway, 0);
  }

  /** The receiver is gone, and all memory that was out with it is free. */
  recall(): void {
    for (const { pool } of this.#places) pool.recall();
  }

  /** Releases everything. */
  [Symbol.dispose](): void {
    for (const { pool } of this.#places) pool[Symbol.dispose]();
  }

  // ---- the walk: a type without memory gives undefined, and the value is copied from the template ----

  /** @param count the most values of `type` that one frame has */
  #type(type: FieldType, count: number): Fill | undefined {
    switch (type.kind) {
      case "Texture":
        return this.#texture(type, count);
      case "Buffer":
        return this.#buffer(type, count);
      case "Array":
        return this.#array(type, count);
      case "Optional": {
        const fill = this.#type(type.inner, count);
        return fill &&
          ((value, filling) => value == null ? null : fill(value, filling));
      }
      case "Struct":
        return this.#struct(type.fields, count);
      case "SchemaRef":
        return this.#countMemory(type.schema) > 0
          ? this.#struct(type.schema.fields, count)
          : undefined;
      default:
        return undefined;
    }
  }

  #struct(fields: Fields, count: number): Fill | undefined {
    const members = Object.entries(fields).flatMap(([name, { type }]) => {
      const fill = this.#type(type, count);
      return fill ? [{ name, fill }] : [];
    });
    if (members.length === 0) return undefined;
    return (template, filling) => {
      if (typeof template !== "object" || template === null) {
        return valueMisfit("an object", template);
      }
      const values: Record<string, unknown> = { ...template };
      for (const { name, fill } of members) {
        const value = fill(values[name], filling);
        if (value instanceof Misfit) return value.within(name);
        values[name] = value;
      }
      return values;
    };
  }

  #array({ element, length }: ArrayType, count: number): Fill | undefined {
    const fill = this.#type(element, count * (length ?? MAX_OFFERED));
    return fill && ((template, filling) => {
      if (!Array.isArray(template)) return valueMisfit("an array", template);
      const values: unknown[] = [];
      for (let i = 0; i < template.length; i++) {
        const value = fill(template[i], filling);
        if (value instanceof Misfit) return value.within(`[${i}]`);
        values.push(value);
      }
      return values;
    });
  }

  #texture({ format }: Texture, count: number): Fill {
    const pool = new MemoryPool<NativeSurface, SurfaceSpec>(this.#owner, {
      fits: (surface, spec) =>
        surface.width === spec.width && surface.height === spec.height &&
        surface.pixel_format === spec.pixel_format,
      make: ({ width, height, pixel_format }) =>
        NativeSurface.create(this.#native, width, height, pixel_format),
    }, this.#ask(count));
    return this.#place(
      pool,
      "textures",
      (spec) => textureMisfit(format, spec),
      {
        shown: (surface) => surface,
        spare: spareSurface,
      },
    );
  }

  #buffer({ element_type }: Buffer, count: number): Fill {
    const TypedArray = NUMERIC_ARRAYS[element_type];
    const bytesOf = ({ length }: BufferSpec): number =>
      Math.max(1, length) * TypedArray.BYTES_PER_ELEMENT;
    const pool = new MemoryPool<NativeBuffer, BufferSpec>(this.#owner, {
      fits: (buffer, spec) => buffer.bytes >= bytesOf(spec),
      make: (spec) => NativeBuffer.create(this.#native, bytesOf(spec)),
    }, this.#ask(count));
    return this.#place(
      pool,
      "buffers",
      (spec) => bufferMisfit(element_type, spec),
      {
        shown: (buffer, { length }) => buffer.view(element_type, length),
        spare: ({ length }) => new TypedArray(length),
      },
    );
  }

  #ask(count: number): number {
    return Math.min(this.#frames * count, MAX_OFFERED);
  }

  #place<M extends NativeSurface | NativeBuffer, Spec>(
    pool: MemoryPool<M, Spec>,
    what: string,
    misfit: (spec: unknown) => Misfit | undefined,
    value: {
      shown(memory: M, spec: Spec): Surface | NumericArray;
      spare(spec: Spec): Surface | NumericArray;
    },
  ): Fill {
    const place: Place = { pool, asked: 1 };
    this.#places.push(place);
    return (template, filling) => {
      const wrong = misfit(template);
      if (wrong) return wrong;
      if (++place.asked > pool.bound) {
        return new Misfit(
          "",
          "",
          `at most ${pool.bound} ${what} here in one frame`,
          "one more",
        );
      }
      const spec = template as Spec;
      const pooled = filling.spare ? undefined : pool.take(spec);
      if (!pooled) {
        filling.spare = true;
        return value.spare(spec);
      }
      const shown = value.shown(pooled.memory, spec);
      pooled.length = "length" in shown ? shown.length : 0;
      filling.pieces.set(shown, pooled);
      pooled.memory.lock(false);
      return shown;
    };
  }
}

/** Frees the memory of a frame that will not be sent. */
export function giveBack({ pieces }: Filling): void {
  for (const pooled of pieces.values()) {
    pooled.memory.unlock(false);
    pooled.state = "free";
  }
}
