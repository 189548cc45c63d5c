/**
 * Who is due when, and the one timer that this takes.
 *
 * @module
 */

/** Calls `callback` once after `ms`; returns what cancels it. */
export type SetTimer = (callback: () => void, ms: number) => () => void;

interface Due {
  readonly id: string;
  readonly at: number;
}

/**
 * Deadlines by id, the earliest at hand: a binary heap that knows where each id
 * stands, so that setting and deleting cost log(n). With ten thousand
 * connections pending, allocating one more costs what it did.
 */
export class Deadlines {
  readonly #heap: Due[] = [];
  readonly #place = new Map<string, number>();

  /** The earliest deadline, or `undefined` when there is none. */
  first(): Due | undefined {
    return this.#heap[0];
  }

  /** Sets the deadline of `id`, in place of the one that it has. */
  set(id: string, at: number): void {
    const place = this.#place.get(id) ?? this.#heap.length;
    this.#put(place, { id, at });
    this.#sift(place);
  }

  /** Forgets the deadline of `id`, if it has one. */
  delete(id: string): void {
    const place = this.#place.get(id);
    if (place === undefined) return;
    this.#place.delete(id);
    const last = this.#heap.pop()!;
    if (place === this.#heap.length) return;
    this.#put(place, last);
    this.#sift(place);
  }

  /** Moves what stands at `place` up or down to where it belongs. */
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

/** Rings at the earliest deadline that it was told of, or before: who is rung looks at the clock. */
export class Alarm {
  readonly #now: () => number;
  readonly #setTimer: SetTimer;
  readonly #ring: () => void;
  #timer: { at: number; cancel: () => void } | undefined;

  /** @param now the clock, in milliseconds
   * @param setTimer where timers come from
   * @param ring what to do */
  constructor(now: () => number, setTimer: SetTimer, ring: () => void) {
    this.#now = now;
    this.#setTimer = setTimer;
    this.#ring = ring;
  }

  /** Rings by `at`; never, for `undefined`. A timer that is set for earlier is left to run, which spares the churn. */
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
