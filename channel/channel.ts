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
 * This file puts the parts of a channel together and orders their life: what each
 * part does is in the files that it imports.
 *
 * @module
 */

import { BridgeError, describeError } from "../proto/errors.ts";
import { type Features, NO_FEATURES } from "../proto/wire/features.ts";
import { Problems } from "./problems.ts";
import type { Port, PortMap, PortsOf } from "../proto/schema/port.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { Connection } from "../ffi/connection.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import {
  ChannelPorts,
  type Receivers,
  type Senders,
  type TermsByPort,
} from "./ports/channel_ports.ts";
import { ChannelCounters } from "./channel_counters.ts";
import type { ChannelStats } from "./channel_stats.ts";
import { DictionaryTransport } from "./dictionary/dictionary_transport.ts";
import { IncomingMessages } from "./incoming_messages.ts";
import { ChannelLane } from "./lane/channel_lane.ts";
import { IncomingPort } from "./ports/incoming_port.ts";
import { OutgoingMessages } from "./outgoing_messages.ts";
import { checkMemory, shareOut } from "./memory/memory_plan.ts";
import { MemoryTable } from "./memory/memory_table.ts";
import { OfferedMemory } from "./memory/offered_memory.ts";
import { PortReceiver, type ReceiverEvents } from "./ports/port_receiver.ts";
import { PortSender, type SenderChannel } from "./ports/port_sender.ts";
import type { NumberedFrame, UnreleasedFrame } from "./ports/sent_copies.ts";
import { Releases } from "./releases.ts";
import { StallWatch } from "./stalls/stall_watch.ts";
import { StatusPage } from "./status_page.ts";
import type { Transport, TransportEvents } from "./transport.ts";

/** What a channel reports to its owner. Its ports call `arrived` and `portEnded` directly. */
export interface ChannelEvents extends ReceiverEvents {
  /** A control message was received that is not about memory or releases. It is disposed when this returns. */
  control(type: string, message: Message): void;
  /** Something invalid was received, dropped and counted, or user code has given memory away. Reported once per kind. */
  problem(text: string): void;
  /** The peer has misused the lane, or what it has sent does not come: the connection must end. */
  failed(error: BridgeError): void;
}

/** One side's half of a channel. */
export class Channel<Out extends PortMap, In extends PortMap>
  implements Disposable {
  /** The sending half of each outgoing port, by port name. */
  readonly senders: Senders<Out>;
  /** The receiving half of each incoming port, by port name. */
  readonly receivers: Receivers<In>;
  /** Warns of ports that stand still. */
  readonly stalls: StallWatch;
  /** What the client does, as it says. */
  readonly status: StatusPage = new StatusPage();
  readonly #native: Native;
  readonly #events: ChannelEvents;
  readonly #ports = new ChannelPorts();
  readonly #incoming = new Map<string, IncomingPort>();
  readonly #releases = new Releases({
    send: (batch) => this.#transport.sendReleases(batch),
    dropped: () => this.#ports.dropped,
    failed: (error) => this.#problems.dropped("release", describeError(error)),
  });
  readonly #table: MemoryTable;
  readonly #dictionary: DictionaryTransport;
  readonly #lane: ChannelLane;
  readonly #messagesIn: IncomingMessages;
  readonly #messagesOut: OutgoingMessages;
  readonly #offered = new OfferedMemory(
    (type, fields) => this.sendControl(type, fields),
    () => this.#ports.changed(),
  );
  readonly #counters = new ChannelCounters();
  readonly #problems: Problems;
  readonly #state: SenderChannel;
  /** The messages that have come. */
  #heard = 0;
  #stirred: () => void = () => {};
  #ended = false;

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
    this.#messagesOut = new OutgoingMessages(native, {
      numbered: (message) => this.#lane.numbered(message),
      wasSent: () => this.#lane.wasSent(),
    });
    this.#table = new MemoryTable(
      native,
      (id, generation, givenAway) =>
        this.#releases.piece({ id, generation }, givenAway),
    );
    this.#state = {
      isOpen: false,
      isQuiet: false,
      features: NO_FEATURES,
      stir: () => this.#stir(),
      poll: () => this.#lane.poll(),
      spin: () => this.#lane.spin(),
      turn: () => this.#lane.turn(),
      offered: this.#offered,
      table: this.#table,
      copies: this.#counters.copies,
      latency: this.#counters.latency,
      givenAway: (port) => this.#problems.givenAway(port),
      notSent: (port, error) => this.#problems.notSent(port, error),
      mayStall: () => this.stalls.look(),
    };
    const state = this.#state;
    this.stalls = new StallWatch({
      clock: native.clock,
      get isOpen() {
        return state.isOpen;
      },
      warn: (text) => events.problem(text),
    });
    this.#lane = new ChannelLane(native, {
      ...this.#transportEvents(),
      clock: native.clock,
      takeFrameId: () => this.#messagesOut.takeFrameId(),
      releases: this.#releases,
      table: this.#table,
      offered: this.#offered,
      ports: this.#incoming,
      drain: () => native.drain(),
      send: (message) => void this.#messagesOut.send(message),
      stir: () => this.#stir(),
      noLane: (error) => this.#problems.noLane(error),
      failed: (error) => events.failed(error),
    });
    for (const [name, port] of Object.entries<Port>(incoming)) {
      this.#incoming.set(
        name,
        new IncomingPort(name, this.#addIncoming(name, port), {
          copies: this.#counters.copies,
          releases: this.#releases,
          givenAway: (port) => this.#problems.givenAway(port),
        }),
      );
    }
    this.#dictionary = new DictionaryTransport(
      {
        ...this.#transportEvents(),
        takeFrameId: () => this.#messagesOut.takeFrameId(),
        releases: this.#releases,
        send: (message) => this.#messagesOut.send(message),
        pack: (message) => this.#messagesOut.pack(message),
        sendPacked: (packed) => this.#messagesOut.sendPacked(packed),
      },
      this.#table,
      this.#offered,
      this.#incoming,
    );
    this.#messagesIn = new IncomingMessages({
      native,
      get features() {
        return state.features;
      },
      lane: this.#lane,
      dictionary: this.#dictionary,
      table: this.#table,
      problems: this.#problems,
      control: (type, message) => events.control(type, message),
    });
    for (const [name, port] of Object.entries<Port>(outgoing)) {
      this.#addOutgoing(name, port);
    }
    const senders = [...this.#ports.outgoing.values()];
    shareOut(senders.flatMap((sender) => sender.pools));
    this.senders = this.#ports.senders();
    this.receivers = this.#ports.receivers();
  }

  #addIncoming(name: string, port: Port): PortReceiver {
    const index = this.#ports.incoming.size;
    const receiver = new PortReceiver(
      name,
      port,
      this.#lane,
      this.#events,
      () => this.stalls.look(),
      (count) => this.status.took(index, count),
    );
    this.stalls.addIncoming(receiver);
    this.#ports.incoming.set(name, receiver);
    return receiver;
  }

  #addOutgoing(name: string, port: Port): void {
    const sender = new PortSender(
      this.#native,
      this.#state,
      name,
      port,
      this.#transport,
    );
    this.stalls.addOutgoing(sender);
    this.#ports.outgoing.set(name, sender);
  }

  #transportEvents(): TransportEvents {
    return {
      memoryReleased: (...use) =>
        this.#counters.released(this.#offered.released(...use)),
      frameReleased: (id) => this.#counters.released(this.#ports.released(id)),
      peerDropped: (count) => this.#counters.peerDropped(count),
      problem: (kind, text) => this.#problems.dropped(kind, text),
    };
  }

  /** What carries frames now. */
  get #transport(): Transport {
    return this.#lane.inUse ?? this.#dictionary;
  }

  /** Whether frames can be sent. */
  get isOpen(): boolean {
    return this.#state.isOpen;
  }

  /** The counters so far. */
  get stats(): ChannelStats {
    let leased = 0;
    for (const count of this.onLease.values()) leased += count;
    for (const count of this.acquired.values()) leased += count;
    return this.#counters.stats(
      this.#ports,
      this.#table,
      this.#problems,
      leased,
    );
  }

  /** Frames sent and received so far. */
  get transferred(): number {
    return this.#ports.transferred;
  }

  /** Frames received and not yet read. */
  get unread(): number {
    return this.#ports.unread;
  }

  /** Frames that were read, or dropped unread. */
  get read(): number {
    return this.#ports.read;
  }

  /** Notes which frames have come so far. Returns whether they were read, or will not be, at a later time. */
  framesSoFar(): () => boolean {
    return this.#ports.framesSoFar();
  }

  /** The received frames that are on lease to user code, clones included, by port. */
  get onLease(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [name, { leaseCount }] of this.#incoming) {
      counts.set(name, leaseCount - this.#ports.incoming.get(name)!.size);
    }
    return counts;
  }

  /** The frames that user code has acquired and neither sent nor disposed, clones included, by port. */
  get acquired(): ReadonlyMap<string, number> {
    const { outgoing } = this.#ports;
    return new Map(
      [...outgoing].map(([name, { leaseCount }]) => [name, leaseCount]),
    );
  }

  /** Frames that the peer was sent and has not released. */
  get out(): number {
    return this.#ports.out;
  }

  /** As {@link out}, but for frames that the peer only has to confirm: when it does so depends on when they arrive. */
  get withPeer(): number {
    return this.#ports.withPeer;
  }

  /** Frames that were sent to earlier peers, by port. */
  get sentBefore(): ReadonlyMap<string, number> {
    const { outgoing } = this.#ports;
    return new Map(
      [...outgoing].map(([name, { sentBefore }]) => [name, sentBefore]),
    );
  }

  /** Changes whenever something has come from the peer. */
  get heard(): number {
    return this.#heard + this.#lane.heard;
  }

  /** Whether this side has ended all its ports that the peer has; `undefined` if there is none. */
  get outgoingEnded(): boolean | undefined {
    return this.#ports.outgoingEnded;
  }

  /** Whether the peer has ended all its ports that this side has; their frames may be unread. `undefined` if there is none. */
  get incomingEnded(): boolean | undefined {
    return this.#ports.incomingEnded;
  }

  /** Calls `stirred` once, as soon as something is sent or comes, on this connection. */
  whenStirred(stirred: () => void): void {
    this.#stirred = stirred;
    this.#state.isQuiet = true;
  }

  #stir(): void {
    if (!this.#state.isQuiet) return;
    this.#state.isQuiet = false;
    this.#stirred();
  }

  // ---- life ----

  /**
   * Sets the connection. The caller still owns it, and disposes it after the
   * channel, or after {@link detach}.
   */
  attach(connection: Connection): void {
    this.#messagesOut.connection = connection;
    for (const receiver of this.#ports.incoming.values()) receiver.attach();
  }

  /** The features that both sides use on this connection. */
  get features(): Features {
    return this.#state.features;
  }

  /** Sets the features that both sides use on this connection; call it after {@link attach}, before {@link open}. */
  use(features: Features): void {
    this.#state.features = features;
  }

  /**
   * Sets how both sides use the ports; call it before {@link open}. A port that is
   * in neither map is not connected: see {@link FrameSender.connected}.
   */
  agree(outgoing: TermsByPort, incoming: TermsByPort): void {
    this.#lane.inUse?.agree(outgoing, incoming);
    this.#ports.agree(outgoing, incoming, this.#transport);
    for (const [name, port] of this.#incoming) port.terms = incoming.get(name);
    this.#dictionary.agreed();
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

  /** Whether a user got `error` for sending on a port after its end. */
  isPastEnd(error: unknown): boolean {
    return this.#ports.isPastEnd(error);
  }

  /** Allows frames from now on. Tells the other side of the ports that have ended. */
  open(): void {
    if (this.#ended) return;
    this.#state.isOpen = true;
    this.#counters.path = this.#transport.path;
    for (const sender of this.#ports.outgoing.values()) sender.opened();
    this.stalls.look();
  }

  /**
   * Forgets the connection, but keeps the channel for the next one. Until then
   * frames that are sent are dropped and counted, and `ready` waits. Frames that
   * were received can still be read; frames that were acquired can still be sent
   * on the next connection.
   *
   * The memory that was out with the peer is written to again as soon as it is
   * given back: not before the process at the other end is dead. Once the next
   * connection is attached, do not pass messages of the old one to {@link receive}.
   *
   * @param how whether it died, so that what it was sent and had not released is
   * counted as lost, or was closed
   * @param gone settles when the process at the other end is dead; absent if it is
   */
  detach(how: "died" | "closed" = "died", gone?: Promise<unknown>): void {
    if (this.#ended) return;
    this.#endStalls(how === "closed");
    this.#state.isOpen = false;
    this.#lane.poll(); // what the peer has written before its end
    this.#state.isQuiet = false;
    this.#lane.drop();
    this.status[Symbol.dispose]();
    this.#messagesOut.connection = undefined;
    this.#state.features = NO_FEATURES;
    this.#counters.peerGone();
    const giveBack = this.#offered.forget();
    if (gone) gone.then(giveBack, giveBack);
    else giveBack();
    for (const sender of this.#ports.outgoing.values()) {
      sender.detach(how === "died");
    }
    this.#peerGone();
    for (const receiver of this.#ports.incoming.values()) receiver.detach();
  }

  // ---- the frames that a peer had when it died ----

  /** From now on keeps copies of the frames that the peer has, until it has released them. */
  keepCopies(): void {
    for (const sender of this.#ports.outgoing.values()) sender.keepCopies();
  }

  /**
   * Returns the frames that the last peer had when it died, each on another lease,
   * by port and in the order of sending.
   *
   * @param last the one that it had read last
   */
  unreleased(last: NumberedFrame | undefined): UnreleasedFrame[] {
    return this.#ports.unreleased(last);
  }

  /**
   * Decides whether these frames are sent to the next peer: on ports in order, before
   * any other frame. Otherwise they are lost.
   *
   * @param but the frame that is not sent again
   */
  settleUnreleased(isSentAgain: boolean, but: NumberedFrame | undefined): void {
    for (const sender of this.#ports.outgoing.values()) {
      sender.settleUnreleased(isSentAgain, but);
    }
  }

  /** Ends both directions for good. Readers first get the frames received so far, then the end, or `failure`. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#lane.poll(); // what the peer has written before its end
    if (this.#ended) return;
    this.#state.isQuiet = false;
    this.#endStalls(!failure);
    this.#releases.flush();
    this.#lane.drop();
    this.status[Symbol.dispose]();
    this.#ended = true;
    this.#state.isOpen = false;
    const closed = failure ??
      new BridgeError("closed", "Cannot send: the channel is closed");
    this.#offered.forget()(); // nothing needs to be retired at the end
    for (const sender of this.#ports.outgoing.values()) sender.finish(closed);
    this.#peerGone();
    for (const receiver of this.#ports.incoming.values()) {
      receiver.finish(failure);
    }
  }

  #endStalls(inOrder: boolean): void {
    if (inOrder) this.stalls.end();
    else this.stalls.stop();
  }

  #peerGone(): void {
    this.#releases.forget();
    for (const port of this.#incoming.values()) port.detach();
    this.#table.retireAll();
  }

  /** Ends the channel and drops the frames that were not read, but for those of an iteration that is under way. */
  [Symbol.dispose](): void {
    this.end();
    for (const receiver of this.#ports.incoming.values()) receiver.clear();
  }

  // ---- the lane ----

  /**
   * Makes a lane for this connection, if both sides have the feature. `send` gets
   * what `ping` says of it. Call it before anything else is sent with this
   * channel, and {@link acceptLane} when the peer has answered.
   *
   * @param sleeps whether neither side is to wait awake
   */
  offerLane(sleeps: boolean, send: (fields: XpcDictionary) => void): void {
    this.#lane.offer(this.features, sleeps, send);
  }

  /** Uses the lane that was offered, if the peer's `pong` says that it does. */
  acceptLane(pong: XpcDictionary): void {
    this.#lane.accept(pong);
  }

  /**
   * Uses the lane that the host's `ping` offers, if there is one. `send` gets what
   * `pong` says of it. Call it before anything else is sent with this channel.
   */
  openLane(ping: XpcDictionary, send: (fields: XpcDictionary) => void): void {
    this.#lane.open(this.features, ping, send);
  }

  /** Waits awake for a short time, if there is a lane and that is likely to be worth it. Returns whether something has come, and was handled. */
  spin(): boolean {
    return this.#lane.spin();
  }

  /** Tells whether the loop that uses this channel waits for frames. */
  idles(on: boolean): void {
    this.stalls.setIdle(on);
  }

  /** Resolves when the event loop has had a turn: with a lane once a millisecond, else always. */
  turn(): Promise<void> | undefined {
    return this.#lane.turnOfLoop();
  }

  // ---- messages ----

  /** Sends a control message. Without a connection it does nothing. */
  sendControl(type: string, fields: XpcDictionary = {}): void {
    this.#messagesOut.control(type, fields);
  }

  /**
   * Handles a message from the connection, and disposes it. Never throws because
   * of what a peer sent. Without a connection, or after the end, the message is
   * dropped.
   */
  receive(message: Message): void {
    using _ = message;
    this.#heard++;
    this.#stir();
    try {
      if (this.#messagesOut.connection && !this.#ended) {
        this.#lane.receive(message, this.#messagesIn);
      }
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
}
