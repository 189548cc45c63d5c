/**
 * Collects the current state for the preview.
 *
 * @module
 */

import {
  BridgeError,
  type GetConnectionInfoResponse,
  type TransferStats,
  transferStats,
} from "../../host/mod.ts";
import type { DemoHost, Results } from "../pipeline.ts";
import { Recent } from "../recent.ts";
import type { FrameSource } from "../input/source.ts";
import { round } from "../summary.ts";
import { percentile, type Verifier } from "../verify/verifier.ts";
import { type PreviewStatus, states, steps } from "./status.ts";

/** The number of frames over which recent speed and latency are computed. */
const RECENT_FRAMES = 120;

/** The demo to report on. */
export interface LiveSubject {
  readonly host: DemoHost;
  readonly source: FrameSource;
  /** The name of the input. */
  readonly input: string;
  readonly verifier: Verifier;
  readonly results: Results;
}

/** Reports on a demo. Make it right after the host's launch. */
export class Live {
  readonly #subject: LiveSubject;
  readonly #launchedAt = Date.now();
  readonly #began = performance.now();
  readonly #before: TransferStats = transferStats();
  readonly #arrivals = new Recent(RECENT_FRAMES);
  #firstFrameMs: number | undefined;
  #info: GetConnectionInfoResponse | undefined;

  /** @param subject the demo to report on */
  constructor(subject: LiveSubject) {
    this.#subject = subject;
  }

  /** Notes that a frame has come back and was verified. */
  frame(): void {
    const now = performance.now();
    this.#firstFrameMs ??= now - this.#began;
    this.#arrivals.add(now);
  }

  /** Returns the current state, with the broker's record. */
  async now(): Promise<PreviewStatus> {
    try {
      this.#info = await this.#subject.host.connectionInfo() ?? this.#info;
      return this.#status("running", states(this.#info));
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      // The channel goes on without its broker.
      return this.#status("running", {
        ...states(this.#info),
        why: error.message,
      });
    }
  }

  /** Returns the state at the end; `why` is the reason as text. */
  last(demo: "ended" | "failed", why: string): PreviewStatus {
    const failed = "failed" as const;
    return this.#status(demo, {
      ...states(this.#info),
      // The broker's state of a lost connection; the broker cannot be asked any more.
      ...(demo === failed &&
        { derived_state: failed, host_state: failed, client_state: failed }),
      why,
    });
  }

  #status(
    demo: PreviewStatus["demo"],
    state: ReturnType<typeof states>,
  ): PreviewStatus {
    const { host, source, input, verifier, results } = this.#subject;
    const { times, stats, broker, clientPid } = host;
    const now = performance.now();
    const { acked, hello, spawned } = times;
    const latencies = verifier.latencies.newest(RECENT_FRAMES);
    const copied = transferStats().copied_bytes - this.#before.copied_bytes +
      results.clientCopied;
    return {
      demo,
      ...state,
      age_ms: Math.round(now - this.#began),
      steps: steps({
        times,
        info: this.#info,
        launchedAt: this.#launchedAt,
        firstFrameMs: this.#firstFrameMs,
      }),
      input,
      size: `${source.width}x${source.height}`,
      frames_sent: stats.sent,
      frames_received: results.received,
      frames_verified: verifier.verified,
      frames_dropped: stats.dropped,
      fps: round(this.#arrivals.perSecond(now), 1),
      source_fps: round(source.frameRate, 2),
      handshake_ms: acked === undefined ? null : round(acked, 1),
      handshake_without_process_start_ms:
        acked === undefined || hello === undefined || spawned === undefined
          ? null
          : round(acked - (hello - spawned), 1),
      latency_us: latencies.length === 0 ? null : {
        p50: Math.round(percentile(latencies, 0.5)),
        p99: Math.round(percentile(latencies, 0.99)),
      },
      pixel_bytes_copied_per_frame: results.received === 0
        ? 0
        : Math.round(copied / results.received),
      path: stats.path ?? null,
      pids: { host: Deno.pid, client: clientPid },
      broker: { service: broker.service, embedded: broker.embedded },
    };
  }
}
