/**
 * `deno task bench`: compares the dictionary path with a Unix stream, the usual
 * choice in Deno, and with copying, all in one run. Prints medians and ratios;
 * `--json` adds the raw numbers. Nothing here passes or fails.
 */

import { ContinuousHost, DataFrame, ReactiveHost } from "../../host/mod.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { attackLines, measureAttacks } from "./attacks.ts";
import { cpuSeconds } from "../helpers/cpu.ts";

const ROUNDS = 2000;
const WARM_UP = 300;
const IDLE_MS = 3_000;

interface Sample {
  readonly name: string;
  /** Measured times in microseconds, sorted. */
  readonly micros: number[];
}

async function measure(
  name: string,
  once: () => Promise<void> | void,
  rounds = ROUNDS,
): Promise<Sample> {
  for (let i = 0; i < Math.min(WARM_UP, rounds); i++) await once();
  const micros: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await once();
    micros.push((performance.now() - start) * 1000);
  }
  return { name, micros: micros.sort((a, b) => a - b) };
}

function quantile({ micros }: Sample, share: number): number {
  return micros[Math.floor((micros.length - 1) * share)] ?? NaN;
}

/** Measures a round trip of 64 bytes to another Deno process over a Unix stream. */
async function unixStream(): Promise<Sample> {
  const path = Deno.makeTempDirSync() + "/echo.sock";
  const server = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      new URL("./echo_server.ts", import.meta.url).href,
      path,
    ],
    stdout: "piped",
  }).spawn();
  const output = server.stdout.getReader();
  await output.read();
  const connection = await Deno.connect({ transport: "unix", path });
  const message = new Uint8Array(64);
  const buffer = new Uint8Array(64);
  const sample = await measure("Unix stream, 64 bytes", async () => {
    await connection.write(message);
    for (let got = 0; got < 64;) got += await connection.read(buffer) ?? 64;
  });
  connection.close();
  await output.cancel();
  await server.status;
  Deno.removeSync(path.replace("/echo.sock", ""), { recursive: true });
  return sample;
}

/** Measures the round trip of one frame of this size to the client, as a dictionary that names a surface. */
async function bridge(width: number, height: number): Promise<Sample> {
  await using host = ReactiveHost.launch({
    module: new URL("./relay_frames.ts", import.meta.url),
    inputs: { video: EVERY_FRAME },
    outputs: { video: EVERY_FRAME },
  });
  await host.ready;
  const results = host.output.video[Symbol.asyncIterator]();
  let number = 0n;
  return await measure(`bridge, ${width}x${height} frame`, async () => {
    await host.input.video.ready;
    using frame = host.input.video.acquire({
      pixel_buffer: { width, height, pixel_format: "rgba8" },
      pixel_format: "rgba8",
      width,
      height,
      timestamp_ns: 0n,
      frame_number: number++,
    });
    host.input.video.send(frame);
    const { value } = await results.next();
    value?.[Symbol.dispose]();
  });
}

/** Measures the round trip of one data frame of this many bytes, which is copied into the message. */
async function data(bytes: number): Promise<Sample> {
  await using host = ReactiveHost.launch({
    module: new URL("./relay_data.ts", import.meta.url),
    inputs: { data: DataFrame },
    outputs: { data: DataFrame },
  });
  await host.ready;
  const results = host.output.data[Symbol.asyncIterator]();
  const content = new Uint8Array(bytes);
  return await measure(`bridge, ${bytes} bytes of data`, async () => {
    using frame = host.input.data.acquire({
      data: content,
      schema_name: "bench",
      timestamp_ns: 0n,
    });
    host.input.data.send(frame);
    const { value } = await results.next();
    value?.[Symbol.dispose]();
  });
}

/** Measures the share of one core that an idle continuous host and client use, in hundredths. Runs before the baseline that spins. */
async function idle(): Promise<{ waiting: number; spinning: number }> {
  await using host = ContinuousHost.launch({
    module: new URL("../fixtures/continuous_count.ts", import.meta.url),
    inputs: { questions: TICKS },
    outputs: { ticks: TICKS },
  });
  await host.ready;
  const stop = new AbortController();
  const loop = host.run(() => {}, { signal: stop.signal });
  const pids = [Deno.pid, host.clientPid];
  const used = (): number =>
    pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const share = async (work: () => Promise<void> | void): Promise<number> => {
    const [before, began] = [used(), performance.now()];
    await work();
    return 100_000 * (used() - before) / (performance.now() - began);
  };
  const waiting = await share(() => new Promise((r) => setTimeout(r, IDLE_MS)));
  stop.abort();
  await loop;
  const spinning = await share(() => {
    for (const end = performance.now() + IDLE_MS; performance.now() < end;);
  });
  return { waiting, spinning };
}

/** Measures the copy of one 1080p picture. A shared surface saves this copy in each direction. */
function copy(): Promise<Sample> {
  const from = new Uint8Array(1920 * 1080 * 4).fill(1);
  const to = new Uint8Array(from.length);
  return measure("memcpy of 1920x1080", () => to.set(from), 300);
}

const samples = [
  await unixStream(),
  await bridge(8, 8),
  await bridge(1920, 1080),
  await copy(),
  await data(64),
];
const [stream, small, large, memcpy, bare] = samples as [
  Sample,
  Sample,
  Sample,
  Sample,
  Sample,
];
const { waiting, spinning } = await idle();
const waits = await measureAttacks();
const ratio = (a: Sample, b: Sample): string =>
  (quantile(a, 0.5) / quantile(b, 0.5)).toFixed(2);
const lines = [
  ...samples.map((sample) =>
    `${sample.name.padEnd(28)} p50 ${
      quantile(sample, 0.5).toFixed(1).padStart(8)
    } us   p99 ${quantile(sample, 0.99).toFixed(1).padStart(8)} us`
  ),
  "",
  `round trip, small frame against Unix stream   ${ratio(small, stream)}`,
  `round trip, 1080p frame against small frame   ${ratio(large, small)}`,
  `round trip, small data frame against Unix stream ${ratio(bare, stream)}`,
  `round trip, 1080p frame against one memcpy    ${ratio(large, memcpy)}`,
  `continuous host and client, nothing to do     ${
    waiting.toFixed(1)
  } % of a core, one that spins ${spinning.toFixed(1)} %`,
  "",
  ...attackLines(waits),
];
const output = Deno.args.includes("--json")
  ? JSON.stringify({ samples, idle: { waiting, spinning }, waits })
  : lines.join("\n");
Deno.stdout.writeSync(new TextEncoder().encode(`${output}\n`));
