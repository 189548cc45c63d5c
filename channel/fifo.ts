/**
 * A queue of values, first in, first out.
 *
 * @module
 */

/** A queue in an array that is used as a ring: to add or take a value moves no other value. */
export class Fifo<T> {
  #values: (T | undefined)[] = new Array(8);
  #first = 0;
  #size = 0;

  /** The number of values. */
  get size(): number {
    return this.#size;
  }

  /** Adds a value. */
  push(value: T): void {
    if (this.#size === this.#values.length) this.#grow();
    const at = (this.#first + this.#size) & (this.#values.length - 1);
    this.#values[at] = value;
    this.#size++;
  }

  /** Takes the oldest value. There must be one. */
  shift(): T {
    const value = this.#values[this.#first]!;
    this.#values[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#values.length - 1);
    this.#size--;
    return value;
  }

  /** Doubles the length of the array, which stays a power of two. */
  #grow(): void {
    const values = this.#values;
    const ordered = [
      ...values.slice(this.#first),
      ...values.slice(0, this.#first),
    ];
    ordered.length = 2 * values.length;
    this.#values = ordered;
    this.#first = 0;
  }
}
