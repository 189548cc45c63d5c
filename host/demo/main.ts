/**
 * `deno task demo`: the main job on real input. A source, a processor in its
 * own process, and the numbers: every frame that comes back is verified.
 *
 * @module
 */

import {
  BridgeError,
  ReactiveHost,
  type ReceivedFrame,
  transferStats,
} from "../mod.ts";
import { checksum } from "./checksum.ts";
import { DEMO_PORT, type DemoFrame } from "./demo_frame.ts";
import { MediaError } from "./media_error.ts";
import { type DemoOptions, HELP, readOptions, UsageError } from "./options.ts";
import { encodePng } from "./png.ts";
import { type FrameSource, openSource } from "./source.ts";
import { closingTable, ProgressLine, stderrScreen } from "./progress.ts";
import { percentile, Verifier } from "./verifier.ts";

/** One pass over a long film is not what a demo is for. */
const DEFAULT_MAX_FRAMES = 300;
/** How long the client may take over one frame before it is taken for stuck. */
const STALL_MS = 15_000;
/** Every so many frames the whole result is computed again in the host. */
const RECOMPUTE_EVERY = 60;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const encoder = new TextEncoder();

/** What `--json` prints. */
interface Summary {
  input: string;
  size: string;
  frames_sent: number;
  frames_received: number;
  frames_verified: number;
  frames_recomputed: number;
  frames_dropped: number;
  fps: number;
  handshake_ms: number;
  handshake_without_process_start_ms: number;
  latency_us: { p50: number; p99: number };
  pixel_bytes_copied_per_frame: number;
  message_bytes_per_frame: number;
  path: "dictionary";
  pids: { host: number; client: number };
  broker: { service: string; embedded: boolean };
}

type DemoHost = ReactiveHost<
  { video: typeof DEMO_PORT },
  { video: typeof DEMO_PORT }
>;

function launch(options: DemoOptions): DemoHost {
  return ReactiveHost.launch({
    module: new URL("./edges.ts", import.meta.url),
    inputs: { video: DEMO_PORT },
    outputs: { video: DEMO_PORT },
    ...(options.broker !== undefined && { broker: options.broker }),
  });
}

/** Sends frames as fast as they come back. Returns how many. */
async function sendAll(
  host: DemoHost,
  source: FrameSource,
  limit: number,
  verifier: Verifier,
): Promise<number> {
  const port = host.input.video;
  const { width, height } = source;
  for (let sent = 0; sent < limit; sent++) {
    await port.ready;
    using frame = port.acquire({
      pixel_buffer: { width, height, pixel_format: "rgba8" },
      pixel_format: "rgba8",
      width,
      height,
      timestamp_ns: BigInt(Math.round(sent * 1e9 / source.frameRate)),
      frame_number: BigInt(sent),
      input_checksum: 0,
      output_checksum: 0,
      client_copied_bytes: 0n,
    });
    const surface = frame.pixel_buffer;
    if (!await source.next(surface.pixels, surface.bytes_per_row)) return sent;
    frame.input_checksum = checksum(surface);
    verifier.sending(frame, sent % RECOMPUTE_EVERY === 0);
    port.send(frame);
  }
  return limit;
}

/** What came back, beside what the verifier knows. */
interface Results {
  received: number;
  /** The last frame, as a PNG, if it was asked for. */
  picture: Uint8Array | undefined;
  /** Payload bytes that the client copied while it worked. */
  clientCopied: number;
}

/** Takes results until as many have come as were sent. */
async function receiveAll(
  host: DemoHost,
  sending: Promise<number>,
  verifier: Verifier,
  wantsPicture: boolean,
  onFrame: (received: number, sent: number | undefined) => void,
): Promise<Results> {
  const frames = host.output.video[Symbol.asyncIterator]();
  const complete = Promise.withResolvers<undefined>();
  const results: Results = {
    received: 0,
    picture: undefined,
    clientCopied: 0,
  };
  let sent: number | undefined;
  let firstCopied: bigint | undefined;
  let held: ReceivedFrame<typeof DemoFrame> | undefined;
  sending.then((count) => {
    sent = count;
    if (results.received >= count) complete.resolve(undefined);
  }, complete.reject);
  while (sent === undefined || results.received < sent) {
    const next = await Promise.race([frames.next(), complete.promise]);
    if (!next || next.done) break;
    // Held until the next one comes: nobody knows yet which is the last.
    held?.[Symbol.dispose]();
    const frame = held = next.value;
    verifier.received(frame);
    results.received++;
    firstCopied ??= frame.client_copied_bytes;
    results.clientCopied = Number(frame.client_copied_bytes - firstCopied);
    onFrame(results.received, sent);
  }
  if (held && wantsPicture) {
    const { width, height, bytes_per_row, pixels } = held.pixel_buffer;
    results.picture = encodePng(width, height, pixels, bytes_per_row);
  }
  held?.[Symbol.dispose]();
  return results;
}

/** Runs the demo; the summary, and what was wrong. */
async function demo(
  options: DemoOptions,
): Promise<{ summary: Summary; problems: string[] }> {
  const now = (): number => performance.now();
  await using source = await openSource(options.input, {
    loop: options.frames !== undefined,
    ...(options.size && { size: options.size }),
  });
  for (const note of source.notes) say(`input: ${note}`);
  await using host = launch(options);
  await host.ready;

  const verifier = new Verifier(now);
  const before = transferStats();
  const began = now();
  const limit = options.frames ?? DEFAULT_MAX_FRAMES;
  const progress = new ProgressLine(stderrScreen(), now);
  const stall = stallGuard(host);
  let results: Results;
  try {
    results = await receiveAll(
      host,
      sendAll(host, source, limit, verifier),
      verifier,
      options.snapshot !== undefined,
      (received, sent) => {
        stall.alive();
        const rate = received / ((now() - began) / 1000);
        const text = `${rate.toFixed(1)} frames/s`;
        progress.update({ done: received, total: sent ?? limit, text });
      },
    );
  } finally {
    stall.end();
    progress.end();
  }
  const seconds = (now() - began) / 1000;
  const after = transferStats();
  if (options.snapshot && results.picture) {
    await Deno.writeFile(options.snapshot, results.picture);
  }
  const { received } = results;
  const { times, stats, broker, clientPid } = host;
  const perFrame = (bytes: number): number =>
    received === 0 ? 0 : Math.round(bytes / received);
  const { acked = 0, hello = 0, spawned = 0 } = times;
  const { latencies } = verifier;
  const summary: Summary = {
    input: options.input ?? source.name,
    size: `${source.width}x${source.height}`,
    frames_sent: stats.sent,
    frames_received: received,
    frames_verified: verifier.verified,
    frames_recomputed: verifier.recomputed,
    frames_dropped: stats.dropped,
    fps: round(received / seconds, 1),
    handshake_ms: round(acked, 1),
    handshake_without_process_start_ms: round(acked - (hello - spawned), 1),
    latency_us: {
      p50: Math.round(percentile(latencies, 0.5)),
      p99: Math.round(percentile(latencies, 0.99)),
    },
    pixel_bytes_copied_per_frame: perFrame(
      after.copied_bytes - before.copied_bytes + results.clientCopied,
    ),
    message_bytes_per_frame: perFrame(
      after.socket_bytes - before.socket_bytes,
    ),
    path: "dictionary",
    pids: { host: Deno.pid, client: clientPid },
    broker: { service: broker.service, embedded: broker.embedded },
  };
  return { summary, problems: verifier.problems };
}

/** Ends the host, with a reason, when nothing comes back any more. */
function stallGuard(
  host: DemoHost,
): { alive(): void; end(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      say(`demo: no frame came back for ${STALL_MS / 1000} s, ending`);
      void host.close();
    }, STALL_MS);
  };
  alive();
  return { alive, end: () => clearTimeout(timer) };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function say(text: string): void {
  Deno.stderr.writeSync(encoder.encode(`${text}\n`));
}

function table(summary: Summary): string {
  const { latency_us: { p50, p99 }, pids, broker } = summary;
  return closingTable([
    ["input", `${summary.input}, ${summary.size}`],
    [
      "frames",
      `${summary.frames_sent} sent, ${summary.frames_received} received, ${summary.frames_dropped} dropped`,
    ],
    [
      "verified",
      `${summary.frames_verified} by checksum, ${summary.frames_recomputed} of them computed again`,
    ],
    ["speed", `${summary.fps} frames/s`],
    [
      "handshake",
      `${summary.handshake_ms} ms, ${summary.handshake_without_process_start_ms} ms without the process's start`,
    ],
    [
      "latency",
      `p50 ${(p50 / 1000).toFixed(2)} ms, p99 ${
        (p99 / 1000).toFixed(2)
      } ms, there and back with the work`,
    ],
    ["pixels copied", `${summary.pixel_bytes_copied_per_frame} bytes a frame`],
    ["messages", `${summary.message_bytes_per_frame} bytes a frame`],
    ["processes", `host ${pids.host}, client ${pids.client}`],
    [
      "broker",
      broker.embedded ? "embedded in the host" : broker.service,
    ],
  ]);
}

async function main(): Promise<number> {
  try {
    const options = readOptions(Deno.args);
    if (options === "help") {
      Deno.stdout.writeSync(encoder.encode(HELP));
      return 0;
    }
    const { summary, problems } = await demo(options);
    for (const problem of problems.slice(0, 5)) say(`demo: ${problem}`);
    // The words go to stderr only where stdout is for a program.
    if (options.json) Deno.stderr.writeSync(encoder.encode(table(summary)));
    else Deno.stdout.writeSync(encoder.encode(table(summary)));
    if (options.snapshot) say(`wrote ${options.snapshot}`);
    if (options.json) {
      Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(summary)}\n`));
    }
    const complete = summary.frames_verified === summary.frames_sent &&
      summary.frames_sent > 0;
    return complete ? 0 : EXIT_FAILED;
  } catch (error) {
    if (error instanceof UsageError) {
      say(`demo: ${error.message}\nTry: deno task demo --help`);
      return EXIT_USAGE;
    }
    if (error instanceof BridgeError || error instanceof MediaError) {
      say(`demo: ${error.message}`);
      return EXIT_FAILED;
    }
    throw error;
  }
}

Deno.exitCode = await main();
