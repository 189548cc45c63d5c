/**
 * What each message of a channel means: which part of the channel handles it. A
 * message that cannot be understood is dropped and counted.
 *
 * @module
 */

import { CHANNEL_KEY, CTRL_TYPE, MSG_TYPE } from "../proto/wire/keys.ts";
import type { Features } from "../proto/wire/features.ts";
import { getData, getId, getString } from "../proto/wire/xpc_value.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import type { DictionaryTransport } from "./dictionary/dictionary_transport.ts";
import type { ChannelLane } from "./lane/channel_lane.ts";
import type { MemoryTable } from "./memory/memory_table.ts";
import type { Problems } from "./problems.ts";

/** The parts of a channel that messages are for. */
export interface MessageParts {
  readonly native: Native;
  /** The features that both sides use. */
  readonly features: Features;
  readonly lane: ChannelLane;
  readonly dictionary: DictionaryTransport;
  /** The memory that the peer offers. */
  readonly table: MemoryTable;
  readonly problems: Problems;
  /** Gets each other control message. */
  control(type: string, message: Message): void;
}

/** Hands the messages of a channel to its parts. */
export class IncomingMessages {
  readonly #parts: MessageParts;

  constructor(parts: MessageParts) {
    this.#parts = parts;
  }

  /** Handles a message. The caller disposes it. Throws a `BridgeError` if it is malformed. */
  handle(message: Message): void {
    const { lane, dictionary, problems } = this.#parts;
    const type = getString(message.body, CHANNEL_KEY.msgType);
    if (type === MSG_TYPE.control) this.#handleControl(message);
    else if (type === MSG_TYPE.frame) {
      const inUse = lane.inUse;
      const record = inUse && getData(message.body, CHANNEL_KEY.record);
      if (record) inUse.receiveRecord(record);
      else dictionary.receiveFrame(message);
    } else {
      const unknown = `received a message of unknown type '${
        type ?? "(none)"
      }'`;
      problems.dropped("type", unknown);
    }
  }

  #handleControl(message: Message): void {
    const { dictionary, features } = this.#parts;
    const type = getString(message.body, CHANNEL_KEY.ctrlType) ?? "(none)";
    if (type === CTRL_TYPE.surfaceOffer) this.#handleOffer(message);
    else if (type === CTRL_TYPE.surfaceRetire) this.#handleRetire(message);
    else if (type === CTRL_TYPE.release) {
      dictionary.receiveRelease(message.body);
    } else if (type === CTRL_TYPE.end && features.has("ends")) {
      dictionary.receiveEnd(message.body);
    } else {
      this.#parts.control(type, message);
    }
  }

  /** Throws `malformed_message` if the peer offers too much memory, or the same id twice. */
  #handleOffer(message: Message): void {
    const { native, table, problems } = this.#parts;
    const id = getId(message.body, CHANNEL_KEY.surfaceId);
    const memory = message.take(CHANNEL_KEY.surface, "surface") ??
      message.take(CHANNEL_KEY.surface, "shmem");
    if (id !== undefined && memory) {
      table.offer(id, memory);
      return;
    }
    if (memory) native.symbols.slb_release(memory.handle);
    problems.dropped(
      CTRL_TYPE.surfaceOffer,
      "received a surface_offer without its id or its memory",
    );
  }

  #handleRetire({ body }: Message): void {
    const id = getId(body, CHANNEL_KEY.surfaceId);
    if (id !== undefined) this.#parts.table.retire(id);
  }
}
