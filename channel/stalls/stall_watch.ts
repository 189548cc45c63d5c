/**
 * Warns of ports that stand still because of this side's own code.
 *
 * A timer runs only while a port looks as if it did: its owner calls
 * {@link StallWatch.look} where a wait begins or a limit is reached, never for each
 * frame. A port that has looked so for 2 s, and on which nothing has happened, is
 * told of, once for each cause. The time begins again when this process was
 * stopped or too busy: its timer is late then.
 *
 * @module
 */

import type { Timer, TimerClock } from "../../ffi/clock.ts";
import {
  earlyAtEnd,
  receivingStall,
  type ReceivingState,
  sendingStall,
  type SendingState,
  type SideState,
  type Stall,
  stallAtEnd,
} from "./stall_rules.ts";

/** How often a port that may stand still is looked at, in milliseconds. */
const TICK_MS = 500;
/** After how many looks without any progress it is told of: together 2 s. */
const QUIET_TICKS = 4;
/** How late a look may be, in milliseconds. If it is later, this process was stopped, or too busy. */
const LATE_MS = 1_000;

/** Why nobody is expected to read or send. */
export type Rest = "paused" | "stopped";

/** What was seen of a port that may stand still. */
interface Quiet {
  readonly progress: number;
  /** The looks since then. */
  readonly ticks: number;
}

/** What a watch needs from its channel. */
export interface StallChannel {
  readonly clock: TimerClock;
  /** Whether frames can be sent. */
  readonly isOpen: boolean;
  /** Gets each warning. */
  warn(text: string): void;
}

/** Watches the ports of one side of a channel. */
export class StallWatch implements SideState {
  /** Whether this side is the host, whose owner reads each port where it likes. */
  isHost = false;
  /** Whether the owner has asked when frames can flow. */
  knowsReady = false;
  readonly #channel: StallChannel;
  readonly #incoming: ReceivingState[] = [];
  readonly #outgoing: SendingState[] = [];
  readonly #told = new Set<string>();
  readonly #rests = new Set<Rest>();
  #idles = false;
  #drains = false;
  #timer: Timer | undefined;
  /** When the timer is to fire. */
  #due = 0;
  /** By {@link Stall.key}. */
  #quiet: ReadonlyMap<string, Quiet> = new Map();
  /** The misses of each receiving port at the last look. */
  readonly #misses = new Map<ReceivingState, number>();

  /** Called by the channel. */
  constructor(channel: StallChannel) {
    this.#channel = channel;
  }

  /** Whether a loop waits for frames. */
  get idles(): boolean {
    return this.#idles;
  }

  /** Whether the host is drained. */
  get drains(): boolean {
    return this.#drains;
  }

  mayWaitFor(port: ReceivingState): boolean {
    return this.#idles &&
      this.#incoming.every((other) => other === port || hasFrames(other));
  }

  /** Watches a port that receives. */
  addIncoming(port: ReceivingState): void {
    this.#incoming.push(port);
  }

  /** Watches a port that sends. */
  addOutgoing(port: SendingState): void {
    this.#outgoing.push(port);
  }

  /** The loop that calls a processor, or a host's turns, begins or ends to wait for frames. */
  setIdle(on: boolean): void {
    this.#idles = on;
    if (on) this.look();
  }

  /** The host begins or ends to wait for the end of its outputs. */
  setDraining(on: boolean): void {
    this.#drains = on;
    if (on) this.look();
  }

  /** Nobody is expected to read or send, or is again. */
  setResting(why: Rest, on: boolean): void {
    if (on) this.#rests.add(why);
    else this.#rests.delete(why);
    this.look();
  }

  /** Somebody begins to wait, or a limit was reached: begins to watch if a port looks as if it stood still. */
  look(): void {
    if (this.#timer || !this.#mayStall()) return;
    this.#misses.clear();
    if (this.#find().length > 0) this.#arm();
  }

  /** Whether it is worth a closer look. Most waits end here. */
  #mayStall(): boolean {
    for (const port of this.#incoming) {
      if (port.isAllHeld || port.isFull) return true;
    }
    for (const { places } of this.#outgoing) {
      if (places.isAllAcquired) return true;
    }
    return false;
  }

  #find(): Stall[] {
    if (!this.#channel.isOpen || this.#rests.size > 0) return [];
    const found: (Stall | undefined)[] = this.#outgoing.map((port) =>
      sendingStall(port, this)
    );
    for (const port of this.#incoming) {
      const misses = this.#misses.get(port) ?? 0;
      found.push(receivingStall(port, misses, this, () => this.#waits(port)));
      this.#misses.set(port, port.misses);
    }
    return found.filter((stall) =>
      stall !== undefined && !this.#told.has(stall.key)
    ) as Stall[];
  }

  /** Whether this side waits for something that `port`, which nobody reads, may hold up. */
  #waits(port: ReceivingState): boolean {
    if (this.#idles) return this.mayWaitFor(port);
    // A processor's code may be about to read: only a loop that waits says that it is not.
    if (!this.isHost) return false;
    return this.#drains || this.#incoming.some(isAwaited) ||
      this.#outgoing.some(isAwaited);
  }

  #arm(): void {
    const { clock } = this.#channel;
    this.#due = clock.now() + TICK_MS;
    this.#timer = clock.after(TICK_MS, () => this.#tick());
    this.#timer.unref(); // a process may end meanwhile
  }

  #tick(): void {
    this.#timer = undefined;
    const isLate = this.#channel.clock.now() > this.#due + LATE_MS;
    const before = this.#quiet;
    const quiet = new Map<string, Quiet>();
    let isSuspicious = false;
    for (const { key, progress, text } of this.#find()) {
      const seen = before.get(key);
      const ticks = seen && seen.progress === progress && !isLate
        ? seen.ticks + 1
        : 0;
      if (ticks < QUIET_TICKS) {
        isSuspicious = true;
        quiet.set(key, { progress, ticks });
      } else this.#tell(key, text);
    }
    this.#quiet = quiet;
    if (isSuspicious) this.#arm();
  }

  #tell(key: string, text: string): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#channel.warn(text);
  }

  /** The peer is gone: stops to watch. Another one may follow. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#quiet = new Map();
  }

  /** The channel ends in order. Tells what needs no time to be known. */
  end(): void {
    this.stop();
    const found: (Stall | undefined)[] = this.#channel.isOpen &&
        this.#rests.size === 0
      ? this.#incoming.map((port) => stallAtEnd(port, this))
      : [];
    if (!this.knowsReady) {
      found.push(...this.#outgoing.map((port) => earlyAtEnd(port, this)));
    }
    for (const stall of found) if (stall) this.#tell(stall.key, stall.text);
  }
}

function hasFrames({ connected, hasEnd, size }: ReceivingState): boolean {
  return !connected || hasEnd || size > 0;
}

function isAwaited(port: { readonly isAwaited: boolean }): boolean {
  return port.isAwaited;
}
