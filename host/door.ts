/**
 * Who comes to the host's listener: each peer shows by its first message that
 * it is our client, or is sent away with the reason.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import { type Connection, Listener } from "../ffi/connection.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import { type Credentials, helloProblem } from "../proto/states/handshake.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import { CHANNEL_KEY, CTRL_TYPE, KEY, MSG_TYPE } from "../proto/wire/keys.ts";

/** What the door asks, and whom it tells. */
export interface DoorEvents {
  /** What a client must prove. */
  credentials(): Credentials;
  /** A peer has spoken; `problem` is why it is not our client, if it is not. */
  hello(peer: number, problem: string | undefined): void;
  /** The client that was let in says something; the receiver owns it. */
  message(message: Message): void;
  /** The connection of the client that was let in has ended. */
  left(): void;
  /** The listener itself has ended. */
  closed(reason: string): void;
}

/** The host's listener, and the peers that have not been let in. */
export class Door implements Disposable {
  readonly #events: DoorEvents;
  readonly #listener: Listener;
  readonly #peers = new Map<number, Connection>();
  #guest: Connection | undefined;
  #nextPeer = 1;

  /** Opens at once; nobody can come before they have the endpoint. */
  constructor(native: Native, events: DoorEvents) {
    this.#events = events;
    this.#listener = Listener.anonymous(native);
    this.#listener.activate({
      peer: (connection) => this.#welcome(connection),
      ended: (_, reason) => events.closed(reason),
    });
  }

  /** The capability to come here; the caller disposes it. */
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
      ended: () => {
        if (connection === this.#guest) this.#events.left();
        else this.#forget(id);
      },
    });
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

  /** Lets a peer in: what it says from now on is told as `message`. */
  letIn(peer: number): Connection {
    const connection = this.#peers.get(peer)!;
    this.#peers.delete(peer);
    this.#guest = connection;
    return connection;
  }

  /** Says something to the client that was let in. */
  tell(body: XpcDictionary): void {
    this.#guest?.send(body);
  }

  /** Sends a peer away, with the reason. */
  refuse(peer: number, reason: string): void {
    this.#peers.get(peer)?.send({
      [CHANNEL_KEY.msgType]: MSG_TYPE.control,
      [CHANNEL_KEY.ctrlType]: CTRL_TYPE.error,
      [CHANNEL_KEY.reason]: reason,
    });
    this.#forget(peer);
  }

  #forget(peer: number): void {
    this.#peers.get(peer)?.[Symbol.dispose]();
    this.#peers.delete(peer);
  }

  /** Closes it, and lets go of everyone. */
  [Symbol.dispose](): void {
    for (const peer of [...this.#peers.keys()]) this.#forget(peer);
    this.#guest?.[Symbol.dispose]();
    this.#listener[Symbol.dispose]();
  }
}

/** Whether two strings are equal, in a time that does not tell where they differ. */
function constantTimeEqual(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return difference === 0;
}
