import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { inflateSync } from "node:zlib";
import {
  BridgeError,
  type HostFailure,
  type HostOptions,
  ReactiveHost,
  type Surface,
} from "../../host/mod.ts";
import { DEADLY } from "../fixtures/deadly.ts";
import { CLIENTS_ARE_PYTHON, testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { drawNumber, showsNumber } from "../helpers/numbered_pictures.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

type Inputs = Pick<typeof DEADLY, "frames" | "latest">;
type Outputs = Pick<typeof DEADLY, "read">;
type Given = Partial<HostOptions<Inputs, Outputs>>;
type Host = ReturnType<typeof launch>;

function launch(options: Given) {
  return ReactiveHost.launch<Inputs, Outputs>({
    ...testClient("deadly.ts", { run: true }),
    inputs: { frames: DEADLY.frames, latest: DEADLY.latest },
    outputs: { read: DEADLY.read },
    output: () => {},
    path: TEST_PATH,
    ...options,
  });
}

/** Reused for every frame: a failure must show what was sent. */
const SCRATCH = new Uint8Array(2);

/** Sends a frame. `death` says what it does to its reader. */
async function send(host: Host, number: number, death = ""): Promise<void> {
  const { frames } = host.input;
  for (let isSent = false; !isSent;) {
    await soon(frames.ready, "room");
    using frame = frames.acquire({
      number,
      death,
      bytes: SCRATCH.fill(number),
      picture: { width: 8, height: 4, pixel_format: "rgba8" },
    });
    drawNumber(frame.picture, BigInt(number));
    isSent = frames.send(frame); // not if the client has died meanwhile
    SCRATCH.fill(0);
  }
}

/** The frames of a failure, with their content checked. */
function numbersOf({ frames }: HostFailure): string[] {
  return frames.map(({ port, number, isLastRead, frame }) => {
    assertEquals(port, "frames");
    const values = frame as unknown as {
      readonly number: number;
      readonly bytes: Uint8Array;
      readonly picture: Surface;
    };
    assert(showsNumber(values.picture, BigInt(values.number)), "its pixels");
    assertEquals([...values.bytes], [values.number, values.number]);
    return `${number}:${values.number}${isLastRead ? "!" : ""}`;
  });
}

/** Reads the results until `last` has come. */
async function readUntil(host: Host, last: number): Promise<number[]> {
  const numbers: number[] = [];
  while (numbers.at(-1) !== last) {
    using read = await soon(host.output.read.next(), `result ${last}`);
    assert(read, "the host has ended");
    numbers.push(read.number);
  }
  return numbers;
}

permittedTest(
  "a failure has the frames that the client had: numbers, values, pixels, and which was read last",
  HOST_NEEDS,
  async () => {
    await using home = await isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using host = launch({ keepFrames: true });
      await soon(host.ready, "ready");
      await send(host, 1);
      await readUntil(host, 1);
      host.pause(); // so that the client reads the next frames together
      for (let number = 2; number <= 3; number++) await send(host, number);
      await send(host, 4, "killed");
      await send(host, 5);
      host.resume();
      const failure = await soon(host.ended, "its end");
      assertEquals(failure?.code, "client_failed");
      assertStringIncludes(failure!.message, "number 4 on 'frames'");
      const numbers = numbersOf(failure!);
      // Whether it has told of the releases before is a race with its death.
      assertEquals(numbers.slice(-2), ["4:4!", "5:5"]);
      const copy = failure!.frames.at(-1)!.frame.copy();
      await soon(host.close(), "close");
      const { frame } = failure!.frames.at(-1)!;
      assertThrows(() => frame.clone(), BridgeError, "it was disposed");
      assertEquals((copy as unknown as { number: number }).number, 5);
    });
  },
);

permittedTest(
  "a client that hangs leaves its frames too",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    // A healthy client must answer within half of this time, also on a slow machine.
    await using host = launch({ keepFrames: true, hangTimeoutSecs: 4 });
    await soon(host.ready, "ready");
    await send(host, 1, "hangs");
    await send(host, 2);
    const failure = await soon(host.ended, "its end");
    assertEquals(failure?.code, "client_hung");
    assertEquals(numbersOf(failure!), ["1:1!", "2:2"]);
  },
);

permittedTest(
  "without the option a failure has no frames",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    await using host = launch({});
    await soon(host.ready, "ready");
    await send(host, 1, "killed");
    const failure = await soon(host.ended, "its end");
    assertEquals(failure?.frames, []);
    assertEquals(host.stats.lost, 1);
  },
);

permittedTest(
  "a frame of a port that skips to the latest is kept after it was confirmed",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    await using host = launch({ keepFrames: true });
    await soon(host.ready, "ready");
    for (const number of [11, 12, 13]) {
      await soon(host.input.latest.ready, "room");
      using frame = host.input.latest.acquire({ number });
      host.input.latest.send(frame);
    }
    const failure = await soon(host.ended, "its end");
    const last = failure?.frames.find(({ isLastRead }) => isLastRead);
    assertEquals(last?.port, "latest");
    assertEquals(last?.number, 3);
    assertEquals((last?.frame as unknown as { number: number }).number, 13);
  },
);

/** Crashes a client at some frames, and checks that the next ones go on behind them. Returns the number of crashes. */
async function crashes(
  death: string,
  resend: "all" | "all-but-last-read",
  deadly: readonly number[],
  last: number,
): Promise<number> {
  const failures: string[][] = [];
  await using host = launch({
    restart: "on-failure",
    resend,
    onRestart: ({ failure }) => void failures.push(numbersOf(failure)),
  });
  await soon(host.ready, "ready");
  const reading = readUntil(host, last);
  reading.catch(() => {}); // awaited below, unless something else fails before
  for (let number = 1; number <= last; number++) {
    await send(host, number, deadly.includes(number) ? death : "");
  }
  const read = await reading;
  const wanted = Array.from({ length: last }, (_, i) => i + 1)
    .filter((number) => !deadly.includes(number));
  // A frame comes twice if its client died before it told that it had released it.
  assertEquals([...new Set(read)], wanted);
  const killers = failures.map((frames) =>
    frames.filter((text) => text.endsWith("!")).map((text) =>
      Number(text.split(/[:!]/)[1])
    )
  );
  // In TypeScript, what throws has disposed the frame: it is not held, so it is not lost, and nobody is sent it again.
  const isHeld = death !== "throws" || CLIENTS_ARE_PYTHON;
  assertEquals(killers, deadly.map((number) => isHeld ? [number] : []));
  assertEquals(host.stats.lost, isHeld ? deadly.length : 0, "lost");
  return failures.length;
}

const LINUX_DEATHS = ["killed", "segfault", "memory", "throws"];

for (const death of LINUX_DEATHS) {
  permittedTest(
    `the frame that killed a client is skipped, and no other is lost: ${death}`,
    { ...HOST_NEEDS, linux: "libc.so.6" },
    async () => {
      await using _ = await isolatedHome();
      assertEquals(await crashes(death, "all-but-last-read", [3, 5], 12), 2);
    },
  );
}

permittedTest(
  "the frame that killed it: 50 crashes, by signal and by memory",
  { ...HOST_NEEDS, linux: "libc.so.6", exhaustive: true },
  async () => {
    await using _ = await isolatedHome();
    let count = 0;
    for (let round = 0; count < 50; round++) {
      const death = LINUX_DEATHS[round % LINUX_DEATHS.length]!;
      const first = 1 + round % 3;
      const deadly = [first, first + 1 + round % 4];
      count += await crashes(death, "all-but-last-read", deadly, 12);
    }
    assertEquals(count, 50);
  },
);

permittedTest(
  "all frames are sent again, before those that follow, and the end behind them",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    await using host = launch({ restart: "on-failure", resend: "all" });
    await soon(host.ready, "ready");
    await send(host, 1);
    await readUntil(host, 1);
    host.pause();
    for (let number = 2; number <= 4; number++) await send(host, number);
    const first = host.clientPid;
    Deno.kill(first, "SIGKILL");
    host.input.frames.end();
    host.resume();
    const read = await readUntil(host, 4);
    // The first one too, if the client died before it told that it had released it.
    assertEquals(read.filter((number) => number > 1), [2, 3, 4]);
    await soon(host.drain(), "drained");
    assertEquals(host.stats.lost, 0);
    assertEquals(host.restarts, 1);
  },
);

permittedTest(
  "frames that wait for the next client keep their places, and are lost if none comes",
  HOST_NEEDS,
  async () => {
    await using home = await isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      const restarting = Promise.withResolvers<void>();
      await using host = launch({
        restart: "on-failure",
        resend: "all",
        onRestart: () => restarting.resolve(),
      });
      await soon(host.ready, "ready");
      host.pause();
      for (let number = 1; number <= 4; number++) await send(host, number);
      Deno.kill(host.clientPid, "SIGKILL");
      await soon(restarting.promise, "the restart");
      using spare = host.input.frames.acquire({
        number: 5,
        death: "",
        bytes: SCRATCH,
        picture: { width: 8, height: 4, pixel_format: "rgba8" },
      });
      assertEquals(host.input.frames.send(spare), false, "no place is free");
      await soon(host.close(), "close");
      assertEquals(host.stats.lost, 4);
    });
  },
);

permittedTest(
  "options that contradict themselves are refused",
  HOST_NEEDS,
  () => {
    assertThrows(
      () => launch({ resend: "all" }),
      BridgeError,
      'set restart: "on-failure"',
    );
    assertThrows(
      () => launch({ resend: "some" as "all", restart: "on-failure" }),
      BridgeError,
      'it is "none" or "all" or "all-but-last-read"',
    );
  },
);

// ---- the files ----

permittedTest(
  "the frame that was read last is written: JSON and a picture",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    const directory = await Deno.makeTempDir();
    const warnings: string[] = [];
    await using host = launch({
      crashDirectory: `${directory}/crashes`,
      warn: (text) => void warnings.push(text),
    });
    await soon(host.ready, "ready");
    await send(host, 1);
    await send(host, 2, "killed");
    await soon(host.ended, "its end");
    const said = warnings.find((text) => text.includes("read last"));
    assertStringIncludes(said!, "frame 2 of 'frames'");
    const names = [...Deno.readDirSync(`${directory}/crashes`)]
      .map(({ name }) => name).sort();
    assertEquals(names.length, 2);
    const [json, png] = names;
    assertStringIncludes(said!, json!);
    const { mode } = Deno.statSync(`${directory}/crashes/${json}`);
    assertEquals(mode! & 0o777, 0o600);
    const report = JSON.parse(
      Deno.readTextFileSync(`${directory}/crashes/${json}`),
    );
    assertEquals(report.code, "client_failed");
    assertEquals([report.port, report.number], ["frames", 2]);
    assertEquals(report.frame.number, 2);
    assertEquals(report.frame.bytes.values, [2, 2]);
    assertEquals(report.frame.picture, {
      width: 8,
      height: 4,
      pixel_format: "rgba8",
      picture: png,
    });
    const file = Deno.readFileSync(`${directory}/crashes/${png}`);
    assertEquals(pixelsOf(file).length, 8 * 4 * 4);
    await Deno.remove(directory, { recursive: true });
  },
);

/** The bytes of a small picture whose rows are differences. */
function pixelsOf(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset);
  const length = view.getUint32(33);
  assertEquals(new TextDecoder().decode(file.subarray(37, 41)), "IDAT");
  const rows = inflateSync(file.subarray(41, 41 + length));
  return rows.filter((_, i) => i % (8 * 4 + 1) !== 0);
}

permittedTest(
  "a directory that cannot be written is a warning, and the host goes on",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    const file = await Deno.makeTempFile();
    const warnings: string[] = [];
    await using host = launch({
      crashDirectory: `${file}/below`,
      restart: "on-failure",
      warn: (text) => void warnings.push(text),
    });
    await soon(host.ready, "ready");
    await send(host, 1, "killed");
    await until("a restart", () => host.restarts === 1);
    await send(host, 2);
    assertEquals(await readUntil(host, 2), [2]);
    assert(warnings.some((text) => text.includes("cannot write frame 1 of")));
    await Deno.remove(file);
  },
);
