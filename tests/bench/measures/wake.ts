/** How long a frame is on its way to a reader that sleeps, at 60 frames a second. */

import type { ReactiveHost } from "../../../host/mod.ts";
import { now } from "../../../host/mod.ts";
import { DICTIONARY, LANE, launch, type Way } from "../bridge/ways.ts";
import { controlPlan } from "../controls.ts";
import { placed, PlacementLog } from "../harness/placement.ts";
import {
  type Extent,
  type Group,
  NotHere,
  type Round,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";
import { bareWakes } from "../peers/bare_lane.ts";
import { REPORTS, sampleOf, SAMPLES } from "../ports.ts";

const PAUSE_MS = 1000 / 60;
const COUNT: Readonly<Record<Extent, number>> = { full: 120, quick: 60 };
/** Rounds without pauses before the first one that counts, so that V8 has compiled what is measured, as after minutes at 60 Hz. */
const WARM_UP: Readonly<Record<Extent, number>> = { full: 12, quick: 3 };
const WARM_UP_COUNT = 5_000;

type Inputs = { samples: typeof SAMPLES };
type Outputs = { reports: typeof REPORTS };

/** A client that measures how long samples were on their way. */
class Wakes implements Subject {
  readonly #host: ReactiveHost<Inputs, Outputs>;
  readonly #count: number;
  readonly #log: PlacementLog;

  static async start(
    way: Way,
    isSync: boolean,
    extent: Extent,
  ): Promise<Wakes | NotHere> {
    const module = isSync ? "wake_samples_sync.ts" : "wake_samples.ts";
    const host = await launch<Inputs, Outputs>(way, {
      module: new URL(`../programs/${module}`, import.meta.url),
      inputs: { samples: SAMPLES },
      outputs: { reports: REPORTS },
    });
    if (host instanceof NotHere) return host;
    const wakes = new Wakes(host, COUNT[extent]);
    try {
      for (let round = 0; round < WARM_UP[extent]; round++) {
        await wakes.#send(WARM_UP_COUNT, 0);
      }
    } catch (error) {
      await host.close();
      throw error;
    }
    return wakes;
  }

  constructor(host: ReactiveHost<Inputs, Outputs>, count: number) {
    this.#host = host;
    this.#count = count;
    this.#log = new PlacementLog(Deno.pid, host.clientPid);
  }

  async round(): Promise<Round> {
    this.#log.take();
    const samples = await this.#send(this.#count, PAUSE_MS);
    return { samples, ...placed(this.#log.take()) };
  }

  /** Sends samples, and returns how long the last of them were on their way, in microseconds. */
  async #send(count: number, pauseMs: number): Promise<Float64Array> {
    const { input: { samples }, output } = this.#host;
    for (let i = 0; i < count; i++) {
      if (pauseMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        this.#log.look();
      }
      await samples.ready;
      using frame = samples.acquire({
        ...sampleOf(i, i === count - 1),
        sent_us: Number(now()) / 1000,
      });
      samples.send(frame);
    }
    using report = await output.reports.next();
    if (!report) throw new Error("the client did not report");
    return Float64Array.from(report.values);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.close();
  }
}

function bridge(way: Way, isSync: boolean): SubjectPlan {
  return {
    name: `wake, bridge, ${way.name}, ${isSync ? "recvSync" : "event loop"}`,
    unit: "us",
    start: (extent) => Wakes.start(way, isSync, extent),
  };
}

function socket(cores: "one core" | "two cores"): SubjectPlan {
  const place = cores === "one core" ? "together" : "apart";
  return controlPlan(
    `wake, C, SEQPACKET, ${cores}`,
    "us",
    "wake",
    (extent) => [place, COUNT[extent], Math.round(PAUSE_MS * 1000)],
  );
}

/** The group. */
export const wake: Group = {
  name: "wake",
  rounds: { full: 3, quick: 1 },
  plans: [
    bridge(LANE, false),
    bridge(LANE, true),
    bridge(DICTIONARY, false),
    bareWakes(COUNT, PAUSE_MS),
    socket("two cores"),
    socket("one core"),
  ],
};
