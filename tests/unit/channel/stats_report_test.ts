import { assertEquals } from "@std/assert";
import type { ChannelStats } from "../../../channel/channel_stats.ts";
import { statsReport, StatsReports } from "../../../channel/stats_report.ts";

const NONE: { -readonly [K in keyof ChannelStats]: ChannelStats[K] } = {
  path: "lane",
  sent: 0,
  received: 0,
  dropped: 0,
  waiting: 0,
  lost: 0,
  peer_dropped: 0,
  stray_releases: 0,
  misfits: 0,
  leased: 0,
  given_away: 0,
  copied_bytes: 0,
  bytes: 0,
  p50_us: 0,
  p99_us: 0,
};

Deno.test("a report is sent when it has changed, and again when it was not taken", async () => {
  const stats = { ...NONE };
  const reports = new StatsReports({
    get stats() {
      return { ...stats };
    },
  });
  const sent: [string | undefined, number | undefined][] = [];
  let answer: string | undefined;
  const send = async (): Promise<void> => {
    const { next } = reports;
    if (next === undefined) return;
    await reports.send(next, ({ path, frames }) => {
      sent.push([path, frames]);
      return Promise.resolve(answer);
    });
  };
  await send(); // the first one says how frames travel
  await send();
  assertEquals(sent, [["lane", 0]]);
  stats.received = 3;
  answer = "the broker is gone";
  await send();
  answer = undefined;
  await send();
  await send();
  stats.dropped = 1;
  await send();
  assertEquals(sent.map(([, frames]) => frames), [0, 3, 3, 3]);
});

Deno.test("a report counts from the gate's opening; latency is of now", () => {
  const before: ChannelStats = {
    path: undefined,
    sent: 10,
    received: 20,
    dropped: 1,
    waiting: 0,
    lost: 0,
    peer_dropped: 0,
    stray_releases: 0,
    misfits: 2,
    leased: 0,
    given_away: 0,
    copied_bytes: 0,
    bytes: 1_000,
    p50_us: 5,
    p99_us: 6,
  };
  const now: ChannelStats = {
    path: "dictionary",
    sent: 11,
    received: 25,
    dropped: 3,
    waiting: 0,
    lost: 0,
    peer_dropped: 0,
    stray_releases: 0,
    misfits: 2,
    leased: 0,
    given_away: 0,
    copied_bytes: 0,
    bytes: 1_500,
    p50_us: 50,
    p99_us: 60,
  };
  assertEquals(statsReport({ stats: now }, before), {
    path: "dictionary",
    frames: 5,
    bytes: 500,
    dropped: 2,
    p50_us: 50,
    p99_us: 60,
  });
});
