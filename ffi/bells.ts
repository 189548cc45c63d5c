/**
 * What hears bells.
 *
 * `node:net` reads them, but loading it takes as long as a Deno's whole start. So
 * a client loads it when it has started. Until then a thread of Deno's waits for
 * the bell of its queue, and other bells are not heard. docs/decisions/071 tells why.
 *
 * @module
 */

import type { Bell } from "./bell.ts";
import { permittedEnvironment } from "./environment.ts";
import { reportUncaught } from "./uncaught.ts";

/** Takes over the descriptor of a bell, and hears it. */
type Listen = typeof import("./socket_bell.ts").socketBell;

/** Waits on another thread until a bell has a reason to ring. Resolves to false if there is none after a short time. */
export type Wait = () => Promise<boolean>;

const isClient = !!permittedEnvironment().get("STREAMLIB_CONNECTION_ID");

async function loadListen(): Promise<Listen> {
  return (await import("./socket_bell.ts")).socketBell;
}

/** What hears the bells of this isolate; undefined in a client that has not loaded it. */
let listen = isClient ? undefined : await loadListen();

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
   * @param wait how another thread waits for it. Without it the bell is not heard
   * before {@link started}
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

  /** Whether a bell that is made now is heard by a thread, or not yet. */
  get areEarly(): boolean {
    return listen === undefined;
  }

  /** Loads what hears bells, and has it hear those that there are. */
  started(): void {
    if (listen) return;
    loadListen().then((loaded) => {
      listen = loaded;
      for (const bell of this.#early) bell.handOver(loaded);
      this.#early.clear();
    }, reportUncaught);
  }
}

/** A bell of a client that has not loaded what hears it. */
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

  /** From now on `listen` hears the bell. What has rung and was not read is still there. */
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
