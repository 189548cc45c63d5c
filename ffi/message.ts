/**
 * Received messages, and replies to them.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import type { Unpacked } from "../proto/wire/packed.ts";
import type {
  Capability,
  CapabilityKind,
  XpcDictionary,
} from "../proto/wire/xpc_value.ts";
import { getCapability } from "../proto/wire/xpc_value.ts";
import type { ReplyHandle } from "./handle.ts";
import { STATUS } from "./status.ts";
import type { Symbols } from "./symbols.ts";

/** What a message needs from the event queue that it came from. */
export interface MessageQueue {
  readonly symbols: Symbols;
  pack(message: XpcDictionary): Uint8Array<ArrayBuffer>;
  checked(result: number): number;
}

/**
 * A received message. It owns its capabilities until they are taken, and the
 * right to reply until the reply is sent. Its receiver disposes it.
 */
export class Message implements Disposable {
  /** The dictionary that was sent. */
  readonly body: XpcDictionary;
  /** What it costs, in bytes; see {@link Unpacked.cost}. */
  readonly cost: number;
  readonly #queue: MessageQueue;
  readonly #owned: Set<Capability>;
  #reply: ReplyHandle;

  /** Called by the event queue only. `reply` is 0 if the sender wants none. */
  constructor(queue: MessageQueue, unpacked: Unpacked, reply: ReplyHandle) {
    this.#queue = queue;
    this.body = unpacked.message;
    this.cost = unpacked.cost;
    this.#owned = new Set(unpacked.capabilities);
    this.#reply = reply;
  }

  /** Whether the sender waits for a reply, and none was sent yet. */
  get wantsReply(): boolean {
    return this.#reply !== 0;
  }

  /**
   * Sends the reply, once. Does nothing if the sender wants none. If the sender
   * does not read, and 16 MiB wait for it, this ends the connection, as
   * `Connection.send` does. Throws `bad_argument` if XPC cannot carry `body`.
   */
  reply(body: XpcDictionary): void {
    if (this.#reply === 0) return;
    const packed = this.#queue.pack(body);
    const sent = this.#queue.symbols.slb_reply_send(
      this.#reply,
      packed,
      packed.length,
    );
    if (sent !== STATUS.outbox) this.#queue.checked(sent);
    this.#reply = 0 as ReplyHandle;
  }

  /** Takes a capability out of the message; the caller then owns it. Returns undefined if there is none. */
  take(key: string, kind: CapabilityKind): Capability | undefined {
    const capability = getCapability(this.body, key, kind);
    return capability && this.#owned.delete(capability)
      ? capability
      : undefined;
  }

  /** Like {@link take}, for a capability that was found anywhere in the body. */
  takeCapability(capability: Capability): void {
    if (!this.#owned.delete(capability)) {
      throw new BridgeError(
        "bad_argument",
        `Cannot take the ${capability.kind}: it was taken before, or is in another message`,
      );
    }
  }

  /** Releases the capabilities that were not taken. If no reply was sent, the sender waits until its deadline. */
  [Symbol.dispose](): void {
    for (const capability of this.#owned) {
      this.#queue.symbols.slb_release(capability.handle);
    }
    this.#owned.clear();
    if (this.#reply !== 0) this.#queue.symbols.slb_release(this.#reply);
    this.#reply = 0 as ReplyHandle;
  }
}
