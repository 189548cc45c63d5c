import { assertEquals } from "@std/assert";
import type { ChannelStats } from "../../../channel/channel.ts";
import { statsReport } from "../../../channel/stats_report.ts";

Deno.test("a report counts from the gate's opening; latency is of now", () => {
  const before: ChannelStats = {
    sent: 10,
    received: 20,
    dropped: 1,
    waiting: 0,
    peer_dropped: 0,
    stray_releases: 0,
    misfits: 2,
    given_away: 0,
    bytes: 1_000,
    p50_us: 5,
    p99_us: 6,
  };
  const now: ChannelStats = {
    sent: 11,
    received: 25,
    dropped: 3,
    waiting: 0,
    peer_dropped: 0,
    stray_releases: 0,
    misfits: 2,
    given_away: 0,
    bytes: 1_500,
    p50_us: 50,
    p99_us: 60,
  };
  assertEquals(statsReport({ path: "dictionary", stats: now }, before), {
    path: "dictionary",
    frames: 5,
    bytes: 500,
    dropped: 2,
    p50_us: 50,
    p99_us: 60,
  });
});
