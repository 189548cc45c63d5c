import { assertEquals } from "@std/assert";
import type {
  HostOptions,
  ReactiveHost,
  TransportPath,
} from "../../host/mod.ts";
import { isolatedHome } from "../helpers/home.ts";
import {
  acquireFrame,
  launchFixture,
  type VideoPorts,
} from "../helpers/hosts.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

/** What carries the frames of a host and its client, and what that takes. */

type Host = ReactiveHost<VideoPorts, VideoPorts>;

/** Launches a host with a client, and has a frame come back. */
async function travelled(
  options: Pick<HostOptions<VideoPorts, VideoPorts>, "path" | "waiting"> = {},
): Promise<Host> {
  const host = launchFixture("invert.ts", options);
  try {
    assertEquals(host.stats.path, undefined); // nobody can know it yet
    await soon(host.ready, "ready");
    await soon(host.input.video.ready, "room");
    using frame = acquireFrame(host, 0);
    host.input.video.send(frame);
    using back = await soon(host.output.video.next(), "the result");
    assertEquals(back?.frame_number, 0n);
    return host;
  } catch (error) {
    await host.close();
    throw error;
  }
}

permittedTest(
  "frames travel over a lane unless the host is told otherwise, and it says so, also when it has ended",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    for (
      const options of [
        {},
        { path: "lane" },
        { path: "lane", waiting: "asleep" },
        { path: "dictionary" },
        { path: "dictionary", waiting: "asleep" },
      ] as const
    ) {
      const host = await travelled(options);
      const path = "path" in options ? options.path : "lane";
      assertEquals(host.stats.path, path);
      await soon(host.close(), "the end");
      assertEquals(host.stats.path, path);
    }
  },
);

/** The descriptors of a process, once their number does not change any more. */
async function descriptors(pid: number): Promise<number> {
  let before = -1, same = 0;
  await until("a steady number of descriptors", () => {
    const now = [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
    same = now === before ? same + 1 : 0;
    before = now;
    return same === 10;
  });
  return before;
}

permittedTest(
  "a lane takes four descriptors of each process, and 36 KiB that both have mapped",
  { ...HOST_NEEDS, linux: "/proc" },
  async () => {
    using _ = isolatedHome();
    await using first = await travelled(); // with it the broker starts
    const taken: Record<TransportPath, number[]> = { lane: [], dictionary: [] };
    const maps = (pid: number): string[] =>
      Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")
        .map((line) => /^(\w+)-(\w+) rw-s .*memfd/.exec(line))
        .filter((match) => match !== null)
        .filter(([, from, to]) =>
          parseInt(to!, 16) - parseInt(from!, 16) === 36 * 1024
        )
        .map(([line]) => line);
    for (const path of ["lane", "dictionary"] as const) {
      const [own, lanes] = [await descriptors(Deno.pid), maps(Deno.pid).length];
      await using host = await travelled({ path });
      taken[path] = [
        await descriptors(Deno.pid) - own,
        await descriptors(host.clientPid),
        maps(Deno.pid).length - lanes,
        maps(host.clientPid).length,
      ];
    }
    const [lane, dictionary] = [taken.lane, taken.dictionary];
    assertEquals(lane.map((count, at) => count - dictionary[at]!), [
      4,
      4,
      1,
      1,
    ]);
    assertEquals(first.stats.path, "lane");
  },
);
