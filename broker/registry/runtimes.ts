/**
 * The runtimes that made themselves known. A runtime's id and name are what it
 * says they are: they help to find it, and grant nothing.
 *
 * Which runtimes are dead is decided without asking, or signalling, any
 * process:
 *
 * | registered over | dead when |
 * |---|---|
 * | XPC | the connection that it registered on has ended: the kernel's word |
 * | gRPC | it has not registered for {@link RUNTIME_STALE_MS}, and has no connection that has not failed |
 *
 * The process id that came over gRPC is shown, and never looked at.
 *
 * @module
 */

import {
  MAX_RUNTIMES,
  MAX_RUNTIMES_PER_PEER,
  RUNTIME_STALE_MS,
} from "../../proto/limits.ts";
import type { PeerId } from "./auth.ts";

/** What a runtime tells of itself. */
export interface Registration {
  readonly id: string;
  /** A name for people; several may have the same. */
  readonly name: string;
  readonly apiEndpoint: string;
  readonly logPath: string;
  /** Of the XPC peer, by the kernel's word; over gRPC a claim. */
  readonly pid: number;
  /** The XPC peer that registered it, whose end is its end. */
  readonly peer: PeerId | undefined;
}

/** A runtime as it is known. */
export interface RuntimeRecord extends Registration {
  /** Epoch milliseconds. */
  readonly registeredAt: number;
  /** Whether its XPC peer is gone. */
  readonly ended: boolean;
}

/** What the broker knows of a runtime's life; `unknown` is one that registered over gRPC, not long ago. */
export type RuntimeStatus = "alive" | "dead" | "unknown";

/** How many runtimes a broker takes on. */
export interface RuntimeQuotas {
  readonly total: number;
  readonly perPeer: number;
}

const DEFAULT_QUOTAS: RuntimeQuotas = {
  total: MAX_RUNTIMES,
  perPeer: MAX_RUNTIMES_PER_PEER,
};

/**
 * The registered runtimes of one broker.
 *
 * ```ts ignore
 * const runtimes = new Runtimes(() => Date.now());
 * runtimes.register({ id: "r1", name: "camera", apiEndpoint: "", logPath: "", pid: 42, peer: 7 });
 * runtimes.peerLost(7);
 * runtimes.prune(new Set()).map(({ name }) => name); // ["camera"]
 * ```
 */
export class Runtimes {
  readonly #now: () => number;
  readonly #quotas: RuntimeQuotas;
  /** By their ids, the first to register first. */
  readonly #runtimes = new Map<string, RuntimeRecord>();

  /** @param now epoch milliseconds
   * @param quotas where they end */
  constructor(now: () => number, quotas: Partial<RuntimeQuotas> = {}) {
    this.#now = now;
    this.#quotas = { ...DEFAULT_QUOTAS, ...quotas };
  }

  /**
   * Takes a runtime on, in the place of one with the same id.
   *
   * @returns which quota is full, `undefined` when it was taken
   */
  register(registration: Registration): string | undefined {
    const { id, peer } = registration;
    const others = this.list().filter((runtime) => runtime.id !== id);
    const { perPeer, total } = this.#quotas;
    if (
      peer !== undefined &&
      others.filter((runtime) => runtime.peer === peer).length >= perPeer
    ) return full("this process", perPeer);
    if (others.length >= total && !this.#makeRoom(others)) {
      return full("the broker", total);
    }
    this.#runtimes.delete(id);
    this.#runtimes.set(id, {
      ...registration,
      registeredAt: this.#now(),
      ended: false,
    });
    return undefined;
  }

  /** Forgets a runtime; whether it was known. */
  unregister(id: string): boolean {
    return this.#runtimes.delete(id);
  }

  /** The runtime with this id. */
  get(id: string): RuntimeRecord | undefined {
    return this.#runtimes.get(id);
  }

  /** Of the runtimes with this name the last to register, one that has ended only where all have. */
  named(name: string): RuntimeRecord | undefined {
    const same = this.list().filter((runtime) => runtime.name === name);
    return same.findLast(({ ended }) => !ended) ?? same.at(-1);
  }

  /** Every runtime, in the order in which they registered. */
  list(): RuntimeRecord[] {
    return [...this.#runtimes.values()];
  }

  /** The runtimes that `peer` registered have ended. They stay listed until they are pruned. */
  peerLost(peer: PeerId): void {
    for (const runtime of this.#runtimes.values()) {
      if (runtime.peer !== peer) continue;
      this.#runtimes.set(runtime.id, { ...runtime, ended: true });
    }
  }

  /**
   * Whether a runtime is dead, by the table above.
   *
   * @param inUse whether it has a connection that has not failed
   */
  status(runtime: RuntimeRecord, inUse: boolean): RuntimeStatus {
    if (runtime.peer !== undefined) return runtime.ended ? "dead" : "alive";
    if (inUse) return "alive";
    const heardSince = this.#now() - RUNTIME_STALE_MS;
    return runtime.registeredAt <= heardSince ? "dead" : "unknown";
  }

  /**
   * Forgets the dead.
   *
   * @param inUse the ids of runtimes with a connection that has not failed
   * @returns who was forgotten
   */
  prune(inUse: ReadonlySet<string>): RuntimeRecord[] {
    const dead = this.list().filter((runtime) =>
      this.status(runtime, inUse.has(runtime.id)) === "dead"
    );
    for (const { id } of dead) this.#runtimes.delete(id);
    return dead;
  }

  /** Forgets the one that ended first to register, if one has. */
  #makeRoom(runtimes: readonly RuntimeRecord[]): boolean {
    const ended = runtimes.find((runtime) => runtime.ended);
    return ended !== undefined && this.#runtimes.delete(ended.id);
  }
}

function full(whose: string, limit: number): string {
  return `Cannot register a runtime: ${whose} has ${limit}, the limit; unregister or prune some first`;
}
