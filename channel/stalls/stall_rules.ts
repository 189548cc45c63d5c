/**
 * When a port stands still because of this side's own code, and what is said of it.
 * Only what this side knows counts: the other side may be slow, or stopped.
 *
 * @module
 */

/** A receiving port, as far as its standstills are concerned. */
export interface ReceivingState {
  /** The port's name. */
  readonly name: string;
  /** Its capacity. */
  readonly capacity: number;
  /** Frames received and unread. */
  readonly size: number;
  /** Whether the other side has this port. */
  readonly connected: boolean;
  /** Whether the other side has ended it. */
  readonly hasEnd: boolean;
  /** The frames that keep a place at their sender. */
  readonly held: { readonly count: number };
  /** Whether all frames that may be held are on lease, and none is unread. */
  readonly isAllHeld: boolean;
  /** Whether none of the frames that were read was released. */
  readonly isNoneReleased: boolean;
  /** Whether it is in order, and its unread frames leave no room for another. */
  readonly isFull: boolean;
  /** Whether nobody has read it, or whoever has read it has left its iteration. */
  readonly isForsaken: boolean;
  /** Whether a read waits for a frame. */
  readonly isAwaited: boolean;
  /** Reads since the last frame came that found none and did not wait. */
  readonly misses: number;
  /** Grows with each frame that is received, read or released. */
  readonly progress: number;
}

/** The places of frames that were acquired, and neither sent nor disposed. */
export interface SendingPlaces {
  /** How many are taken. */
  readonly taken: number;
  /** How many were freed so far. */
  readonly freed: number;
  /** Whether they leave no room for another frame. */
  readonly isAllAcquired: boolean;
  /** Whether another frame was acquired since then. */
  readonly isShort: boolean;
}

/** A sending port, as far as its standstills are concerned. */
export interface SendingState {
  /** The port's name. */
  readonly name: string;
  /** Whether the other side has this port. */
  readonly connected: boolean;
  /** Whether somebody waits for room. */
  readonly isAwaited: boolean;
  /** The places of its frames. */
  readonly places: SendingPlaces;
  /** Its counters. */
  readonly stats: { readonly sent: number; readonly dropped: number };
  /** How many of the dropped frames were sent before the other side had started. */
  readonly droppedEarly: number;
}

/** What this side does beside its ports. */
export interface SideState {
  /** Whether it is the host. */
  readonly isHost: boolean;
  /** Whether the loop that calls a processor, or a host's turns, waits for frames. */
  readonly idles: boolean;
  /** Whether that loop may be waiting for a frame of this port: it waits, and every other port has frames. */
  mayWaitFor(port: ReceivingState): boolean;
  /** Whether the host is drained. */
  readonly drains: boolean;
}

/** A port that stands still. */
export interface Stall {
  /** The port and the cause. */
  readonly key: string;
  /** What has happened on the port so far. If it grows, the port does not stand still. */
  readonly progress: number;
  /** What is said of it. */
  readonly text: string;
}

/** Names a port that receives. Inputs and outputs are those of the processor, on both sides. */
function receiving({ name }: ReceivingState, { isHost }: SideState): string {
  return `the ${isHost ? "output" : "input"} '${name}'`;
}

/** Names a port that sends. */
function sending({ name }: SendingState, { isHost }: SideState): string {
  return `the ${isHost ? "input" : "output"} '${name}'`;
}

/** What is said of a port whose frames are all on lease. `since` says how long. */
function onLease(
  port: ReceivingState,
  side: SideState,
  since: string,
): string {
  const { capacity, held } = port;
  const what = receiving(port, side);
  return `warning: all ${held.count} frames of ${what} are on lease, and ${since}: no more can come; ` +
    `is \`using\` missing, or is the batch that is collected larger than the capacity of ${capacity}?`;
}

/**
 * Returns why no frame can come on a port: this side wants more while it holds all
 * that the port may have, or reads nothing of a full one while it waits for
 * something else.
 *
 * @param misses those of the port when it was last asked: whoever reads without waiting goes on to do so
 */
export function receivingStall(
  port: ReceivingState,
  misses: number,
  side: SideState,
  waits: () => boolean,
): Stall | undefined {
  const { name, progress } = port;
  if (!port.connected || port.hasEnd) return undefined; // no more will come
  if (port.isAllHeld) {
    if (!port.isAwaited && !side.mayWaitFor(port) && port.misses <= misses) {
      return undefined; // it may be at work on them
    }
    const text = onLease(port, side, "none was disposed for 2 s");
    return { key: `held:${name}`, progress, text };
  }
  if (!port.isFull || !port.isForsaken || port.isAwaited || !waits()) {
    return undefined;
  }
  return {
    key: `unread:${name}`,
    progress,
    text: `warning: nobody reads ${receiving(port, side)}: ` +
      `${port.size} frames are unread, and its capacity is ${port.capacity}: ` +
      `no more can come; ${advice(side)}`,
  };
}

function advice({ isHost, idles, drains }: SideState): string {
  if (drains) return "read the outputs while the host is drained";
  if (isHost) return "read each output while the host waits for its client";
  return idles ? "is `get` missing in `process`?" : "is `get` missing?";
}

/** Returns why no frame can be acquired on a port: this side has acquired all that it may have, and wants more. */
export function sendingStall(
  port: SendingState,
  side: SideState,
): Stall | undefined {
  const { name, places } = port;
  if (!port.connected || !places.isAllAcquired) return undefined;
  if (!port.isAwaited && !places.isShort) return undefined;
  const what = sending(port, side);
  return {
    key: `acquired:${name}`,
    progress: places.freed,
    text: `warning: ${places.taken} frames of ${what} were acquired, and ` +
      "none was sent or disposed for 2 s: there is no room for another; is `using` or `send` missing?",
  };
}

/** Returns what is to be said of a port at an orderly end: as {@link receivingStall}, if nothing was ever released, so that no time is needed to know. */
export function stallAtEnd(
  port: ReceivingState,
  side: SideState,
): Stall | undefined {
  const stall = receivingStall(port, 0, side, () => false);
  if (!stall || !port.isNoneReleased) return undefined;
  return { ...stall, text: onLease(port, side, "none was ever disposed") };
}

/** Returns what is to be said, at an orderly end, of a port whose frames were all sent too early. */
export function earlyAtEnd(
  port: SendingState,
  side: SideState,
): Stall | undefined {
  const { sent, dropped } = port.stats;
  if (!port.connected || sent > 0 || dropped === 0) return undefined;
  if (dropped > port.droppedEarly) return undefined; // some were dropped for another reason
  const all = dropped === 1
    ? "the only frame that was sent"
    : `all ${dropped} frames that were sent`;
  const what = sending(port, side);
  return {
    key: `early:${port.name}`,
    progress: 0,
    text: `warning: ${all} on ${what} came before the other side had ` +
      `started, and nothing was sent: ${
        side.isHost
          ? "await `ready` first"
          : "a processor cannot send in `setup`; send in `process` or `start`"
      }`,
  };
}
