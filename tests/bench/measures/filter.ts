/** The demo's filter on 1080p: in a client, and in this process without a bridge. */

import type { ReactiveHost } from "../../../host/mod.ts";
import { EdgeDetector } from "../../../demo/filter/edge_detector.ts";
import { bytesOf, FULL_HD } from "../bridge/picture_stream.ts";
import { DICTIONARY, LANE, launch, type Way } from "../bridge/ways.ts";
import {
  type Extent,
  type Group,
  NotHere,
  type Round,
  stateless,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";
import { PICTURES } from "../ports.ts";

const COUNT: Readonly<Record<Extent, number>> = { full: 120, quick: 30 };
/** The pictures that are in memory at once in this process: as many as a port holds. */
const BUFFERS = 8;

type Ports = { video: typeof PICTURES };

/** Sends pictures and takes the results, until all have come. Returns the pictures per second. */
async function filterInClient(
  { input, output }: ReactiveHost<Ports, Ports>,
  count: number,
): Promise<Round> {
  const began = performance.now();
  const feed = async (): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await input.video.ready;
      using frame = input.video.acquire({ ...FULL_HD, pixel_format: "rgba8" });
      input.video.send(frame);
    }
  };
  const take = async (): Promise<void> => {
    for (let i = 0; i < count; i++) {
      using result = await output.video.next();
      if (!result) throw new Error("the client has ended");
    }
  };
  await Promise.all([feed(), take()]);
  return { samples: [count / ((performance.now() - began) / 1000)] };
}

function bridge(way: Way): SubjectPlan {
  return {
    name: `filter, bridge, ${way.name}`,
    unit: "1/s",
    start: async (extent): Promise<Subject | NotHere> => {
      const host = await launch<Ports, Ports>(way, {
        module: new URL("../programs/filter.ts", import.meta.url),
        inputs: { video: PICTURES },
        outputs: { video: PICTURES },
      });
      if (host instanceof NotHere) return host;
      const round = (): Promise<Round> => filterInClient(host, COUNT[extent]);
      await round();
      return { round, [Symbol.asyncDispose]: () => host.close() };
    },
  };
}

const inProcess: SubjectPlan = {
  name: "filter, in-process",
  unit: "1/s",
  start: (extent) => {
    const detector = new EdgeDetector(FULL_HD.width, FULL_HD.height);
    const stride = FULL_HD.width * 4;
    const pictures = (): Uint8Array[] =>
      Array.from({ length: BUFFERS }, () => new Uint8Array(bytesOf(FULL_HD)));
    const [from, to] = [pictures(), pictures()];
    const round = (): Promise<Round> => {
      const began = performance.now();
      for (let i = 0; i < COUNT[extent]; i++) {
        const at = i % BUFFERS;
        detector.detect(from[at]!, stride, to[at]!, stride);
      }
      const seconds = (performance.now() - began) / 1000;
      return Promise.resolve({ samples: [COUNT[extent] / seconds] });
    };
    return round().then(() => stateless(round));
  },
};

/** The group. */
export const filter: Group = {
  name: "filter",
  rounds: { full: 5, quick: 1 },
  plans: [bridge(LANE), bridge(DICTIONARY), inProcess],
};
