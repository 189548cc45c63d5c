/** What frames over a lane leave behind: nothing, in the host and in its client. */

import { assert, assertEquals } from "@std/assert";
import { DataFrame, ReactiveHost } from "../../host/mod.ts";
import { type Possessions, possessions } from "../fixtures/counts_itself.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const FRAMES = 10_000;
/** Rounds in which the engine may still compile what is hot. */
const WARM_UPS = 2;
/** A heap that grows by more in each round has a leak: 40 bytes a frame. */
const HEAP_BYTES = 40 * FRAMES;
/** The most messages of a round, and XPC objects in them: each side tells the broker its counters once a second. */
const REPORTS = 200;
/** How often a heap may seem to grow. */
const ATTEMPTS = 4;

const INPUTS = { video: EVERY_FRAME, questions: DataFrame };
const OUTPUTS = { video: EVERY_FRAME, answers: DataFrame };
type Host = ReactiveHost<typeof INPUTS, typeof OUTPUTS>;

/** What a process has, with what the system says of it. */
interface Counted extends Possessions {
  readonly descriptors: number;
  readonly mappings: number;
}

/** Sends pictures, and takes them back. */
async function relay({ input, output }: Host): Promise<void> {
  const size = { width: 64, height: 48, pixel_format: "rgba8" } as const;
  const feed = async (): Promise<void> => {
    for (let number = 0; number < FRAMES; number++) {
      await input.video.ready;
      using frame = input.video.acquire({
        ...size,
        frame_number: BigInt(number),
      });
      assert(input.video.send(frame));
    }
  };
  const take = async (): Promise<void> => {
    for (let number = 0; number < FRAMES; number++) {
      using frame = await output.video.next();
      assert(frame!.frame_number === BigInt(number));
    }
  };
  await soon(Promise.all([feed(), take()]), "the pictures");
}

function ofSystem(pid: number): Pick<Counted, "descriptors" | "mappings"> {
  const maps = Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n");
  return {
    descriptors: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    mappings: maps.filter((line) => line.includes("memfd:")).length,
  };
}

/** What must be the same. */
function fixed(
  { heap: _h, buffers: _b, messages_sent: _m, xpc_objects: _x, ...rest }:
    Counted,
): Partial<Counted> {
  return rest;
}

/** What both processes have now. */
async function count(
  host: Host,
): Promise<{ host: Counted; client: Counted }> {
  using question = host.input.questions.acquire({
    data: new Uint8Array(0),
    schema_name: "question",
    timestamp_ns: 0n,
  });
  assert(host.input.questions.send(question));
  using answer = await soon(host.output.answers.next(), "the answer");
  const client = JSON.parse(new TextDecoder().decode(answer!.data));
  return {
    host: { ...possessions(), ...ofSystem(Deno.pid) },
    client: { ...client, ...ofSystem(host.clientPid) },
  };
}

permittedTest(
  "ten thousand frames with a surface each leave no descriptor, mapping, message, native object or heap behind, in either process",
  {
    read: true,
    write: true,
    env: true,
    run: true,
    service: true,
    linux: "/proc",
    exhaustive: true,
  },
  async () => {
    using _ = isolatedHome();
    await using host = ReactiveHost.launch({
      module: new URL("../fixtures/counts_itself.ts", import.meta.url),
      inputs: INPUTS,
      outputs: OUTPUTS,
      permissions: { read: true, env: true },
      output: () => {},
    });
    await soon(host.ready, "ready");
    assertEquals(host.stats.path, "lane");
    for (let round = 0; round < WARM_UPS; round++) await relay(host);
    let before = await count(host);
    const grown: string[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await relay(host);
      const after = await count(host);
      for (const side of ["host", "client"] as const) {
        assertEquals(fixed(after[side]), fixed(before[side]), side);
        for (const key of ["messages_sent", "xpc_objects"] as const) {
          const more = after[side][key] - before[side][key];
          assert(more < REPORTS, `${side}: ${more} more ${key}`);
        }
      }
      const growth = (key: "heap" | "buffers"): number =>
        Math.max(
          after.host[key] - before.host[key],
          after.client[key] - before.client[key],
        );
      const most = Math.max(growth("heap"), growth("buffers"));
      if (most <= HEAP_BYTES) return;
      grown.push(`${growth("heap")} of heap, ${growth("buffers")} of buffers`);
      before = after;
    }
    throw new Error(`It grows in each round: ${grown.join("; ")}`);
  },
);
