import { assert, assertEquals } from "@std/assert";
import {
  type Column,
  type Row,
  tableLines,
} from "../../../../cli/text/table.ts";
import { truncate, widthOf, wrap } from "../../../../cli/text/text_width.ts";

const COLUMNS: readonly Column[] = [
  { title: "ID", least: 6 },
  { title: "NAME", importance: 2 },
  { title: "COUNT", align: "right", importance: 3 },
  { title: "STATE", importance: 3 },
];
const ID = "0123456789abcdef";
const ROWS: readonly Row[] = [
  { cells: [ID, "a long name of a camera", "7", { text: "ready" }] },
  {
    cells: [ID, "舞台", "12345", { text: "failed", style: "bad" }],
    note: "no such device, and then a long explanation follows",
  },
];

function lines(columns: number, colour = false): string[] {
  return tableLines(COLUMNS, ROWS, { columns, colour });
}

Deno.test("table: where there is room nothing is cut, and wide characters take two cells", () => {
  const wide = [
    "ID                NAME                     COUNT  STATE",
    "0123456789abcdef  a long name of a camera      7  ready",
    "0123456789abcdef  舞台                     12345  failed",
    "  no such device, and then a long explanation follows",
  ];
  assertEquals(lines(200), wide);
  assertEquals(lines(Infinity), wide);
  assertEquals(lines(56), wide);
});

Deno.test("table: the least important column is cut first, down to what it asks for", () => {
  assertEquals(
    lines(50)[1],
    "012345678…  a long name of a camera      7  ready",
  );
  assertEquals(
    lines(50)[0],
    "ID          NAME                     COUNT  STATE",
  );
  assertEquals(lines(40)[1], "01234…  a long name of a…      7  ready");
  assertEquals(lines(40)[2], "01234…  舞台               12345  failed");
});

Deno.test("table: where that is not enough a column is left out, and numbers are never cut", () => {
  assertEquals(lines(24), [
    "NAME       COUNT  STATE",
    "a long n…      7  ready",
    "舞台       12345  failed",
    "  no such device, and",
    "  then a long",
    "  explanation follows",
  ]);
  assertEquals(lines(8)[2], "12345");
  assertEquals(lines(3)[2], "12…");
});

Deno.test("table: no line is wider than the terminal, at any width", () => {
  for (let columns = 18; columns < 80; columns++) {
    for (const line of lines(columns)) {
      assert(widthOf(line) <= columns, `${columns}: ${line}`);
    }
  }
});

Deno.test("table: colour is for text alone, and changes no width", () => {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  const plain = (line: string): string => line.replace(/\x1b\[\d*m/g, "");
  const coloured = lines(50, true);
  assertEquals(coloured.map(plain).map((l) => l.trimEnd()), lines(50));
  assertEquals(coloured[2]?.endsWith("\x1b[31mfailed\x1b[0m"), true);
  assert(coloured[0]?.startsWith("\x1b[1mID\x1b[0m "));
});

Deno.test("table: what acts on a terminal is escaped before it is measured", () => {
  const [, row, note] = tableLines([{ title: "NAME" }], [
    { cells: ["\x1b[2Jevil\u202e"], note: "one\nline\u009b" },
  ], { columns: 80, colour: true });
  assertEquals(row, "\\u001b[2Jevil\\u202e");
  assertEquals(note, "  \x1b[2mone\\u000aline\\u009b\x1b[0m");
});

Deno.test("text: truncated and wrapped by cells", () => {
  assertEquals(truncate("camera", 6), "camera");
  assertEquals(truncate("cameras", 6), "camer…");
  assertEquals(truncate("舞台カメラ", 6), "舞台…");
  assertEquals(truncate("camera", 0), "");
  assertEquals(wrap("one two three", 7), ["one two", "three"]);
  assertEquals(wrap("incomprehensible", 6), ["incomp", "rehens", "ible"]);
  assertEquals(wrap("", 6), [""]);
});
