/**
 * What comes over a channel: frames, checked against their ports' schemas, and
 * the shared memory that they name.
 *
 * @module
 */

import { compile, type FrameCodec } from "../proto/wire/frame_codec.ts";
import {
  type FrameMessage,
  parseFrameMessage,
} from "../proto/wire/frame_message.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../proto/wire/keys.ts";
import { Misfit } from "../proto/wire/misfit.ts";
import type { Port } from "../proto/schema/port.ts";
import {
  getNumber,
  uint64,
  type XpcDictionary,
} from "../proto/wire/xpc_value.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import { frameBytes } from "./frame_bytes.ts";
import { FrameLeases, namesIn } from "./memory/frame_leases.ts";
import { PortReceiver, type ReceivedFrame } from "./frame_receiver.ts";
import { MemoryTable } from "./memory/memory_table.ts";

/** What the frames' channel does for them. */
export interface IncomingChannel {
  /** A frame can be read on `port`. */
  arrived(port: string): void;
  /** Something that came does not fit; told once per `kind`. */
  problem(kind: string, text: string): void;
  /** Tells the peer that a frame, or memory, is done with. */
  release(fields: XpcDictionary): void;
}

/** The receiving half of a channel. */
export class IncomingFrames {
  /** The receiving half of each port. */
  readonly ports: Map<string, PortReceiver> = new Map();
  readonly #native: Native;
  readonly #channel: IncomingChannel;
  readonly #codecs = new Map<string, FrameCodec>();
  readonly #table: MemoryTable;
  /** Stands for the peer of now: a release is for the one that has sent the frame. */
  #peer = {};
  #bytes = 0;

  /** Made by the channel. */
  constructor(
    native: Native,
    ports: Readonly<Record<string, Port>>,
    channel: IncomingChannel,
  ) {
    this.#native = native;
    this.#channel = channel;
    this.#table = new MemoryTable(
      native,
      (id, generation) => this.#releaseMemory(id, generation),
    );
    for (const [name, port] of Object.entries(ports)) {
      const arrived = (): void => channel.arrived(name);
      this.ports.set(name, new PortReceiver(name, port, arrived));
      this.#codecs.set(name, compile(port.schema));
    }
  }

  /** Bytes of the frames that fitted, see {@link frameBytes}. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The peer offers memory. Throws `malformed_message` where it offers too much, or the same twice. */
  offer(message: Message): void {
    const id = getNumber(message.body, CHANNEL_KEY.surfaceId, "uint64");
    const memory = message.take(CHANNEL_KEY.surface, "surface") ??
      message.take(CHANNEL_KEY.surface, "shmem");
    if (id !== undefined && memory) {
      this.#table.offer(id, memory);
      return;
    }
    if (memory) this.#native.symbols.slb_release(memory.handle);
    this.#channel.problem(
      CTRL_TYPE.surfaceOffer,
      "a surface was offered without its id or itself",
    );
  }

  /** The peer will not name this memory again. */
  retire(id: bigint): void {
    this.#table.retire(id);
  }

  /** A frame came. */
  receive(message: Message): void {
    const frame = parseFrameMessage(message.body);
    if (typeof frame === "string") {
      this.#channel.problem("frame", `a malformed frame came: ${frame}`);
      return;
    }
    const { port_name } = frame;
    const codec = this.#codecs.get(port_name);
    const receiver = this.ports.get(port_name);
    if (!codec || !receiver) {
      this.#giveBack(frame);
      this.#channel.problem(
        "port",
        `a frame came for port '${port_name}', which is not one of ${
          [...this.ports.keys()].join(", ") || "(none)"
        }`,
      );
      return;
    }
    const leases = new FrameLeases(this.#table, message);
    const fields = frame.handle === undefined
      ? frame.fields
      : codec.withHandle(frame.fields, frame.handle);
    const value = codec.decode(fields, leases);
    if (value instanceof Misfit) {
      leases.release();
      this.#giveBack(frame);
      this.#channel.problem(
        `misfit:${port_name}`,
        `a frame on port '${port_name}' does not fit: ${value.message}`,
      );
      return;
    }
    // A frame without memory is released by its own id, so that its sender knows that there is room.
    const release = leases.size > 0 || !receiver.inOrder
      ? () => leases.release()
      : this.#frameRelease(frame.frame_id);
    Object.defineProperty(value, Symbol.dispose, { value: release });
    this.#bytes += frameBytes(value);
    receiver.put(value as unknown as ReceivedFrame<typeof receiver.schema>);
  }

  /** A frame that nobody will read: its sender gets back all that it names. A release too many means nothing. */
  #giveBack({ frame_id, fields }: FrameMessage): void {
    this.#frameRelease(frame_id)();
    for (const { id, generation } of namesIn(fields)) {
      this.#releaseMemory(id, generation);
    }
  }

  /** Tells the sender once that the frame is done with: this one, not whoever comes after it. */
  #frameRelease(id: bigint): () => void {
    const sender = this.#peer;
    let held = true;
    return () => {
      if (!held || this.#peer !== sender) return;
      held = false;
      this.#channel.release({ [CHANNEL_KEY.frameId]: uint64(id) });
    };
  }

  #releaseMemory(id: bigint, generation: bigint): void {
    this.#channel.release({
      [CHANNEL_KEY.surfaceId]: uint64(id),
      [CHANNEL_KEY.generation]: uint64(generation),
    });
  }

  // ---- life ----

  #peerGone(): void {
    this.#peer = {};
    this.#table.retireAll();
  }

  /** The peer is gone, and another may come. What came can still be read. */
  detach(): void {
    this.#peerGone();
    for (const receiver of this.ports.values()) receiver.detach();
  }

  /** No more will come. What came can still be read. */
  end(failure: Error | undefined): void {
    this.#peerGone();
    for (const receiver of this.ports.values()) receiver.end(failure);
  }

  /** Drops what was not read. */
  clear(): void {
    for (const receiver of this.ports.values()) receiver.clear();
  }
}
