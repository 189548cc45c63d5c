/**
 * One run of the demo, from the source to the summary.
 *
 * @module
 */

import { transferStats } from "../host/mod.ts";
import { encodePng } from "../host/crash/png.ts";
import type { DemoOptions } from "./options.ts";
import {
  type DemoHost,
  launch,
  receiveAll,
  Results,
  sendAll,
} from "./pipeline.ts";
import { Live } from "./preview/live.ts";
import { Preview } from "./preview/preview.ts";
import { ProgressLine, stderrScreen } from "./progress.ts";
import type { MediaError } from "./input/media_error.ts";
import { type FrameSource, openSource } from "./input/source.ts";
import { checkSnapshot, writeSnapshot } from "./snapshot.ts";
import { round, type Summary } from "./summary.ts";
import { percentile, Verifier } from "./verify/verifier.ts";

/** The default limit of frames, for long videos. */
const DEFAULT_MAX_FRAMES = 300;
/** The time without a result after which the client counts as stuck. */
const STALL_MS = 15_000;

/** The surroundings of a run. */
export interface RunContext {
  /** Prints a line. */
  say(text: string): void;
  /** Ends the run when it aborts; frames that were sent still come back. */
  readonly stop: AbortSignal;
}

/** How a run has ended. */
export interface DemoOutcome {
  readonly summary: Summary;
  /** The problems of the first few bad frames. */
  readonly problems: readonly string[];
  /** Whether the snapshot was written: true, false if none was asked for or no frame came back, or why it could not be. */
  readonly snapshot: boolean | MediaError;
}

/** Runs the demo. */
export async function runDemo(
  options: DemoOptions,
  { say, stop }: RunContext,
): Promise<DemoOutcome> {
  const now = (): number => performance.now();
  const preview = options.preview !== undefined;
  const endless = preview && options.frames === undefined;
  if (options.snapshot !== undefined) {
    await checkSnapshot(options.snapshot, options.input);
  }
  await using source = await openOrStopped(options, stop);
  for (const note of source.notes) say(`input: ${note}`);
  const verifier = new Verifier(now);
  const results = new Results();
  const input = options.input ?? source.name;

  await using page = options.preview === undefined
    ? undefined
    : new Preview(options.preview);
  await using host = await launch(options);
  const live = new Live({ host, source, input, verifier, results });
  page?.show(() => live.now());
  if (page) say(`preview: ${page.url}`);
  try {
    await readyOrStopped(host, stop);
    const before = transferStats();
    const began = now();
    const limit = endless ? Infinity : options.frames ?? DEFAULT_MAX_FRAMES;
    const progress = new ProgressLine(stderrScreen(), now);
    const stall = stallGuard(host, results, say);
    let snapshot: Uint8Array | undefined;
    try {
      const sending = sendAll(host, source, {
        limit,
        paced: preview,
        stop,
        verifier,
        pictures: page?.pictures,
      });
      await receiveAll(host, sending, results, (frame, sent) => {
        verifier.received(frame);
        page?.pictures.received(frame);
        live.frame();
        stall.alive();
        progress.update({
          done: results.received,
          total: sent ?? options.frames, // not the default limit: the input may end before it
          text: progressText(results.received, now() - began, endless),
        });
      }, ({ pixel_buffer: { width, height, bytes_per_row, pixels } }) => {
        if (options.snapshot === undefined) return;
        snapshot = encodePng(width, height, pixels, bytes_per_row);
      });
    } finally {
      stall.end();
      progress.end();
    }
    const seconds = (now() - began) / 1000;
    const after = transferStats();
    const written = snapshot !== undefined &&
      await writeSnapshot(options.snapshot!, snapshot);
    const { received } = results;
    const { times, stats, broker, clientPid } = host;
    const perFrame = (bytes: number): number =>
      received === 0 ? 0 : Math.round(bytes / received);
    const { acked = 0, hello = 0, spawned = 0 } = times;
    const latencies = verifier.latencies.values;
    const summary: Summary = {
      input,
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
      path: stats.path!, // the host was ready
      pids: { host: Deno.pid, client: clientPid },
      client: options.python === undefined ? "deno" : "python",
      broker: { service: broker.service, embedded: broker.embedded },
    };
    await live.now(); // the broker's last record of the connection before it is closed
    page?.end(live.last(
      "ended",
      stop.aborted
        ? "it was stopped where it was started"
        : "every frame that was asked for has been shown",
    ));
    return { summary, problems: verifier.problems, snapshot: written };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    page?.end(live.last("failed", why));
    throw error;
  }
}

/** The run was stopped before it could begin. */
export class StoppedError extends Error {
  override name = "StoppedError";
}

/** Opens the source; a wait for a FIFO or a slow decoder ends when the run is stopped. */
async function openOrStopped(
  { input, frames, preview, size }: DemoOptions,
  stop: AbortSignal,
): Promise<FrameSource> {
  try {
    return await openSource(input, {
      loop: preview !== undefined || frames !== undefined,
      stop,
      ...(size && { size }),
    });
  } catch (error) {
    if (!stop.aborted) throw error;
    throw new StoppedError("stopped before the input was open");
  }
}

async function readyOrStopped(
  host: DemoHost,
  stop: AbortSignal,
): Promise<void> {
  const end = (): void => void host.close();
  stop.addEventListener("abort", end);
  try {
    await host.ready;
  } catch (error) {
    if (!stop.aborted) throw error;
    throw new StoppedError("stopped before the connection was ready");
  } finally {
    stop.removeEventListener("abort", end);
  }
}

function progressText(
  received: number,
  ms: number,
  endless: boolean,
): string {
  const rate = `${(received / (ms / 1000)).toFixed(1)} frames/s`;
  return endless ? `${rate}  Ctrl-C ends` : rate;
}

/** Ends the host with a reason if results are awaited and none comes. An input may be slower than that. */
function stallGuard(
  host: DemoHost,
  results: Results,
  say: (text: string) => void,
): { alive(): void; end(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sentBefore = 0;
  const alive = (): void => {
    clearTimeout(timer);
    sentBefore = host.stats.sent;
    timer = setTimeout(() => {
      // Only a frame that was sent before this time began can be late.
      if (sentBefore <= results.received) return alive();
      say(`demo: no frame came back for ${STALL_MS / 1000} s, ending`);
      void host.close();
    }, STALL_MS);
  };
  alive();
  return { alive, end: () => clearTimeout(timer) };
}
