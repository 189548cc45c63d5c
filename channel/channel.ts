/**
 * The channel between a host and its client: all ports of both directions on
 * one connection. Host and client use the same one; they differ in which
 * ports send.
 *
 * The channel exists before its connection, so that ports can be handed out
 * at once: {@link Channel.attach} gives it the connection when the handshake
 * has tested it, {@link Channel.open} lets frames go. It can also outlive one:
 * {@link Channel.detach} makes it ready for the next, under the same ports.
 *
 * @module
 */

import { BridgeError, describeError } from "../proto/errors.ts";
import { frameMessage } from "../proto/wire/frame_message.ts";
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
import type { FrameReceiver } from "./frame_receiver.ts";
import {
  type FrameSender,
  PortSender,
  type SenderChannel,
} from "./frame_sender.ts";
import { IncomingFrames } from "./incoming_frames.ts";
import { type Latency, LatencyWindow } from "./latency_window.ts";
import { checkMemory, shareOut } from "./memory/memory_plan.ts";
import { OfferedMemory } from "./memory/offered_memory.ts";

/** The sending half of every port of a map. */
export type Senders<M extends PortMap> = {
  readonly [K in keyof M]: FrameSender<SchemaOf<M[K]>>;
};

/** The receiving half of every port of a map. */
export type Receivers<M extends PortMap> = {
  readonly [K in keyof M]: FrameReceiver<SchemaOf<M[K]>>;
};

/** What a channel tells its owner. */
export interface ChannelEvents {
  /** A control message that is not about surfaces. It is disposed when this returns. */
  control(type: string, message: Message): void;
  /** A frame can be read on `port`. */
  arrived(port: string): void;
  /** Something that came does not fit, told once per kind; it was dropped and counted. */
  problem(text: string): void;
}

/** What went over a channel, since it was made; its latency is that of the newest frames. */
export interface ChannelStats extends Latency {
  /** Frames sent, over all ports. */
  readonly sent: number;
  /** Frames received. */
  readonly received: number;
  /** Frames dropped, on either half of this side. */
  readonly dropped: number;
  /** Messages that did not fit their schema, or no port. */
  readonly misfits: number;
  /**
   * Bytes of the textures, buffers, data and arrays of numbers in the frames
   * received: what a transport that copies would have copied.
   */
  readonly bytes: number;
}

/** One side's half of a channel. */
export class Channel<Out extends PortMap, In extends PortMap>
  implements Disposable {
  /** Where frames go in, by port. */
  readonly senders: Senders<Out>;
  /** Where frames come out, by port. */
  readonly receivers: Receivers<In>;
  readonly #events: ChannelEvents;
  readonly #senders = new Map<string, PortSender>();
  readonly #incoming: IncomingFrames;
  readonly #offered = new OfferedMemory((type, fields) =>
    this.sendControl(type, fields)
  );
  readonly #latency = new LatencyWindow();
  readonly #told = new Set<string>();
  #connection: Connection | undefined;
  #open = false;
  #ended = false;
  #nextFrame = 1n;
  #misfits = 0;

  /**
   * @param outgoing the ports that this side sends on
   * @param incoming the ports that this side receives on
   * @throws {BridgeError} `schema_mismatch` where the frames of either have
   * more textures and buffers than a channel can offer
   */
  constructor(
    native: Native,
    outgoing: PortsOf<Out>,
    incoming: PortsOf<In>,
    events: ChannelEvents,
  ) {
    this.#events = events;
    checkMemory(outgoing);
    checkMemory(incoming);
    const way = this.#wayOut();
    for (const [name, port] of Object.entries<Port>(outgoing)) {
      this.#senders.set(name, new PortSender(native, way, name, port));
    }
    shareOut([...this.#senders.values()].flatMap((sender) => sender.pools));
    this.#incoming = new IncomingFrames(native, incoming, {
      arrived: (name) => events.arrived(name),
      problem: (kind, text) => this.#problem(kind, text),
      release: (fields) => this.sendControl(CTRL_TYPE.release, fields),
    });
    this.senders = byName<FrameSender>(this.#senders) as Senders<Out>;
    this.receivers = byName<FrameReceiver>(this.#incoming.ports) as Receivers<
      In
    >;
  }

  /** Whether frames may go. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** What went over it so far. */
  get stats(): ChannelStats {
    let sent = 0, received = 0, dropped = 0;
    for (const sender of this.#senders.values()) {
      sent += sender.stats.sent;
      dropped += sender.stats.dropped;
    }
    for (const receiver of this.#incoming.ports.values()) {
      received += receiver.stats.received;
      dropped += receiver.stats.dropped;
    }
    return {
      sent,
      received,
      dropped,
      misfits: this.#misfits,
      bytes: this.#incoming.bytes,
      ...this.#latency.latency,
    };
  }

  /** Frames sent and received so far. */
  get transferred(): number {
    let frames = 0;
    for (const { stats } of this.#senders.values()) frames += stats.sent;
    for (const { stats } of this.#incoming.ports.values()) {
      frames += stats.received;
    }
    return frames;
  }

  /** Frames that came and were not read yet. */
  get unread(): number {
    let unread = 0;
    for (const receiver of this.#incoming.ports.values()) {
      unread += receiver.size;
    }
    return unread;
  }

  // ---- life ----

  /**
   * The connection that the handshake has tested; still the caller's to
   * dispose, after the channel, or after {@link detach}.
   */
  attach(connection: Connection): void {
    this.#connection = connection;
  }

  /** From now on frames go. */
  open(): void {
    if (this.#ended) return;
    this.#open = true;
    for (const sender of this.#senders.values()) sender.changed();
  }

  /**
   * The connection is gone, and the process at its other end with it; the
   * channel is not. Frames that are sent now are dropped and counted, until
   * another connection is attached and the channel opened again; `ready` waits
   * for that. What came can still be read, what is being filled still be sent.
   *
   * The caller makes sure that the process is dead: the memory that it had is
   * written to again. Nothing of the old connection may be handed to
   * {@link receive} once the next one is attached.
   */
  detach(): void {
    if (this.#ended) return;
    this.#open = false;
    this.#connection = undefined;
    this.#offered.forget();
    for (const sender of this.#senders.values()) sender.detach();
    this.#incoming.detach();
  }

  /** No more frames, either way: readers see the end once they have read what came, or `failure`. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#open = false;
    const closed = failure ??
      new BridgeError("closed", "Cannot send: the channel is closed");
    this.#offered.forget(); // at the end nothing needs to be retired
    for (const sender of this.#senders.values()) sender.end(closed);
    this.#incoming.end(failure);
  }

  /** Ends it, and drops what was not read. */
  [Symbol.dispose](): void {
    this.end();
    this.#incoming.clear();
  }

  // ---- sending ----

  /** Sends a control message. */
  sendControl(type: string, fields: XpcDictionary = {}): void {
    this.#connection?.send({
      [CHANNEL_KEY.msgType]: MSG_TYPE.control,
      [CHANNEL_KEY.ctrlType]: type,
      ...fields,
    });
  }

  #wayOut(): SenderChannel {
    const isOpen = (): boolean => this.#open;
    return {
      get isOpen(): boolean {
        return isOpen();
      },
      offered: this.#offered,
      latency: this.#latency,
      sendFrame: (portName, fields) => {
        const id = this.#nextFrame++;
        this.#connection?.send(frameMessage(id, portName, fields));
        return id;
      },
    };
  }

  // ---- receiving ----

  /**
   * A message came on the connection; it is disposed here. Never throws for
   * what a peer sent. What comes when there is no connection any more, or the
   * channel has ended, is late, and dropped.
   */
  receive(message: Message): void {
    using _ = message;
    try {
      if (this.#connection && !this.#ended) this.#dispatch(message);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      this.#problem(error.code, describeError(error));
    }
    // Nobody who asked for an answer is left waiting.
    if (message.wantsReply) message.reply({});
  }

  #dispatch(message: Message): void {
    const type = getString(message.body, CHANNEL_KEY.msgType);
    if (type === MSG_TYPE.frame) this.#incoming.receive(message);
    else if (type === MSG_TYPE.control) this.#receiveControl(message);
    else this.#problem("type", `a message of type '${type ?? "(none)"}' came`);
  }

  #problem(kind: string, text: string): void {
    this.#misfits++;
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#events.problem(text);
  }

  #receiveControl(message: Message): void {
    const { body } = message;
    const type = getString(body, CHANNEL_KEY.ctrlType) ?? "(none)";
    const id = getNumber(body, CHANNEL_KEY.surfaceId, "uint64");
    if (type === CTRL_TYPE.surfaceOffer) {
      this.#incoming.offer(message);
    } else if (type === CTRL_TYPE.surfaceRetire) {
      if (id !== undefined) this.#incoming.retire(id);
    } else if (type === CTRL_TYPE.release) {
      const generation = getNumber(body, CHANNEL_KEY.generation, "uint64");
      const frame = getNumber(body, CHANNEL_KEY.frameId, "uint64");
      if (id !== undefined) this.#offered.released(id, generation);
      else if (frame !== undefined) this.#frameReleased(frame);
    } else {
      this.#events.control(type, message);
    }
  }

  #frameReleased(id: bigint): void {
    for (const sender of this.#senders.values()) sender.released(id);
  }
}

function byName<P>(ports: ReadonlyMap<string, P>): Readonly<Record<string, P>> {
  return Object.freeze(Object.fromEntries(ports));
}
