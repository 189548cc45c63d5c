/**
 * The XPC carrier: serves the control API and the endpoint relay as dictionaries on
 * the broker's XPC service. gRPC carries the same calls, but no endpoint.
 *
 * A request is a dictionary whose `type` names the call and whose other keys are the
 * request's fields. The reply has the response's fields. Integers are uint64. Every
 * message that expects a reply gets one.
 *
 * @module
 */

import { MAX_CALL_BYTES } from "../../proto/limits.ts";
import { OwnedCapability } from "../../ffi/capability.ts";
import type { Bootstrap } from "../../ffi/bootstrap.ts";
import { Connection } from "../../ffi/connection.ts";
import { Listener, type ListenerEvents } from "../../ffi/listener.ts";
import type { Message } from "../../ffi/message.ts";
import type { Native } from "../../ffi/native.ts";
import { fromDictionary, toDictionary } from "../../proto/wire/control.ts";
import {
  BridgeError,
  describeError,
  type ErrorCode,
} from "../../proto/errors.ts";
import {
  CALL_OF_MESSAGE_TYPE,
  KEY,
  MESSAGE_TYPE,
} from "../../proto/wire/keys.ts";
import { getString, type XpcDictionary } from "../../proto/wire/xpc_value.ts";
import type { Caller, Handlers } from "../calls/call_types.ts";
import type { Log } from "../log/log.ts";
import { type Guest, Guests } from "../registry/guests.ts";
import type { IncidentKind, Incidents } from "../registry/incidents.ts";
import type { IdentifyProcess, ProcessIdentity } from "../registry/process.ts";
import type { Quotas } from "../registry/quotas.ts";

const SELF_TEST_TIMEOUT_MS = 5_000;

/** The options of the relay. */
export interface RelayOptions {
  readonly native: Native;
  /** The service name to serve. */
  readonly service: string;
  /** The bootstrap that has the name; `undefined` for a name of this user. */
  readonly bootstrap: Bootstrap | undefined;
  readonly handlers: Handlers<OwnedCapability>;
  readonly log: Log;
  /** `peers` is charged. */
  readonly quotas: Quotas;
  readonly incidents: Incidents;
  /** Tells which process has an id. */
  readonly identify: IdentifyProcess;
  /** Called when a peer's connection has ended: the sides that it was are lost. `why`: this process has ended it, for this reason. */
  peerLost(peer: number, why?: string): void;
}

interface Peer {
  readonly id: number;
  readonly connection: Connection;
  readonly gone: AbortController;
  readonly guest: Guest;
}

/** The broker's named XPC service. */
export class Relay implements Disposable {
  readonly #options: RelayOptions;
  readonly #listener: Listener;
  readonly #peers = new Map<number, Peer>();
  readonly #guests: Guests;
  /** The silent connections that were dropped and logged so far. */
  #silentNoted = 0;
  readonly #ended = Promise.withResolvers<never>();
  #nextPeer = 1;

  /**
   * Serves the name. Returns when a test message to it was answered.
   *
   * @throws {BridgeError} `name_in_use` if another process serves the name,
   * `native_failure` if it cannot be served for another reason
   */
  static async start(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    try {
      await Promise.race([relay.#ended.promise, relay.#selfTest()]);
    } catch (error) {
      relay[Symbol.dispose]();
      throw error;
    }
    return relay;
  }

  private constructor(options: RelayOptions) {
    this.#options = options;
    const { native, quotas, incidents, log } = options;
    this.#guests = new Guests({
      shares: quotas.peers,
      incidents,
      log,
      now: () => native.clock.now(),
    });
    this.#silentNoted = native.silent().dropped;
    this.#ended.promise.catch(() => {}); // start() awaits it; later errors are logged
    this.#listener = this.#listen({
      peer: (connection) => this.#welcome(connection),
      ended: (_, reason, code) => this.#listenerEnded(reason, code),
    });
  }

  /** The number of connected peers. */
  get peerCount(): number {
    return this.#peers.size;
  }

  /** The number of peers since the start, with this process's own test message. */
  get peerTotal(): number {
    return this.#nextPeer - 1;
  }

  /**
   * Counts and logs the connections that were dropped because they had sent no
   * message and there was no room for them. To be called now and then: XPC does not
   * announce them.
   */
  noteSilent(): void {
    const { native, incidents, log } = this.#options;
    const { dropped, pid } = native.silent();
    const times = dropped - this.#silentNoted;
    this.#silentNoted = dropped;
    if (times <= 0) return;
    const process = this.#identify(pid);
    incidents.note("silent", log, SILENT, process, {}, times);
  }

  /** Stops serving and ends the connections of all peers. */
  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
    for (const peer of [...this.#peers.values()]) this.#farewell(peer);
  }

  #listen(events: ListenerEvents): Listener {
    const { native, service, bootstrap } = this.#options;
    if (bootstrap) return bootstrap.register(service, events);
    const listener = Listener.ofService(native, service);
    listener.activate(events);
    return listener;
  }

  #listenerEnded(reason: string, code: ErrorCode): void {
    const { service, log } = this.#options;
    const text =
      `Cannot serve '${service}': ${reason || "XPC refused the name"}` +
      (code === "name_in_use" ? "; stop that one, or choose another name" : "");
    log.error(text);
    this.#ended.reject(new BridgeError(code, text));
  }

  /** Sends a message to the name as any client does. This process must answer it. */
  async #selfTest(): Promise<void> {
    const { native, service, bootstrap } = this.#options;
    using connection = bootstrap
      ? await bootstrap.connect(service, { timeoutMs: SELF_TEST_TIMEOUT_MS })
      : Connection.toService(native, service);
    connection.activate({
      message: (message) => message[Symbol.dispose](),
      ended: () => {},
    });
    using _ = await connection.request(
      { [KEY.type]: MESSAGE_TYPE.getVersion },
      { timeoutMs: SELF_TEST_TIMEOUT_MS },
    );
    const { pid } = connection.peer();
    if (pid !== Deno.pid) {
      throw new BridgeError(
        "name_in_use",
        `Cannot serve '${service}': process ${pid} serves it; stop that one, or choose another name`,
      );
    }
  }

  // ---- peers ----

  #identify(pid: number): ProcessIdentity | undefined {
    return pid > 0 ? this.#options.identify(pid) : undefined;
  }

  #welcome(connection: Connection): void {
    const id = this.#nextPeer++;
    const process = this.#identify(connection.peer().pid);
    const guest = this.#guests.admit(process, () => this.#farewell(peer));
    if (typeof guest === "string") return turnAway(connection, guest);
    const peer: Peer = { id, connection, gone: new AbortController(), guest };
    this.#peers.set(id, peer);
    connection.activate({
      message: (message) => void this.#serve(peer, message),
      ended: (end, reason, code, told) => {
        if (end !== "invalid") return;
        const { incidents, log } = this.#options;
        const kind = told ? undefined : DROPPED[code];
        if (kind) {
          const fields = { peer: id, code, reason };
          incidents.note(kind, log, "A peer was dropped", process, fields);
        }
        this.#farewell(peer, kind && `${SELF} ended its connection: ${reason}`);
      },
      malformed: (problem) =>
        this.#options.incidents.note(
          "malformed",
          this.#options.log,
          "A malformed message was dropped",
          process,
          { peer: id, problem },
        ),
    }, MAX_CALL_BYTES);
  }

  /** @param why why a peer was lost that this process has ended */
  #farewell(peer: Peer, why?: string): void {
    if (!this.#peers.delete(peer.id)) return;
    peer.guest.leave();
    peer.gone.abort();
    peer.connection[Symbol.dispose]();
    this.#options.peerLost(peer.id, why);
  }

  // ---- calls ----

  /** Answers one message of any content. */
  async #serve(peer: Peer, message: Message): Promise<void> {
    using held = new DisposableStack();
    held.use(message);
    let answer: XpcDictionary;
    try {
      answer = await this.#call(peer, message, held);
      if (answer[KEY.success] !== false) peer.guest.useful();
    } catch (error) {
      if (!(error instanceof BridgeError)) {
        this.#options.log.error("A call failed", {
          peer: peer.id,
          error: describeError(error),
        });
      }
      answer = refusalOf(error);
    }
    if (peer.gone.signal.aborted) return;
    try {
      message.reply(answer);
    } catch (error) { // a list may be longer than a message
      if (!(error instanceof BridgeError)) throw error;
      message.reply(refusalOf(error));
    }
  }

  /** Returns the answer. What is put into `held` lives until the answer is sent. */
  async #call(
    peer: Peer,
    message: Message,
    held: DisposableStack,
  ): Promise<XpcDictionary> {
    const { handlers, native } = this.#options;
    const type = getString(message.body, KEY.type);
    const caller = this.#caller(peer, message.body);
    const request = requestIn(message.body);
    if (type === MESSAGE_TYPE.storeEndpoint) {
      const capability = message.take(KEY.endpoint, "endpoint");
      const endpoint = capability && new OwnedCapability(native, capability);
      return toDictionary(
        await handlers.relay.store_endpoint(caller, request, endpoint),
      );
    }
    if (type === MESSAGE_TYPE.getEndpoint) {
      const response = await handlers.relay.get_endpoint(caller, request);
      if (!response.found) return toDictionary(response);
      const { endpoint, ...rest } = response;
      return {
        ...toDictionary(rest),
        [KEY.endpoint]: held.use(endpoint).borrow(),
      };
    }
    if (type === MESSAGE_TYPE.watch) return this.#watch(peer, caller, request);
    const call = type === undefined
      ? undefined
      : (CALL_OF_MESSAGE_TYPE as Record<string, string>)[type];
    const handler = call === undefined
      ? undefined
      : handlers.unary[call as keyof typeof handlers.unary];
    if (!handler) {
      throw new BridgeError(
        "bad_argument",
        `Unknown message type ${
          type === undefined ? "(none)" : JSON.stringify(type.slice(0, 64))
        }; known are ${Object.values(MESSAGE_TYPE).join(", ")}`,
      );
    }
    return toDictionary(await handler(caller, request));
  }

  #caller(peer: Peer, body: XpcDictionary): Caller {
    const token = getString(body, KEY.token);
    const { pid, euid } = peer.connection.peer();
    const { process } = peer.guest;
    return {
      carrier: "xpc",
      peer: { id: peer.id, pid, euid },
      ...(process === undefined ? {} : { process }),
      admitted: () => peer.guest.useful(),
      signal: peer.gone.signal,
      ...(token === undefined ? {} : { token }),
    };
  }

  /** Returns the answer when the watch has begun. Then every change is sent as a message. */
  async #watch(
    peer: Peer,
    caller: Caller,
    request: object,
  ): Promise<XpcDictionary> {
    const events = this.#options.handlers.stream
      .WatchConnection(caller, request)[Symbol.asyncIterator]();
    const first = await events.next();
    const push = async (): Promise<void> => {
      for (let next = first; !next.done; next = await events.next()) {
        if (peer.gone.signal.aborted) break;
        peer.connection.send({
          [KEY.type]: MESSAGE_TYPE.connectionEvent,
          ...toDictionary(next.value),
        });
      }
      await events.return?.();
    };
    push().catch((error) =>
      this.#options.log.error("A watch failed", { error: describeError(error) })
    );
    return { [KEY.success]: true };
  }
}

/** The kind of incident when this side has ended a peer's connection, by the end's code. */
const DROPPED: { readonly [code in ErrorCode]?: IncidentKind } = {
  outbox_full: "over_budget",
  malformed_message: "malformed",
  native_failure: "refused",
};

const SELF = `the broker (process ${Deno.pid})`;
const SILENT = "connections that had not sent a message made room for others";

/** Answers the first message with the reason, and ends the connection. */
function turnAway(connection: Connection, reason: string): void {
  connection.activate({
    message: (message) => {
      const code: ErrorCode = "not_permitted";
      message.reply({
        [KEY.success]: false,
        [KEY.error]: reason,
        [KEY.code]: code,
      });
      message[Symbol.dispose]();
      connection[Symbol.dispose]();
    },
    ended: (end) => {
      if (end === "invalid") connection[Symbol.dispose]();
    },
    malformed: () => connection[Symbol.dispose](),
  });
}

/** The answer to a call that was not done. */
function refusalOf(error: unknown): XpcDictionary {
  const known = error instanceof BridgeError ? error : undefined;
  return {
    [KEY.success]: false,
    [KEY.error]: known?.message ?? "internal error; the broker's log has more",
    [KEY.code]: known?.code,
  };
}

/** Returns the request for the handlers, without type and token. */
function requestIn(body: XpcDictionary): object {
  const { [KEY.type]: _type, [KEY.token]: _token, ...request } = fromDictionary(
    body,
  );
  return request;
}
