/**
 * Copies of the frames of one port that the peer has and has not released. When it
 * dies, they show what it was doing, and they can be sent to the next peer.
 *
 * @module
 */

import type { Schema } from "../../proto/schema/field_type.ts";
import type { CopyCounter } from "../../proto/schema/surface_view.ts";
import type { Lease, Lender } from "../memory/lease.ts";
import { LeasedFrame } from "../memory/leased_frame.ts";
import type { Flight } from "./flight.ts";
import type { ReceivedFrame } from "./frame_receiver.ts";

/** A frame that a client was sent and had not released when it died. */
export interface UnreleasedFrame {
  /** The name of the client's input. */
  readonly port: string;
  /** Which of the frames that were sent on that port since the launch, from 1. A frame that is sent again counts again. */
  readonly number: number;
  /** Whether it is the frame that the client had read last, of all its inputs: most likely it worked on it when it died. */
  readonly isLastRead: boolean;
  /**
   * The frame, for reading. It is on lease until it is disposed, the host starts its
   * next client, or the host is closed: keep its content with `copy()`.
   */
  readonly frame: ReceivedFrame<Schema>;
}

/** A frame by its number on its port. */
export interface NumberedFrame {
  /** The name of the port. */
  readonly port: string;
  /** Which of the frames that were sent on it since the launch, from 1. */
  readonly number: number;
}

/** The copies of one port. */
export class SentCopies implements Lender {
  readonly name: string;
  readonly copies: CopyCounter;
  leaseCount = 0;
  readonly #givenAway: (portName: string) => void;
  /** The numbers of the frames, in the order of sending. */
  readonly #numbers = new Map<Flight, number>();

  /** @param givenAway called when user code has transferred a view of a copy */
  constructor(
    { name, copies }: Pick<Lender, "name" | "copies">,
    givenAway: (portName: string) => void,
  ) {
    this.name = name;
    this.copies = copies;
    this.#givenAway = givenAway;
  }

  leaseEnded({ givenAway }: Lease): void {
    if (givenAway) this.#givenAway(this.name); // user code, which may throw
  }

  /** Makes the copy of a frame that is about to be sent. Its textures and buffers are not copied: they keep their memory. */
  make(frame: object): LeasedFrame {
    return LeasedFrame.kept(frame as LeasedFrame, this);
  }

  /** A frame was sent. */
  sent(flight: Flight, number: number): void {
    this.#numbers.set(flight, number);
  }

  /** Removes the copy of a frame. */
  remove(flight: Flight): void {
    flight.copy?.[Symbol.dispose]();
    this.#numbers.delete(flight);
  }

  /** Removes the oldest copies until there are at most `count`. */
  trim(count: number): void {
    for (const flight of this.#numbers.keys()) {
      if (this.#numbers.size <= count) return;
      this.remove(flight);
    }
  }

  /** How many there are. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The frames, as a failure shows them: each is another lease. */
  shown(last: NumberedFrame | undefined): UnreleasedFrame[] {
    const port = this.name;
    return [...this.#numbers].map(([{ copy }, number]) => ({
      port,
      number,
      isLastRead: last?.port === port && last.number === number,
      frame: copy!.clone() as unknown as ReceivedFrame<Schema>,
    }));
  }

  /** Takes all copies out, but for that of the frame `but`, which is disposed. */
  take(but: NumberedFrame | undefined): LeasedFrame[] {
    const frames: LeasedFrame[] = [];
    for (const [flight, number] of [...this.#numbers]) {
      if (but?.port === this.name && but.number === number) this.remove(flight);
      else frames.push(flight.copy!);
    }
    this.#numbers.clear();
    return frames;
  }
}
