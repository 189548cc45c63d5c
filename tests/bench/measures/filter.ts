/** The demo's filter on 1080p: in a client, and in this process without a bridge. */

import type { ReactiveHost } from "../../../host/mod.ts";
import { soon } from "../../helpers/soon.ts";
import { FULL_HD } from "../bridge/picture_stream.ts";
import { Filtering } from "../peers/filtering.ts";
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

/** The filter in this process, on memory of its own. */
const inProcess: SubjectPlan = {
  name: "filter, in-process",
  unit: "1/s",
  start: async (extent): Promise<Subject> => {
    const filtering = new Filtering();
    const round = (): Promise<Round> =>
      Promise.resolve(rate(extent, filtering.run(COUNT[extent])));
    await round();
    return stateless(round);
  },
};

/**
 * The same in a Worker that has detached a buffer, as this library does with the
 * views of each frame whose lease ends. In such a thread V8 looks for that at every
 * access to a typed array.
 */
const afterDetachment: SubjectPlan = {
  name: "filter, in-process, after a detachment",
  unit: "1/s",
  start: async (extent): Promise<Subject> => {
    const worker = new Worker(
      new URL("../programs/filter_worker.ts", import.meta.url),
      { type: "module" },
    );
    const posted = (): Promise<unknown> =>
      soon(
        new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
        }),
        "an answer",
      );
    await posted();
    const round = async (): Promise<Round> => {
      worker.postMessage(COUNT[extent]);
      return rate(extent, Number(await posted()));
    };
    await round();
    return {
      round,
      [Symbol.asyncDispose]: () => Promise.resolve(worker.terminate()),
    };
  },
};

function rate(extent: Extent, ms: number): Round {
  return { samples: [COUNT[extent] / (ms / 1000)] };
}

/** The group. */
export const filter: Group = {
  name: "filter",
  rounds: { full: 5, quick: 1 },
  plans: [
    bridge(LANE),
    bridge(DICTIONARY),
    inProcess,
    afterDetachment,
  ],
};
