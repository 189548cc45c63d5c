/**
 * What all handlers share: the registry, the gate in front of it, and the way
 * from a request to the connection it is about.
 *
 * @module
 */

import type { ConnectionRecord } from "../../proto/states/connection_record.ts";
import { HINT, REASON } from "../../proto/wire/keys.ts";
import type { Side } from "../../proto/states/states.ts";
import { Gate } from "../registry/auth.ts";
import { RequestFields } from "./fields.ts";
import type { Caller, UnaryHandler } from "./call_types.ts";
import type { Log } from "../log/log.ts";
import { LogRing } from "../log/log_ring.ts";
import type { Entry, Registry } from "../registry/registry.ts";
import { Runtimes } from "../registry/runtimes.ts";
import type { BuildStamp } from "../version.ts";

/** What the handlers need from outside. */
export interface HandlerOptions<E extends Disposable> {
  readonly registry: Registry<E>;
  /** Copies the endpoint that it is lent. May throw: nothing has happened then. */
  dup(endpoint: E): E;
  readonly log: Log;
  /** The runtimes that are known; none, to begin with, by default. */
  readonly runtimes?: Runtimes;
  /** The records to show; none by default. */
  readonly logs?: LogRing;
  /** The registry's clock, epoch milliseconds. */
  now(): number;
  readonly build?: BuildStamp;
}

/** What became of an event: the connection as it is now, and why nothing happened, or "". */
export interface Acted {
  /** `undefined` when the broker does not know it. */
  readonly connection: ConnectionRecord | undefined;
  readonly error: string;
}

/** Shared by the handlers of one broker. */
export class CallContext<E extends Disposable> {
  readonly registry: Registry<E>;
  readonly gate: Gate;
  readonly runtimes: Runtimes;
  readonly logs: LogRing;
  readonly dup: (endpoint: E) => E;
  readonly now: () => number;
  readonly build: BuildStamp | undefined;

  /** @param options the outside world */
  constructor(options: HandlerOptions<E>) {
    this.registry = options.registry;
    this.gate = new Gate(options.log);
    this.runtimes = options.runtimes ?? new Runtimes(() => options.now());
    this.logs = options.logs ?? new LogRing();
    this.dup = (endpoint) => options.dup(endpoint);
    this.now = () => options.now();
    this.build = options.build;
  }

  /**
   * The connection that a request names, `undefined` when it is unknown.
   * `caller` must be allowed to act as `side`; as an XPC peer it then is the
   * one whose end is that side's end.
   */
  entry(
    operation: string,
    caller: Caller,
    fields: RequestFields,
    side: Side | "either",
  ): Entry | undefined {
    const entry = this.registry.lookup(fields.name("connection_id"));
    if (entry === undefined) return undefined;
    const proven = this.gate.admit(operation, entry, caller, side);
    if (side !== "either" && caller.peer !== undefined) {
      this.registry.bindPeer(entry.id, side, caller.peer.id);
    }
    if (proven !== undefined) {
      this.registry.apply(entry.id, { type: "seen", side: proven });
    }
    return entry;
  }

  /** Applies an event to the connection that a request names, see {@link entry}. */
  act(
    operation: string,
    caller: Caller,
    fields: RequestFields,
    side: Side | "either",
    event: Parameters<Registry<E>["apply"]>[1],
  ): Acted {
    const entry = this.entry(operation, caller, fields, side);
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

/** What is said about a connection that the broker does not know. */
export const UNKNOWN_CONNECTION =
  `${REASON.connectionNotFound}: ${HINT.connectionNotFound}`;

/** A handler that reads its fields and answers at once; what `answer` throws rejects the promise. */
export function unary<Response>(
  operation: string,
  answer: (caller: Caller, fields: RequestFields) => Response,
): UnaryHandler<Response> {
  return (caller, request) =>
    Promise.try(() => answer(caller, new RequestFields(operation, request)));
}
