/**
 * The connections of one broker: the only owner of their endpoints, and the
 * only caller of `transition()`.
 *
 * @module
 */

import {
  type ConnectionRecord,
  hasFailed,
  isReady,
  newConnection,
  timeoutAt,
} from "../../proto/states/connection_record.ts";
import {
  MAX_RETAINED_CONNECTIONS,
  MAX_WATCHERS_PER_CONNECTION,
  RETENTION_MS,
} from "../../proto/limits.ts";
import { type Side, SIDES } from "../../proto/states/states.ts";
import {
  type ConnectionEvent,
  transition,
} from "../../proto/states/transition.ts";
import {
  newConnectionId,
  newTokens,
  type PeerId,
  type RandomBytes,
} from "./auth.ts";
import { Alarm, Deadlines } from "./deadlines.ts";
import { bytesOf, type Charged, Ledger } from "./ledger.ts";
import type { ProcessIdentity } from "./process.ts";
import { createQuotas, type Quotas } from "./quotas.ts";
import { Retained } from "./retained.ts";
import {
  type Allocation,
  type Entry,
  type RegistryOptions,
  type Rejection,
  unknownConnectionId,
  type Watcher,
} from "./registry_types.ts";

interface OwnEntry<E> extends Entry, Charged {
  connection: ConnectionRecord;
  endpoint: E | undefined;
  readonly peers: { [side in Side]?: PeerId };
  deliveredTo: PeerId | undefined;
  readonly watchers: Set<Watcher>;
}

/**
 * Holds the records and their endpoints.
 *
 * `E` is the native endpoint. The registry takes each endpoint and disposes it exactly
 * once: when it is refused or replaced, when its connection is ready or over, or when
 * the registry is disposed.
 */
export class Registry<E extends Disposable> implements Disposable {
  readonly #options: RegistryOptions;
  readonly #quotas: Quotas;
  readonly #randomBytes: RandomBytes;
  readonly #entries = new Map<string, OwnEntry<E>>();
  readonly #retained: Retained;
  readonly #ledger: Ledger<OwnEntry<E>>;
  readonly #deadlines = new Deadlines();
  readonly #alarm: Alarm;
  readonly #changes: (() => void)[] = [];
  #telling = false;

  /** @param options the dependencies */
  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#quotas = options.quotas ?? createQuotas();
    this.#randomBytes = options.randomBytes ??
      ((bytes) => crypto.getRandomValues(new Uint8Array(bytes)));
    this.#retained = new Retained(options.retained ?? MAX_RETAINED_CONNECTIONS);
    this.#ledger = new Ledger(this.#quotas);
    this.#alarm = new Alarm(
      () => options.now(),
      options.setTimer,
      () => this.expire(),
    );
  }

  /** Makes a connection, which is charged to `process`, or returns which quota is full. `peer` is the XPC peer that is its host. */
  allocate(
    allocation: Allocation,
    peer?: PeerId,
    process?: ProcessIdentity,
  ): Entry | Rejection {
    const charged = { process, bytes: bytesOf(allocation) };
    const full = this.#ledger.refusal(process) ?? this.#bytesRefusal(charged);
    if (full !== undefined) return { rejected: full, isFull: true };
    const { id = newConnectionId(this.#randomBytes), tokens, ...spec } =
      allocation;
    if (this.#entries.has(id)) return { rejected: "this id is in use" };
    const entry: OwnEntry<E> = {
      id,
      connection: newConnection({ ...spec, id }, this.#options.now()),
      tokens: tokens === "fresh" ? newTokens(this.#randomBytes) : tokens,
      peers: {},
      endpoint: undefined,
      deliveredTo: undefined,
      watchers: new Set(),
      ...charged,
    };
    this.#entries.set(id, entry);
    this.#ledger.charge(entry);
    this.#deadlines.set(id, timeoutAt(entry.connection));
    if (peer !== undefined) this.bindPeer(id, "host", peer);
    this.#tell(entry, undefined);
    this.#alarm.set(this.nextDeadline());
    return entry;
  }

  /** Returns the connection `id`. A connection that is due is timed out first. */
  lookup(id: string): Entry | undefined {
    return this.#find(id);
  }

  /** Returns all connections, the oldest first, with those that are over and still listed. */
  list(): ConnectionRecord[] {
    this.expire();
    return Array.from(this.#entries.values(), (entry) => entry.connection);
  }

  /** Applies an event. For an endpoint use {@link store} and {@link deliver}. */
  apply(
    id: string,
    event: Exclude<
      ConnectionEvent,
      { type: "endpoint_stored" | "endpoint_delivered" }
    >,
  ): Entry | Rejection {
    const entry = this.#find(id);
    return entry === undefined
      ? unknownConnectionId(id)
      : this.#step(entry, event);
  }

  /** Stores `endpoint`. The registry takes it, also if it is refused. */
  store(id: string, endpoint: E): Entry | Rejection {
    const entry = this.#find(id);
    const full = entry?.endpoint === undefined
      ? this.#quotas.endpoints.refusal(entry?.process)
      : undefined;
    const outcome = entry === undefined
      ? unknownConnectionId(id)
      : full !== undefined
      ? { rejected: `Cannot store an endpoint: ${full}`, isFull: true }
      : this.#step(entry, { type: "endpoint_stored" }, undefined, endpoint);
    if ("rejected" in outcome) endpoint[Symbol.dispose]();
    return outcome;
  }

  /**
   * Returns a copy of the endpoint for `peer`. From then on only that peer gets
   * copies. `dup` copies a borrowed endpoint; if it throws, nothing has changed.
   *
   * @returns the copy, which the caller owns
   */
  deliver(
    id: string,
    peer: PeerId,
    dup: (endpoint: E) => E,
  ): { readonly endpoint: E } | Rejection {
    const entry = this.#find(id);
    if (entry === undefined) return unknownConnectionId(id);
    if (entry.deliveredTo !== undefined && entry.deliveredTo !== peer) {
      return { rejected: "another process has received the endpoint" };
    }
    if (entry.endpoint === undefined) return { rejected: "nothing is stored" };
    const copy = dup(entry.endpoint);
    const outcome = this.#step(entry, { type: "endpoint_delivered" });
    if ("rejected" in outcome) {
      copy[Symbol.dispose]();
      return outcome;
    }
    entry.deliveredTo = peer;
    return { endpoint: copy };
  }

  /**
   * Binds `peer` to `side`: when the peer ends, the side is lost. With tokens the last
   * peer that proved to be the side is bound, so that a process can connect again.
   * Without tokens, and for a client that has its endpoint, the first peer stays bound.
   */
  bindPeer(id: string, side: Side, peer: PeerId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || hasFailed(entry.connection)) return;
    const bound = entry.peers[side];
    if (bound === peer) return;
    const fixed = entry.tokens === undefined ||
      (side === "client" && entry.deliveredTo !== undefined);
    if (bound !== undefined && fixed) return;
    entry.peers[side] = peer;
    if (bound !== undefined) this.#unbind(entry, bound);
    this.#ledger.bind(peer, entry);
  }

  /** Fails every connection of which `peer` is a side. */
  peerLost(peer: PeerId, reason = "its connection to the broker ended"): void {
    for (const entry of this.#ledger.of(peer)) {
      const side = SIDES.find((side) => entry.peers[side] === peer);
      if (side !== undefined) {
        this.#step(entry, { type: "side_lost", side, reason });
      }
    }
  }

  /**
   * Calls `watcher` for every change until the result is disposed. If the connection
   * is over or unknown, the watcher ends at once; at a limit of watchers it is
   * rejected.
   *
   * @param process is charged for it
   */
  subscribe(
    id: string,
    watcher: Watcher,
    process?: ProcessIdentity,
  ): Disposable | Rejection {
    const entry = this.#find(id);
    if (entry === undefined || hasFailed(entry.connection)) {
      watcher.ended();
      return { [Symbol.dispose]: () => {} };
    }
    const { watchers } = this.#quotas;
    const { size } = entry.watchers;
    const most = this.#options.watchersPerConnection ??
      MAX_WATCHERS_PER_CONNECTION;
    const full = size >= most
      ? `it has ${size} watchers, the limit; end one first`
      : watchers.refusal(process);
    if (full !== undefined) return { rejected: full };
    entry.watchers.add(watcher);
    watchers.charge(process);
    using charged = new DisposableStack();
    charged.defer(() => watchers.discharge(process));
    charged.defer(() => void entry.watchers.delete(watcher));
    return charged.move();
  }

  /** Times out the connections that are due, and drops those that were listed long enough. */
  expire(): void {
    const now = this.#options.now();
    for (;;) {
      const due = this.#deadlines.first();
      if (due === undefined || due.at > now) break;
      const entry = this.#entries.get(due.id)!;
      if (hasFailed(entry.connection)) this.#drop(entry);
      else this.#step(entry, { type: "timed_out" }, now);
    }
    this.#alarm.set(this.nextDeadline());
  }

  /** The time at which {@link expire} has work, milliseconds since the epoch; `undefined` if none. */
  nextDeadline(): number | undefined {
    return this.#deadlines.first()?.at;
  }

  /** Calls `callback` after `ms` by the registry's source of timers. Returns a function that cancels it. */
  setTimer(callback: () => void, ms: number): () => void {
    return this.#options.setTimer(callback, ms);
  }

  /** Disposes all endpoints and ends all watchers. Watchers get no failure: the next broker may adopt the connections. */
  [Symbol.dispose](): void {
    for (const entry of [...this.#entries.values()]) {
      if (!hasFailed(entry.connection)) this.#retire(entry);
      this.#drop(entry);
      this.#releaseEndpoint(entry);
      for (const watcher of entry.watchers) watcher.ended();
      entry.watchers.clear();
    }
    this.#alarm.set(undefined);
  }

  #find(id: string): OwnEntry<E> | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const { connection } = entry;
    const now = this.#options.now();
    const open = !hasFailed(connection) && !isReady(connection);
    if (open && now >= timeoutAt(connection)) {
      this.#step(entry, { type: "timed_out" }, now);
    }
    return entry;
  }

  /** The only caller of transition(): stores the new record, then performs its effects. */
  #step(
    entry: OwnEntry<E>,
    event: ConnectionEvent,
    now = this.#options.now(),
    endpoint?: E,
  ): Entry | Rejection {
    const before = entry.connection;
    const outcome = transition(before, event, now);
    if ("rejected" in outcome) return outcome;
    const after = outcome.connection;
    entry.connection = after;
    if (!hasFailed(before) && hasFailed(after)) this.#retire(entry);
    else if (!isReady(before) && isReady(after)) {
      this.#deadlines.delete(entry.id);
    }
    for (const effect of outcome.effects) {
      switch (effect) {
        case "release_endpoint":
          this.#releaseEndpoint(entry);
          break;
        case "hold_endpoint":
          entry.endpoint = endpoint;
          this.#quotas.endpoints.charge(entry.process);
          break;
        case "notify_watchers":
          this.#tell(entry, before);
      }
    }
    this.#alarm.set(this.nextDeadline());
    return entry;
  }

  /** Changes are queued, so that all watchers get them in order, even if one calls the registry. */
  #tell(entry: OwnEntry<E>, before: ConnectionRecord | undefined): void {
    const after = entry.connection;
    const watchers = [...entry.watchers];
    const ended = hasFailed(after);
    this.#changes.push(() => {
      this.#options.onChange?.(after, before);
      for (const watcher of watchers) {
        if (!entry.watchers.has(watcher)) continue;
        if (ended) entry.watchers.delete(watcher);
        watcher.changed(after);
        if (ended) watcher.ended();
      }
    });
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let change; (change = this.#changes.shift());) change();
    } finally {
      this.#telling = false;
    }
  }

  /** A connection that is over no longer counts for the quotas, and stays listed for {@link RETENTION_MS}. */
  #retire(entry: OwnEntry<E>): void {
    this.#ledger.over(entry);
    for (const side of SIDES) {
      const peer = entry.peers[side];
      delete entry.peers[side];
      if (peer !== undefined) this.#unbind(entry, peer);
    }
    this.#deadlines.set(entry.id, this.#options.now() + RETENTION_MS);
    const dispensable = this.#retained.add(entry.id, entry.process);
    if (dispensable !== undefined) this.#drop(this.#entries.get(dispensable)!);
  }

  /** Why there is no room for these bytes. Connections that are over make room first. */
  #bytesRefusal(charged: Charged): string | undefined {
    if (this.#ledger.bytesRefusal(charged) === undefined) return undefined;
    const over = Array.from(
      this.#retained.ids(),
      (id) => this.#entries.get(id)!,
    );
    return this.#ledger.makeRoom(charged, over, (entry) => this.#drop(entry));
  }

  #releaseEndpoint(entry: OwnEntry<E>): void {
    const released = entry.endpoint;
    if (released === undefined) return;
    entry.endpoint = undefined;
    this.#quotas.endpoints.discharge(entry.process);
    released[Symbol.dispose]();
  }

  #drop(entry: OwnEntry<E>): void {
    this.#ledger.forgotten(entry);
    this.#entries.delete(entry.id);
    this.#retained.delete(entry.id);
    this.#deadlines.delete(entry.id);
  }

  /** Removes `entry` from the peer's count, unless the peer is its other side too. */
  #unbind(entry: OwnEntry<E>, peer: PeerId): void {
    if (SIDES.every((side) => entry.peers[side] !== peer)) {
      this.#ledger.unbind(peer, entry);
    }
  }
}
