/**
 * Accepts peers on the host's listener. A peer whose first message does not prove
 * that it is our client gets an error with the reason and is disconnected.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import { type Connection, Listener } from "../ffi/connection.ts";
import { type KnownEnd, knownEnd } from "../ffi/end_reason.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import type { ErrorCode } from "../proto/errors.ts";
import {
  type Credentials,
  failureMessage,
  type HelloProblem,
  helloProblem,
} from "../proto/states/handshake_messages.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import { KEY } from "../proto/wire/keys.ts";

/** The callbacks of a door. */
export interface DoorEvents {
  /** Returns what a client must prove. */
  credentials(): Credentials;
  /** Called with a peer's first message. `problem` says why the peer is refused; `undefined` if it is our client. */
  hello(peer: number, problem: HelloProblem | undefined): void;
  /** Called with each later message of the accepted client. The callee owns the message. */
  message(message: Message): void;
  /** Called when a message of the accepted client was beyond the limits, and was dropped. */
  malformed(): void;
  /** Called when the connection of the accepted client has ended, after its last message; with the reason if a side has said it. */
  left(known: KnownEnd | undefined): void;
  /** Called when the listener has ended. */
  closed(reason: string): void;
}

const BEYOND_LIMITS: HelloProblem = {
  code: "malformed_message",
  reason: "its first message was beyond the limits of a message",
  isOurClient: false,
};

/** The host's listener, the accepted client, and the peers that are not accepted yet. */
export class Door implements Disposable {
  readonly #events: DoorEvents;
  readonly #listener: Listener;
  readonly #peers = new Map<number, Connection>();
  #guest: Connection | undefined;
  #guestLeft = false;
  #nextPeer = 1;

  /** Opens the listener. A peer needs the endpoint to connect. */
  constructor(native: Native, events: DoorEvents) {
    this.#events = events;
    this.#listener = Listener.anonymous(native);
    this.#listener.activate({
      peer: (connection) => this.#welcome(connection),
      ended: (_, reason) => events.closed(reason),
    });
  }

  /** Returns an endpoint of the listener; the caller disposes it. */
  endpoint(): OwnedCapability {
    return this.#listener.endpoint();
  }

  #welcome(connection: Connection): void {
    const id = this.#nextPeer++;
    this.#peers.set(id, connection);
    connection.activate({
      message: (message) => {
        if (connection === this.#guest) this.#events.message(message);
        else this.#firstMessage(id, message);
      },
      ended: (_, reason, code, told) => {
        if (connection !== this.#guest) return this.#forget(id);
        this.#guestLeft = true;
        this.#events.left(knownEnd("the client", reason, code, told));
      },
      malformed: () => {
        if (connection === this.#guest) this.#events.malformed();
        else this.#events.hello(id, BEYOND_LIMITS);
      },
    });
  }

  /** Whether the accepted client, or a peer that has not said hello yet, may still be heard: its connection has not ended. */
  get isListening(): boolean {
    return this.#peers.size > 0 ||
      (this.#guest !== undefined && !this.#guestLeft);
  }

  #firstMessage(peer: number, message: Message): void {
    using _ = message;
    const problem = helloProblem(
      message.body,
      this.#events.credentials(),
      constantTimeEqual,
    );
    if (message.wantsReply) message.reply({ [KEY.success]: !problem });
    this.#events.hello(peer, problem);
  }

  /** Accepts a peer as the client: its further messages go to `message`. */
  letIn(peer: number): Connection {
    const connection = this.#peers.get(peer)!;
    this.#peers.delete(peer);
    this.#guest = connection;
    return connection;
  }

  /** Sends a message to the accepted client, if there is one. */
  tell(body: XpcDictionary): void {
    this.#guest?.send(body);
  }

  /** Sends a peer an error with the reason, and disconnects it. */
  refuse(peer: number, code: ErrorCode, reason: string): void {
    this.#peers.get(peer)?.send(failureMessage({ code, message: reason }));
    this.#forget(peer);
  }

  #forget(peer: number): void {
    this.#peers.get(peer)?.[Symbol.dispose]();
    this.#peers.delete(peer);
  }

  /** Closes the listener and all connections. */
  [Symbol.dispose](): void {
    for (const peer of [...this.#peers.keys()]) this.#forget(peer);
    this.#guest?.[Symbol.dispose]();
    this.#listener[Symbol.dispose]();
  }
}

/** Compares two strings in a time that does not depend on where they differ. */
function constantTimeEqual(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return difference === 0;
}
