/**
 * The lane of a channel: makes or opens it in the handshake, and then passes the
 * calls of the channel and its ports on to it.
 *
 * The host offers a lane in `ping`; the client accepts it in `pong`. On a connection
 * without a lane each frame is an XPC message, and the event loop delivers it. Then
 * no code waits awake.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { LANE_DEFAULT_SLOTS } from "../../proto/lane/layout.ts";
import type { Features } from "../../proto/wire/features.ts";
import { CHANNEL_KEY } from "../../proto/wire/keys.ts";
import {
  type Capability,
  getCapability,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import type { OwnedCapability } from "../../ffi/capability.ts";
import { NativeLane } from "../../ffi/lane.ts";
import type { Message } from "../../ffi/message.ts";
import type { Native } from "../../ffi/native.ts";
import { LoopTurns, nextTurn } from "../activity.ts";
import type { ArrivalSource } from "../ports/port_receiver.ts";
import {
  type LaneChannel,
  LaneTransport,
  type LaneUse,
} from "./lane_transport.ts";

/** What the lane needs from its channel. */
export interface LaneOwner extends LaneChannel {
  /** A lane could not be made or opened: frames travel as messages. */
  noLane(error: BridgeError): void;
}

/** A new lane, which its transport owns, and this side's bell, which is sent to the peer. */
interface NewLane extends Disposable {
  readonly lane: NativeLane;
  readonly bell: OwnedCapability;
}

/** What handles the messages of a channel. */
export interface MessageHandler {
  handle(message: Message): void;
}

/** Offers, opens and drops the lanes of a channel: one per connection. */
export class ChannelLane implements ArrivalSource {
  readonly #native: Native;
  readonly #owner: LaneOwner;
  readonly #turns: LoopTurns;
  /** Offered, or in use. */
  #lane: LaneTransport | undefined;
  #isUsed = false;

  constructor(native: Native, owner: LaneOwner) {
    this.#native = native;
    this.#owner = owner;
    this.#turns = new LoopTurns(() => native.clock.now());
  }

  /** The lane, if both sides use it. */
  get inUse(): LaneTransport | undefined {
    return this.#isUsed ? this.#lane : undefined;
  }

  /** Changes whenever records have come; 0 without a lane. */
  get heard(): number {
    return this.inUse?.heard ?? 0;
  }

  // ---- the handshake ----

  /**
   * Makes a lane, if both sides have the feature.
   *
   * @param sleeps whether both sides sleep whenever they wait
   * @param send gets the fields of `ping` that offer the lane; none without one
   */
  offer(
    features: Features,
    sleeps: boolean,
    send: (fields: XpcDictionary) => void,
  ): void {
    using offered = features.has("lanes")
      ? this.#add(
        () => NativeLane.create(this.#native, LANE_DEFAULT_SLOTS),
        { isMaker: true, sleeps },
      )
      : undefined;
    if (!offered) return send({});
    using memory = offered.lane.memory();
    send({
      [CHANNEL_KEY.lane]: memory.borrow(),
      [CHANNEL_KEY.bell]: offered.bell.borrow(),
      ...(sleeps && { [CHANNEL_KEY.sleeps]: true }),
    });
  }

  /** Uses the lane that was offered, if the peer's message has its bell. */
  accept(message: XpcDictionary): void {
    const bell = getCapability(message, CHANNEL_KEY.bell, "fd");
    if (!this.#lane || !bell) this.drop();
    else this.#connect(bell);
  }

  /**
   * Opens and uses the lane that `ping` offers, if it offers one and both sides have
   * the feature.
   *
   * @param send gets the fields of `pong` that accept the lane; none without one
   */
  open(
    features: Features,
    ping: XpcDictionary,
    send: (fields: XpcDictionary) => void,
  ): void {
    const memory = getCapability(ping, CHANNEL_KEY.lane, "shmem");
    const bell = getCapability(ping, CHANNEL_KEY.bell, "fd");
    using opened = features.has("lanes") && memory && bell
      ? this.#add(() => NativeLane.open(this.#native, memory), {
        isMaker: false,
        sleeps: ping[CHANNEL_KEY.sleeps] === true,
      })
      : undefined;
    if (!opened || !bell) return send({});
    if (this.#connect(bell)) {
      send({ [CHANNEL_KEY.bell]: opened.bell.borrow() });
    }
  }

  /** Uses the lane from now on. Returns false if the peer's bell cannot be used: then the connection ends. */
  #connect(bell: Capability): boolean {
    try {
      this.#lane!.connect(bell);
      return this.#isUsed = true;
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      this.drop();
      this.#owner.failed(
        error.code === "bad_argument"
          ? new BridgeError(
            "malformed_message",
            "The other side has misused the lane: it has sent a descriptor that is not a bell: " +
              `${error.message}. A bell is one end of socketpair(AF_UNIX, SOCK_STREAM, 0): the other side must send such an end as \`${CHANNEL_KEY.bell}\``,
          )
          : error,
      );
      return false;
    }
  }

  /** Makes or opens a lane, and its transport. If that fails, tells the owner why and returns undefined: frames travel as messages. */
  #add(open: () => NativeLane, use: LaneUse): NewLane | undefined {
    using held = new DisposableStack();
    try {
      const lane = held.use(open());
      const bell = held.use(lane.bell());
      this.#lane = new LaneTransport(this.#owner, lane, use);
      held.move();
      return { lane, bell, [Symbol.dispose]: () => bell[Symbol.dispose]() };
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      this.#owner.noLane(error);
      return undefined;
    }
  }

  /** Ends the lane of this connection, if there is one. */
  drop(): void {
    this.#isUsed = false;
    this.#lane?.[Symbol.dispose]();
    this.#lane = undefined;
  }

  // ---- messages ----

  /** Returns a message as it is sent: with its number if the connection has a lane, else as it is. */
  numbered(message: XpcDictionary): XpcDictionary {
    return this.#lane ? { ...message, ...this.#lane.numbered() } : message;
  }

  /** A message was sent, as {@link numbered} has returned it. */
  wasSent(): void {
    this.#lane?.wasSent();
  }

  /** Handles a message that has come: after the records that were written before it, and before those that were written after it. */
  receive(message: Message, handler: MessageHandler): void {
    this.#turns.had();
    const lane = this.inUse;
    if (lane && !lane.arrived(message.body)) return;
    handler.handle(message);
    lane?.poll();
  }

  // ---- waiting ----

  /** Handles the records that have come, if the peer has written some. */
  poll(): void {
    this.inUse?.poll();
  }

  spin(): boolean {
    return this.inUse?.spin() ?? false;
  }

  /** Gives the event loop a turn, once a millisecond: resolves after it; `undefined` if it is too early. Without a lane it is never needed: frames come in turns of the event loop. */
  turn(): Promise<void> | undefined {
    return this.#isUsed ? this.#turns.take() : undefined;
  }

  /** As {@link turn}, for a loop that does not wait for frames: without a lane each call gives the event loop a turn. */
  turnOfLoop(): Promise<void> | undefined {
    if (!this.#isUsed) return nextTurn();
    this.#owner.releases.flush();
    return this.#turns.take();
  }

  block(ms: number): void {
    const lane = this.inUse;
    if (lane) return lane.block(ms);
    this.#owner.releases.flush(); // the peer may be waiting for them
    if (this.#native.wait(ms)) this.#native.drain();
  }

  now(): number {
    return this.#native.clock.now();
  }
}
