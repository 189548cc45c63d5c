/**
 * When a broker has nothing to do any more. A pure decision: who asks hands in
 * the time, and what there is.
 *
 * @module
 */

/** What a broker has at one moment. */
export interface Occupancy {
  /** Runtimes that are not dead. */
  readonly runtimes: number;
  /** Connections between a host and a client that have not failed. */
  readonly connections: number;
  /** Processes that are connected over XPC. */
  readonly peers: number;
  /** Connections over gRPC. */
  readonly clients: number;
  /** How many were connected over XPC or gRPC since the start: it tells of those who came and went unseen. */
  readonly arrivals: number;
  /** How many of them over gRPC: each has cost memory that Deno does not give back. */
  readonly sessions: number;
}

/** When a broker ends by itself. Without either it never does. */
export interface IdlenessLimits {
  /** Milliseconds with nothing registered and nobody connected. */
  readonly idleMs?: number;
  /** Sessions over gRPC, after which it ends as soon as nobody is connected. */
  readonly sessions?: number;
}

/** Why it may end, or in how many milliseconds to look again. */
export type IdleVerdict =
  | { readonly end: "idle" | "recycled" }
  | { readonly lookAgainMs: number };

/** Nobody waits for it: looking seldom costs nothing, and it is late by as much. */
const LOOK_MS = 1_000;

/**
 * Looks at a broker from time to time.
 *
 * ```ts ignore
 * const idleness = new Idleness({ idleMs: 300_000 });
 * const finding = idleness.look(performance.now(), broker.occupancy);
 * ```
 */
export class Idleness {
  readonly #limits: IdlenessLimits;
  #idleSince: number | undefined;
  #arrivals = -1;

  /** @param limits when it ends */
  constructor(limits: IdlenessLimits) {
    this.#limits = limits;
  }

  /** What there is at `now`, in milliseconds of a clock that never goes back. */
  look(now: number, occupancy: Occupancy): IdleVerdict {
    const { idleMs, sessions } = this.#limits;
    const { runtimes, connections, peers, clients, arrivals } = occupancy;
    const deserted = connections + peers + clients === 0;
    if (deserted && sessions !== undefined && occupancy.sessions >= sessions) {
      return { end: "recycled" };
    }
    const undisturbed = arrivals === this.#arrivals;
    this.#arrivals = arrivals;
    if (!deserted || runtimes > 0) this.#idleSince = undefined;
    else if (!undisturbed) this.#idleSince = now;
    else this.#idleSince ??= now;
    if (idleMs === undefined || this.#idleSince === undefined) {
      return { lookAgainMs: LOOK_MS };
    }
    const left = this.#idleSince + idleMs - now;
    return left <= 0
      ? { end: "idle" }
      : { lookAgainMs: Math.min(left, LOOK_MS) };
  }
}
