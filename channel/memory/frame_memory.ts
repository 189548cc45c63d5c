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
import type { SharedMemory } from "../../ffi/shared_memory.ts";
import { NativeBuffer } from "../../ffi/buffer.ts";
import type { Native } from "../../ffi/native.ts";
import { NativeSurface } from "../../ffi/surface.ts";
import type { BufferSpec, SurfaceSpec } from "./frame_template.ts";
import { type Bounded, memoryCounter } from "./memory_plan.ts";
import { FrameSurface, type SurfaceMemory } from "./frame_surface.ts";
import type { Lease, PieceView } from "./lease.ts";
import type { FrameValues } from "./leased_frame.ts";
import { MemoryPool } from "./memory_pool.ts";
import type { Use } from "./piece.ts";
import { bufferMisfit, textureMisfit } from "./memory_spec.ts";
import {
  PrivateMemory,
  PrivateSurfaceMemory,
  privateUse,
} from "./private_memory.ts";

/** Makes the value of one place in a frame from its template. The memory goes to the lease. */
type Fill = (template: unknown, lease: Lease) => unknown | Misfit;

/** A pool of surfaces or of buffers. */
interface AnyPool extends Bounded, Disposable {
  readonly givenAway: number;
  hasRoom(count: number): boolean;
}

/** A pool whose memory is used as `M`. */
interface PoolOf<M, Spec> extends AnyPool {
  take(spec: Spec): { readonly use: Use; readonly memory: M } | undefined;
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
  readonly #freed: () => void;
  readonly #schema: Schema;
  readonly #frames: number;
  readonly #places: Place[] = [];
  readonly #countMemory = memoryCounter();
  readonly #fill: Fill | undefined;

  /**
   * @param freed called when a piece is free again
   * @param frames the number of frames that need memory at one time
   */
  constructor(
    native: Native,
    freed: () => void,
    schema: Schema,
    frames: number,
  ) {
    this.#native = native;
    this.#freed = freed;
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
   * Returns the values of a frame made from `template`, or `template` itself if its
   * type has no memory. Memory is added to `lease`. If there is no room, the lease becomes spare.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value if
   * the template does not fit; `native_failure` if there is no more memory. The
   * caller ends the lease
   */
  fill(template: object, lease: Lease): FrameValues {
    if (!this.#fill) return template as FrameValues;
    for (const place of this.#places) place.asked = 0;
    const frame = this.#fill(template, lease);
    if (!(frame instanceof Misfit)) return frame as FrameValues;
    throw new BridgeError(
      "schema_mismatch",
      `Cannot acquire a frame like this: ${
        frame.of(this.#schema.name).message
      }`,
    );
  }

  /** Pieces that were lost because a view of them was transferred. */
  get givenAway(): number {
    return this.#places.reduce((sum, { pool }) => sum + pool.givenAway, 0);
  }

  /** Releases everything that is not in use, and the rest when its use ends. */
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
          ((value, lease) => value == null ? null : fill(value, lease));
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
    return (template, lease) => {
      if (typeof template !== "object" || template === null) {
        return valueMisfit("an object", template);
      }
      const values: Record<string, unknown> = { ...template };
      for (const { name, fill } of members) {
        // Not from the copy: the textures of a frame are no properties of its own.
        const value = fill((template as FrameValues)[name], lease);
        if (value instanceof Misfit) return value.within(name);
        values[name] = value;
      }
      return values;
    };
  }

  #array({ element, length }: ArrayType, count: number): Fill | undefined {
    const fill = this.#type(element, count * (length ?? MAX_OFFERED));
    return fill && ((template, lease) => {
      if (!Array.isArray(template)) return valueMisfit("an array", template);
      const values: unknown[] = [];
      for (let i = 0; i < template.length; i++) {
        const value = fill(template[i], lease);
        if (value instanceof Misfit) return value.within(`[${i}]`);
        values.push(value);
      }
      return values;
    });
  }

  #texture({ format }: Texture, count: number): Fill {
    const pool = new MemoryPool<NativeSurface, SurfaceSpec>(
      {
        fits: ({ layout }, spec) =>
          layout.width === spec.width && layout.height === spec.height &&
          layout.pixel_format === spec.pixel_format,
        make: ({ width, height, pixel_format }) =>
          NativeSurface.create(this.#native, width, height, pixel_format),
      },
      this.#freed,
      this.#ask(count),
    );
    return this.#place<SurfaceMemory, SurfaceSpec>(
      pool,
      "textures",
      (spec) => textureMisfit(format, spec),
      {
        shown: (view, surface) => new FrameSurface(view, surface),
        spare: (spec) => new PrivateSurfaceMemory(spec),
      },
    );
  }

  #buffer({ element_type }: Buffer, count: number): Fill {
    const TypedArray = NUMERIC_ARRAYS[element_type];
    const bytesOf = ({ length }: BufferSpec): number =>
      Math.max(1, length) * TypedArray.BYTES_PER_ELEMENT;
    const pool = new MemoryPool<NativeBuffer, BufferSpec>(
      {
        fits: (buffer, spec) => buffer.bytes >= bytesOf(spec),
        make: (spec) => NativeBuffer.create(this.#native, bytesOf(spec)),
      },
      this.#freed,
      this.#ask(count),
    );
    return this.#place<SharedMemory, BufferSpec>(
      pool,
      "buffers",
      (spec) => bufferMisfit(element_type, spec),
      {
        shown: ({ buffer }, _, { length }) => new TypedArray(buffer, 0, length),
        spare: (spec) => new PrivateMemory(bytesOf(spec)),
      },
    );
  }

  #ask(count: number): number {
    return Math.min(this.#frames * count, MAX_OFFERED);
  }

  #place<M extends SharedMemory, Spec>(
    pool: PoolOf<M, Spec>,
    what: string,
    misfit: (spec: unknown) => Misfit | undefined,
    value: {
      shown(view: PieceView, memory: M, spec: Spec): Surface | NumericArray;
      spare(spec: Spec): M & PrivateMemory;
    },
  ): Fill {
    const place: Place = { pool, asked: 1 };
    this.#places.push(place);
    return (template, lease) => {
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
      const taken = lease.spare ? undefined : pool.take(spec);
      if (!taken) {
        lease.spare = true;
        const memory = value.spare(spec);
        return value.shown(lease.show(privateUse(memory), false), memory, spec);
      }
      return value.shown(lease.show(taken.use, false), taken.memory, spec);
    };
  }
}
