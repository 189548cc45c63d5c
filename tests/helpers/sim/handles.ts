/** The handle table of one simulated process, as `c/bridge/object.c` has it. */

import { STATUS } from "../../../ffi/status.ts";

const INDEX_BITS = 20;
const INDEX_MASK = (1 << INDEX_BITS) - 1;

/** The kinds of handle, by the header's numbers. */
const KIND = {
  queue: 1,
  listener: 2,
  connection: 3,
  endpoint: 4,
  reply: 5,
} as const;

/** The name of a kind. */
type Kind = keyof typeof KIND;

interface Slot {
  generation: number;
  entry: { readonly kind: Kind; readonly object: object } | undefined;
}

/** Handles, with generations: a stale one is an error, never another object. */
export class Handles {
  readonly #slots: Slot[] = [{ generation: 0, entry: undefined }];
  readonly #free: number[] = [];
  readonly #counts = new Map<Kind, number>();
  /** The last failure: its `SLB_E_` code and its text. */
  error = { code: 0, words: "" };

  /** Returns a new handle for `object`. */
  add(kind: Kind, object: object): number {
    const index = this.#free.pop() ??
      this.#slots.push({ generation: 1, entry: undefined }) - 1;
    const slot = this.#slots[index]!;
    slot.entry = { kind, object };
    this.#count(kind, 1);
    return (slot.generation << INDEX_BITS | index) >>> 0;
  }

  /** Returns the object of a handle of one of `kinds`; `undefined`, with the error set, if there is none. */
  find<T extends object>(handle: number, ...kinds: Kind[]): T | undefined {
    const entry = this.#slot(handle)?.entry;
    if (entry && kinds.includes(entry.kind)) return entry.object as T;
    this.#fail(
      entry
        ? `Handle ${handle} is a ${entry.kind}, not a ${kinds.join(" or ")}`
        : `Handle ${handle} names nothing: it was released or never given`,
    );
    return undefined;
  }

  /** Frees a handle and returns what it named. */
  remove(handle: number): { kind: Kind; object: object } | undefined {
    const slot = this.#slot(handle);
    const entry = slot?.entry;
    if (!slot || !entry) {
      this.#fail(
        `Cannot release handle ${handle}: it was released or never given`,
      );
      return undefined;
    }
    slot.entry = undefined;
    slot.generation++;
    this.#free.push(handle & INDEX_MASK);
    this.#count(entry.kind, -1);
    return entry;
  }

  /** Every live handle. */
  all(): number[] {
    return this.#slots.flatMap(({ generation, entry }, index) =>
      entry ? [(generation << INDEX_BITS | index) >>> 0] : []
    );
  }

  /** Returns the number of live handles of a kind, or of all kinds. */
  live(kind?: Kind): number {
    if (kind !== undefined) return this.#counts.get(kind) ?? 0;
    return [...this.#counts.values()].reduce((sum, one) => sum + one, 0);
  }

  /** Describes the live handles, for a leak's report. */
  describe(): string {
    return [...this.#counts].filter(([, count]) => count > 0)
      .map(([kind, count]) => `${count} ${kind}`).join(", ") || "none";
  }

  #fail(words: string): void {
    this.error = { code: STATUS.handle, words };
  }

  #slot(handle: number): Slot | undefined {
    const slot = this.#slots[handle & INDEX_MASK];
    return slot?.generation === handle >>> INDEX_BITS ? slot : undefined;
  }

  #count(kind: Kind, change: number): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + change);
  }
}
