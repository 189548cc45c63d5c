/** Frames of 64 bytes per second, in one direction, as fast as they are taken. */

import type { ReactiveHost } from "../../../host/mod.ts";
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
import { bareStream } from "../peers/bare_lane.ts";
import { sampleOf, SAMPLES } from "../ports.ts";

const COUNT: Readonly<Record<Extent, number>> = { full: 20_000, quick: 5_000 };
const LANE_COUNT: Readonly<Record<Extent, number>> = {
  full: 1_000_000,
  quick: 200_000,
};
const SOCKET_COUNT: Readonly<Record<Extent, number>> = {
  full: 300_000,
  quick: 100_000,
};

type Ports = { samples: typeof SAMPLES };

/** A client that takes samples and answers the last one of a round. */
class SampleStream implements Subject {
  readonly #host: ReactiveHost<Ports, Ports>;
  readonly #count: number;
  readonly #log: PlacementLog;

  static async start(
    way: Way,
    count: number,
  ): Promise<SampleStream | NotHere> {
    const host = await launch<Ports, Ports>(way, {
      module: new URL("../programs/sink_samples.ts", import.meta.url),
      inputs: { samples: SAMPLES },
      outputs: { samples: SAMPLES },
    });
    if (host instanceof NotHere) return host;
    const stream = new SampleStream(host, count);
    try {
      await stream.round();
    } catch (error) {
      await host.close();
      throw error;
    }
    return stream;
  }

  constructor(host: ReactiveHost<Ports, Ports>, count: number) {
    this.#host = host;
    this.#count = count;
    this.#log = new PlacementLog(Deno.pid, host.clientPid);
  }

  async round(): Promise<Round> {
    const { input, output } = this.#host;
    const count = this.#count;
    this.#log.take();
    const began = performance.now();
    for (let i = 0; i < count; i++) {
      const isLast = i === count - 1;
      while (!this.#send(i, isLast)) await input.samples.ready;
    }
    using answer = await output.samples.next();
    const seconds = (performance.now() - began) / 1000;
    if (answer?.number !== count - 1) throw new Error("frames were lost");
    this.#log.look();
    return { samples: [count / seconds], ...placed(this.#log.take()) };
  }

  /** Sends a sample, without `using`: a frame that was sent or dropped needs no dispose. Returns false if there is no room for it now. */
  #send(number: number, isLast: boolean): boolean {
    const { samples } = this.#host.input;
    return samples.send(samples.acquire(sampleOf(number, isLast)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.close();
  }
}

function bridge(
  way: Way,
  count: Readonly<Record<Extent, number>>,
): SubjectPlan {
  return {
    name: `stream, bridge, ${way.name}`,
    unit: "1/s",
    start: (extent) => SampleStream.start(way, count[extent]),
  };
}

function socket(cores: "one core" | "two cores"): SubjectPlan {
  const place = cores === "one core" ? "together" : "apart";
  return controlPlan(
    `stream, C, SEQPACKET, ${cores}`,
    "1/s",
    "stream",
    (extent) => [place, SOCKET_COUNT[extent]],
  );
}

/** The group. */
export const stream: Group = {
  name: "stream",
  rounds: { full: 5, quick: 3 },
  warmUpMs: { full: 5_000, quick: 1_000 },
  plans: [
    bridge(LANE, LANE_COUNT),
    bridge(DICTIONARY, COUNT),
    bareStream(LANE_COUNT),
    socket("two cores"),
    socket("one core"),
  ],
};
