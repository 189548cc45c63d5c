/**
 * Counts what a host and its client use for each frame, once everything is made:
 * `steady_state.ts WAY COUNT`. Prints a line of JSON: {@link SteadyState}, or
 * `{"reason": "…"}`.
 */

import { type ReactiveHost, transferStats } from "../../../host/mod.ts";
import { FULL_HD } from "../bridge/picture_stream.ts";
import { DICTIONARY, LANE, launch } from "../bridge/ways.ts";
import { NotHere } from "../harness/subject.ts";
import { PICTURES, REPORTS, sampleOf, SAMPLES } from "../ports.ts";
import { collectGarbage } from "../../helpers/collect_garbage.ts";

/** What one frame uses, in the mean. */
export interface SteadyState {
  /** Descriptors sent by the host, and descriptors that stay open in both processes. */
  readonly descriptors: number;
  /** Mappings of shared memory that stay in both processes. */
  readonly maps: number;
  /** Bytes of pixels copied. */
  readonly copied: number;
  /** Bytes by which the heaps of both processes grow. */
  readonly heap: number;
}

type Inputs = { video: typeof PICTURES; questions: typeof SAMPLES };
type Outputs = { video: typeof PICTURES; reports: typeof REPORTS };
type Host = ReactiveHost<Inputs, Outputs>;

/** Rounds before the one that counts. */
const WARM_UPS = 2;

function openDescriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Mappings of memory that processes share. The engine's own come and go. */
function mappings(pid: number): number {
  return Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")
    .filter((line) => line.includes("memfd:")).length;
}

/** Sends pictures and takes them back. */
async function relay({ input, output }: Host, count: number): Promise<void> {
  const feed = async (): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await input.video.ready;
      using frame = input.video.acquire({ ...FULL_HD, pixel_format: "rgba8" });
      input.video.send(frame);
    }
  };
  const take = async (): Promise<void> => {
    for (let i = 0; i < count; i++) {
      using frame = await output.video.next();
      if (!frame) throw new Error("the client has ended");
    }
  };
  await Promise.all([feed(), take()]);
}

/** The counters now. */
async function count(host: Host): Promise<SteadyState> {
  {
    using question = host.input.questions.acquire(sampleOf(0));
    host.input.questions.send(question);
  }
  using report = await host.output.reports.next();
  if (!report) throw new Error("the client has ended");
  const [copied = NaN, heap = NaN] = report.values;
  collectGarbage();
  const both = (of: (pid: number) => number): number =>
    of(Deno.pid) + of(host.clientPid);
  const sent = transferStats();
  return {
    descriptors: sent.descriptors + both(openDescriptors),
    maps: both(mappings),
    copied: sent.copied_bytes + host.stats.copied_bytes + copied,
    heap: Deno.memoryUsage().heapUsed + heap,
  };
}

async function measure(): Promise<SteadyState | NotHere> {
  const [name, frames] = [Deno.args[0], Number(Deno.args[1])];
  const way = name === LANE.name ? LANE : DICTIONARY;
  const host = await launch<Inputs, Outputs>(way, {
    module: new URL("./relay_and_count.ts", import.meta.url),
    inputs: { video: PICTURES, questions: SAMPLES },
    outputs: { video: PICTURES, reports: REPORTS },
  });
  if (host instanceof NotHere) return host;
  await using _ = host;
  // The heap grows until the engine has compiled what it will compile.
  for (let i = 0; i < WARM_UPS; i++) {
    await relay(host, frames);
    await count(host);
  }
  const before = await count(host);
  await relay(host, frames);
  const after = await count(host);
  const each = (key: keyof SteadyState): number =>
    (after[key] - before[key]) / frames;
  return {
    descriptors: each("descriptors"),
    maps: each("maps"),
    copied: each("copied"),
    heap: each("heap"),
  };
}

Deno.stdout.writeSync(
  new TextEncoder().encode(`${JSON.stringify(await measure())}\n`),
);
