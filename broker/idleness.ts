/**
 * Decides when a broker that is not used may end. Pure: the caller passes the
 * time and what the broker has.
 *
 * @module
 */

/** What a broker has at one moment. */
export interface Occupancy {
  /** Runtimes that are not dead. */
  readonly runtimes: number;
  /** Connections between a host and a client that are not over. */
  readonly connections: number;
  /** Peers that are connected over XPC. */
  readonly peers: number;
  /** Open gRPC connections. */
  readonly clients: number;
  /** XPC peers and gRPC connections since the start. A change shows a peer that came and went between two checks. */
  readonly arrivals: number;
  /** gRPC connections since the start. Each costs memory that Deno does not free. */
  readonly sessions: number;
}

/** When a broker ends by itself; never if both are undefined. */
export interface IdlenessLimits {
  /** Milliseconds without a registered runtime, a connection or a peer. */
  readonly idleMs?: number;
  /** The number of gRPC connections after which it ends as soon as nobody is connected. */
  readonly sessions?: number;
}

/** The reason to end, or the time until the next check in milliseconds. */
export type IdleVerdict =
  | { readonly end: "idle" | "recycled" }
  | { readonly lookAgainMs: number };

/** Checked once a second, so an unused broker ends up to a second late. */
const LOOK_MS = 1_000;

/**
 * Checks a broker's occupancy and remembers since when it is unused.
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

  /** Checks the occupancy at `now`, in milliseconds of a monotonic clock. */
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
