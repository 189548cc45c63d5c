/** Views of shared memory that a processor in Python keeps. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ReactiveHost } from "../../host/mod.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { isolatedHome } from "../helpers/home.ts";
import { acquireFrame, type VideoPorts } from "../helpers/hosts.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, type Needs, permittedTest } from "../helpers/permitted.ts";
import { lacksModule, lacksPython } from "../helpers/python_programs.ts";
import { soon, until } from "../helpers/soon.ts";

/** The kinds of views, with what the test lacks for each. */
const VIEWS: Readonly<Record<string, string | undefined>> = {
  buffer: await lacksPython(),
  pixels: await lacksModule("numpy"),
};

type Host = ReactiveHost<VideoPorts, VideoPorts>;

/** A host of the fixture, and what its client has written. */
class Stage implements AsyncDisposable {
  readonly host: Host;
  output = "";

  constructor(how: string, view: string, keepFrames = false) {
    const text = new TextDecoder();
    this.host = ReactiveHost.launch({
      module: new URL("../fixtures/python/views.py", import.meta.url),
      env: { HOW: how, VIEW: view },
      inputs: { video: EVERY_FRAME },
      outputs: { video: EVERY_FRAME },
      output: (chunk) => void (this.output += text.decode(chunk)),
      warn: () => {},
      keepFrames,
    });
  }

  /** Sends a frame whose bytes are all this number. */
  async send(number: number): Promise<void> {
    await soon(this.host.input.video.ready, `room for frame ${number}`);
    using frame = acquireFrame(this.host, number);
    frame.pixel_buffer.pixels.fill(number);
    assert(this.host.input.video.send(frame), `frame ${number} was sent`);
  }

  async call(name: string, request = {}): Promise<Record<string, unknown>> {
    return await soon(
      Promise.resolve(this.host.call[name]!(request)),
      name,
    ) as Record<string, unknown>;
  }

  /** Returns when the processor has seen `count` frames: the first byte of each that it keeps. */
  async seen(count: number): Promise<number[]> {
    let found: Record<string, unknown> = {};
    await until(
      `${count} frames`,
      async () => (found = await this.call("look"))["seen"] === count,
    );
    return [...found["bytes"] as Uint8Array];
  }

  /** Checks that each piece of memory is in use: one more frame is dropped. */
  isFull(): void {
    using frame = acquireFrame(this.host, 0);
    assert(!this.host.input.video.send(frame), "there is no memory left");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.close();
  }
}

/** Registers a test for each kind of view. */
function viewsTest(
  name: string,
  how: string,
  body: (stage: Stage) => Promise<void>,
  { keepFrames = false, ...needs }: Needs & { keepFrames?: boolean } = {},
): void {
  for (const [view, lacking] of Object.entries(VIEWS)) {
    permittedTest(
      `views in Python, ${view}: ${name}`,
      { ...HOST_NEEDS, linux: "/proc", ...needs, lacking },
      async () => {
        using home = isolatedHome();
        await leavesNothing(home.runDirectory, async () => {
          await using stage = new Stage(how, view, keepFrames);
          await soon(stage.host.ready, "ready");
          await body(stage);
        });
      },
    );
  }
}

viewsTest(
  "one that outlives its `with` keeps its content and its memory, with one warning, and gives it back at its end",
  "views",
  async (stage) => {
    for (const number of [1, 2, 3]) await stage.send(number);
    assertEquals(await stage.seen(3), [1, 2, 3]);
    await stage.send(4);
    assertEquals(await stage.seen(4), [1, 2, 3, 4]);
    stage.isFull();
    await stage.call("let_go");
    for (const number of [5, 6, 7, 8]) await stage.send(number);
    assertEquals(await stage.seen(8), [5, 6, 7, 8]);
    const warnings = stage.output.split("\n").filter((line) =>
      line.includes("kept after the end of its `with`")
    );
    assertEquals(warnings.length, 1, stage.output);
    assertStringIncludes(warnings[0]!, "on port 'video'");
    assertStringIncludes(warnings[0]!, "frame.pixels.copy()");
  },
);

viewsTest(
  "a frame that is kept across calls is whole, and gives its memory back at its end",
  "frames",
  async (stage) => {
    for (const number of [1, 2, 3, 4]) await stage.send(number);
    assertEquals(await stage.seen(4), [1, 2, 3, 4]);
    stage.isFull();
    await stage.call("let_go");
    for (const number of [5, 6]) await stage.send(number);
    assertEquals(await stage.seen(6), [5, 6]);
    assert(!stage.output.includes("`with`"), stage.output);
  },
);

viewsTest(
  "a view that ends on another thread while the main thread waits gives its memory back",
  "threads",
  async (stage) => {
    for (const number of [1, 2, 3, 4]) await stage.send(number);
    await stage.seen(4);
    stage.isFull();
    await stage.call("let_go_elsewhere");
    await stage.send(5);
  },
);

viewsTest(
  "memory of a released frame cannot be used, and the error says what to do",
  "frames",
  async (stage) => {
    await stage.send(1);
    await stage.seen(1);
    assertEquals(await stage.call("use_released"), {
      code: "closed",
      error:
        "Cannot use the memory of this frame: it was released, and it may hold " +
        "another frame. Keep a copy: frame.pixels.copy()",
      held: false,
    });
  },
);

viewsTest("received memory is read-only for good", "frames", async (stage) => {
  await stage.send(1);
  await stage.seen(1);
  const { errors } = await stage.call("write_received");
  assert(!String(errors).includes("written"), String(errors));
  assertEquals(await stage.seen(1), [1]);
});

viewsTest(
  "native code that writes into received memory ends the client, and not the content",
  "native",
  async (stage) => {
    await stage.send(7);
    const failure = await soon(stage.host.ended, "the failure");
    assertEquals(failure?.code, "client_failed");
    assertStringIncludes(failure!.message, "SIGSEGV");
    assertStringIncludes(failure!.message, "views.py");
    const [sent] = failure!.frames;
    const { pixel_buffer } = sent!.frame as unknown as {
      pixel_buffer: { pixels: Uint8Array };
    };
    assert(pixel_buffer.pixels.every((byte) => byte === 7));
  },
  { keepFrames: true },
);

viewsTest(
  "sent memory is not filled again while a view of it is kept",
  "sent",
  async (stage) => {
    const { video } = stage.host.output;
    const heard: number[] = [];
    const receive = async (number: number): Promise<void> => {
      await stage.send(number);
      using frame = await soon(video.next(), `result ${number}`);
      const { pixels, bytes_per_row } = frame!.pixel_buffer;
      for (let row = 0; row < frame!.height; row++) { // without the padding
        const at = row * bytes_per_row;
        const own = pixels.subarray(at, at + 4 * frame!.width);
        assert(own.every((byte) => byte === number));
      }
      heard.push(Number(frame!.frame_number));
    };
    for (const number of [1, 2, 3, 4]) await receive(number);
    assertEquals(await stage.seen(4), [1, 2, 3, 4]);
    await stage.send(5); // the fifth finds no memory: its frame is dropped
    await stage.seen(5);
    assertEquals(await stage.call("took"), {
      bytes: Uint8Array.of(1, 1, 1, 1, 0),
    });
    await stage.call("write_kept", { number: 99 });
    await stage.call("let_go");
    await receive(6);
    assertEquals(heard, [1, 2, 3, 4, 6]);
  },
);
