/**
 * Accepts peers on the host's listener. A peer whose first message does not prove
 * that it is our client gets an error with the reason and is disconnected.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import type { Connection } from "../ffi/connection.ts";
import { Listener } from "../ffi/listener.ts";
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
import { parseFeatures } from "../proto/wire/features.ts";
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

/** A peer that is not accepted yet. */
interface Peer {
  readonly connection: Connection;
  /** The features that its hello names. */
  features: readonly string[];
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
  readonly #peers = new Map<number, Peer>();
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
    const peer: Peer = { connection, features: [] };
    this.#peers.set(id, peer);
    connection.activate({
      message: (message) => {
        if (connection === this.#guest) this.#events.message(message);
        else this.#firstMessage(id, peer, message);
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

  #firstMessage(id: number, peer: Peer, message: Message): void {
    using _ = message;
    peer.features = parseFeatures(message.body);
    const problem = helloProblem(message.body, this.#events.credentials());
    if (message.wantsReply) message.reply({ [KEY.success]: !problem });
    this.#events.hello(id, problem);
  }

  /** Accepts a peer as the client: its further messages go to `message`. */
  letIn(id: number): Peer {
    const peer = this.#peers.get(id)!;
    this.#peers.delete(id);
    this.#guest = peer.connection;
    return peer;
  }

  /** Sends a message to the accepted client, if there is one. */
  tell(body: XpcDictionary): void {
    this.#guest?.send(body);
  }

  /** Sends a peer an error with the reason, and disconnects it. */
  refuse(id: number, code: ErrorCode, reason: string): void {
    const refusal = failureMessage({ code, message: reason });
    this.#peers.get(id)?.connection.send(refusal);
    this.#forget(id);
  }

  #forget(id: number): void {
    this.#peers.get(id)?.connection[Symbol.dispose]();
    this.#peers.delete(id);
  }

  /** Closes the listener and all connections. */
  [Symbol.dispose](): void {
    for (const id of [...this.#peers.keys()]) this.#forget(id);
    this.#guest?.[Symbol.dispose]();
    this.#listener[Symbol.dispose]();
  }
}
