import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  BridgeError,
  continuous,
  DataFrame,
  manual,
  now,
  port,
  reactive,
  type Surface,
  VideoFrame,
} from "../../../client/mod.ts";
import { runProcessor } from "../../../testing/mod.ts";
import { soon, until } from "../../helpers/soon.ts";

const PICTURE = { width: 5, height: 3, pixel_format: "rgba8" } as const;
const NUMBERS = port(DataFrame, {
  read_behavior: "read_next_in_order",
  capacity: 4,
});

function number(value: number): { data: Uint8Array; schema_name: string } {
  return { data: new Uint8Array([value]), schema_name: "number" };
}

const invert = reactive({
  inputs: { video: VideoFrame },
  outputs: { video: VideoFrame },
  process({ input, output }) {
    using frame = input.video.get();
    if (!frame) return;
    using out = output.video.acquire(frame);
    const from = frame.pixel_buffer.pixels, to = out.pixel_buffer.pixels;
    for (let i = 0; i < from.length; i++) to[i] = 255 - from[i]!;
    output.video.send(out);
  },
});

/** Sends each number back. */
const echo = reactive({
  inputs: { data: NUMBERS },
  outputs: { data: NUMBERS },
  async process({ input, output }) {
    await output.data.ready;
    using frame = input.data.get();
    if (frame) output.data.send(frame);
  },
});

Deno.test("pictures come back processed, in memory that is used again", async () => {
  await using run = await runProcessor(invert);
  for (let n = 0; n < 20; n++) {
    await run.input.video.ready;
    using frame = run.input.video.acquire(PICTURE);
    frame.pixel_buffer.pixels.fill(n);
    run.input.video.send(frame);
    using result = await soon(run.output.video.next(), "the result");
    assertEquals(result?.pixel_buffer.pixels[0], 255 - n);
    assertEquals(result?.pixel_buffer.width, 5);
    assertEquals(result?.frame_number, BigInt(n));
    assert(
      result!.timestamp_ns <= now(),
      "the clock of frames is that of now()",
    );
  }
  await run.end();
  assertEquals(run.stats.sent, 20);
  assertEquals(run.stats.misfits, 0);
});

Deno.test("a frame's views end with its lease, and memory_id names its memory", async () => {
  await using run = await runProcessor(invert);
  const frame = run.input.video.acquire(PICTURE);
  const kept = frame.pixel_buffer.pixels;
  const clone = frame.clone();
  kept.fill(7);
  run.input.video.send(frame);
  assertEquals(kept.length, 0);
  assertThrows(() => frame.pixel_buffer, BridgeError, "it was sent");
  assertEquals(clone.pixel_buffer.pixels[0], 7);
  using other = run.input.video.acquire(PICTURE);
  const id = (surface: Surface): unknown =>
    (surface as unknown as { memory_id: bigint }).memory_id;
  assert(id(other.pixel_buffer) !== id(clone.pixel_buffer));
  clone[Symbol.dispose]();
  await run.close();
});

Deno.test("in order: credit holds the sender back, and the drain loses nothing", async () => {
  await using run = await runProcessor(echo);
  const results: number[] = [];
  const reading = (async () => {
    for await (using frame of run.output.data) results.push(frame.data[0]!);
  })();
  for (let n = 0; n < 50; n++) {
    await soon(run.input.data.ready, "room");
    using frame = run.input.data.acquire(number(n));
    assert(run.input.data.send(frame), "a frame was dropped");
  }
  await soon(run.end(), "the end");
  await soon(reading, "the end of the output");
  assertEquals(results, Array.from({ length: 50 }, (_, n) => n));
});

Deno.test("a port that skips to the latest drops what nobody reads", async () => {
  const slow = reactive({
    inputs: { data: port(DataFrame, { capacity: 1 }) },
    process: () => {},
  });
  await using run = await runProcessor(slow);
  for (let n = 0; n < 20; n++) {
    using frame = run.input.data.acquire(number(n));
    run.input.data.send(frame);
  }
  await until("the drops", () => run.stats.dropped > 0);
  await run.close();
});

Deno.test("results can be read after the end: what flush sends too", async () => {
  const held: number[] = [];
  let log = "";
  const lookAhead = continuous({
    inputs: { data: NUMBERS },
    outputs: { data: NUMBERS },
    setup: () => void (log += "setup "),
    process({ input }) {
      using frame = input.data.get();
      if (frame) held.push(frame.data[0]!);
    },
    async flush({ output }) {
      log += "flush ";
      for (const value of held) {
        await output.data.ready;
        using frame = output.data.acquire(number(value));
        output.data.send(frame);
      }
    },
    teardown: () => void (log += "teardown"),
  });
  await using run = await runProcessor(lookAhead);
  for (const n of [1, 2, 3]) {
    using frame = run.input.data.acquire(number(n));
    run.input.data.send(frame);
  }
  await soon(run.end(), "the end");
  assertEquals(log, "setup flush teardown");
  const results: number[] = [];
  for await (using frame of run.output.data) results.push(frame.data[0]!);
  assertEquals(results, [1, 2, 3]);
});

Deno.test("a manual processor is started, stopped, paused and resumed, in order", async () => {
  const log: string[] = [];
  const source = manual({
    outputs: { data: NUMBERS },
    async start({ output, running }) {
      log.push("start");
      for (let n = 0; !running.aborted; n++) {
        await output.data.ready;
        using frame = output.data.acquire(number(n));
        output.data.send(frame);
        if (n === 2) break;
      }
      output.data.end();
    },
    stop: () => void log.push("stop"),
    pause: () => void log.push("pause"),
    resume: () => void log.push("resume"),
  });
  await using run = await runProcessor(source);
  run.pause();
  run.resume();
  run.start();
  const results: number[] = [];
  for await (using frame of run.output.data) results.push(frame.data[0]!);
  assertEquals(results, [0, 1, 2]);
  run.stop();
  await until("the stop", () => log.includes("stop"));
  await soon(run.end(), "the end");
  assertEquals(log, ["pause", "resume", "start", "stop"]);
});

Deno.test("only a manual processor is started", async () => {
  await using run = await runProcessor(echo);
  assertThrows(() => run.start(), BridgeError, "a reactive processor");
  await run.end();
});

Deno.test("an error of the processor is the test's error, with its own stack", async () => {
  const failure = new RangeError("nothing works");
  let isTornDown = false;
  const fails = reactive({
    inputs: { data: NUMBERS },
    outputs: { data: NUMBERS },
    process() {
      throw failure;
    },
    teardown: () => void (isTornDown = true),
  });
  await using run = await runProcessor(fails);
  using frame = run.input.data.acquire(number(1));
  run.input.data.send(frame);
  assertStrictEquals(
    await assertRejects(() => soon(run.output.data.next(), "the error")),
    failure,
  );
  assertStrictEquals(await assertRejects(() => run.end()), failure);
  assertThrows(() => run.input.data.acquire(number(2)), RangeError);
  assert(isTornDown);
});

Deno.test("what is thrown and is no error becomes one", async () => {
  const fails = reactive({
    inputs: { data: NUMBERS },
    process() {
      throw "a word";
    },
  });
  await using run = await runProcessor(fails);
  using frame = run.input.data.acquire(number(1));
  run.input.data.send(frame);
  await assertRejects(() => soon(run.end(), "it"), BridgeError, "a word");
});

Deno.test("an error of setup is that of the start; one of teardown is that of the end", async () => {
  const log: string[] = [];
  const inSetup = reactive({
    inputs: { data: NUMBERS },
    setup() {
      throw new RangeError("no model");
    },
    process: () => {},
    teardown: () => void log.push("teardown"),
  });
  await assertRejects(() => runProcessor(inSetup), RangeError, "no model");
  assertEquals(log, ["teardown"]);
  const inTeardown = reactive({
    inputs: { data: NUMBERS },
    process: () => {},
    teardown() {
      throw new RangeError("not torn");
    },
  });
  await using run = await runProcessor(inTeardown);
  await assertRejects(() => soon(run.end(), "it"), RangeError, "not torn");
});

Deno.test("a frame that the processor has not disposed is named by its port", async () => {
  const keeps = reactive({
    inputs: { data: NUMBERS, video: VideoFrame },
    outputs: { data: NUMBERS },
    process({ input, output }) {
      input.data.get()?.clone();
      input.video.get();
      output.data.acquire(number(1));
    },
  });
  await using run = await runProcessor(keeps);
  using frame = run.input.data.acquire(number(1));
  run.input.data.send(frame);
  await until("the frame", () => run.stats.sent === 1);
  const error = await assertRejects(
    () => soon(run.end(), "the end"),
    BridgeError,
  );
  assertEquals(error.code, "client_failed");
  assertEquals(
    error.message,
    "the processor still holds 2 frames of its input 'data': is `using` missing?\n" +
      "the processor still holds 1 frame that it acquired on its output 'data': is `using` missing?",
  );
});

Deno.test("a result that the test has not disposed is named, once the test has ended the run", async () => {
  for (const ends of [true, false]) {
    const test = async (): Promise<void> => {
      await using run = await runProcessor(echo);
      using frame = run.input.data.acquire(number(1));
      run.input.data.send(frame);
      const result = await soon(run.output.data.next(), "the result");
      assertEquals(result?.data[0], 1);
      if (!ends) throw new RangeError("the test's own error counts");
      await run.end();
    };
    if (!ends) await assertRejects(test, RangeError);
    else {
      await assertRejects(
        test,
        BridgeError,
        "the test still holds 1 frame of the output 'data'",
      );
    }
  }
});

Deno.test("memory that the processor gives away is the test's error", async () => {
  const gives = reactive({
    inputs: { video: VideoFrame },
    process({ input }) {
      using frame = input.video.get();
      const buffer = frame?.pixel_buffer.pixels.buffer;
      (buffer as ArrayBuffer | undefined)?.transfer();
    },
  });
  await using run = await runProcessor(gives);
  using frame = run.input.video.acquire(PICTURE);
  run.input.video.send(frame);
  await assertRejects(
    () => soon(run.end(), "the end"),
    BridgeError,
    "memory of a frame on port 'video' was transferred",
  );
});

Deno.test("the test's ports may differ as a host's may", async () => {
  const optional = reactive({
    inputs: { data: NUMBERS, extra: port(DataFrame, { required: false }) },
    outputs: { data: NUMBERS },
    process({ input, output }) {
      using frame = input.data.get();
      assert(!input.extra.connected);
      if (frame) output.data.send(frame);
    },
  });
  const ports = { data: port(DataFrame, { capacity: 2 }) };
  await using run = await runProcessor(optional, {
    inputs: ports,
    outputs: ports,
  });
  assertEquals(run.input.data.capacity, 2);
  assertEquals(run.input.data.read_behavior, "read_next_in_order");
  using frame = run.input.data.acquire(number(3));
  run.input.data.send(frame);
  using result = await soon(run.output.data.next(), "the result");
  assertEquals(result?.data[0], 3);
  await run.end();
  await assertRejects(
    () => runProcessor(optional, { inputs: { data: VideoFrame } }),
    BridgeError,
    "data",
  );
});

Deno.test("a processor without ports of its own has the test's", async () => {
  const any = reactive({
    process: ({ input }) => {
      for (const receiver of Object.values(input)) {
        using _ = (receiver as { get(): Disposable | undefined }).get();
      }
    },
  });
  await using run = await runProcessor(any, { inputs: { data: NUMBERS } });
  using frame = run.input.data.acquire(number(3));
  assert(run.input.data.send(frame));
  await run.end();
});

Deno.test("a result is moved to the next processor", async () => {
  await using first = await runProcessor(invert);
  await using second = await runProcessor(invert);
  using frame = first.input.video.acquire(PICTURE);
  frame.pixel_buffer.pixels.fill(9);
  first.input.video.send(frame);
  using between = await soon(first.output.video.next(), "the first result");
  assert(between && second.input.video.send(between));
  using result = await soon(second.output.video.next(), "the second result");
  assertEquals(result?.pixel_buffer.pixels[0], 9);
  await first.end();
  await second.end();
});

Deno.test("recvSync reads what has come, and waits for its time", async () => {
  const got: (number | undefined)[] = [];
  const waits = reactive({
    inputs: { data: NUMBERS },
    process({ input }) {
      using one = input.data.recvSync(1_000);
      using none = input.data.recvSync(1);
      got.push(one?.data[0], none?.data[0]);
    },
  });
  await using run = await runProcessor(waits);
  using frame = run.input.data.acquire(number(4));
  run.input.data.send(frame);
  await soon(run.end(), "the end");
  assertEquals(got, [4, undefined]);
});

Deno.test("a drain that a full output holds up says so when its signal aborts", async () => {
  await using run = await runProcessor(echo);
  const abort = new AbortController();
  for (let n = 0; n < 6; n++) {
    await soon(run.input.data.ready, "room");
    using frame = run.input.data.acquire(number(n));
    run.input.data.send(frame);
  }
  await until("a full output", () => run.output.data.size === 4);
  const ending = run.end({ signal: abort.signal });
  abort.abort();
  await assertRejects(
    () => soon(ending, "the end"),
    BridgeError,
    "The output 'data' is full",
  );
});

Deno.test("what a processor keeps until its teardown is right", async () => {
  let ahead: Disposable | undefined;
  await using run = await runProcessor(reactive({
    inputs: { data: NUMBERS },
    outputs: { data: NUMBERS },
    setup: ({ output }) => void (ahead = output.data.acquire(number(0))),
    process: ({ input }) => void input.data.get()?.[Symbol.dispose](),
    teardown: () => ahead![Symbol.dispose](),
  }));
  await soon(run.end(), "the end");
});

Deno.test("a test may hold as many results as the port has places", async () => {
  await using run = await runProcessor(echo);
  using held = new DisposableStack();
  for (let n = 0; n < NUMBERS.capacity!; n++) {
    run.input.data.send(run.input.data.acquire(number(n)));
    held.use((await soon(run.output.data.next(), "a result"))!);
  }
  assertEquals(run.output.data.get(), undefined);
  await soon(run.end(), "the end");
});

Deno.test("a receiver sees what the sent frame has shown, not an older clone of it", async () => {
  await using run = await runProcessor(invert);
  using clone = (() => {
    const frame = run.input.video.acquire(PICTURE);
    const clone = frame.clone();
    assertEquals(clone.pixel_buffer.pixels[0], 0); // opens its view
    frame.pixel_buffer.pixels.fill(200);
    run.input.video.send(frame);
    return clone;
  })();
  using out = await soon(run.output.video.next(), "the picture");
  assertEquals(out!.pixel_buffer.pixels[0], 55);
  clone[Symbol.dispose]();
});
