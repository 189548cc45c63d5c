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
import { REPORTS, sampleOf, SAMPLES } from "../ports.ts";

const PAUSE_MS = 1000 / 60;
const COUNT: Readonly<Record<Extent, number>> = { full: 120, quick: 60 };

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
    count: number,
  ): Promise<Wakes | NotHere> {
    const module = isSync ? "wake_samples_sync.ts" : "wake_samples.ts";
    const host = await launch<Inputs, Outputs>(way, {
      module: new URL(`../programs/${module}`, import.meta.url),
      inputs: { samples: SAMPLES },
      outputs: { reports: REPORTS },
    });
    if (host instanceof NotHere) return host;
    return new Wakes(host, count);
  }

  constructor(host: ReactiveHost<Inputs, Outputs>, count: number) {
    this.#host = host;
    this.#count = count;
    this.#log = new PlacementLog(Deno.pid, host.clientPid);
  }

  async round(): Promise<Round> {
    const { input, output } = this.#host;
    this.#log.take();
    for (let i = 0; i < this.#count; i++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      this.#log.look();
      using frame = input.samples.acquire({
        ...sampleOf(i, i === this.#count - 1),
        sent_us: Number(now()) / 1000,
      });
      input.samples.send(frame);
    }
    using report = await output.reports.next();
    if (!report) throw new Error("the client did not report");
    return {
      samples: Float64Array.from(report.values),
      ...placed(this.#log.take()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.close();
  }
}

function bridge(way: Way, isSync: boolean): SubjectPlan {
  return {
    name: `wake, bridge, ${way.name}, ${isSync ? "recvSync" : "event loop"}`,
    unit: "us",
    start: (extent) => Wakes.start(way, isSync, COUNT[extent]),
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
    socket("two cores"),
    socket("one core"),
  ],
};
