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
import { MAX_DICTIONARY_BYTES } from "../proto/limits.ts";
import { Problems } from "./problems.ts";
import type { Port, PortMap, PortsOf } from "../proto/schema/port.ts";
import {
  getNumber,
  getString,
  type XpcDictionary,
} from "../proto/wire/xpc_value.ts";
import type { Connection } from "../ffi/connection.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import {
  ChannelPorts,
  type PortCounts,
  type Receivers,
  type Senders,
  type TermsByPort,
} from "./channel_ports.ts";
import type { PackedFrame } from "./dictionary/dictionary_writer.ts";
import { DictionaryTransport } from "./dictionary/dictionary_transport.ts";
import { PortReceiver } from "./frame_receiver.ts";
import { type Latency, LatencyWindow } from "./latency_window.ts";
import { checkMemory, shareOut } from "./memory/memory_plan.ts";
import { MemoryTable } from "./memory/memory_table.ts";
import { OfferedMemory } from "./memory/offered_memory.ts";
import { PortSender, type SenderChannel } from "./port_sender.ts";

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
export interface ChannelStats extends Latency, PortCounts {
  /** Frames that the other side has received and dropped unread, as far as it has said so. It says so when it releases frames. */
  readonly peer_dropped: number;
  /** Releases received for a frame or a piece of memory that the other side does not have. They have no effect. */
  readonly stray_releases: number;
  /** Messages received and dropped because they were invalid, such as frames that do not fit their schema. */
  readonly misfits: number;
  /**
   * Textures and buffers that are not used again and stay mapped until the
   * process ends, because user code has transferred their `ArrayBuffer`.
   */
  readonly given_away: number;
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
  readonly #ports = new ChannelPorts();
  readonly #table: MemoryTable;
  readonly #transport: DictionaryTransport;
  readonly #offered = new OfferedMemory((type, fields) =>
    this.sendControl(type, fields)
  );
  readonly #latency = new LatencyWindow();
  readonly #problems: Problems;
  readonly #forSenders: SenderChannel;
  #connection: Connection | undefined;
  #open = false;
  #ended = false;
  #strayReleases = 0;
  /** What the peers before this one have dropped, and what this one has. */
  #peerDropped = { before: 0, now: 0 };

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
    this.#problems = new Problems((text) => events.problem(text));
    checkMemory(outgoing);
    checkMemory(incoming);
    const isOpen = (): boolean => this.#open;
    this.#forSenders = {
      get isOpen(): boolean {
        return isOpen();
      },
      offered: this.#offered,
      latency: this.#latency,
      givenAway: (port) => this.#problems.givenAway(port),
    };
    for (const [name, port] of Object.entries<Port>(incoming)) {
      this.#addIncoming(name, port);
    }
    this.#table = new MemoryTable(
      native,
      (...use) => this.#transport.releaseMemory(...use),
    );
    this.#transport = new DictionaryTransport(
      {
        send: (message) => this.#send(message),
        pack: (message) => this.#pack(message),
        sendPacked: (packed) => this.#connection?.sendPacked(packed),
        memoryReleased: (...use) =>
          this.#released(this.#offered.released(...use)),
        frameReleased: (id) => this.#released(this.#ports.released(id)),
        givenAway: (port) => this.#problems.givenAway(port),
        peerDropped: (count) => this.#peerDropped.now = Number(count),
        problem: (kind, text) => this.#problems.dropped(kind, text),
      },
      this.#table,
      this.#ports.incoming,
    );
    for (const [name, port] of Object.entries<Port>(outgoing)) {
      this.#addOutgoing(name, port);
    }
    const senders = [...this.#ports.outgoing.values()];
    shareOut(senders.flatMap((sender) => sender.pools));
    this.senders = this.#ports.senders();
    this.receivers = this.#ports.receivers();
  }

  #addIncoming(name: string, port: Port): void {
    const receiver = new PortReceiver(name, port, this.#events.arrived);
    this.#ports.incoming.set(name, receiver);
  }

  #addOutgoing(name: string, port: Port): void {
    const writer = this.#transport.writer(name, port.schema);
    this.#ports.outgoing.set(
      name,
      new PortSender(this.#native, this.#forSenders, name, port, writer),
    );
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
    const { before, now } = this.#peerDropped;
    let given_away = this.#table.givenAway;
    for (const { givenAway } of this.#ports.outgoing.values()) {
      given_away += givenAway;
    }
    return {
      ...this.#ports.counts,
      peer_dropped: before + now,
      stray_releases: this.#strayReleases,
      misfits: this.#problems.misfits,
      given_away,
      ...this.#latency.latency,
    };
  }

  /** Frames sent and received so far. */
  get transferred(): number {
    return this.#ports.transferred;
  }

  /** Frames received and not yet read. */
  get unread(): number {
    return this.#ports.unread;
  }

  // ---- life ----

  /**
   * Sets the connection. The caller still owns it, and disposes it after the
   * channel, or after {@link detach}.
   */
  attach(connection: Connection): void {
    this.#connection = connection;
  }

  /**
   * Sets how both sides use the ports; call it before {@link open}. A port that is
   * in neither map is not connected: see {@link FrameSender.connected}.
   */
  agree(outgoing: TermsByPort, incoming: TermsByPort): void {
    this.#ports.agree(outgoing, incoming);
  }

  /**
   * Adds ports that the other side does not have; call {@link agree} after it.
   * Returns all ports, with these. The transport does not know them: a frame that
   * comes for one is dropped and counted.
   */
  withUnconnected(
    outgoing: PortsOf<PortMap>,
    incoming: PortsOf<PortMap>,
  ): { senders: Senders<PortMap>; receivers: Receivers<PortMap> } {
    for (const [name, port] of Object.entries<Port>(outgoing)) {
      this.#addOutgoing(name, port);
    }
    for (const [name, port] of Object.entries<Port>(incoming)) {
      this.#addIncoming(name, port);
    }
    return {
      senders: this.#ports.senders(),
      receivers: this.#ports.receivers(),
    };
  }

  /** Allows frames from now on. */
  open(): void {
    if (this.#ended) return;
    this.#open = true;
    for (const sender of this.#ports.outgoing.values()) sender.changed();
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
    const { before, now } = this.#peerDropped;
    this.#peerDropped = { before: before + now, now: 0 };
    this.#offered.forget();
    for (const sender of this.#ports.outgoing.values()) sender.detach();
    this.#peerGone();
    for (const receiver of this.#ports.incoming.values()) receiver.detach();
  }

  /** Ends both directions for good. Readers first get the frames received so far, then the end, or `failure`. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#open = false;
    const closed = failure ??
      new BridgeError("closed", "Cannot send: the channel is closed");
    this.#offered.forget(); // nothing needs to be retired at the end
    for (const sender of this.#ports.outgoing.values()) sender.end(closed);
    this.#peerGone();
    for (const receiver of this.#ports.incoming.values()) receiver.end(failure);
  }

  #peerGone(): void {
    this.#transport.detach();
    this.#table.retireAll();
  }

  /** Ends the channel and drops the frames that were not read. */
  [Symbol.dispose](): void {
    this.end();
    for (const receiver of this.#ports.incoming.values()) receiver.clear();
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

  #send(message: XpcDictionary): number {
    this.#connection?.send(message);
    return this.#native.packedCost;
  }

  #pack(message: XpcDictionary): Omit<PackedFrame, "id"> {
    const packed = this.#native.pack(message);
    if (packed.length > MAX_DICTIONARY_BYTES) {
      throw new BridgeError(
        "bad_argument",
        `Cannot send a frame of ${packed.length} bytes: at most ${MAX_DICTIONARY_BYTES} are allowed, ` +
          "textures and buffers not counted",
      );
    }
    return { packed, cost: this.#native.packedCost };
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
      this.#problems.dropped(error.code, describeError(error));
    }
    // A peer that asked for a reply must not wait for its deadline.
    if (message.wantsReply) message.reply({});
  }

  /** Counts and reports a message that was dropped before it could be read, because it was beyond the limits. */
  malformed(): void {
    const text = "received a message beyond the limits of a message";
    this.#problems.dropped("limits", text);
  }

  #dispatch(message: Message): void {
    const type = getString(message.body, CHANNEL_KEY.msgType);
    if (type === MSG_TYPE.frame) this.#transport.receiveFrame(message);
    else if (type === MSG_TYPE.control) this.#receiveControl(message);
    else {
      const unknown = `received a message of unknown type '${
        type ?? "(none)"
      }'`;
      this.#problems.dropped("type", unknown);
    }
  }

  #released(known: boolean): void {
    if (!known) this.#strayReleases++;
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
    this.#problems.dropped(
      CTRL_TYPE.surfaceOffer,
      "received a surface_offer without its id or its memory",
    );
  }

  #receiveRetire({ body }: Message): void {
    const id = getNumber(body, CHANNEL_KEY.surfaceId, "uint64");
    if (id !== undefined) this.#table.retire(id);
  }
}
