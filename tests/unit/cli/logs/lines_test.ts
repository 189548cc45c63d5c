import { assertEquals } from "@std/assert";
import { LineSplitter } from "../../../../cli/logs/line_splitter.ts";
import { lineTime, SinceFilter } from "../../../../cli/text/line_time.ts";

Deno.test("line splitter: lines come whole, however the bytes come", () => {
  const text = "one\ntwo\r\n\nthrée 舞台\nrest";
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter();
    const lines: string[] = [];
    const buffer = new Uint8Array(size);
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      buffer.set(piece);
      lines.push(...splitter.push(buffer.subarray(0, piece.length)));
    }
    assertEquals(lines, ["one", "two", "", "thrée 舞台"]);
    assertEquals(splitter.end(), ["rest"]);
    assertEquals(splitter.end(), []);
  }
});

Deno.test("line splitter: a line without an end does not fill the memory", () => {
  const splitter = new LineSplitter();
  const zeros = new Uint8Array(64 * 1024);
  let lines = 0;
  for (let i = 0; i < 64; i++) lines += [...splitter.push(zeros)].length;
  assertEquals(lines, 4);
});

Deno.test("line time: of a JSON record, or what the line begins with", () => {
  const at = Date.parse("2026-01-02T03:04:05.678Z");
  const table: [line: string, time: number | undefined][] = [
    ['{"time":"2026-01-02T03:04:05.678Z","level":"info"}', at],
    ['{"level":"info", "timestamp" : "2026-01-02T03:04:05.678Z"}', at],
    ["2026-01-02T03:04:05.678Z started", at],
    ["[2026-01-02 03:04:05,678] started", at],
    ["2026-01-02T04:04:05.678+01:00 started", at],
    ["started at 2026-01-02T03:04:05.678Z", undefined],
    ['{"message":"2026-01-02T03:04:05.678Z"}', undefined],
    ["2026-99-02T03:04:05Z", undefined],
    ["", undefined],
  ];
  for (const [line, time] of table) assertEquals(lineTime(line), time, line);
});

Deno.test("since filter: a line without a time is as old as the one before it", () => {
  const lines = [
    "no time",
    "2026-01-01T00:00:00Z old",
    "  its second line",
    "2026-01-03T00:00:00Z new",
    "  its second line",
    "2026-01-01T00:00:00Z old again",
  ];
  const filter = new SinceFilter(Date.parse("2026-01-02T00:00:00Z"));
  assertEquals(lines.filter((l) => filter.passes(l)), [lines[3], lines[4]]);
  assertEquals(filter.timed, true);
  const all = new SinceFilter(undefined);
  assertEquals(lines.filter((l) => all.passes(l)), lines);
});
