/**
 * What a side tells the broker once a second: what came over its channel since
 * that connection's gate opened.
 *
 * @module
 */

import type { RequestOf } from "../proto/wire/control.ts";
import type { ChannelStats } from "./channel.ts";

/** How frames travel: every one as a dictionary. */
const PATH = "dictionary";

/** The report; `before` is what the channel said when the gate opened. Latency is that of the newest frames, whenever they went. */
export function statsReport(
  now: ChannelStats,
  before: ChannelStats,
): RequestOf<"ReportStats"> {
  return {
    path: PATH,
    frames: now.received - before.received,
    bytes: now.bytes - before.bytes,
    dropped: now.dropped - before.dropped,
    p50_us: now.p50_us,
    p99_us: now.p99_us,
  };
}
