/**
 * The statistics that each side reports to the broker once a second.
 *
 * @module
 */

import type { RequestOf } from "../proto/wire/control.ts";
import type { ChannelStats } from "./channel.ts";

/** A channel, as far as its statistics are concerned. */
export interface ReportedChannel {
  /** How its frames travel. */
  readonly path: string;
  /** Its counters. */
  readonly stats: ChannelStats;
}

/**
 * Returns the report of a channel: what was received since `before`, the
 * counters at the time when frames could first flow. The latency is that of the
 * newest frames, including frames sent before that time.
 */
export function statsReport(
  { path, stats }: ReportedChannel,
  before: ChannelStats,
): RequestOf<"ReportStats"> {
  return {
    path,
    frames: stats.received - before.received,
    bytes: stats.bytes - before.bytes,
    dropped: stats.dropped - before.dropped,
    p50_us: stats.p50_us,
    p99_us: stats.p99_us,
  };
}
