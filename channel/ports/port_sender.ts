/**
 * The sending half of a port: what may be sent now, what waits, what is dropped.
 *
 * A frame is unconfirmed from sending until the other side has released it. What
 * was sent cannot be withdrawn, so the number and the bytes of a port's
 * unconfirmed frames are bounded here.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { ReadBehavior, Schema } from "../../proto/schema/field_type.ts";
import type { Port } from "../../proto/schema/port.ts";
import {
  agreedFormat,
  isInOrder,
  type PortTerms,
} from "../../proto/schema/port_agreement.ts";
import type { PixelFormat } from "../../proto/schema/surface.ts";
import type { Id } from "../../proto/wire/xpc_value.ts";
import type { CopyCounter } from "../../proto/schema/surface_view.ts";
import type { Native } from "../../ffi/native.ts";
import { Flight, type FlightChannel, type FlightPort } from "./flight.ts";
import { FlightTimer } from "./flight_timer.ts";
import type { ReceivedFrame } from "./frame_receiver.ts";
import type {
  FrameSender,
  OutgoingFrame,
  SenderStats,
} from "./frame_sender.ts";
import type { LatencyWindow } from "../latency_window.ts";
import { FrameMemory } from "../memory/frame_memory.ts";
import type { FrameTemplate } from "../memory/frame_template.ts";
import { Lease, type Lender } from "../memory/lease.ts";
import { type FrameMaker, LeasedFrame } from "../memory/leased_frame.ts";
import type { Bounded } from "../memory/memory_plan.ts";
import { AcquiredFrames } from "./acquired_frames.ts";
import { Templates } from "./templates.ts";
import { Unconfirmed } from "./unconfirmed.ts";
import type {
  KeptFrame,
  PortWriter,
  Transport,
  UnconfirmedFrame,
} from "../transport.ts";

/** What a sender needs from its channel, as it is now. */
export interface SenderChannel extends FlightChannel {
  /** Whether frames can be sent. */
  isOpen: boolean;
  /** Handles what the peer has released, if nothing else tells of it. */
  poll(): void;
  /** Waits awake for a short time, if that is likely to be worth it. Returns whether something has come, and was handled. */
  spin(): boolean;
  /** Resolves when the event loop has had a turn, if it is time for one; else `undefined`. */
  turn(): Promise<void> | undefined;
  /** Counts the bytes of pixels that surfaces of its frames copy. */
  readonly copies: CopyCounter;
  /** The times from sending to release, of some frames. */
  readonly latency: LatencyWindow;
  /** User code has transferred a view of a frame of this port. */
  givenAway(portName: string): void;
  /** A frame that waited could not be sent. */
  notSent(portName: string, error: BridgeError): void;
}

/** A frame that waits to be sent. */
interface WaitingFrame {
  readonly kept: KeptFrame;
  readonly flight: Flight;
  /** Whether it has shared memory. */
  readonly isShared: boolean;
}

/** How often {@link PortSender.ready} waits awake, at most: a peer may send without end what gives no room. */
const MAX_SPINS = 4;

/** A {@link FrameSender} with the methods that its channel calls. */
export class PortSender<S extends Schema = Schema>
  implements FrameSender<S>, Lender, FlightPort {
  readonly name: string;
  schema: S;
  readonly copies: CopyCounter;
  readonly #timer: FlightTimer;
  readonly #channel: SenderChannel;
  #writer: PortWriter<S>;
  readonly #memory: FrameMemory;
  #make: FrameMaker;
  readonly #templates: Templates;
  #terms: PortTerms;
  /** Whether every frame is read, in the order of sending. */
  #inOrder = true;
  /**
   * The most frames with memory that are held, wait or are out at one time. In
   * order: as many as the receiver can keep, so that it drops none. Else three
   * more: the frame that is read, the one that waits and the one that is filled.
   */
  #limit = 0;
  #connected = true;
  /** Frames acquired and not yet sent or disposed. */
  readonly #acquired = new AcquiredFrames(this);
  /** Frames sent and not yet released. */
  readonly #out = new Unconfirmed();
  /** The newest frame, if it could not be sent yet. Only on a port that skips to the latest. */
  #next: WaitingFrame | undefined;
  /** Whether the last acquired frame has shared memory. The next one is assumed to be like it. */
  #lastShared = false;
  /** The pieces of the last frame that was sent. The next one is assumed to have as many. */
  #lastPieces = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;
  /** The error for a send after {@link end}. */
  #ended: BridgeError | undefined;
  /** Whether this peer was told of the end. */
  #endTold = false;
  #lost = 0;
  #sent = 0;
  #dropped = 0;

  /** Called by the channel. */
  constructor(
    native: Native,
    channel: SenderChannel,
    name: string,
    port: Port<S>,
    transport: Transport,
  ) {
    this.name = name;
    this.schema = port.schema;
    this.copies = channel.copies;
    this.#timer = new FlightTimer(native.clock, channel.latency);
    this.#channel = channel;
    this.#writer = transport.writer(name, port.schema, undefined);
    this.#terms = port;
    this.#bound();
    this.#templates = new Templates(native, port.schema);
    this.#make = LeasedFrame.maker(port.schema);
    this.#memory = new FrameMemory(
      native,
      () => this.changed(),
      port.schema,
      this.#limit,
    );
  }

  /** The memory pools of this port. Each first asks for as many pieces as it can use. */
  get pools(): Bounded[] {
    return this.#memory.pools;
  }

  /** Pieces of memory that were lost because a view of them was transferred. */
  get givenAway(): number {
    return this.#memory.givenAway;
  }

  get read_behavior(): ReadBehavior {
    return this.#terms.read_behavior;
  }

  get capacity(): number {
    return this.#terms.capacity;
  }

  get pixel_format(): PixelFormat | undefined {
    return agreedFormat(this.#terms);
  }

  get connected(): boolean {
    return this.#connected;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Frames that were with a receiver when it died, and those that waited for it. */
  get lost(): number {
    return this.#lost;
  }

  get stats(): SenderStats {
    return {
      sent: this.#sent,
      dropped: this.#dropped,
      waiting: this.#next ? 1 : 0,
    };
  }

  get ready(): Promise<void> {
    const hasRoom = this.#connected && this.#comesRoom(); // may end the channel
    const over = this.#failure ?? this.#ended;
    if (over) return Promise.reject(over);
    if (!this.#connected) return Promise.reject(this.#unconnected());
    if (hasRoom) {
      // A peer that releases as fast as this side sends must not keep commands and timers waiting.
      return this.#channel.turn() ?? Promise.resolve();
    }
    if (!this.#waiting) {
      this.#waiting = Promise.withResolvers();
      this.#waiting.promise.catch(() => {}); // reported to whoever awaits it
    }
    return this.#waiting.promise;
  }

  /** Whether there is room. If not, waits awake for it, if it is likely to come soon. */
  #comesRoom(): boolean {
    if (this.#channel.isOpen) this.#channel.poll();
    for (let spins = 0; this.#channel.isOpen; spins++) {
      if (this.#hasRoom) return true;
      if (spins === MAX_SPINS || !this.#channel.spin()) return false;
    }
    return false;
  }

  #unconnected(): BridgeError {
    return new BridgeError(
      "closed",
      `Cannot send on port '${this.name}': the other side does not have this optional port; check \`connected\` first`,
    );
  }

  // ---- room ----

  /** Sets what depends on the terms. */
  #bound(): void {
    this.#inOrder = isInOrder(this.#terms);
    this.#limit = this.#inOrder ? this.capacity : this.capacity + 3;
  }

  get #inUse(): number {
    return this.#acquired.taken + this.#out.count +
      (this.#next?.isShared ? 1 : 0);
  }

  get #hasRoom(): boolean {
    return this.#inUse < this.#limit && !this.#next &&
      this.#maySend(this.#lastShared) && this.#memory.hasRoom &&
      this.#channel.offered.hasRoom(this.#lastPieces);
  }

  #maySend(isShared: boolean): boolean {
    return this.#out.allows(this.#inOrder, this.capacity, isShared);
  }

  // ---- frames ----

  acquire(template: FrameTemplate<S>): OutgoingFrame<S> {
    if (this.#inUse >= this.#limit) this.#channel.poll(); // may end the channel
    const over = this.#failure ?? this.#ended;
    if (over) throw over;
    const complete = this.#templates.complete(template);
    const lease = new Lease(this);
    lease.spare = !this.#connected || this.#inUse >= this.#limit;
    const frame = this.#fill(complete, lease);
    this.#templates.acquired();
    if (!lease.spare) this.#lastShared = lease.isShared;
    const takesPlace = !lease.spare && (this.#inOrder || lease.isShared);
    this.#acquired.add(lease, takesPlace);
    return frame as unknown as OutgoingFrame<S>;
  }

  #fill(template: object, lease: Lease): LeasedFrame {
    try {
      return this.#make(lease, this.#memory.fill(template, lease));
    } catch (error) {
      lease.end("disposed");
      throw error;
    }
  }

  send(frame: OutgoingFrame<S> | ReceivedFrame<S>): boolean {
    if (this.#ended) throw this.#ended;
    const lease = LeasedFrame.leaseToSend(frame, this.name);
    if (lease.isClosed) {
      this.#dropped++;
      return false;
    }
    if (!this.#maySend(lease.isShared)) this.#channel.poll();
    const flight = new Flight(this, this.#channel, lease);
    const goes = this.#channel.isOpen && this.#connected && !lease.spare &&
      this.#takes(lease) && flight.hasRoom;
    if (goes && this.#maySend(lease.isShared)) {
      let sent: UnconfirmedFrame;
      try {
        sent = this.#writer.send(frame, flight);
      } catch (error) {
        flight.cancel(); // the frame is the caller's as before
        throw error;
      }
      if (!this.#channel.isOpen) { // the peer's lane was found to be broken
        flight.cancel();
        lease.end("dropped");
        this.#dropped++;
        return false;
      }
      this.#dropNext();
      this.#took(sent, flight);
      this.#lastPieces = lease.views.length;
      this.#acquired.give(lease.original); // a clone uses the place of its original
      lease.end("sent");
      return true;
    }
    if (goes && !this.#inOrder) {
      let kept: KeptFrame;
      try {
        kept = this.#writer.keep(frame, flight);
      } catch (error) {
        flight.cancel();
        throw error;
      }
      this.#dropNext();
      this.#next = { kept, flight, isShared: lease.isShared };
      this.#acquired.give(lease.original); // a clone uses the place of its original
      lease.end("sent");
      return true;
    }
    const misfit = this.#writer.check(frame);
    lease.end("dropped");
    if (misfit) throw new BridgeError("schema_mismatch", misfit.message);
    this.#dropped++;
    return false;
  }

  /** Whether a frame is within the limit. A frame that was acquired on this port has a place already; the first of it and its clones that is sent uses that place. */
  #takes({ original }: Lease): boolean {
    return this.#acquired.has(original) || !this.#inOrder ||
      this.#inUse < this.#limit;
  }

  /** After sending: counts the frame until it is released. */
  #took(sent: UnconfirmedFrame, flight: Flight): void {
    flight.launch(sent.cost);
    this.#timer.sent(flight);
    this.#sent++;
    this.#out.add(sent.id, flight);
  }

  /** A frame of this port, or a clone of one, was sent or disposed. */
  leaseEnded(lease: Lease): void {
    if (this.#acquired.ended(lease)) this.changed();
    if (lease.givenAway) this.#channel.givenAway(this.name); // user code, which may throw
  }

  /** Sends the frame that waits, if it may be sent now. If that fails, the frame is dropped and the channel warns: no caller waits for it. */
  #sendNext(): void {
    const next = this.#next;
    if (!next || !this.#channel.isOpen || !this.#maySend(next.isShared)) return;
    try {
      const sent = next.kept.send();
      if (this.#next !== next) return; // the channel has ended meanwhile, and dropped it
      this.#next = undefined;
      this.#took(sent, next.flight);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      this.#dropNext();
      this.#channel.notSent(this.name, error);
    }
    this.#tellEnd();
  }

  #dropNext(): void {
    if (!this.#next) return;
    this.#next.flight.cancel();
    this.#next = undefined;
    this.#dropped++;
  }

  // ---- the end ----

  end(): void {
    if (this.#ended) return;
    this.#ended = new BridgeError(
      "closed",
      `Cannot send on port '${this.name}': it was ended, and no frame follows; check \`ended\` first`,
    );
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
    this.#tellEnd();
  }

  /** Whether a user got `error` for sending after {@link end}. */
  isPastEnd(error: unknown): boolean {
    return error !== undefined && error === this.#ended;
  }

  /** Tells the peer of the end, once, behind the frame that waits. */
  #tellEnd(): void {
    const { isOpen, features } = this.#channel;
    if (!isOpen || !features.has("ends") || !this.#connected) return;
    if (!this.#ended || this.#endTold || this.#next) return;
    this.#endTold = true;
    this.#writer.end();
  }

  // ---- called by the channel ----

  /**
   * Sets how both sides use the port, for the next peer.
   *
   * @param terms undefined if the peer does not have it
   * @param transport what carries its frames to that peer
   */
  agree(terms: PortTerms | undefined, transport: Transport): void {
    this.#connected = terms !== undefined;
    if (terms) {
      this.#terms = terms;
      this.#bound();
      const schema = (terms.schema ?? this.schema) as S;
      this.schema = schema;
      this.#make = LeasedFrame.maker(schema);
      this.#templates.agree(schema, agreedFormat(terms));
      this.#writer = transport.writer(this.name, schema, terms);
    } else {
      this.#waiting?.reject(this.#unconnected());
      this.#waiting = undefined;
    }
  }

  /** The channel has opened. */
  opened(): void {
    this.#tellEnd();
    this.changed();
  }

  /** There may be more room. */
  changed(): void {
    if (!this.#waiting || !this.#channel.isOpen || !this.#hasRoom) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  landed(flight: Flight): void {
    this.#land(flight, true);
  }

  /** The receiver has released a frame without shared memory. Returns false if it is not one of this port. */
  released(frameId: Id): boolean {
    const flight = this.#out.takeBare(frameId);
    // On a port that skips to the latest it was confirmed when it came, perhaps together with a later one: that time is no latency.
    if (flight) this.#land(flight, this.#inOrder);
    return flight !== undefined;
  }

  #land(flight: Flight, wasRead: boolean): void {
    this.#out.remove(flight);
    this.#timer.landed(flight, wasRead);
    this.#sendNext();
    this.changed();
  }

  /**
   * The receiver is gone, and the memory that was out with it is free. Another one may follow.
   *
   * @param isLoss whether the frames that were out with it, or waited for it, count as lost
   */
  detach(isLoss: boolean): void {
    if (isLoss) this.#lost += this.#out.count + (this.#next ? 1 : 0);
    this.#endTold = false;
    this.#dropNext();
    this.#out.clear();
    this.#timer.clear();
  }

  /** The channel has ended: no more frames will be sent. */
  finish(failure: Error): void {
    this.#dropNext();
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    for (const lease of this.#acquired.all()) lease.end("closed");
    this.#memory[Symbol.dispose]();
  }
}
