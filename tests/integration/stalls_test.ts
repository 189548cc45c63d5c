import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { HostOptions, ReactiveHost } from "../../host/mod.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import {
  acquireFrame,
  launchFixture,
  type VideoPorts,
} from "../helpers/hosts.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lapse, soon, until } from "../helpers/soon.ts";
import { Unhandled } from "../helpers/unhandled.ts";

/** Warnings of ports that stand still, with real clients and clocks. */

const COUNT = EVERY_FRAME.capacity;

type Host = ReactiveHost<VideoPorts, VideoPorts>;

/** Registers a test of a host with a fixture. `warnings` are the host's, `said` is what the client writes. */
function hostTest(
  name: string,
  fixture: string,
  body: (
    host: Host,
    warnings: readonly string[],
    said: () => string,
  ) => Promise<void>,
): void {
  permittedTest(name, HOST_NEEDS, async () => {
    using _ = isolatedHome();
    const warnings: string[] = [];
    const said: string[] = [];
    const decoder = new TextDecoder();
    const options: Partial<HostOptions<VideoPorts, VideoPorts>> = {
      warn: (text) => void warnings.push(text),
      output: (chunk) => void said.push(decoder.decode(chunk)),
    };
    await using host = launchFixture(fixture, options);
    await soon(host.ready, "ready");
    await body(host, warnings, () => said.join(""));
  });
}

/** Sends frames, numbered from `first` on. */
async function send(host: Host, count: number, first = 0): Promise<void> {
  for (let n = first; n < first + count; n++) {
    await soon(host.input.video.ready, "room");
    using frame = acquireFrame(host, n);
    assert(host.input.video.send(frame));
  }
}

async function readAll(host: Host, count: number): Promise<void> {
  let next = 0n;
  for await (using frame of host.output.video) {
    assertEquals(frame.frame_number, next++);
    if (next === BigInt(count)) return;
  }
}

hostTest(
  "a client that is stopped for 3 s is not told of, nor are those who wait for it",
  "invert.ts",
  async (host, warnings, said) => {
    const count = 10 * COUNT;
    await send(host, 1);
    const reading = readAll(host, count + 1);
    await until("the first result", () => host.output.video.stats.received > 0);
    Deno.kill(host.clientPid, "SIGSTOP");
    const sending = send(host, count, 1);
    await lapse(3_000);
    Deno.kill(host.clientPid, "SIGCONT");
    await soon(Promise.all([sending, reading]), "all frames");
    await soon(host.close({ drain: true }), "the close");
    assertEquals([warnings, said()], [[], ""]);
  },
);

hostTest(
  "a drain while nobody reads is told of, and goes on when somebody does",
  "invert.ts",
  async (host, warnings) => {
    await send(host, COUNT);
    await until("the results", () => host.output.video.size === COUNT);
    await send(host, COUNT, COUNT); // the client has no room for their results
    const draining = host.drain();
    draining.catch(() => {}); // reported below
    await until("a warning", () => warnings.length > 0);
    assertEquals(warnings, [
      `warning: nobody reads the output 'video': ${COUNT} frames are unread, and its capacity is ${COUNT}: ` +
      "no more can come; read the outputs while the host is drained",
    ]);
    await soon(readAll(host, 2 * COUNT), "the frames");
    await soon(draining, "the drain");
    assertEquals(warnings.length, 1);
  },
);

hostTest(
  "a processor that does not read its input says so",
  "reads_nothing.ts",
  async (host, warnings, said) => {
    await send(host, COUNT);
    await until("a warning", () => said().includes("\n"), said);
    assertStringIncludes(
      said(),
      `streamlib client: reads_nothing.ts: warning: nobody reads the input 'video': ${COUNT} frames are unread, and ` +
        `its capacity is ${COUNT}: no more can come; is \`get\` missing in \`process\`?\n`,
    );
    assertEquals(warnings, []);
  },
);

hostTest(
  "a host is told how many results its client could not send",
  "identity.ts",
  async (host, warnings) => {
    await send(host, 3 * COUNT); // nobody reads the results, and the client does not wait
    await until(
      "what the client has dropped",
      () => host.stats.peer_dropped === 2 * COUNT,
      () => JSON.stringify(host.stats),
    );
    assertEquals([host.stats.dropped, warnings], [0, []]);
  },
);

permittedTest(
  "frames that were all sent before the start are told of at the end, if nobody has asked for it",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    for (const asks of [false, true]) {
      const warnings: string[] = [];
      {
        await using host = launchFixture("identity.ts", {
          warn: (text) => void warnings.push(text),
        });
        if (asks) host.ready.catch(() => {});
        for (let n = 0; n < 3; n++) {
          using frame = acquireFrame(host, n);
          assert(!host.input.video.send(frame));
        }
      }
      const text =
        "warning: all 3 frames that were sent on the input 'video' came before the other side had started, " +
        "and nothing was sent: await `ready` first";
      assertEquals(warnings, asks ? [] : [text]);
    }
  },
);

permittedTest(
  "a host ends in order although its `warn` throws, and the error is uncaught",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    using unhandled = new Unhandled();
    const wrong = new Error("a strict program");
    const host = launchFixture("identity.ts", {
      warn: () => {
        throw wrong;
      },
    });
    using frame = acquireFrame(host, 0);
    assert(!host.input.video.send(frame)); // is told of at the end
    await soon(host.close(), "the close");
    assertEquals(await soon(host.ended, "its outcome"), undefined);
    const errors = await unhandled.take();
    assertEquals(errors.length, 1, errors.join("\n"));
    assertStringIncludes(errors[0]!, wrong.message);
  },
);
