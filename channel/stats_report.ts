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

/** Reports the counters of a channel, from the time when frames could first flow. */
export class StatsReports {
  readonly #channel: ReportedChannel;
  readonly #before: ChannelStats;
  #told = "";

  /** Called when frames can flow. */
  constructor(channel: ReportedChannel) {
    this.#channel = channel;
    this.#before = channel.stats;
  }

  /**
   * Sends the report, unless it is the one that was sent before: a channel that is
   * idle uses no processor.
   *
   * @param send returns why the report was not taken; then the next one is sent again
   */
  async send(
    send: (report: RequestOf<"ReportStats">) => Promise<string | undefined>,
  ): Promise<void> {
    const report = statsReport(this.#channel, this.#before);
    const text = JSON.stringify(report);
    if (text === this.#told) return;
    if (await send(report) === undefined) this.#told = text;
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
