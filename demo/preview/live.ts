/**
 * How things are right now, for the preview.
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

/** Over how many frames the speed and the latency "of late" are taken. */
const RECENT_FRAMES = 120;

/** What is told about. */
export interface LiveSubject {
  readonly host: DemoHost;
  readonly source: FrameSource;
  /** What to call the input. */
  readonly input: string;
  readonly verifier: Verifier;
  readonly results: Results;
}

/** Watches a demo; made right after the host's launch. */
export class Live {
  readonly #subject: LiveSubject;
  readonly #launchedAt = Date.now();
  readonly #began = performance.now();
  readonly #before: TransferStats = transferStats();
  readonly #arrivals = new Recent(RECENT_FRAMES);
  #firstFrameMs: number | undefined;
  #info: GetConnectionInfoResponse | undefined;

  /** @param subject what is told about */
  constructor(subject: LiveSubject) {
    this.#subject = subject;
  }

  /** A frame has come back, and was verified. */
  frame(): void {
    const now = performance.now();
    this.#firstFrameMs ??= now - this.#began;
    this.#arrivals.add(now);
  }

  /** How things are, the broker asked. */
  async now(): Promise<PreviewStatus> {
    try {
      this.#info = await this.#subject.host.connectionInfo() ?? this.#info;
      return this.#status("running", states(this.#info));
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      // A channel goes on without its broker.
      return this.#status("running", {
        ...states(this.#info),
        why: error.message,
      });
    }
  }

  /** How things were at the end; `why` is in words. */
  last(demo: "ended" | "failed", why: string): PreviewStatus {
    const failed = "failed" as const;
    return this.#status(demo, {
      ...states(this.#info),
      // What the broker says of a lost connection, which it can no longer be asked.
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
      pids: { host: Deno.pid, client: clientPid },
      broker: { service: broker.service, embedded: broker.embedded },
    };
  }
}
