/**
 * The fields of a schema whose values are shared memory, and how a sender
 * makes them: a texture is a surface, a buffer a typed array over a region.
 *
 * @module
 */

import type {
  Buffer,
  NumericArray,
  NumericKind,
  Texture,
  ValueOf,
} from "../../proto/field_type.ts";
import { NUMERIC_ARRAYS } from "../../proto/numeric_array.ts";
import type { Schema } from "../../proto/schema.ts";
import type { PixelFormat, Surface } from "../../proto/surface.ts";
import { NativeBuffer } from "../buffer.ts";
import type { Native } from "../native.ts";
import type { SharedMemory } from "../shared_memory.ts";
import { NativeSurface } from "../surface.ts";
import { MemoryPool, type Pooled, type PoolOwner } from "./memory_pool.ts";

/** The size and format of a surface. Any {@link Surface} is one. */
export interface SurfaceSpec {
  /** Pixels per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** How the pixels are laid out. */
  readonly pixel_format: PixelFormat;
}

/** The size of a buffer. Any typed array is one. */
export interface BufferSpec {
  /** How many numbers. */
  readonly length: number;
}

/** What a frame is to look like: a value for each field, and for shared memory its size. */
export type FrameTemplate<S extends Schema> = {
  readonly [K in keyof S["fields"]]: S["fields"][K]["type"] extends Texture
    ? SurfaceSpec
    : S["fields"][K]["type"] extends Buffer ? BufferSpec
    : ValueOf<S["fields"][K]["type"]>;
};

/** A value to fill, and the piece behind it: none where the frame will be dropped. */
export interface Filled {
  readonly value: Surface | NumericArray;
  readonly pooled: Pooled | undefined;
}

/** One field's memory. */
export interface FieldMemory extends Disposable {
  /** The field's name. */
  readonly field: string;
  /** Whether {@link fill} would give a value that can be sent. */
  readonly hasRoom: boolean;
  /** A value as large as `like`, a surface's or buffer's size. */
  fill(like: unknown): Filled;
}

/** The memory of every field of `schema` that needs some; `bound` pieces each at the most. */
export function fieldMemories(
  native: Native,
  owner: PoolOwner,
  schema: Schema,
  bound: number,
): FieldMemory[] {
  return Object.entries(schema.fields).flatMap(([field, { type }]) => {
    if (type.kind === "Texture") return [textures(native, owner, field, bound)];
    if (type.kind === "Buffer") {
      return [buffers(native, owner, field, bound, type.element_type)];
    }
    return [];
  });
}

function textures(
  native: Native,
  owner: PoolOwner,
  field: string,
  bound: number,
): FieldMemory {
  const pool = new MemoryPool<NativeSurface, SurfaceSpec>(owner, {
    fits: (surface, spec) =>
      surface.width === spec.width && surface.height === spec.height &&
      surface.pixel_format === spec.pixel_format,
    make: ({ width, height, pixel_format }) =>
      NativeSurface.create(native, width, height, pixel_format),
  }, bound);
  return memoryOf(
    pool,
    field,
    (like) => like as SurfaceSpec,
    (memory) => memory,
  );
}

function buffers(
  native: Native,
  owner: PoolOwner,
  field: string,
  bound: number,
  kind: NumericKind,
): FieldMemory {
  const { BYTES_PER_ELEMENT } = NUMERIC_ARRAYS[kind];
  const bytesOf = ({ length }: BufferSpec): number =>
    Math.max(1, length) * BYTES_PER_ELEMENT;
  const pool = new MemoryPool<NativeBuffer, BufferSpec>(owner, {
    fits: (buffer, spec) => buffer.bytes >= bytesOf(spec),
    make: (spec) => NativeBuffer.create(native, bytesOf(spec)),
  }, bound);
  return memoryOf(
    pool,
    field,
    (like) => like as BufferSpec,
    (memory, { length }) => memory.view(kind, length),
  );
}

function memoryOf<M extends SharedMemory, Spec>(
  pool: MemoryPool<M, Spec>,
  field: string,
  specOf: (like: unknown) => Spec,
  valueOf: (memory: M, spec: Spec) => Surface | NumericArray,
): FieldMemory {
  return {
    field,
    get hasRoom(): boolean {
      return pool.hasRoom;
    },
    fill: (like) => {
      const spec = specOf(like);
      const pooled = pool.take(spec);
      const memory = pooled?.memory ?? pool.spare(spec);
      return { value: valueOf(memory, spec), pooled };
    },
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  };
}
