/**
 * Listens to the bells of this isolate, with `node:net`.
 *
 * To load `node:net` takes as long as the whole start of Deno. So a client loads it
 * only after its start. Until then a thread of Deno waits for the bell of the
 * client's queue, and nothing listens to other bells. See docs/decisions/071.
 *
 * @module
 */

import type { Bell } from "./bell.ts";
import { isClientProcess, loadTurns } from "./turns.ts";
import { reportUncaught } from "./uncaught.ts";

/** Takes over the descriptor of a bell, and listens to it. */
type Listen = typeof import("./socket_bell.ts").socketBell;

/** Waits on another thread until a bell has a reason to ring. Resolves to false if there is none after a short time. */
export type Wait = () => Promise<boolean>;

async function loadListen(): Promise<Listen> {
  const { socketBell } = await import("./socket_bell.ts");
  loadTurns();
  return socketBell;
}

/** Listens to a bell with `node:net`; undefined in a client that has not loaded it yet. */
let listen = isClientProcess ? undefined : await loadListen();

/** The bells of one shim. */
export class Bells {
  readonly #early = new Set<EarlyBell>();
  readonly #isStarting: boolean;

  /** @param isStarting whether to load nothing before {@link started} is called */
  constructor(isStarting: boolean) {
    this.#isStarting = isStarting;
  }

  /**
   * Takes over the descriptor of a bell. From then on `ring` is called when it has
   * rung, with the number of rings that were read. `shut` is called if its other
   * end was shut down.
   *
   * @param wait waits for the bell on another thread. Without it nothing listens to
   * the bell before {@link started}
   */
  bell(
    descriptor: number,
    ring: (count: number) => void,
    shut?: () => void,
    wait?: Wait,
  ): Bell {
    if (listen) return listen(descriptor, ring, shut);
    const bell = new EarlyBell(
      (listen) => listen(descriptor, ring, shut),
      () => ring(1),
      wait,
    );
    this.#early.add(bell);
    if (!this.#isStarting) this.started();
    return bell;
  }

  /** Whether `node:net` is not loaded yet: only a thread can listen to a bell that is made now. */
  get areEarly(): boolean {
    return listen === undefined;
  }

  /** Loads `node:net`, which then listens to the bells that there are. */
  started(): void {
    if (listen) return;
    loadListen().then((loaded) => {
      listen = loaded;
      for (const bell of this.#early) bell.handOver(loaded);
      this.#early.clear();
    }, reportUncaught);
  }
}

/** A bell of a client that has not loaded `node:net` yet. */
class EarlyBell implements Bell {
  readonly #make: (listen: Listen) => Bell;
  #bell: Bell | undefined;
  #isReferenced = false;
  #isDisposed = false;

  constructor(
    make: (listen: Listen) => Bell,
    ring: () => void,
    wait: Wait | undefined,
  ) {
    this.#make = make;
    if (wait) this.#waitForRings(ring, wait);
  }

  ref(): void {
    this.#isReferenced = true;
    this.#bell?.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    this.#bell?.unref();
  }

  /** Waits again and again, which keeps the process alive. */
  async #waitForRings(ring: () => void, wait: Wait): Promise<void> {
    try {
      while (!this.#bell && !this.#isDisposed) {
        if (await wait() && !this.#isDisposed) ring();
      }
    } catch (error) {
      if (!this.#isDisposed) reportUncaught(error);
    }
  }

  /** From now on `listen` listens to the bell. Rings that were not read are still there. */
  handOver(listen: Listen): void {
    this.#bell = this.#make(listen);
    if (this.#isDisposed) this.#bell[Symbol.dispose]();
    else if (this.#isReferenced) this.#bell.ref();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#bell?.[Symbol.dispose]();
  }
}
