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
import type { SendingState } from "../stalls/stall_rules.ts";
import { FrameWritable, type WritablePort } from "./frame_writable.ts";
import { PortPlaces } from "./port_places.ts";
import { type RoomChannel, RoomWaits } from "./room_waits.ts";
import {
  type NumberedFrame,
  SentCopies,
  type UnreleasedFrame,
} from "./sent_copies.ts";
import { Templates } from "./templates.ts";
import type {
  KeptFrame,
  PortWriter,
  Transport,
  UnconfirmedFrame,
} from "../transport.ts";

/** What a sender needs from its channel, as it is now. */
export interface SenderChannel extends FlightChannel, RoomChannel {
  /** Whether frames can be sent. */
  isOpen: boolean;
  /** Whether the channel is idle. Then call {@link stir} when something is sent. */
  isQuiet: boolean;
  /** Ends the idle time of the channel. */
  stir(): void;
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

/** A {@link FrameSender} with the methods that its channel calls. */
export class PortSender<S extends Schema = Schema>
  implements FrameSender<S>, WritablePort<S>, Lender, FlightPort, SendingState {
  readonly name: string;
  leaseCount = 0;
  droppedEarly = 0;
  schema: S;
  readonly copies: CopyCounter;
  readonly #timer: FlightTimer;
  readonly #channel: SenderChannel;
  #writer: PortWriter<S>;
  readonly #memory: FrameMemory;
  #make: FrameMaker;
  readonly #templates: Templates;
  #terms: PortTerms;
  #connected = true;
  readonly places: PortPlaces;
  /** The newest frame, if it could not be sent yet. Only on a port that skips to the latest. */
  #next: WaitingFrame | undefined;
  /** Whether the last acquired frame has shared memory. The next one is assumed to be like it. */
  #lastShared = false;
  /** The pieces of the last frame that was sent. The next one is assumed to have as many. */
  #lastPieces = 0;
  readonly #room: RoomWaits;
  /** What {@link ready} waits for. */
  readonly #isReady = (): boolean => this.#channel.isOpen && this.#hasRoom;
  /** The same for {@link writable}, which also waits while nobody writes. */
  readonly #isStreamReady = (): boolean => this.#isReady();
  /** Made when it is first used. */
  #writable: FrameWritable<S> | undefined;
  #failure: Error | undefined;
  /** The error for a send after {@link end}. */
  #ended: BridgeError | undefined;
  /** Whether this peer was told of the end. */
  #endTold = false;
  /** Frames that were sent to earlier peers. */
  sentBefore = 0;
  /** Copies of the frames that the peer has, if they are kept. */
  #copies: SentCopies | undefined;
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
    this.places = new PortPlaces(this, port);
    this.#room = new RoomWaits(channel, () => this.#whyOver);
    this.#templates = new Templates(native, port.schema);
    this.#make = LeasedFrame.maker(port.schema);
    this.#memory = new FrameMemory(
      native,
      () => this.changed(),
      port.schema,
      this.places.limit,
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

  /** Frames not sent. */
  get dropped(): number {
    return this.#dropped;
  }

  get stats(): SenderStats {
    return {
      sent: this.#sent,
      dropped: this.#dropped,
      waiting: this.#next ? 1 : 0,
    };
  }

  get ready(): Promise<void> {
    return this.#room.until(this.#isReady);
  }

  get writable(): WritableStream<OutgoingFrame<S> | ReceivedFrame<S>> {
    return (this.#writable ??= new FrameWritable<S>(this)).stream;
  }

  /** Why no frame can be sent, now or later. */
  get #whyOver(): Error | undefined {
    return this.#failure ?? this.#ended ??
      (this.#connected ? undefined : this.#unconnected());
  }

  #unconnected(): BridgeError {
    return new BridgeError(
      "closed",
      `Cannot send on port '${this.name}': the other side does not have this optional port; check \`connected\` first`,
    );
  }

  get #hasRoom(): boolean {
    const { places } = this;
    return places.hasFree && !this.#next &&
      places.maySend(this.#lastShared) && this.#memory.hasRoom &&
      this.#channel.offered.hasRoom(this.#lastPieces);
  }

  get isAwaited(): boolean {
    return this.#room.isAwaited(this.#isReady) ||
      this.#writable?.isAwaited === true;
  }

  // ---- for the stream ----

  get over(): Promise<void> {
    return this.#room.end;
  }

  canSend(frame: OutgoingFrame<S> | ReceivedFrame<S>): boolean {
    const lease = LeasedFrame.leaseToSend(frame, this.name);
    const over = this.#failure ?? this.#ended;
    if (over) throw over;
    if (lease.isClosed) throw lease.error();
    if (lease.spare) {
      throw new BridgeError(
        "bad_argument",
        `Cannot write this frame on port '${this.name}': it was acquired when the port had no room; ` +
          "await `ready` before `acquire`",
      );
    }
    return this.#fits(lease);
  }

  roomFor(
    frame: OutgoingFrame<S> | ReceivedFrame<S> | undefined,
  ): Promise<void> {
    if (!frame) return this.#room.until(this.#isStreamReady);
    const lease = LeasedFrame.leaseToSend(frame, this.name);
    return this.#room.until(() => this.#fits(lease));
  }

  /** Whether a frame would be sent now. Once its lease has ended, `send` says so. */
  #fits(lease: Lease): boolean {
    if (!lease.isHeld) return true;
    return this.#channel.isOpen && !this.#next &&
      this.places.maySend(lease.isShared) && this.places.takes(lease) &&
      new Flight(this, this.#channel, lease).hasRoom;
  }

  // ---- frames ----

  acquire(template: FrameTemplate<S>): OutgoingFrame<S> {
    const { places } = this;
    if (!places.hasFree) this.#channel.poll(); // may end the channel
    const over = this.#failure ?? this.#ended;
    if (over) throw over;
    const complete = this.#templates.complete(template);
    const lease = new Lease(this);
    lease.spare = !this.#connected || !places.hasFree;
    const frame = this.#fill(complete, lease);
    this.#templates.acquired();
    places.add(lease);
    if (!lease.spare) this.#lastShared = lease.isShared;
    else if (places.isAllAcquired) this.#channel.mayStall();
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
    return this.#send(frame);
  }

  #send(frame: OutgoingFrame<S> | ReceivedFrame<S>): boolean {
    if (this.#channel.isQuiet) this.#channel.stir();
    const lease = LeasedFrame.leaseToSend(frame, this.name);
    if (lease.isClosed) {
      this.#dropped++;
      return false;
    }
    const { places } = this;
    if (!places.maySend(lease.isShared)) this.#channel.poll();
    const flight = new Flight(this, this.#channel, lease);
    const goes = this.#channel.isOpen && this.#connected && !lease.spare &&
      places.takes(lease) && flight.hasRoom;
    if (goes && this.#copies) flight.copy = this.#copies.make(frame);
    if (goes && places.maySend(lease.isShared)) {
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
      places.give(lease);
      lease.end("sent");
      return true;
    }
    if (goes && !places.inOrder) {
      let kept: KeptFrame;
      try {
        kept = this.#writer.keep(frame, flight);
      } catch (error) {
        flight.cancel();
        throw error;
      }
      this.#dropNext();
      this.#keep({ kept, flight, isShared: lease.isShared });
      places.give(lease);
      lease.end("sent");
      return true;
    }
    flight.cancel();
    const misfit = this.#writer.check(frame);
    lease.end("dropped");
    if (misfit) throw new BridgeError("schema_mismatch", misfit.message);
    this.#dropped++;
    if (!this.#channel.isOpen) this.droppedEarly++;
    return false;
  }

  /** After sending: counts the frame until it is released. */
  #took(sent: UnconfirmedFrame, flight: Flight): void {
    flight.launch(sent.cost);
    this.#timer.sent(flight);
    this.#sent++;
    this.#copies?.sent(flight, this.#sent);
    this.places.out.add(sent.id, flight);
  }

  /** A frame of this port, or a clone of one, was sent or disposed. */
  leaseEnded(lease: Lease): void {
    if (this.places.acquired.ended(lease)) this.changed();
    if (lease.givenAway) this.#channel.givenAway(this.name); // user code, which may throw
  }

  /** Sends the frame that waits, if it may be sent now. If that fails, the frame is dropped and the channel warns: no caller waits for it. */
  #sendNext(): void {
    const next = this.#next;
    if (!next || !this.#channel.isOpen) return;
    if (!this.places.maySend(next.isShared)) return;
    try {
      const sent = next.kept.send();
      if (this.#next !== next) return; // the channel has ended meanwhile, and dropped it
      this.#keep(undefined);
      this.#took(sent, next.flight);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      this.#dropNext();
      this.#channel.notSent(this.name, error);
    }
    this.#tellEnd();
  }

  /** Sets the frame that waits. */
  #keep(next: WaitingFrame | undefined): void {
    this.#next = next;
    this.places.nextTakes = next?.isShared === true;
  }

  #dropNext(): void {
    if (!this.#next) return;
    this.#next.flight.cancel();
    this.#keep(undefined);
    this.#dropped++;
  }

  // ---- the end ----

  end(): void {
    if (this.#ended) return;
    this.#ended = new BridgeError(
      "closed",
      `Cannot send on port '${this.name}': it was ended, and no frame follows; check \`ended\` first`,
    );
    this.#room.fail(this.#ended);
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
      this.places.agree(terms);
      const schema = (terms.schema ?? this.schema) as S;
      this.schema = schema;
      this.#make = LeasedFrame.maker(schema);
      this.#templates.agree(schema, agreedFormat(terms));
      this.#writer = transport.writer(this.name, schema, terms);
    } else {
      this.#room.fail(this.#unconnected());
    }
  }

  /** The channel has opened. */
  opened(): void {
    this.#sendAgain();
    this.#tellEnd();
    this.changed();
  }

  /** There may be more room. */
  changed(): void {
    this.#room.changed();
  }

  landed(flight: Flight): void {
    this.#land(flight, true);
  }

  /** The receiver has released a frame without shared memory. Returns false if it is not one of this port. */
  released(frameId: Id): boolean {
    const flight = this.places.out.takeBare(frameId);
    // On a port that skips to the latest it was confirmed when it came, perhaps together with a later one: that time is no latency.
    if (flight) this.#land(flight, this.places.inOrder);
    return flight !== undefined;
  }

  #land(flight: Flight, wasRead: boolean): void {
    this.places.out.remove(flight);
    this.#timer.landed(flight, wasRead);
    this.#copies?.landed(flight, this.#terms);
    this.#sendNext();
    this.changed();
  }

  /**
   * The receiver is gone, and the memory that was out with it is free. Another one may follow.
   *
   * @param isLoss whether the frames that were out with it, or waited for it, count as lost
   */
  detach(isLoss: boolean): void {
    if (isLoss) this.#lost += this.places.out.count + (this.#next ? 1 : 0);
    this.#endTold = false;
    this.sentBefore = this.#sent;
    this.#dropNext();
    this.places.out.clear();
    this.#timer.clear();
    if (!isLoss) this.settleUnreleased(false, undefined);
    else if (this.places.inOrder) this.places.kept = this.#copies?.size ?? 0;
  }

  // ---- copies of what the peer has ----

  /** Keeps copies of the frames from now on. */
  keepCopies(): void {
    this.#copies ??= new SentCopies(this, this.#channel.givenAway);
  }

  /** The frames that the last peer had, after its death. */
  unreleased(last: NumberedFrame | undefined): UnreleasedFrame[] {
    return this.#copies?.shown(last) ?? [];
  }

  /**
   * Decides what becomes of the frames that the last peer had: on a port in order,
   * the next one is sent them again, before any other frame.
   *
   * @param but the one that is not sent again
   */
  settleUnreleased(isSentAgain: boolean, but: NumberedFrame | undefined): void {
    const goOn = isSentAgain && this.places.inOrder;
    this.#copies?.settle(goOn, but);
    this.places.kept = this.#copies?.size ?? 0;
    this.changed();
  }

  #sendAgain(): void {
    for (const frame of this.#copies?.takeAgain() ?? []) {
      this.places.kept--;
      try {
        if (this.#send(frame as unknown as ReceivedFrame<S>)) this.#lost--;
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error;
        frame[Symbol.dispose]();
        this.#channel.notSent(this.name, error);
      }
    }
  }

  /** The channel has ended: no more frames will be sent. */
  finish(failure: Error): void {
    this.#dropNext();
    this.#failure = failure;
    this.#room.fail(failure);
    this.settleUnreleased(false, undefined);
    for (const lease of this.places.acquired.all()) lease.end("closed");
    this.#memory[Symbol.dispose]();
  }
}
