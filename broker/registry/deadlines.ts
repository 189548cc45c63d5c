/**
 * Deadlines by id, and one timer for all of them.
 *
 * @module
 */

/** Calls `callback` once after `ms`. Returns a function that cancels it. */
export type SetTimer = (callback: () => void, ms: number) => () => void;

interface Due {
  readonly id: string;
  readonly at: number;
}

/**
 * Deadlines by id, in a binary heap with an index of the ids: the earliest one costs
 * O(1), setting and deleting O(log n).
 */
export class Deadlines {
  readonly #heap: Due[] = [];
  readonly #place = new Map<string, number>();

  /** The earliest deadline; `undefined` if there is none. */
  first(): Due | undefined {
    return this.#heap[0];
  }

  /** Sets or replaces the deadline of `id`. */
  set(id: string, at: number): void {
    const place = this.#place.get(id) ?? this.#heap.length;
    this.#put(place, { id, at });
    this.#sift(place);
  }

  /** Deletes the deadline of `id`, if it has one. */
  delete(id: string): void {
    const place = this.#place.get(id);
    if (place === undefined) return;
    this.#place.delete(id);
    const last = this.#heap.pop()!;
    if (place === this.#heap.length) return;
    this.#put(place, last);
    this.#sift(place);
  }

  /** Restores the heap's order after a change at `place`. */
  #sift(place: number): void {
    const due = this.#heap[place]!;
    let hole = place;
    for (;;) {
      const parent = (hole - 1) >> 1;
      if (hole === 0 || this.#heap[parent]!.at <= due.at) break;
      this.#put(hole, this.#heap[parent]!);
      hole = parent;
    }
    for (;;) {
      const child = this.#earlierChild(hole);
      if (child === undefined || this.#heap[child]!.at >= due.at) break;
      this.#put(hole, this.#heap[child]!);
      hole = child;
    }
    this.#put(hole, due);
  }

  #earlierChild(place: number): number | undefined {
    const left = this.#heap[2 * place + 1];
    const right = this.#heap[2 * place + 2];
    if (left === undefined) return undefined;
    return right !== undefined && right.at < left.at
      ? 2 * place + 2
      : 2 * place + 1;
  }

  #put(place: number, due: Due): void {
    this.#heap[place] = due;
    this.#place.set(due.id, place);
  }
}

/** Calls back at the earliest deadline that was set, or earlier: the callback must compare with the clock. */
export class Alarm {
  readonly #now: () => number;
  readonly #setTimer: SetTimer;
  readonly #ring: () => void;
  #timer: { at: number; cancel: () => void } | undefined;

  /** @param now the clock, in milliseconds
   * @param setTimer the source of timers
   * @param ring the callback */
  constructor(now: () => number, setTimer: SetTimer, ring: () => void) {
    this.#now = now;
    this.#setTimer = setTimer;
    this.#ring = ring;
  }

  /** Calls back at `at` or earlier; never for `undefined`. An earlier timer that runs already is kept, which saves work. */
  set(at: number | undefined): void {
    if (at !== undefined && this.#timer && this.#timer.at <= at) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (at === undefined) return;
    const wait = Math.max(1, Math.ceil(at - this.#now()));
    const cancel = this.#setTimer(() => {
      this.#timer = undefined;
      this.#ring();
    }, wait);
    this.#timer = { at, cancel };
  }
}
