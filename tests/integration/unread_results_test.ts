import { assert, assertEquals } from "@std/assert";
import type { ReactiveHost } from "../../host/mod.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import {
  acquireFrame,
  launchFixture,
  type VideoPorts,
} from "../helpers/hosts.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

/** Results that nobody has read when their host is closed. */

const COUNT = EVERY_FRAME.capacity;

type Host = ReactiveHost<VideoPorts, VideoPorts>;

/** Runs `body` with a host that has as many unread results as there may be. Nothing is left afterwards. */
function unreadTest(name: string, body: (host: Host) => Promise<void>): void {
  permittedTest(name, HOST_NEEDS, async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using host = launchFixture("identity.ts");
      for (let n = 0; n < COUNT; n++) {
        await soon(host.input.video.ready, "room");
        using frame = acquireFrame(host, n);
        assert(host.input.video.send(frame));
      }
      await until("all results", () => host.output.video.size === COUNT);
      await body(host);
    });
  });
}

/** Reads all that is left. Returns the numbers. */
function readAll({ output }: Host): number[] {
  const numbers: number[] = [];
  while (true) {
    using frame = output.video.get();
    if (!frame) return numbers;
    assert(frame.pixel_buffer.pixels.length > 0);
    numbers.push(Number(frame.frame_number));
  }
}

const ALL = Array.from({ length: COUNT }, (_, n) => n);

unreadTest(
  "a close releases the results that nobody has read",
  async (host) => {
    await soon(host.close(), "the close");
    assertEquals(readAll(host), []);
  },
);

unreadTest(
  "the results of a host that was drained are kept until they are read",
  async (host) => {
    await soon(host.close({ drain: true }), "the close");
    assertEquals(readAll(host), ALL);
  },
);

unreadTest(
  "after a failure the results can be read, until the host is closed",
  async (host) => {
    Deno.kill(host.clientPid, "SIGKILL");
    const failure = await soon(host.ended, "the end");
    assertEquals(failure?.code, "client_failed");
    using frame = host.output.video.get();
    assertEquals(frame?.frame_number, 0n);
    await soon(host.close(), "the close");
    assertEquals(readAll(host), []);
  },
);

unreadTest(
  "a close leaves the results to an iteration that has begun, and releases what it leaves",
  async (host) => {
    const seen: number[] = [];
    for await (using frame of host.output.video) {
      if (seen.length === 0) await soon(host.close(), "the close");
      seen.push(Number(frame.frame_number));
      if (seen.length === COUNT - 1) break;
    }
    assertEquals(seen, ALL.slice(0, -1));
    assertEquals(readAll(host), []);
  },
);
