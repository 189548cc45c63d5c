/**
 * What all handlers share: the registry, the gate in front of it, and the
 * look-up of the connection that a request is about.
 *
 * @module
 */

import type { ConnectionRecord } from "../../proto/states/connection_record.ts";
import { HINT, REASON } from "../../proto/wire/keys.ts";
import type { Side } from "../../proto/states/states.ts";
import { Gate } from "../registry/auth.ts";
import type { RequestFields } from "./fields.ts";
import type { Caller } from "./call_types.ts";
import type { Log } from "../log/log.ts";
import { LogRing } from "../log/log_ring.ts";
import type { Registry } from "../registry/registry.ts";
import type { Entry } from "../registry/registry_types.ts";
import { Incidents } from "../registry/incidents.ts";
import { createQuotas, type Quotas } from "../registry/quotas.ts";
import { Runtimes } from "../registry/runtimes.ts";
import type { BuildStamp } from "../version.ts";

/** The dependencies of the handlers. */
export interface HandlerOptions<E extends Disposable> {
  readonly registry: Registry<E>;
  /** Copies a borrowed endpoint. If it throws, nothing has changed. */
  dup(endpoint: E): E;
  readonly log: Log;
  /** The known runtimes; empty by default. */
  readonly runtimes?: Runtimes;
  /** The records for `TailLogs`; empty by default. */
  readonly logs?: LogRing;
  /** The quotas, for `GetHealth` and `TailLogs`; those of `proto/limits.ts` by default. */
  readonly quotas?: Quotas;
  /** What was refused and ended, for `GetHealth`. */
  readonly incidents?: Incidents;
  /** The registry's clock, milliseconds since the epoch. */
  now(): number;
  readonly build?: BuildStamp;
}

/** The result of an event: the connection after it, and the reason if it was rejected, else "". */
export interface Acted {
  /** `undefined` if the broker does not know it. */
  readonly connection: ConnectionRecord | undefined;
  readonly error: string;
}

/** Shared by the handlers of one broker. */
export class CallContext<E extends Disposable> {
  readonly registry: Registry<E>;
  readonly gate: Gate;
  readonly runtimes: Runtimes;
  readonly logs: LogRing;
  readonly quotas: Quotas;
  readonly incidents: Incidents;
  readonly dup: (endpoint: E) => E;
  readonly now: () => number;
  readonly build: BuildStamp | undefined;
  readonly #log: Log;

  /** @param options the dependencies */
  constructor(options: HandlerOptions<E>) {
    this.registry = options.registry;
    this.#log = options.log;
    this.gate = new Gate(options.log);
    this.quotas = options.quotas ?? createQuotas();
    this.incidents = options.incidents ?? new Incidents();
    this.runtimes = options.runtimes ?? new Runtimes(() => options.now());
    this.logs = options.logs ?? new LogRing();
    this.dup = (endpoint) => options.dup(endpoint);
    this.now = () => options.now();
    this.build = options.build;
  }

  /**
   * Returns the connection that a request names; `undefined` if it is unknown.
   * Throws if `caller` may not act as `side`. An XPC peer is bound to the side:
   * when the peer ends, the side is lost.
   */
  entry(
    caller: Caller,
    fields: RequestFields,
    side: Side | "either",
  ): Entry | undefined {
    const entry = this.registry.lookup(fields.name("connection_id"));
    if (entry === undefined) return undefined;
    const proven = this.gate.admit(fields.operation, entry, caller, side);
    caller.admitted?.();
    if (side !== "either" && caller.peer !== undefined) {
      this.registry.bindPeer(entry.id, side, caller.peer.id);
    }
    if (proven !== undefined) {
      this.registry.apply(entry.id, { type: "seen", side: proven });
    }
    return entry;
  }

  /** Counts and logs that a quota has refused `caller`. */
  refused(caller: Caller, why: string): void {
    this.incidents.note("refused", this.#log, why, caller.process);
  }

  /** Applies an event to the connection that a request names. Throws as {@link entry} does. */
  act(
    caller: Caller,
    fields: RequestFields,
    side: Side | "either",
    event: Parameters<Registry<E>["apply"]>[1],
  ): Acted {
    const entry = this.entry(caller, fields, side);
    if (entry === undefined) {
      return { connection: undefined, error: UNKNOWN_CONNECTION };
    }
    const outcome = this.registry.apply(entry.id, event);
    return {
      connection: entry.connection,
      error: "rejected" in outcome ? outcome.rejected : "",
    };
  }
}

/** The error text for a connection that the broker does not know. */
export const UNKNOWN_CONNECTION =
  `${REASON.connectionNotFound}: ${HINT.connectionNotFound}`;
