/**
 * The messages that a channel sends on the connection that it has now. Without a
 * connection nothing is sent.
 *
 * @module
 */

import { MAX_DICTIONARY_BYTES } from "../proto/limits.ts";
import { CHANNEL_KEY, MSG_TYPE } from "../proto/wire/keys.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { Connection } from "../ffi/connection.ts";
import type { Native } from "../ffi/native.ts";
import type { PackedFrame } from "./dictionary/dictionary_writer.ts";
import { frameTooLarge } from "./transport.ts";

/** Gives messages their numbers, if the connection needs them. */
export interface MessageNumbers {
  /** Returns a message with the next number, if it is to have one. */
  numbered(message: XpcDictionary): XpcDictionary;
  /** That message was sent: the number is used. */
  wasSent(): void;
}

/** Sends the messages of one channel. */
export class OutgoingMessages {
  /** The connection to the current peer. */
  connection: Connection | undefined;
  readonly #native: Native;
  readonly #numbers: MessageNumbers;
  #lastFrame = 0;

  /** @param numbers gives messages their numbers */
  constructor(native: Native, numbers: MessageNumbers) {
    this.#native = native;
    this.#numbers = numbers;
  }

  /** Returns the id of the next frame. Ids go on from one peer to the next: a late release of the last one frees nothing of this one. */
  takeFrameId(): number {
    return this.#lastFrame = (this.#lastFrame + 1) >>> 0;
  }

  /** Sends a control message. */
  control(type: string, fields: XpcDictionary): void {
    this.send({
      [CHANNEL_KEY.msgType]: MSG_TYPE.control,
      [CHANNEL_KEY.ctrlType]: type,
      ...fields,
    });
  }

  /** Sends a message. Returns its cost. Throws `bad_argument` if it is too large, or XPC cannot carry it: then nothing is sent. */
  send(message: XpcDictionary): number {
    this.connection?.send(this.#numbers.numbered(message));
    this.#numbers.wasSent();
    return this.#native.packedCost;
  }

  /** Returns the bytes of a message, valid until the next one is packed, and its cost. Throws `bad_argument` if it is too large. */
  pack(message: XpcDictionary): Omit<PackedFrame, "id"> {
    const packed = this.#native.pack(message);
    if (packed.length > MAX_DICTIONARY_BYTES) {
      throw frameTooLarge(packed.length);
    }
    return { packed, cost: this.#native.packedCost };
  }

  /** Sends a packed message. */
  sendPacked(packed: Uint8Array<ArrayBuffer>): void {
    this.connection?.sendPacked(packed);
  }
}
