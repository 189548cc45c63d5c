/**
 * The channel between a host and its client: all ports of both directions, on
 * one connection. Host and client use the same class; they differ only in
 * which ports send.
 *
 * A channel exists before its connection, so that its ports can be used at
 * once. {@link Channel.attach} gives it a connection, {@link Channel.open}
 * allows frames. A channel can outlive its connection: {@link Channel.detach}
 * prepares it for the next one, with the same ports.
 *
 * @module
 */

import { BridgeError, describeError } from "../proto/errors.ts";
import { CHANNEL_KEY, CTRL_TYPE, MSG_TYPE } from "../proto/wire/keys.ts";
import type { Port, PortMap, PortsOf, SchemaOf } from "../proto/schema/port.ts";
import {
  getNumber,
  getString,
  type XpcDictionary,
} from "../proto/wire/xpc_value.ts";
import type { Connection } from "../ffi/connection.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import { DictionaryTransport } from "./dictionary/dictionary_transport.ts";
import { type FrameReceiver, PortReceiver } from "./frame_receiver.ts";
import {
  type FrameSender,
  PortSender,
  type SenderChannel,
} from "./frame_sender.ts";
import { type Latency, LatencyWindow } from "./latency_window.ts";
import { checkMemory, shareOut } from "./memory/memory_plan.ts";
import { MemoryTable } from "./memory/memory_table.ts";
import { OfferedMemory } from "./memory/offered_memory.ts";

/** The sending half of every port of a map. */
export type Senders<M extends PortMap> = {
  readonly [K in keyof M]: FrameSender<SchemaOf<M[K]>>;
};

/** The receiving half of every port of a map. */
export type Receivers<M extends PortMap> = {
  readonly [K in keyof M]: FrameReceiver<SchemaOf<M[K]>>;
};

/** What a channel reports to its owner. */
export interface ChannelEvents {
  /** A control message was received that is not about memory or releases. It is disposed when this returns. */
  control(type: string, message: Message): void;
  /** Called when a frame can be read. The ports call it directly. */
  readonly arrived: () => void;
  /** Something invalid was received, dropped and counted, or user code has given memory away. Reported once per kind. */
  problem(text: string): void;
}

/** Counters of a channel since it was made, and the latency of its newest frames. */
export interface ChannelStats extends Latency {
  /** Frames sent, on all ports. */
  readonly sent: number;
  /** Frames received, on all ports. */
  readonly received: number;
  /** Frames that this side dropped: at its sending ports and at its receiving ports. */
  readonly dropped: number;
  /** Messages received and dropped because they were invalid, such as frames that do not fit their schema. */
  readonly misfits: number;
  /**
   * Textures and buffers that are not used again and stay mapped until the
   * process ends, because user code has transferred their `ArrayBuffer`.
   */
  readonly given_away: number;
  /**
   * Bytes of the textures, buffers, data and numeric arrays in the received
   * frames: what a transport without shared memory would have copied.
   */
  readonly bytes: number;
}

/** One side's half of a channel. */
export class Channel<Out extends PortMap, In extends PortMap>
  implements Disposable {
  /** The sending half of each outgoing port, by port name. */
  readonly senders: Senders<Out>;
  /** The receiving half of each incoming port, by port name. */
  readonly receivers: Receivers<In>;
  readonly #native: Native;
  readonly #events: ChannelEvents;
  readonly #senders = new Map<string, PortSender>();
  readonly #receivers = new Map<string, PortReceiver>();
  readonly #table: MemoryTable;
  readonly #transport: DictionaryTransport;
  readonly #offered = new OfferedMemory((type, fields) =>
    this.sendControl(type, fields)
  );
  readonly #latency = new LatencyWindow();
  /** The kinds of problems that were reported. */
  readonly #reported = new Set<string>();
  #connection: Connection | undefined;
  #open = false;
  #ended = false;
  #misfits = 0;

  /**
   * @param outgoing the ports that this side sends on
   * @param incoming the ports that this side receives on
   * @throws {BridgeError} `schema_mismatch` if the frames of one direction
   * have more textures and buffers than a channel can offer
   */
  constructor(
    native: Native,
    outgoing: PortsOf<Out>,
    incoming: PortsOf<In>,
    events: ChannelEvents,
  ) {
    this.#native = native;
    this.#events = events;
    checkMemory(outgoing);
    checkMemory(incoming);
    for (const [name, port] of Object.entries<Port>(incoming)) {
      this.#receivers.set(name, new PortReceiver(name, port, events.arrived));
    }
    this.#table = new MemoryTable(
      native,
      (...use) => this.#transport.releaseMemory(...use),
    );
    this.#transport = new DictionaryTransport(
      {
        send: (message) => this.#connection?.send(message),
        memoryReleased: (...use) => this.#offered.released(...use),
        frameReleased: (id) => this.#frameReleased(id),
        givenAway: (port) => this.#givenAway(port),
        problem: (kind, text) => this.#problem(kind, text),
      },
      this.#table,
      this.#receivers,
    );
    const shared = this.#senderChannel();
    for (const [name, port] of Object.entries<Port>(outgoing)) {
      const writer = this.#transport.writer(name, port.schema);
      const sender = new PortSender(native, shared, name, port, writer);
      this.#senders.set(name, sender);
    }
    shareOut([...this.#senders.values()].flatMap((sender) => sender.pools));
    this.senders = byName<FrameSender>(this.#senders) as Senders<Out>;
    this.receivers = byName<FrameReceiver>(this.#receivers) as Receivers<In>;
  }

  /** Whether frames can be sent. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** The name of the transport, for statistics. */
  get path(): string {
    return this.#transport.path;
  }

  /** The counters so far. */
  get stats(): ChannelStats {
    let sent = 0, received = 0, dropped = 0, bytes = 0;
    let given_away = this.#table.givenAway;
    for (const sender of this.#senders.values()) {
      sent += sender.stats.sent;
      dropped += sender.stats.dropped;
      given_away += sender.givenAway;
    }
    for (const receiver of this.#receivers.values()) {
      received += receiver.stats.received;
      dropped += receiver.stats.dropped;
      bytes += receiver.bytes;
    }
    return {
      sent,
      received,
      dropped,
      misfits: this.#misfits,
      given_away,
      bytes,
      ...this.#latency.latency,
    };
  }

  /** Frames sent and received so far. */
  get transferred(): number {
    let frames = 0;
    for (const { stats } of this.#senders.values()) frames += stats.sent;
    for (const { stats } of this.#receivers.values()) {
      frames += stats.received;
    }
    return frames;
  }

  /** Frames received and not yet read. */
  get unread(): number {
    let unread = 0;
    for (const receiver of this.#receivers.values()) {
      unread += receiver.size;
    }
    return unread;
  }

  // ---- life ----

  /**
   * Sets the connection. The caller still owns it, and disposes it after the
   * channel, or after {@link detach}.
   */
  attach(connection: Connection): void {
    this.#connection = connection;
  }

  /** Allows frames from now on. */
  open(): void {
    if (this.#ended) return;
    this.#open = true;
    for (const sender of this.#senders.values()) sender.changed();
  }

  /**
   * Forgets the connection, but keeps the channel for the next one. Until then
   * frames that are sent are dropped and counted, and `ready` waits. Frames that
   * were received can still be read; frames that were acquired can still be sent
   * on the next connection.
   *
   * Call it only when the process at the other end is dead: the memory that was
   * out with it is written to again. Once the next connection is attached, do
   * not pass messages of the old one to {@link receive}.
   */
  detach(): void {
    if (this.#ended) return;
    this.#open = false;
    this.#connection = undefined;
    this.#offered.forget();
    for (const sender of this.#senders.values()) sender.detach();
    this.#peerGone();
    for (const receiver of this.#receivers.values()) receiver.detach();
  }

  /** Ends both directions for good. Readers first get the frames received so far, then the end, or `failure`. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#open = false;
    const closed = failure ??
      new BridgeError("closed", "Cannot send: the channel is closed");
    this.#offered.forget(); // nothing needs to be retired at the end
    for (const sender of this.#senders.values()) sender.end(closed);
    this.#peerGone();
    for (const receiver of this.#receivers.values()) receiver.end(failure);
  }

  #peerGone(): void {
    this.#transport.detach();
    this.#table.retireAll();
  }

  /** Ends the channel and drops the frames that were not read. */
  [Symbol.dispose](): void {
    this.end();
    for (const receiver of this.#receivers.values()) receiver.clear();
  }

  // ---- sending ----

  /** Sends a control message. Without a connection it does nothing. */
  sendControl(type: string, fields: XpcDictionary = {}): void {
    this.#connection?.send({
      [CHANNEL_KEY.msgType]: MSG_TYPE.control,
      [CHANNEL_KEY.ctrlType]: type,
      ...fields,
    });
  }

  #senderChannel(): SenderChannel {
    const isOpen = (): boolean => this.#open;
    return {
      get isOpen(): boolean {
        return isOpen();
      },
      offered: this.#offered,
      latency: this.#latency,
      givenAway: (port) => this.#givenAway(port),
    };
  }

  // ---- receiving ----

  /**
   * Handles a message from the connection, and disposes it. Never throws because
   * of what a peer sent. Without a connection, or after the end, the message is
   * dropped.
   */
  receive(message: Message): void {
    using _ = message;
    try {
      if (this.#connection && !this.#ended) this.#dispatch(message);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      this.#problem(error.code, describeError(error));
    }
    // A peer that asked for a reply must not wait for its deadline.
    if (message.wantsReply) message.reply({});
  }

  /** Counts and reports a message that was dropped before it could be read, because it was beyond the limits. */
  malformed(): void {
    this.#problem(
      "limits",
      "received a message beyond the limits of a message",
    );
  }

  #dispatch(message: Message): void {
    const type = getString(message.body, CHANNEL_KEY.msgType);
    if (type === MSG_TYPE.frame) this.#transport.receiveFrame(message);
    else if (type === MSG_TYPE.control) this.#receiveControl(message);
    else {this.#problem(
        "type",
        `received a message of unknown type '${type ?? "(none)"}'`,
      );}
  }

  #problem(kind: string, text: string): void {
    this.#misfits++;
    this.#report(kind, text);
  }

  #givenAway(port: string): void {
    this.#report(
      `given away:${port}`,
      `memory of a frame on port '${port}' was transferred to another owner ` +
        "(postMessage or structuredClone with a transfer list, or a stream's read into it), " +
        "so it cannot be used for another frame, and stays mapped until this process ends: " +
        "transfer a copy, as in pixels.slice(), or read into memory of your own and copy it with set()",
    );
  }

  #report(kind: string, text: string): void {
    if (this.#reported.has(kind)) return;
    this.#reported.add(kind);
    this.#events.problem(text);
  }

  #receiveControl(message: Message): void {
    const type = getString(message.body, CHANNEL_KEY.ctrlType) ?? "(none)";
    if (type === CTRL_TYPE.surfaceOffer) this.#receiveOffer(message);
    else if (type === CTRL_TYPE.surfaceRetire) this.#receiveRetire(message);
    else if (type === CTRL_TYPE.release) {
      this.#transport.receiveRelease(message.body);
    } else {
      this.#events.control(type, message);
    }
  }

  /** Throws `malformed_message` if the peer offers too much memory, or the same id twice. */
  #receiveOffer(message: Message): void {
    const id = getNumber(message.body, CHANNEL_KEY.surfaceId, "uint64");
    const memory = message.take(CHANNEL_KEY.surface, "surface") ??
      message.take(CHANNEL_KEY.surface, "shmem");
    if (id !== undefined && memory) {
      this.#table.offer(id, memory);
      return;
    }
    if (memory) this.#native.symbols.slb_release(memory.handle);
    this.#problem(
      CTRL_TYPE.surfaceOffer,
      "received a surface_offer without its id or its memory",
    );
  }

  #receiveRetire({ body }: Message): void {
    const id = getNumber(body, CHANNEL_KEY.surfaceId, "uint64");
    if (id !== undefined) this.#table.retire(id);
  }

  #frameReleased(id: bigint): void {
    for (const sender of this.#senders.values()) sender.released(id);
  }
}

function byName<P>(ports: ReadonlyMap<string, P>): Readonly<Record<string, P>> {
  return Object.freeze(Object.fromEntries(ports));
}
