import type { LaneBytes } from "../../proto/lane/lane_memory.ts";
import type { Prng } from "./prng.ts";

/** Is told of a look at so many bytes, after they were read. */
type Looked = (at: number, bytes: number) => void;

/**
 * Memory that its other owner changes while it is read: after each look at it some
 * of its bytes are others. It counts the looks at each byte.
 */
export class HostileBytes implements LaneBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly #memory: Uint8Array<ArrayBuffer>;
  readonly #looks: Uint32Array;
  readonly #from: number;
  readonly #end: number;
  readonly #prng: Prng;
  readonly #problems: string[] = [];

  /** A copy of `memory`. Only the bytes from `from` to before `end` may be read. */
  constructor(memory: Uint8Array, from: number, end: number, prng: Prng) {
    this.#memory = Uint8Array.from(memory);
    this.#looks = new Uint32Array(memory.length);
    this.#from = from;
    this.#end = end;
    this.#prng = prng;
    const looked: Looked = (at, bytes) => this.#look(at, bytes);
    this.bytes = watchedBytes(this.#memory, looked);
    this.view = new WatchedView(this.#memory.buffer, looked);
  }

  /** Fails if a byte outside was read, or any byte twice. */
  check(): void {
    const twice = this.#looks.findIndex((looks) => looks > 1);
    if (twice >= 0) this.#problems.push(`byte ${twice} was read twice`);
    if (this.#problems.length > 0) throw new Error(this.#problems.join("\n"));
  }

  #look(at: number, bytes: number): void {
    if (at < this.#from || at + bytes > this.#end) {
      this.#problems.push(
        `${bytes} bytes at ${at} were read, outside ${this.#from} to ${this.#end}`,
      );
    }
    for (let i = at; i < at + bytes; i++) this.#looks[i]!++;
    for (let n = this.#prng.below(3); n > 0; n--) {
      const at = this.#prng.below(this.#memory.length);
      this.#memory[at] = this.#prng.pick([
        0,
        1,
        2,
        0xff,
        this.#prng.below(256),
      ]);
    }
  }
}

/** Bytes that can be read by their index and with `slice`, and in no other way. */
function watchedBytes(
  memory: Uint8Array<ArrayBuffer>,
  looked: Looked,
): Uint8Array<ArrayBuffer> {
  const slice = (from: number, end: number): Uint8Array => {
    const copy = memory.slice(from, end);
    looked(from, end - from);
    return copy;
  };
  return new Proxy(memory, {
    get(_, key) {
      if (key === "length") return memory.length;
      if (key === "slice") return slice;
      const index = Number(String(key));
      if (!Number.isInteger(index)) throw new Error(`bytes.${String(key)}`);
      const byte = memory[index];
      looked(index, 1);
      return byte;
    },
  });
}

class WatchedView extends DataView<ArrayBuffer> {
  readonly #looked: Looked;

  constructor(memory: ArrayBuffer, looked: Looked) {
    super(memory);
    this.#looked = looked;
  }

  #after<T>(value: T, at: number, bytes: number): T {
    this.#looked(at, bytes);
    return value;
  }

  override getUint8(at: number): number {
    return this.#after(super.getUint8(at), at, 1);
  }
  override getUint16(at: number, little?: boolean): number {
    return this.#after(super.getUint16(at, little), at, 2);
  }
  override getUint32(at: number, little?: boolean): number {
    return this.#after(super.getUint32(at, little), at, 4);
  }
  override getInt32(at: number, little?: boolean): number {
    return this.#after(super.getInt32(at, little), at, 4);
  }
  override getFloat32(at: number, little?: boolean): number {
    return this.#after(super.getFloat32(at, little), at, 4);
  }
  override getFloat64(at: number, little?: boolean): number {
    return this.#after(super.getFloat64(at, little), at, 8);
  }
  override getBigInt64(at: number, little?: boolean): bigint {
    return this.#after(super.getBigInt64(at, little), at, 8);
  }
  override getBigUint64(at: number, little?: boolean): bigint {
    return this.#after(super.getBigUint64(at, little), at, 8);
  }
}
