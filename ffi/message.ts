/**
 * A message that was received, and the answer to it.
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
import type { Symbols } from "./symbols.ts";

/** What a message needs of the event queue that it came from. */
export interface MessageQueue {
  readonly symbols: Symbols;
  pack(message: XpcDictionary): Uint8Array<ArrayBuffer>;
  checked(result: number): number;
}

/**
 * A received dictionary. It owns the capabilities in it until they are taken,
 * and the reply until it is sent: dispose it when done.
 */
export class Message implements Disposable {
  /** What was sent. */
  readonly body: XpcDictionary;
  readonly #queue: MessageQueue;
  readonly #owned: Set<Capability>;
  #reply: ReplyHandle;

  /** Used by the event queue only. `reply` is 0 when none was asked for. */
  constructor(queue: MessageQueue, unpacked: Unpacked, reply: ReplyHandle) {
    this.#queue = queue;
    this.body = unpacked.message;
    this.#owned = new Set(unpacked.capabilities);
    this.#reply = reply;
  }

  /** Whether the sender waits for an answer that was not given yet. */
  get wantsReply(): boolean {
    return this.#reply !== 0;
  }

  /** Answers, once; without effect when no answer is asked for. Throws `bad_argument` for what XPC cannot carry. */
  reply(body: XpcDictionary): void {
    if (this.#reply === 0) return;
    const packed = this.#queue.pack(body);
    this.#queue.checked(
      this.#queue.symbols.slb_reply_send(this.#reply, packed, packed.length),
    );
    this.#reply = 0 as ReplyHandle;
  }

  /** Takes a capability out of the message: the caller owns it from then on. `undefined` when it is not there. */
  take(key: string, kind: CapabilityKind): Capability | undefined {
    const capability = getCapability(this.body, key, kind);
    return capability && this.#owned.delete(capability)
      ? capability
      : undefined;
  }

  /** As {@link take}, for a capability that was found anywhere in the body. */
  takeCapability(capability: Capability): void {
    if (!this.#owned.delete(capability)) {
      throw new BridgeError(
        "bad_argument",
        `Cannot take the ${capability.kind} twice, or out of another message`,
      );
    }
  }

  /** Releases what was not taken. Sending no reply leaves the asker to its deadline. */
  [Symbol.dispose](): void {
    for (const capability of this.#owned) {
      this.#queue.symbols.slb_release(capability.handle);
    }
    this.#owned.clear();
    if (this.#reply !== 0) this.#queue.symbols.slb_release(this.#reply);
    this.#reply = 0 as ReplyHandle;
  }
}
