/**
 * Copies of the frames of one port that the peer has and has not released. When it
 * dies, they show what it was doing, and they can be sent to the next peer.
 *
 * @module
 */

import type { Schema } from "../../proto/schema/field_type.ts";
import {
  isInOrder,
  type PortTerms,
} from "../../proto/schema/port_agreement.ts";
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
  /** The frames of earlier peers that the next one is to be sent. */
  readonly #again: LeasedFrame[] = [];

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

  /**
   * The peer has released a frame: its copy is not needed.
   *
   * @param terms how both sides use the port. If it skips to the latest, a frame
   * without memory was confirmed when it came, and the peer may have it still: as
   * many of those are kept as it can have
   */
  landed(flight: Flight, terms: PortTerms): void {
    if (flight.copy === undefined) return;
    if (isInOrder(terms) || LeasedFrame.owes(flight.copy)) {
      this.#remove(flight);
    } else {
      for (const oldest of this.#numbers.keys()) {
        if (this.#numbers.size <= terms.capacity + 1) return;
        this.#remove(oldest);
      }
    }
  }

  #remove(flight: Flight): void {
    flight.copy?.[Symbol.dispose]();
    this.#numbers.delete(flight);
  }

  /** How many frames the peer has, and the next one is to be sent. */
  get size(): number {
    return this.#numbers.size + this.#again.length;
  }

  /** The frames that the peer has, as a failure shows them: each is another lease. */
  shown(last: NumberedFrame | undefined): UnreleasedFrame[] {
    const port = this.name;
    return [...this.#numbers].map(([{ copy }, number]) => ({
      port,
      number,
      isLastRead: last?.port === port && last.number === number,
      frame: copy!.clone() as unknown as ReceivedFrame<Schema>,
    }));
  }

  /** The peer is gone. Keeps its frames for the next one, without the frame `but`; or disposes all copies. */
  settle(isSentAgain: boolean, but: NumberedFrame | undefined): void {
    for (const [flight, number] of [...this.#numbers]) {
      const isLeftOut = but?.port === this.name && but.number === number;
      if (isSentAgain && !isLeftOut) this.#again.push(flight.copy!);
      else this.#remove(flight);
    }
    this.#numbers.clear();
    if (!isSentAgain) {
      for (const frame of this.takeAgain()) frame[Symbol.dispose]();
    }
  }

  /** Takes the frames that the next peer is to be sent, in the order of sending. */
  takeAgain(): LeasedFrame[] {
    return this.#again.splice(0);
  }
}
