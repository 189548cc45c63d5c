/**
 * The ports of one side of a channel, by name, as its channel uses them.
 *
 * @module
 */

import type { PortMap, SchemaOf } from "../../proto/schema/port.ts";
import type { PortTerms } from "../../proto/schema/port_agreement.ts";
import type { Id } from "../../proto/wire/xpc_value.ts";
import type { Transport } from "../transport.ts";
import type { FrameReceiver } from "./frame_receiver.ts";
import type { FrameSender } from "./frame_sender.ts";
import type { PortReceiver } from "./port_receiver.ts";
import type { PortSender } from "./port_sender.ts";
import type { NumberedFrame, UnreleasedFrame } from "./sent_copies.ts";

/** The sending half of every port of a map. */
export type Senders<M extends PortMap> = {
  readonly [K in keyof M]: FrameSender<SchemaOf<M[K]>>;
};

/** The receiving half of every port of a map. */
export type Receivers<M extends PortMap> = {
  readonly [K in keyof M]: FrameReceiver<SchemaOf<M[K]>>;
};

/** How both sides use the ports of one direction, by name. A port that is not in it is not connected. */
export type TermsByPort = ReadonlyMap<string, PortTerms>;

/** The counters of all ports of a channel. */
export interface PortCounts {
  /** Frames sent, on all ports. */
  readonly sent: number;
  /** Frames received, on all ports. */
  readonly received: number;
  /** Frames that this side dropped: at its sending ports and at its receiving ports. */
  readonly dropped: number;
  /** Frames that wait at this side's sending ports. Each will count as sent or as dropped. */
  readonly waiting: number;
  /**
   * Frames that a client was sent and had not released when it died, and those
   * that waited for it. They count as sent, or as dropped, too. Of the frames
   * without textures and buffers on a port that skips to the latest the last one
   * may count although it was read: such frames are released in pairs.
   */
  readonly lost: number;
  /**
   * Bytes of the textures, buffers, data and numeric arrays in the received
   * frames: what a transport without shared memory would have copied.
   */
  readonly bytes: number;
}

/** The ports of one side. */
export class ChannelPorts {
  /** The outgoing ports. */
  readonly outgoing: Map<string, PortSender> = new Map();
  /** The incoming ports. */
  readonly incoming: Map<string, PortReceiver> = new Map();

  /** The counters so far. */
  get counts(): PortCounts {
    let sent = 0, received = 0, dropped = 0, waiting = 0, lost = 0, bytes = 0;
    for (const { stats, lost: ofPort } of this.outgoing.values()) {
      lost += ofPort;
      sent += stats.sent;
      dropped += stats.dropped;
      waiting += stats.waiting;
    }
    for (const receiver of this.incoming.values()) {
      received += receiver.stats.received;
      dropped += receiver.stats.dropped;
      bytes += receiver.bytes;
    }
    return { sent, received, dropped, waiting, lost, bytes };
  }

  /** Frames sent and received so far. */
  get transferred(): number {
    const { sent, received } = this.counts;
    return sent + received;
  }

  /** Frames that this side has dropped: received and unread, or its own before they were sent. */
  get dropped(): number {
    let dropped = 0;
    for (const receiver of this.incoming.values()) dropped += receiver.dropped;
    for (const sender of this.outgoing.values()) dropped += sender.dropped;
    return dropped;
  }

  /** Frames received and not yet read. */
  get unread(): number {
    let unread = 0;
    for (const { size } of this.incoming.values()) unread += size;
    return unread;
  }

  /** Frames that the peer was sent and has not released. */
  get out(): number {
    let out = 0;
    for (const { places } of this.outgoing.values()) out += places.out.count;
    return out;
  }

  /** As {@link out}, but for frames that the peer only has to confirm. */
  get withPeer(): number {
    let count = 0;
    for (const { places } of this.outgoing.values()) count += places.withPeer;
    return count;
  }

  /** Frames that were read, or dropped unread. */
  get read(): number {
    let read = 0;
    for (const { taken } of this.incoming.values()) read += taken;
    return read;
  }

  /** Notes which frames have come so far. Returns whether they were read, or will not be, at a later time. */
  framesSoFar(): () => boolean {
    const marks = [...this.incoming.values()].map((port) =>
      [port, port.received] as const
    );
    return () => marks.every(([port, count]) => port.isPast(count));
  }

  /** Whether this side has ended all its ports that the peer has; `undefined` if there is none. */
  get outgoingEnded(): boolean | undefined {
    return everyConnected(this.outgoing, ({ ended }) => ended);
  }

  /** Whether the peer has ended all its ports that this side has; their frames may be unread. `undefined` if there is none. */
  get incomingEnded(): boolean | undefined {
    return everyConnected(this.incoming, ({ hasEnd }) => hasEnd);
  }

  /** Whether a user got `error` for sending on a port after its end. */
  isPastEnd(error: unknown): boolean {
    return [...this.outgoing.values()].some((port) => port.isPastEnd(error));
  }

  /** The outgoing ports as their user sees them. */
  senders<M extends PortMap>(): Senders<M> {
    return byName<FrameSender>(this.outgoing) as Senders<M>;
  }

  /** The incoming ports as their user sees them. */
  receivers<M extends PortMap>(): Receivers<M> {
    return byName<FrameReceiver>(this.incoming) as Receivers<M>;
  }

  /** Sets how both sides use the ports, for the next peer. */
  agree(
    outgoing: TermsByPort,
    incoming: TermsByPort,
    transport: Transport,
  ): void {
    for (const [name, sender] of this.outgoing) {
      sender.agree(outgoing.get(name), transport);
    }
    for (const [name, receiver] of this.incoming) {
      receiver.agree(incoming.get(name));
    }
  }

  /** The frames that the last peer had, after its death; see `Channel.unreleased`. */
  unreleased(last: NumberedFrame | undefined): UnreleasedFrame[] {
    return [...this.outgoing.values()].flatMap((port) => port.unreleased(last));
  }

  /** There may be more room on every port. */
  changed(): void {
    for (const sender of this.outgoing.values()) sender.changed();
  }

  /** The peer has confirmed a frame without memory. Returns false if no port has sent it. */
  released(frameId: Id): boolean {
    for (const sender of this.outgoing.values()) {
      if (sender.released(frameId)) return true;
    }
    return false;
  }
}

/** Whether all connected ports pass; `undefined` if there is none. */
function everyConnected<P extends { readonly connected: boolean }>(
  ports: ReadonlyMap<string, P>,
  passes: (port: P) => boolean,
): boolean | undefined {
  const connected = [...ports.values()].filter(({ connected }) => connected);
  return connected.length > 0 ? connected.every(passes) : undefined;
}

function byName<P>(ports: ReadonlyMap<string, P>): Readonly<Record<string, P>> {
  return Object.freeze(Object.fromEntries(ports));
}
