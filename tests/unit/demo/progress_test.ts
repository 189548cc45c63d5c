import { assert, assertEquals } from "@std/assert";
import {
  closingTable,
  ProgressLine,
  type Screen,
} from "../../../demo/progress.ts";

/** A screen and a clock that the test controls. */
function setUp(
  options: Partial<Screen>,
): { line: ProgressLine; written: string[]; at: (ms: number) => void } {
  let now = 1000;
  const written: string[] = [];
  const screen: Screen = {
    write: (text) => written.push(text),
    terminal: true,
    colour: false,
    columns: 80,
    ...options,
  };
  const line = new ProgressLine(screen, () => now);
  return { line, written, at: (ms) => now = 1000 + ms };
}

Deno.test("on a terminal, one line is drawn over, and left with a line end", () => {
  const { line, written, at } = setUp({});
  line.update({ done: 0, total: 300, text: "starting" });
  at(10);
  line.update({ done: 1, total: 300, text: "59.9 frames/s" });
  at(60);
  line.update({ done: 150, total: 300, text: "59.9 frames/s" });
  at(70);
  line.update({ done: 300, total: 300, text: "60.0 frames/s" });
  line.end();
  assertEquals(written, [
    `\r\x1b[K${"─".repeat(24)}  0%  0/300  starting`,
    `\r\x1b[K${"━".repeat(12)}${"─".repeat(12)} 50%  150/300  59.9 frames/s`,
    `\r\x1b[K${"━".repeat(24)}100%  300/300  60.0 frames/s`,
    "\n",
  ]);
});

Deno.test("a line never reaches the last column", () => {
  for (const columns of [20, 40, 80]) {
    const { line, written } = setUp({ columns });
    line.update({ done: 7, total: 9, text: "x".repeat(200) });
    const shown = written[0]!.replace("\r\x1b[K", "");
    assertEquals(shown.length, columns - 1);
    assertEquals(shown.includes("━"), columns === 80);
  }
});

Deno.test("colours come only where they are welcome, and are ended", () => {
  const drawn = (colour: boolean): string => {
    const { line, written } = setUp({ colour });
    line.update({ done: 1, total: 2, text: "" });
    return written[0]!.replace("\r\x1b[K", "");
  };
  assert(!drawn(false).includes("\x1b"));
  assertEquals(drawn(true).split("\x1b[0m").length, 3);
  // deno-lint-ignore no-control-regex
  assertEquals(drawn(true).replaceAll(/\x1b\[\d+m/g, ""), drawn(false));
});

Deno.test("elsewhere, plain lines come once a second, and the last one always", () => {
  const { line, written, at } = setUp({ terminal: false, colour: true });
  for (let ms = 0; ms <= 2400; ms += 100) {
    at(ms);
    line.update({ done: ms / 100, total: 24, text: "t" });
  }
  line.end();
  assertEquals(written, [
    "0%  0/24  t\n",
    "41%  10/24  t\n",
    "83%  20/24  t\n",
    "100%  24/24  t\n",
  ]);
});

Deno.test("nothing to tell writes nothing", () => {
  const { line, written } = setUp({});
  line.end();
  assertEquals(written, []);
});

Deno.test("a total of nothing is no progress, and more than all is all", () => {
  const { line, written, at } = setUp({ terminal: false });
  line.update({ done: 0, total: 0, text: "a" });
  at(5000);
  line.update({ done: 5, total: 4, text: "b" });
  assertEquals(written, ["0%  0/0  a\n", "100%  5/4  b\n"]);
});

Deno.test("the table's values stand below each other", () => {
  assertEquals(
    closingTable([["frames in", "300"], ["dropped", "0"], [
      "latency p50",
      "1.2 ms",
    ]]),
    "frames in    300\ndropped      0\nlatency p50  1.2 ms\n",
  );
  assertEquals(closingTable([]), "");
});

Deno.test("a value that is too long goes on below itself, within the columns", () => {
  const table = closingTable([["path", "word ".repeat(40).trim()], ["x", ""]]);
  const lines = table.trimEnd().split("\n");
  assert(lines.every((line) => line.length <= 80), table);
  assertEquals(lines[0]!.slice(0, 10), "path  word");
  assertEquals(lines[1]!.slice(0, 10), "      word");
  assertEquals(table.match(/word/g)!.length, 40);
  assert(table.endsWith("\nx\n"));
});

Deno.test("as many as come have no part and no bar", () => {
  for (const terminal of [true, false]) {
    const { line, written } = setUp({ terminal });
    line.update({ done: 7, total: undefined, text: "Ctrl-C ends" });
    const text = written[0]!.replace("\r\x1b[K", "").trimEnd();
    assertEquals(text, "7 frames  Ctrl-C ends");
  }
});
