/** Lanes between two threads of this process, without this library's channel: see `ring_end.ts`. */

import type { Direction } from "../../../channel/lane/rings.ts";
import { NativeLane } from "../../../ffi/lane.ts";
import { Native } from "../../../ffi/native.ts";
import { now } from "../../../host/mod.ts";
import { LANE_DEFAULT_SLOTS } from "../../../proto/lane/layout.ts";
import { Capability } from "../../../proto/wire/xpc_value.ts";
import { soon } from "../../helpers/soon.ts";
import type {
  Extent,
  Round,
  Subject,
  SubjectPlan,
  Unit,
} from "../harness/subject.ts";
import { copyOf, sampleOf } from "../ports.ts";
import { BareEnd } from "./bare_end.ts";
import { LeanEnd } from "./lean_end.ts";

/**
 * What the other thread does with each record: it sends it back; or does so with each
 * frame, see {@link LeanEnd}; or answers the last one of a round; or sleeps until it
 * comes, and posts after the last one how long each was on its way, in microseconds.
 */
export type BareMode = "echo" | "frames" | "sink" | "wake";

/** What the other thread is told. */
export interface BareStart {
  readonly mode: BareMode;
  /** The handle of the lane's memory, of this process. */
  readonly memory: number;
  /** The records of a round. */
  readonly count: number;
}

/** One lane, and its other end. */
class BareLane<E extends BareEnd | LeanEnd> implements Subject {
  readonly end: E;
  readonly worker: Worker;
  readonly #native = Native.open();
  readonly #lane: NativeLane;
  readonly #round: (lane: BareLane<E>) => Promise<Round>;

  constructor(
    End: new (lane: NativeLane, direction: Direction) => E,
    round: (lane: BareLane<E>) => Promise<Round>,
  ) {
    this.#lane = NativeLane.create(this.#native, LANE_DEFAULT_SLOTS);
    this.#lane.wake();
    this.end = new End(this.#lane, 0);
    this.worker = new Worker(
      new URL("../programs/bare_lane.ts", import.meta.url),
      { type: "module" },
    );
    this.#round = round;
  }

  async connect(mode: BareMode, count: number): Promise<void> {
    using memory = this.#lane.memory();
    const { handle } = memory.borrow();
    const start: BareStart = { mode, memory: handle, count };
    const bell = await posted<number>(this.worker, () => {
      this.worker.postMessage(start);
    });
    this.#lane.connect(new Capability("fd", bell));
  }

  round(): Promise<Round> {
    return this.#round(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await posted(this.worker, () => this.end.stop());
    this.worker.terminate();
    this.#lane[Symbol.dispose]();
    this.#native[Symbol.dispose]();
  }
}

/** What the other thread posts next, after `begin`. */
function posted<T>(
  worker: Worker,
  begin: () => void | Promise<void>,
): Promise<T> {
  const answer = new Promise<T>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  return soon(
    Promise.all([answer, begin()]).then(([data]) => data),
    "an answer",
  );
}

function plan<E extends BareEnd | LeanEnd>(
  name: string,
  End: new (lane: NativeLane, direction: Direction) => E,
  unit: Unit,
  mode: BareMode,
  counts: Readonly<Record<Extent, number>>,
  round: (lane: BareLane<E>, count: number) => Promise<Round>,
  warmUp: (lane: BareLane<E>, count: number) => Promise<unknown> = round,
): SubjectPlan {
  return {
    name,
    unit,
    start: async (extent) => {
      const count = counts[extent];
      const lane = new BareLane(End, (lane) => round(lane, count));
      try {
        await lane.connect(mode, count);
        await warmUp(lane, count);
      } catch (error) {
        lane.worker.terminate(); // it may not have begun to listen
        throw error;
      }
      return lane;
    },
  };
}

/** Round trips, both ends awake. */
export function bareTrips(
  counts: Readonly<Record<Extent, number>>,
): SubjectPlan {
  return plan(
    "JavaScript, bare lane",
    BareEnd,
    "us",
    "echo",
    counts,
    ({ end }, count) => {
      const samples = new Float64Array(count);
      for (let n = 0; n < count; n++) {
        const began = performance.now();
        end.send(n, 0);
        end.receive(false);
        samples[n] = (performance.now() - began) * 1000;
      }
      return Promise.resolve({ samples });
    },
  );
}

/** Round trips of frames, both ends awake. */
export function leanTrips(
  counts: Readonly<Record<Extent, number>>,
): SubjectPlan {
  return plan(
    "JavaScript, lean frames",
    LeanEnd,
    "us",
    "frames",
    counts,
    ({ end }, count) => {
      const samples = new Float64Array(count);
      for (let n = 0; n < count; n++) {
        const began = performance.now();
        end.send(end.acquire(sampleOf(n)));
        const back = end.receive(false)!;
        const { number, turn_z } = copyOf(back);
        if (number !== n || turn_z !== n) throw new Error(`not sample ${n}`);
        back.dispose();
        samples[n] = (performance.now() - began) * 1000;
      }
      return Promise.resolve({ samples });
    },
  );
}

/** Records per second in one direction. */
export function bareStream(
  counts: Readonly<Record<Extent, number>>,
): SubjectPlan {
  return plan(
    "stream, JavaScript, bare lane",
    BareEnd,
    "1/s",
    "sink",
    counts,
    ({ end }, count) => {
      const began = performance.now();
      for (let n = 0; n < count; n++) end.send(n, 0);
      end.receive(false);
      const seconds = (performance.now() - began) / 1000;
      return Promise.resolve({ samples: [count / seconds] });
    },
  );
}

/** Rounds without pauses before the first one that counts. */
const WARM_UP_ROUNDS = 500;

/** How long a record is on its way to an end that sleeps. */
export function bareWakes(
  counts: Readonly<Record<Extent, number>>,
  pauseMs: number,
): SubjectPlan {
  const wakes = async (
    lane: BareLane<BareEnd>,
    count: number,
    pauseMs: number,
  ) => {
    const samples = await posted<Float64Array>(lane.worker, async () => {
      for (let n = 0; n < count; n++) {
        if (pauseMs > 0) {
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        lane.end.send(n, Number(now()) / 1000);
      }
    });
    return { samples };
  };
  return plan(
    "wake, JavaScript, bare lane",
    BareEnd,
    "us",
    "wake",
    counts,
    (lane, count) => wakes(lane, count, pauseMs),
    async (lane, count) => {
      for (let n = 0; n < WARM_UP_ROUNDS; n++) await wakes(lane, count, 0);
    },
  );
}
