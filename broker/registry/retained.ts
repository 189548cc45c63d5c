/**
 * The connections that are over and still listed, by the process that they are
 * charged to.
 *
 * @module
 */

import type { ProcessIdentity } from "./process.ts";

/**
 * Ids of connections that are over. There are at most so many; the oldest of the
 * process that has the most makes room for the next one. So a process that
 * makes and ends connections without end does not remove those of others.
 */
export class Retained {
  readonly #most: number;
  /** The process of each id, the oldest id first. */
  readonly #processes = new Map<string, string>();
  /** The ids of each process, the oldest first. */
  readonly #ids = new Map<string, Set<string>>();

  /** @param most the most ids */
  constructor(most: number) {
    this.#most = most;
  }

  /** Adds an id. Returns the id that makes room for it: its owner deletes it. */
  add(id: string, process: ProcessIdentity | undefined): string | undefined {
    const key = keyOf(process);
    this.#processes.set(id, key);
    const own = this.#ids.get(key);
    if (own) own.add(id);
    else this.#ids.set(key, new Set([id]));
    return this.#processes.size > this.#most ? this.#dispensable() : undefined;
  }

  /** Removes an id, if it is there. */
  delete(id: string): void {
    const key = this.#processes.get(id);
    if (key === undefined) return;
    this.#processes.delete(id);
    const own = this.#ids.get(key)!;
    own.delete(id);
    if (own.size === 0) this.#ids.delete(key);
  }

  /** The ids of all processes, the oldest first. */
  ids(): Iterable<string> {
    return this.#processes.keys();
  }

  #dispensable(): string | undefined {
    let most = new Set<string>();
    for (const ids of this.#ids.values()) {
      if (ids.size > most.size) most = ids;
    }
    const [oldest] = most;
    return oldest;
  }
}

/** Processes that are not known count as one. */
function keyOf(process: ProcessIdentity | undefined): string {
  return process?.key ?? "";
}
