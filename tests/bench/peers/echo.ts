/** Round trips of 64 bytes over what carries bytes to a peer that sends them back. */

import { placed, PlacementLog } from "../harness/placement.ts";
import type {
  Extent,
  NotHere,
  Subject,
  SubjectPlan,
} from "../harness/subject.ts";

/** The bytes of a message. */
const MESSAGE_BYTES = 64;
const LOOKS = 16;

/** A peer that sends every message back. */
export interface Echo extends AsyncDisposable {
  /** The process of the peer; `undefined` if it is this one. */
  readonly pid: number | undefined;
  /** Sends a message, and resolves when that many bytes have come back. */
  trip(message: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** A subject: round trips to a peer, each begun when the one before has ended. */
export function echoPlan(
  name: string,
  count: Readonly<Record<Extent, number>>,
  open: () => Promise<Echo | NotHere>,
): SubjectPlan {
  return {
    name,
    unit: "us",
    start: async (extent) => {
      const echo = await open();
      if (!("trip" in echo)) return echo;
      const subject = new EchoTrips(echo, count[extent]);
      try {
        await subject.round();
      } catch (error) {
        await subject[Symbol.asyncDispose]();
        throw error;
      }
      return subject;
    },
  };
}

class EchoTrips implements Subject {
  readonly #echo: Echo;
  readonly #count: number;
  readonly #log: PlacementLog | undefined;

  constructor(echo: Echo, count: number) {
    this.#echo = echo;
    this.#count = count;
    if (echo.pid !== undefined) {
      this.#log = new PlacementLog(Deno.pid, echo.pid);
    }
  }

  async round(): ReturnType<Subject["round"]> {
    const samples = new Float64Array(this.#count);
    const every = Math.ceil(this.#count / LOOKS);
    const message = new Uint8Array(MESSAGE_BYTES);
    this.#log?.take();
    for (let i = 0; i < this.#count; i++) {
      if (i % every === 0) this.#log?.look();
      const began = performance.now();
      await this.#echo.trip(message);
      samples[i] = (performance.now() - began) * 1000;
    }
    return { samples, ...placed(this.#log?.take()) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#echo[Symbol.asyncDispose]());
  }
}
