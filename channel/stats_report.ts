/**
 * The statistics that each side reports to the broker once a second.
 *
 * @module
 */

import type { RequestOf } from "../proto/wire/control.ts";
import type { ChannelStats } from "./channel_stats.ts";

/** A channel, as far as its statistics are concerned. */
export interface ReportedChannel {
  /** Its counters. */
  readonly stats: ChannelStats;
}

/** Reports the counters of a channel when they have changed, from the time when frames could first flow. */
export class StatsReports {
  readonly #channel: ReportedChannel;
  readonly #before: ChannelStats;
  readonly #more: () => RequestOf<"ReportStats">;
  #told = "";

  /**
   * Called when frames can flow.
   *
   * @param more what a side reports besides
   */
  constructor(
    channel: ReportedChannel,
    more: () => RequestOf<"ReportStats"> = () => ({}),
  ) {
    this.#channel = channel;
    this.#more = more;
    this.#before = channel.stats;
  }

  /** The next report; undefined if it is the one that was sent last. */
  get next(): RequestOf<"ReportStats"> | undefined {
    const report = {
      ...this.#more(),
      ...statsReport(this.#channel, this.#before),
    };
    return JSON.stringify(report) === this.#told ? undefined : report;
  }

  /**
   * Sends a report.
   *
   * @param send returns why the report was not taken; then the next one is sent again
   */
  async send(
    report: RequestOf<"ReportStats">,
    send: (report: RequestOf<"ReportStats">) => Promise<string | undefined>,
  ): Promise<void> {
    if (await send(report) === undefined) this.#told = JSON.stringify(report);
  }
}

/**
 * Returns the report of a channel: what was received since `before`, the
 * counters at the time when frames could first flow. The latency is that of the
 * newest frames, including frames sent before that time.
 */
export function statsReport(
  { stats }: ReportedChannel,
  before: ChannelStats,
): RequestOf<"ReportStats"> {
  return {
    path: stats.path ?? "",
    frames: stats.received - before.received,
    bytes: stats.bytes - before.bytes,
    dropped: stats.dropped - before.dropped,
    p50_us: stats.p50_us,
    p99_us: stats.p99_us,
  };
}
