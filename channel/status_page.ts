/**
 * What a client does, in memory that it shares with its host: so the host knows it
 * also of a client that does not answer, or has died.
 *
 * @module
 */

import { NativeBuffer } from "../ffi/buffer.ts";
import type { ShmemHandle } from "../ffi/handle.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import { BridgeError } from "../proto/errors.ts";
import type { Features } from "../proto/wire/features.ts";
import { CHANNEL_KEY } from "../proto/wire/keys.ts";
import { STATUS_BYTES, STATUS_WORD } from "../proto/wire/status_layout.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";

const WORDS = Object.keys(STATUS_WORD).length;

/** What a client did last, as it says. */
export interface StatusWords {
  /** What it does: see `status_layout.ts`. */
  readonly doing: number;
  /** 1 and the index of the port of the frame that it has read last; 0: none. */
  readonly port: number;
  /** The number of that frame on its port, from 1. */
  readonly frame: number;
}

/**
 * The memory of one connection. The host makes it and only reads it; the client only
 * writes it. A client without it writes memory of its own, which nobody reads.
 */
export class StatusPage implements Disposable {
  /** What this side writes. */
  #own = new Uint32Array(WORDS);
  /** What the other side writes. */
  #others = new Uint32Array(WORDS);
  #memory: NativeBuffer | undefined;
  #view: ArrayBuffer | undefined;

  /** Makes the memory, if both sides have the feature, and returns what `ping` says of it. If there is no memory, it says nothing. */
  offer(native: Native, features: Features): XpcDictionary {
    if (!features.has("status")) return {};
    const words = this.#use(() => NativeBuffer.create(native, STATUS_BYTES));
    if (!words) return {};
    this.#others = words;
    return { [CHANNEL_KEY.status]: this.#memory!.borrow() };
  }

  /** Uses the memory that `ping` offers, if it offers some. */
  open(native: Native, features: Features, ping: Message): void {
    const memory = features.has("status") &&
      ping.take(CHANNEL_KEY.status, "shmem");
    if (!memory) return;
    const words = this.#use(() =>
      new NativeBuffer(native, memory.handle as ShmemHandle)
    );
    if (words) this.#own = words;
  }

  /** Takes new memory, and returns its words. Returns undefined if there is none, or too little: nothing depends on it. */
  #use(make: () => NativeBuffer): Uint32Array<ArrayBuffer> | undefined {
    this[Symbol.dispose]();
    using held = new DisposableStack();
    try {
      const memory = held.use(make());
      if (memory.bytes < STATUS_BYTES) return undefined;
      const view = memory.open();
      held.move();
      this.#memory = memory;
      this.#view = view;
      return new Uint32Array(view, 0, WORDS);
    } catch (error) {
      if (error instanceof BridgeError) return undefined;
      throw error;
    }
  }

  /** Says what this side does. */
  set doing(word: number) {
    this.#own[STATUS_WORD.doing] = word;
  }

  /** A frame of an incoming port was read, or dropped unread: the one of this number on this connection. */
  took(port: number, frame: number): void {
    this.#own[STATUS_WORD.port] = port + 1;
    this.#own[STATUS_WORD.frame] = frame;
  }

  /** What the other side says now. */
  read(): StatusWords {
    const { doing, port, frame } = STATUS_WORD;
    const words = this.#others;
    return {
      doing: words[doing]!,
      port: words[port]!,
      frame: words[frame]!,
    };
  }

  /** Gives the memory back. What was said last is forgotten. */
  [Symbol.dispose](): void {
    if (!this.#memory) return;
    this.#own = new Uint32Array(WORDS);
    this.#others = new Uint32Array(WORDS);
    this.#memory.close(this.#view!);
    this.#memory[Symbol.dispose]();
    this.#memory = this.#view = undefined;
  }
}
