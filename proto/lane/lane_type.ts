/**
 * What each field type does in a lane ({@link LaneType}), and the reader and the
 * writer of one payload.
 *
 * Positions are bytes from the start of the {@link LaneBytes}. A frame begins at
 * a multiple of 8, so a value is aligned there as it is in its frame.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";
import { amount } from "../schema/schema_place.ts";
import type { Check } from "../wire/checks/check.ts";
import { Misfit } from "../wire/misfit.ts";
import type { LaneBytes, MemoryFinder, MemoryNamer } from "./lane_memory.ts";

/** Writes and reads the values of one field type. */
export interface LaneType {
  /** Returns why a value cannot be sent, or undefined. */
  readonly check: Check;
  /** Whether a value can certainly be sent; a quick look. If it returns false, `check` decides. */
  readonly fits: (value: unknown) => boolean;
  /** The fewest bytes of a value, at least 1: so the bytes limit the length of a list. */
  readonly least: number;
  /** How its values are written and read in the code of a level, if they all have the same size. */
  readonly fixed?: FixedType;
  /** Returns where a value that passed `check` ends if it is written at `at`. */
  readonly end: (value: unknown, at: number) => number;
  /** Writes a value that passed `check`, at `at` or at the next multiple of its alignment. Returns where it ends. */
  readonly write: (value: unknown, writer: PayloadWriter, at: number) => number;
  /**
   * Reads the value at the reader's place, and moves the place behind it. Accepts
   * any bytes. Fields are set in `into`, if it is given, which then is the value.
   */
  readonly read: (reader: PayloadReader, into?: object) => unknown | Misfit;
}

/** Makes the functions of a {@link LaneType}. */
export type LaneMakers = {
  readonly [K in "fits" | "end" | "write" | "read"]: () => LaneType[K];
};

/**
 * A type whose functions are made when they are first needed: a port that only
 * receives frames needs none that writes them.
 */
export class LazyLane implements LaneType {
  readonly check: Check;
  readonly least: number;
  readonly #makers: LaneMakers;
  #fits: LaneType["fits"] | undefined;
  #end: LaneType["end"] | undefined;
  #write: LaneType["write"] | undefined;
  #read: LaneType["read"] | undefined;

  constructor(check: Check, least: number, makers: LaneMakers) {
    this.check = check;
    this.least = least;
    this.#makers = makers;
  }

  get fits(): LaneType["fits"] {
    return this.#fits ??= this.#makers.fits();
  }

  get end(): LaneType["end"] {
    return this.#end ??= this.#makers.end();
  }

  get write(): LaneType["write"] {
    return this.#write ??= this.#makers.write();
  }

  get read(): LaneType["read"] {
    return this.#read ??= this.#makers.read();
  }
}

/**
 * A type whose values have the same size, which is also their alignment. Its
 * parts are code, so that a level of such types is read and written without a
 * call. In the code `view` is the memory, and `names` is {@link names}.
 */
export interface FixedType {
  /** The size: 1, 2, 4 or 8. */
  readonly bytes: number;
  /** Returns the code that reads the number at a place. */
  get(at: string): string;
  /** Returns the code of a number's value. */
  value(number: string, names: string): string;
  /** Returns the code that writes a value at a place. */
  set(at: string, value: string, names: string): string;
  /** Which numbers are values, if not all are. */
  readonly limit?: NumberLimit;
  /** What `set` and `value` need. */
  readonly names?: unknown;
}

/** Which numbers are values of a type: those from 0 on, below a limit. */
export interface NumberLimit {
  /** The limit. */
  readonly below: number;
  /** The values in words. */
  readonly expected: string;
  /** What a number is called. */
  readonly called: string;
}

/** Returns the next multiple of `size`, a power of two, from `at` on. */
export function aligned(at: number, size: number): number {
  return at + (-at & (size - 1));
}

/** Writes one frame. */
export class PayloadWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Where the frame ends, as it was measured. */
  readonly end: number;
  readonly names: MemoryNamer;

  constructor({ bytes, view }: LaneBytes, end: number, names: MemoryNamer) {
    this.bytes = bytes;
    this.view = view;
    this.end = end;
    this.names = names;
  }

  /** Returns the next multiple of `size`, with zeros before it. Throws unless there is room for `bytes` from there on. */
  room(at: number, size: number, bytes: number): number {
    const to = aligned(at, size);
    if (to + bytes > this.end) throw changed();
    for (; at < to; at++) this.view.setUint8(at, 0);
    return to;
  }
}

/** Makes the error of a frame that is not what was measured. */
export function changed(): BridgeError {
  return new BridgeError(
    "bad_argument",
    "Cannot send a frame that has changed while it was sent: " +
      "its size is not the one that was measured; its fields must not be computed by getters, nor its arrays resized meanwhile",
  );
}

/**
 * Reads one frame. After a value that does not fit the next one is read, so that
 * the finder gets the names of memory behind it. After a size that is not within
 * the frame the place is beyond its end, and nothing more is found there.
 */
export class PayloadReader {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** The place of the next value; beyond the end if that is not known. */
  at: number;
  /** Where the frame ends. */
  readonly end: number;
  readonly finder: MemoryFinder;

  constructor(
    { bytes, view }: LaneBytes,
    at: number,
    end: number,
    finder: MemoryFinder,
  ) {
    this.bytes = bytes;
    this.view = view;
    this.at = at;
    this.end = end;
    this.finder = finder;
  }

  /** Returns the place for `bytes` from the next multiple of `size` on, and moves behind them; -1 if they are not within the frame. */
  take(size: number, bytes: number): number {
    const at = aligned(this.at, size);
    if (at + bytes > this.end) return -1;
    this.at = at + bytes;
    return at;
  }

  /** Returns the misfit of a value behind which nothing can be read. */
  cut(expected: string, got: string): Misfit {
    this.at = this.end + 1;
    return new Misfit("", "", expected, got);
  }

  /** Returns the misfit of `count` bytes, or values, that are not within the frame. */
  short(count: number, of: "byte" | "value" = "byte"): Misfit {
    return this.cut(amount(count, of), "the end of the frame");
  }
}
