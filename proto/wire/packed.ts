/**
 * The packed form of XPC messages: the bytes that cross the C ABI. The layout is
 * described in `c/bridge/packed.h`, which the C side implements.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";
import { VALUE_COST_BYTES } from "../limits.ts";
import { TextReader, writeText } from "./text.ts";
import {
  Capability,
  type CapabilityKind,
  isDictionary,
  type XpcDictionary,
  XpcNumber,
  type XpcValue,
} from "./xpc_value.ts";

const enum Tag {
  Null,
  Bool,
  Int64,
  Uint64,
  Double,
  String,
  Data,
  Array,
  Dictionary,
  Endpoint,
  Shmem,
  Fd,
  Surface,
  Date,
  Uuid,
}

const CAPABILITY_TAGS: Record<CapabilityKind, Tag> = {
  endpoint: Tag.Endpoint,
  shmem: Tag.Shmem,
  fd: Tag.Fd,
  surface: Tag.Surface,
};

const CAPABILITY_KINDS: Partial<Record<Tag, CapabilityKind>> = {
  [Tag.Endpoint]: "endpoint",
  [Tag.Shmem]: "shmem",
  [Tag.Fd]: "fd",
  [Tag.Surface]: "surface",
};

/**
 * Packs dictionaries into one buffer that is kept and grows, so that a message
 * costs no allocation. The bytes that {@link pack} returns are valid until its
 * next call.
 */
export class Packer {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #values = 0;

  /**
   * What the message of the last {@link pack} costs, in bytes: its packed bytes,
   * and {@link VALUE_COST_BYTES} for each value in it. The receiver computes the
   * same number: {@link Unpacked.cost}.
   */
  get cost(): number {
    return costOf(this.#at, this.#values);
  }

  /** Returns the packed message, a view of this packer's buffer. Throws `bad_argument` if XPC cannot carry a value. */
  pack(message: XpcDictionary): Uint8Array<ArrayBuffer> {
    this.#at = 0;
    this.#values = 1;
    this.#dictionary(message);
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#bytes.length) {
      const grown = new Uint8Array(
        Math.max(this.#at, this.#bytes.length * 2),
      );
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  #tagged32(tag: Tag, value: number): void {
    const at = this.#reserve(5);
    this.#view.setUint8(at, tag);
    this.#view.setUint32(at + 1, value, true);
  }

  /** Writes text after its length, a number of `prefix` bytes (2 or 4). */
  #text(text: string, prefix: 2 | 4): void {
    const at = this.#reserve(prefix + text.length * 3);
    const written = writeText(text, this.#bytes, at + prefix);
    if (written === undefined) {
      throw new BridgeError(
        "bad_argument",
        `Cannot send the string ${JSON.stringify(text.slice(0, 40))}: ` +
          "XPC strings end at NUL; send it as bytes",
      );
    }
    if (prefix === 2) {
      if (written > 0xffff) {
        throw new BridgeError("bad_argument", "Cannot send a key over 64 KiB");
      }
      this.#view.setUint16(at, written, true);
    } else {
      this.#view.setUint32(at, written, true);
    }
    this.#at = at + prefix + written;
  }

  #dictionary(dictionary: XpcDictionary): void {
    const countAt = this.#at + 1;
    this.#tagged32(Tag.Dictionary, 0);
    let count = 0;
    for (const key in dictionary) {
      const value = dictionary[key];
      if (value === undefined) continue;
      this.#text(key, 2);
      this.#value(value, key);
      count++;
    }
    this.#view.setUint32(countAt, count, true);
  }

  #number(number: XpcNumber): void {
    const at = this.#reserve(9);
    if (number.type === "double") {
      this.#view.setUint8(at, Tag.Double);
      this.#view.setFloat64(at + 1, number.value as number, true);
    } else if (number.type === "int64") {
      this.#view.setUint8(at, Tag.Int64);
      this.#view.setBigInt64(at + 1, number.value as bigint, true);
    } else {
      this.#view.setUint8(at, Tag.Uint64);
      this.#view.setBigUint64(at + 1, number.value as bigint, true);
    }
  }

  #value(value: XpcValue, key: string): void {
    this.#values++;
    if (value === null) {
      this.#view.setUint8(this.#reserve(1), Tag.Null);
    } else if (typeof value === "string") {
      this.#view.setUint8(this.#reserve(1), Tag.String);
      this.#text(value, 4);
    } else if (typeof value === "boolean") {
      const at = this.#reserve(2);
      this.#view.setUint8(at, Tag.Bool);
      this.#view.setUint8(at + 1, value ? 1 : 0);
    } else if (value instanceof XpcNumber) {
      this.#number(value);
    } else if (value instanceof Uint8Array) {
      this.#tagged32(Tag.Data, value.length);
      const at = this.#reserve(value.length);
      this.#bytes.set(value, at);
    } else if (value instanceof Capability) {
      this.#tagged32(CAPABILITY_TAGS[value.kind], value.handle);
    } else if (Array.isArray(value)) {
      this.#tagged32(Tag.Array, value.length);
      for (const element of value) this.#value(element, key);
    } else if (isDictionary(value as XpcValue)) {
      this.#dictionary(value as XpcDictionary);
    } else {
      throw new BridgeError(
        "bad_argument",
        `Cannot send '${key}': a ${typeof value} has no XPC type; ` +
          "numbers are int64(), uint64() or double()",
      );
    }
  }
}

function costOf(bytes: number, values: number): number {
  return bytes + VALUE_COST_BYTES * values;
}

/** The keys and names that messages repeat. */
const texts = new TextReader();

class Unpacker {
  readonly capabilities: Capability[] = [];
  /** The number of values read. */
  values = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
  }

  #skip(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }

  #length(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  #slice(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, this.#at);
  }

  #text(length: number): string {
    return texts.read(this.#bytes, this.#skip(length), length);
  }

  dictionary(): XpcDictionary {
    const dictionary: Record<string, XpcValue> = Object.create(null);
    for (let count = this.#length(); count > 0; count--) {
      const length = this.#view.getUint16(this.#skip(2), true);
      const key = this.#text(length);
      dictionary[key] = this.value();
    }
    return dictionary;
  }

  /** Passes over a value. Only its capabilities are kept. */
  skipValue(): void {
    const tag: Tag = this.#view.getUint8(this.#at);
    if (tag === Tag.Array || tag === Tag.Dictionary) {
      this.#skip(1);
      for (let count = this.#length(); count > 0; count--) {
        if (tag === Tag.Dictionary) {
          this.#skip(this.#view.getUint16(this.#skip(2), true));
        }
        this.skipValue();
      }
    } else if (tag === Tag.String || tag === Tag.Data) {
      this.#skip(1);
      this.#skip(this.#length());
    } else {
      this.value();
    }
  }

  value(): XpcValue {
    this.values++;
    const tag: Tag = this.#view.getUint8(this.#skip(1));
    switch (tag) {
      case Tag.Null:
        return null;
      case Tag.Bool:
        return this.#view.getUint8(this.#skip(1)) !== 0;
      case Tag.Int64:
      case Tag.Date:
        return new XpcNumber(
          "int64",
          this.#view.getBigInt64(this.#skip(8), true),
        );
      case Tag.Uint64:
        return new XpcNumber(
          "uint64",
          this.#view.getBigUint64(this.#skip(8), true),
        );
      case Tag.Double:
        return new XpcNumber(
          "double",
          this.#view.getFloat64(this.#skip(8), true),
        );
      case Tag.String:
        return this.#text(this.#length());
      case Tag.Data:
        return this.#slice(this.#length()).slice();
      case Tag.Uuid:
        return this.#slice(16).slice();
      case Tag.Array:
        return Array.from({ length: this.#length() }, () => this.value());
      case Tag.Dictionary:
        return this.dictionary();
      default: {
        const kind = CAPABILITY_KINDS[tag];
        if (kind === undefined) {
          throw new BridgeError(
            "native_failure",
            `Cannot read a packed message: tag ${tag} at byte ${
              this.#at - 1
            } is unknown; the shim and this library differ in version`,
          );
        }
        const capability = new Capability(kind, this.#length());
        this.capabilities.push(capability);
        return capability;
      }
    }
  }
}

/**
 * Returns the capabilities of a message from the shim, without decoding its other
 * values. For messages that are dropped.
 */
export function capabilitiesIn(bytes: Uint8Array): readonly Capability[] {
  const unpacker = new Unpacker(bytes);
  unpacker.skipValue();
  return unpacker.capabilities;
}

/** An unpacked message, and all capabilities in it, at any depth. */
export interface Unpacked {
  /** The message. It has no prototype, so that a peer can use any key safely. */
  readonly message: XpcDictionary;
  /** All capabilities in the message. The receiver owns them. */
  readonly capabilities: readonly Capability[];
  /** What the message costs, in bytes; see {@link Packer.cost}. */
  readonly cost: number;
}

/**
 * Unpacks a message from the shim. The shim has checked lengths, depth and size.
 * Bytes that are not a dictionary mean that the shim has another version.
 */
export function unpack(bytes: Uint8Array): Unpacked {
  const unpacker = new Unpacker(bytes);
  const message = unpacker.value();
  if (!isDictionary(message)) {
    throw new BridgeError(
      "native_failure",
      "Cannot read a packed message: it is not a dictionary",
    );
  }
  return {
    message,
    capabilities: unpacker.capabilities,
    cost: costOf(bytes.length, unpacker.values),
  };
}
