import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  AudioFrame,
  ContinuousHost,
  type FrameReceiver,
  type HostOptions,
  ManualHost,
  type NoPorts,
  parseSchema,
  ReactiveHost,
} from "../../host/mod.ts";
import { DEFAULT_REST_MS } from "../../channel/activity.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { testClient } from "../helpers/client_module.ts";
import { isAsleep } from "../helpers/cpu.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lapse, soon, until } from "../helpers/soon.ts";

const QUIET = { output: () => {}, warn: () => {} };

/** A fixture that has no inputs and ticks. */
function ticking(name: string): HostOptions<NoPorts, { ticks: typeof TICKS }> {
  return { ...testClient(name), outputs: { ticks: TICKS }, ...QUIET };
}

/** Reads until a frame of this schema name comes; returns all frames read. */
async function readUntil(
  ticks: FrameReceiver<typeof TICKS["schema"]>,
  name: string,
): Promise<{ name: string; starts: bigint }[]> {
  const seen: { name: string; starts: bigint }[] = [];
  const frames = ticks[Symbol.asyncIterator]();
  while (seen.at(-1)?.name !== name) {
    const { value } = await soon(frames.next(), `a frame '${name}'`);
    using frame = value!;
    seen.push({ name: frame.schema_name, starts: frame.timestamp_ns });
  }
  return seen;
}

permittedTest(
  "manual: start before ready arrives exactly once; stop and start again work; nothing is left",
  HOST_NEEDS,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using host = ManualHost.launch(ticking("manual_ticks.ts"));
      host.start();
      host.start();
      await soon(host.ready, "ready");
      const { ticks } = host.output;
      await soon(readUntil(ticks, "tick"), "a tick");
      host.stop();
      const first = await soon(readUntil(ticks, "stopped"), "the stop");
      assert(first.every(({ starts }) => starts === 1n), "it was started once");
      host.start();
      const second = await soon(readUntil(ticks, "tick"), "ticks again");
      assertEquals(second.at(-1)?.starts, 2n);
      host.stop();
      await soon(readUntil(ticks, "stopped"), "the second stop");
    });
  },
);

permittedTest(
  "manual: start and stop before ready: the client hears neither",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = ManualHost.launch(ticking("manual_ticks.ts"));
    host.start();
    host.stop();
    await soon(host.ready, "ready");
    // Earlier commands would arrive before this start.
    host.start();
    const seen = await soon(readUntil(host.output.ticks, "tick"), "a tick");
    assertEquals(seen, [{ name: "tick", starts: 1n }]);
  },
);

type Counting = ContinuousHost<
  { questions: typeof TICKS },
  { ticks: typeof TICKS }
>;

/** A continuous processor that counts the calls of its function. */
function launchCounting(name: string): Counting {
  return ContinuousHost.launch({
    ...testClient(name),
    inputs: { questions: TICKS },
    outputs: { ticks: TICKS },
    ...QUIET,
  });
}

/** Returns the number of calls up to the call that reads this frame. */
async function callsOf(host: Counting): Promise<number> {
  using question = host.input.questions.acquire({
    data: new Uint8Array(0),
    schema_name: "question",
    timestamp_ns: 0n,
  });
  host.input.questions.send(question);
  const answers = host.output.ticks[Symbol.asyncIterator]();
  const { value } = await soon(answers.next(), "the answer");
  using answer = value!;
  return Number(answer.timestamp_ns);
}

/** The call that reads a frame, and the next call, which finds none. */
const CALLS_OF_A_QUESTION = 2;

permittedTest(
  "continuous: rests while there is nothing to do, and a frame ends the rest",
  { ...HOST_NEEDS, linux: "/proc" },
  async () => {
    using _ = isolatedHome();
    await using host = launchCounting("continuous_long_rest.ts");
    await soon(host.ready, "ready");
    const before = await callsOf(host);
    // A loop that spins never sleeps.
    let looks = 0;
    await until(
      "the client's rest",
      () => (looks = isAsleep(host.clientPid) ? looks + 1 : 0) >= 20,
    );
    const after = await callsOf(host);
    const calls = after - before;
    assert(calls <= CALLS_OF_A_QUESTION, `${calls} calls in its rest`);
  },
);

permittedTest(
  "continuous: is called again after each rest, and not before",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = launchCounting("continuous_count.ts");
    await soon(host.ready, "ready");
    const began = performance.now();
    const first = await callsOf(host);
    let pauseMs = DEFAULT_REST_MS;
    let questions = 0;
    let idle = 0;
    await until(
      "calls without a frame",
      async () => {
        await lapse(pauseMs *= 2);
        questions++;
        const calls = await callsOf(host) - first;
        idle = calls - questions * CALLS_OF_A_QUESTION;
        return idle >= 5;
      },
      () => `${idle}`,
    );
    const rests = (performance.now() - began) / (DEFAULT_REST_MS - 1);
    assert(idle <= rests, `${idle} calls in the time of ${rests} rests`);
  },
);

permittedTest(
  "continuous: paused, nothing is processed; resumed, it goes on",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = ContinuousHost.launch(
      ticking("continuous_generator.ts"),
    );
    await soon(host.ready, "ready");
    const { ticks } = host.output;
    await soon(readUntil(ticks, "tick"), "a tick");
    host.pause();
    await soon(readUntil(ticks, "paused"), "the pause");
    const { received } = ticks.stats;
    await lapse(200);
    assertEquals(ticks.stats.received, received);
    assertEquals(ticks.get(), undefined);
    host.resume();
    await soon(readUntil(ticks, "tick"), "a tick after the pause");
  },
);

permittedTest(
  "continuous: a host's own loop runs from ready to the end, and rests in between",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = ContinuousHost.launch(
      ticking("continuous_generator.ts"),
    );
    let received = 0;
    let turns = 0;
    const loop = host.run(({ output }) => {
      turns++;
      using frame = output.ticks.get();
      if (frame) received++;
      if (received === 50) void host.close();
    });
    await soon(loop, "the loop's end");
    assert(received >= 50, `${received} frames`);
    assert(turns >= received, `${turns} turns`);
  },
);

permittedTest(
  "continuous: a host's own loop that sends resolves after a close, and rejects with a failure",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    const sending = (host: ReturnType<typeof launch>): Promise<void> =>
      host.run(({ input }) => {
        using question = input.questions.acquire({
          data: new Uint8Array(1),
          schema_name: "",
          timestamp_ns: 0n,
        });
        input.questions.send(question);
      });
    const launch = () =>
      ContinuousHost.launch({
        ...ticking("continuous_count.ts"),
        inputs: { questions: TICKS },
      });
    await using closed = launch();
    const loop = sending(closed);
    await soon(closed.ready, "ready");
    await soon(closed.close(), "close");
    assertEquals(await soon(loop, "the loop's end"), undefined);
    await using early = launch();
    const first = sending(early);
    await soon(early.close(), "close");
    assertEquals(
      await soon(first, "the end of a loop that never ran"),
      undefined,
    );
    await using failed = launch();
    const last = sending(failed).catch((error) => error);
    await soon(failed.ready, "ready");
    Deno.kill(failed.clientPid, "SIGKILL");
    const error = await soon(last, "the failure");
    assert(error === await soon(failed.ended, "the end"));
    assertEquals(error.code, "client_failed");
  },
);

permittedTest(
  "continuous: what a turn throws ends the loop, not the host",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = ContinuousHost.launch(
      ticking("continuous_generator.ts"),
    );
    const loop = host.run(() => {
      throw new RangeError("enough");
    });
    const error = await soon(loop.then(() => undefined, (e) => e), "the error");
    assertEquals((error as Error).message, "enough");
    assert(host.output.ticks.stats.received >= 0);
  },
);

permittedTest(
  "a module of another kind than its host is an error that names both",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = ReactiveHost.launch(ticking("manual_ticks.ts"));
    const failure = await soon(host.ended, "the failure");
    assertStringIncludes(failure!.message, "manual processor");
    assertStringIncludes(failure!.message, "reactive");
  },
);

permittedTest(
  "audio: samples go there and back in shared memory, in order, none lost",
  HOST_NEEDS,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using host = ReactiveHost.launch({
        ...testClient("audio_gain.ts"),
        inputs: { audio: AudioFrame },
        outputs: { audio: AudioFrame },
        ...QUIET,
      });
      await soon(host.ready, "ready");
      const { audio } = host.input;
      const send = async (): Promise<void> => {
        for (let number = 0; number < 200; number++) {
          await soon(audio.ready, `room for frame ${number}`);
          using frame = audio.acquire({
            samples: { length: 960 + number % 3 },
            channels: 2,
            sample_rate: 48_000,
            timestamp_ns: BigInt(number) * 10_000_000n,
            frame_number: BigInt(number),
          });
          frame.samples.fill(number);
          assert(audio.send(frame));
        }
      };
      const receive = async (): Promise<void> => {
        const results = host.output.audio[Symbol.asyncIterator]();
        for (let number = 0; number < 200; number++) {
          const { value } = await soon(results.next(), `frame ${number}`);
          using frame = value!;
          assertEquals(frame.frame_number, BigInt(number));
          assertEquals(frame.samples.length, 960 + number % 3);
          assert(frame.samples.every((sample) => sample === number / 2));
        }
      };
      await Promise.all([send(), receive()]);
      assertEquals(host.stats.dropped, 0);
    });
  },
);

permittedTest(
  "a schema that nobody compiled in goes there and back, to a client that declares no ports",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    const Reading = parseSchema(JSON.parse(`{
    "name": "com.example.Reading",
    "version": { "major": 1, "minor": 0, "patch": 0 },
    "fields": [
      { "name": "label", "type": "String" },
      { "name": "level", "type": "Float64" },
      { "name": "count", "type": "Int64" },
      { "name": "unit", "type": { "Enum": ["volt", "ampere"] } },
      { "name": "note", "type": { "Optional": "String" } },
      { "name": "history", "type": { "Array": "Int32" } }
    ],
    "read_behavior": "read_next_in_order",
    "default_capacity": 4
  }`));
    await using host = ReactiveHost.launch({
      ...testClient("any_ports.ts"),
      inputs: { readings: Reading },
      outputs: { readings: Reading },
      ...QUIET,
    });
    await soon(host.ready, "ready");
    const sent = {
      label: "Spannung ⚡",
      level: -0.25,
      count: -(2n ** 63n),
      unit: "volt",
      note: null,
      history: Int32Array.of(1, -2, 3),
    };
    using frame = host.input.readings.acquire(sent);
    assert(host.input.readings.send(frame));
    const results = host.output.readings[Symbol.asyncIterator]();
    const { value } = await soon(results.next(), "the frame");
    using back = value!;
    assertEquals<Record<string, unknown>>({ ...back }, sent);
  },
);
